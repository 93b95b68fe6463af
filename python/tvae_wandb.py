#!/usr/bin/env python3
"""Sends the folder of a run (tvae train --out RUN) to Weights & Biases: metrics as charts, interpolations and samples as
tables, image strips as images. While the run trains (--follow) or afterwards. Running it again sends what is new.

RUN/logs/wandb.json remembers the W&B run and what it has. Needs the wandb package, and Pillow for images. What
--mode offline wrote, `wandb sync` uploads."""

import argparse
import collections
import importlib.util
import json
import math
import os
import pathlib
import sys
import time

STEP = "train/global_step"  # every chart's x axis, as in the Trainer of transformers

# Names of the original project; everything else gets train/ or, if held out, eval/.
PUBLISHED_NAMES = {
    "cross_entropy": "train/decoder_ce",
    "regularizer": "train/reg_loss",
    "regularizer_weight": "train/reg_loss_w",
    "interpolation_valid": "interpolation samples passing seq check",
    "sample_valid": "samples passing seq check",
    "svm_classification_test_accuracy": "svm_classification_test_accuracy",
    "random_classification_test_accuracy": "random_classification_test_accuracy",
}


class CannotSend(Exception):
    """One line for the user, and the exit status."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


def metric_name(key):
    if key in PUBLISHED_NAMES:
        return PUBLISHED_NAMES[key]
    return "eval/" + key.removeprefix("valid_") if key.startswith("valid_") else "train/" + key


def metrics(_, record):
    """What could not be measured (null) is not a number."""
    return {metric_name(key): math.nan if value is None else value for key, value in record.items() if key != "step"}


def interpolation_table(wandb, record):
    rows = [[row["ratio"], row["text"], row.get("valid")] for row in record["rows"]]
    return {"interpolate points": wandb.Table(columns=["Interpolation Ratio", "Text", "Valid"], data=rows)}


def sample_table(wandb, record):
    rows = [[row["text"], row.get("valid")] for row in record["rows"]]
    return {"samples": wandb.Table(columns=["Text", "Valid"], data=rows)}


def image(wandb, path):
    return {"image_interpolation": wandb.Image(str(path))}


class JsonLines:
    """The whole lines that a growing file has gained since the last call."""

    def __init__(self, path):
        self.path = path
        self.file, self.offset = None, 0

    def new(self):
        """Yields (step, place among the lines of this step, record); all lines again once the file was replaced, as a
        resumed run does that cuts its log back to where it goes on."""
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                if self.file != status.st_ino or status.st_size < self.offset:
                    self.file, self.offset, self.step, self.place = status.st_ino, 0, None, 0
                file.seek(self.offset)
                lines = file.read()
        except FileNotFoundError:
            return
        whole = lines.rfind(b"\n") + 1  # a last line without an end is still being written
        self.offset += whole
        for line in lines[:whole].splitlines():
            try:
                record = json.loads(line)
                step = int(record["step"])
            except (ValueError, TypeError, KeyError):
                print(f"tvae_wandb: {self.path}: left out a line that is no record: {line[:60]!r}", file=sys.stderr)
                continue
            self.place = self.place + 1 if step == self.step else 1
            self.step = step
            yield step, self.place, record


class Images:
    """The files NAME-STEP.png of a folder."""

    def __init__(self, folder):
        self.folder = folder

    def new(self):
        for path in sorted(self.folder.glob("interpolation-*.png")):
            number = path.stem.removeprefix("interpolation-")
            if number.isdigit():
                yield int(number), 1, path


def read_run(folder):
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CannotSend(f"{folder} is no run: it has no run.json (what tvae train --out writes)", 3) from None
    except (OSError, ValueError) as error:
        raise CannotSend(f"{folder}/run.json cannot be read: {error}", 3) from None


def training_finished(folder):
    """Whether the run's checkpoint is that of its last step, which is saved after everything was logged."""
    try:
        with open(folder / "checkpoint" / "state.safetensors", "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return json.loads(header["__metadata__"]["state"])["finished"]
    except (OSError, ValueError, KeyError):  # none yet
        return False


class SentRecords:
    """RUN/logs/wandb.json: for a project the id of the W&B run, and of each log the last step that it has and how many
    records of that step."""

    def __init__(self, path, project, again):
        self.path = path
        try:
            self.projects = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.projects = {}
        except ValueError as error:
            raise CannotSend(f"{path} cannot be read: {error}; without it everything is sent again", 3) from None
        if again:
            self.projects.pop(project, None)
        self.run = self.projects.setdefault(project, {"id": None, "sent": {}})

    def has(self, log, step, place):
        return [step, place] <= self.run["sent"].get(log, [-1, 0])

    def add(self, places):
        self.run["sent"].update(places)
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(self.projects, indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, self.path)


class Forwarder:
    def __init__(self, folder, wandb, run, sent):
        self.folder, self.wandb, self.run, self.sent = folder, wandb, run, sent
        logs = folder / "logs"
        self.logs = {
            "metrics.jsonl": (JsonLines(logs / "metrics.jsonl"), metrics),
            "interpolations.jsonl": (JsonLines(logs / "interpolations.jsonl"), interpolation_table),
            "samples.jsonl": (JsonLines(logs / "samples.jsonl"), sample_table),
        }
        if importlib.util.find_spec("PIL"):
            self.logs["images"] = (Images(logs / "images"), image)
        elif (logs / "images").is_dir():
            print("tvae_wandb: images are left out: wandb needs the package pillow for them", file=sys.stderr)

    def send(self):
        """Sends what is new, in order of steps; returns how many steps that were."""
        values, places = collections.defaultdict(dict), collections.defaultdict(dict)
        for name, (log, convert) in self.logs.items():
            for step, place, record in log.new():
                if not self.sent.has(name, step, place):
                    values[step].update(convert(self.wandb, record))
                    places[step][name] = [step, place]
        for step in sorted(values):
            self.run.log({**values[step], STEP: step})
            self.sent.add(places[step])
        return len(values)


def forward(options, wandb):
    folder = pathlib.Path(options.run)
    config = read_run(folder)
    if not options.follow and not (folder / "logs" / "metrics.jsonl").exists():
        raise CannotSend(f"{folder} has no logs/metrics.jsonl: nothing was logged yet (--follow waits)", 3)
    (folder / "logs").mkdir(exist_ok=True)
    sent = SentRecords(folder / "logs" / "wandb.json", options.project, options.again)
    name = options.name or folder.resolve().name
    run = wandb.init(project=options.project, entity=options.entity, name=name, id=sent.run["id"], config=config,
                     mode=options.mode, resume="allow")
    try:
        sent.run["id"] = run.id
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)
        forwarder = Forwarder(folder, wandb, run, sent)
        steps = forwarder.send()
        finished = not options.follow
        while not finished:
            finished = training_finished(folder)  # asked before the last look, which then misses nothing
            steps += forwarder.send()
            if not finished:
                time.sleep(options.interval)
    except KeyboardInterrupt:
        print("tvae_wandb: stopped; running it again sends the rest", file=sys.stderr)
    else:
        print(f"tvae_wandb: sent {steps} new steps of {folder} to {options.project}", file=sys.stderr)
    finally:
        run.finish()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--project", required=True, help="W&B project")
    parser.add_argument("--entity", help="W&B user or team; default: yours")
    parser.add_argument("--name", help="what W&B calls the run; default: the folder's name")
    parser.add_argument("--mode", choices=["online", "offline"], help="default: what WANDB_MODE says, else online")
    parser.add_argument("--follow", action="store_true",
                        help="keep sending until the training is finished (or Ctrl-C)")
    parser.add_argument("--interval", type=float, default=10.0, metavar="S",
                        help="seconds between two looks at the logs with --follow (default %(default)s)")
    parser.add_argument("--again", action="store_true", help="forget what was sent: a new W&B run with everything")
    options = parser.parse_args(arguments)
    try:
        try:
            import wandb
        except ImportError:
            raise CannotSend("the package wandb is missing: pip install wandb", 2) from None
        try:
            forward(options, wandb)
        except wandb.Error as error:
            raise CannotSend("wandb: " + " ".join(str(error).split()), 2) from None
    except CannotSend as error:
        print(f"tvae_wandb: {error}", file=sys.stderr)
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
