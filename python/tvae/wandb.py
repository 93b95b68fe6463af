"""Sends the folder of a run (tvae train --out RUN) to Weights & Biases: metrics as charts, interpolations and samples as
tables, image strips as images. While the run trains (--follow) or afterwards. Running it again sends what is new.

RUN/logs/wandb.json remembers the W&B run and what it has. Needs the wandb package, and Pillow for images. What
--mode offline wrote, `wandb sync` uploads."""

from __future__ import annotations

import argparse
import collections
import importlib.util
import json
import math
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ._arrays import PathLike
from .errors import Error

Record = dict[str, Any]

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


class CannotSend(Error):
    """One line for the user, and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def metric_name(key: str) -> str:
    if key in PUBLISHED_NAMES:
        return PUBLISHED_NAMES[key]
    return "eval/" + key.removeprefix("valid_") if key.startswith("valid_") else "train/" + key


def metrics(_: Any, record: Record) -> Record:
    """What could not be measured (null) is not a number."""
    return {metric_name(key): math.nan if value is None else value for key, value in record.items() if key != "step"}


def interpolation_table(wandb: Any, record: Record) -> Record:
    rows = [[row["ratio"], row["text"], row.get("valid")] for row in record["rows"]]
    return {"interpolate points": wandb.Table(columns=["Interpolation Ratio", "Text", "Valid"], data=rows)}


def sample_table(wandb: Any, record: Record) -> Record:
    rows = [[row["text"], row.get("valid")] for row in record["rows"]]
    return {"samples": wandb.Table(columns=["Text", "Valid"], data=rows)}


def image(wandb: Any, path: pathlib.Path) -> Record:
    return {"image_interpolation": wandb.Image(str(path))}


class Log(Protocol):
    def new(self) -> Iterator[tuple[int, int, Any]]: ...


class JsonLines:
    """The whole lines that a growing file has gained since the last call."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.file: int | None = None
        self.offset = self.place = 0
        self.step: int | None = None

    def new(self) -> Iterator[tuple[int, int, Record]]:
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
                print(f"tvae.wandb: {self.path}: left out a line that is no record: {line[:60]!r}", file=sys.stderr)
                continue
            self.place = self.place + 1 if step == self.step else 1
            self.step = step
            yield step, self.place, record


class Images:
    """The files NAME-STEP.png of a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def new(self) -> Iterator[tuple[int, int, pathlib.Path]]:
        for path in sorted(self.folder.glob("interpolation-*.png")):
            number = path.stem.removeprefix("interpolation-")
            if number.isdigit():
                yield int(number), 1, path


def read_run(folder: pathlib.Path) -> Any:
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CannotSend(f"{folder} is no run: it has no run.json (what tvae train --out writes)", 3) from None
    except (OSError, ValueError) as error:
        raise CannotSend(f"{folder}/run.json cannot be read: {error}", 3) from None


def training_finished(folder: pathlib.Path) -> bool:
    """Whether the run's checkpoint is that of its last step, which is saved after everything was logged."""
    try:
        with open(folder / "checkpoint" / "state.safetensors", "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return bool(json.loads(header["__metadata__"]["state"])["finished"])
    except (OSError, ValueError, KeyError):  # none yet
        return False


class SentRecords:
    """RUN/logs/wandb.json: for a project the id of the W&B run, and of each log the last step that it has and how many
    records of that step."""

    def __init__(self, path: pathlib.Path, project: str, again: bool) -> None:
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

    def has(self, log: str, step: int, place: int) -> bool:
        return bool([step, place] <= self.run["sent"].get(log, [-1, 0]))

    def add(self, places: Record) -> None:
        self.run["sent"].update(places)
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(self.projects, indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, self.path)


class Forwarder:
    def __init__(self, folder: pathlib.Path, wandb: Any, run: Any, sent: SentRecords) -> None:
        self.folder, self.wandb, self.run, self.sent = folder, wandb, run, sent
        logs = folder / "logs"
        self.logs: dict[str, tuple[Log, Callable[[Any, Any], Record]]] = {
            "metrics.jsonl": (JsonLines(logs / "metrics.jsonl"), metrics),
            "interpolations.jsonl": (JsonLines(logs / "interpolations.jsonl"), interpolation_table),
            "samples.jsonl": (JsonLines(logs / "samples.jsonl"), sample_table),
        }
        if importlib.util.find_spec("PIL"):
            self.logs["images"] = (Images(logs / "images"), image)
        elif (logs / "images").is_dir():
            print("tvae.wandb: images are left out: wandb needs the package pillow for them", file=sys.stderr)

    def send(self) -> int:
        """Sends what is new, in order of steps; returns how many steps that were."""
        values: dict[int, Record] = collections.defaultdict(dict)
        places: dict[int, Record] = collections.defaultdict(dict)
        for name, (log, convert) in self.logs.items():
            for step, place, record in log.new():
                if not self.sent.has(name, step, place):
                    values[step].update(convert(self.wandb, record))
                    places[step][name] = [step, place]
        for step in sorted(values):
            self.run.log({**values[step], STEP: step})
            self.sent.add(places[step])
        return len(values)


def send(run: PathLike, project: str, *, entity: str | None = None, name: str | None = None,
         mode: str | None = None, follow: bool = False, interval: float = 10.0, again: bool = False) -> int:
    """Sends what is new in the folder of a run, and returns how many steps that were.

    Args:
        entity: W&B user or team; None: yours.
        name: what W&B calls the run; None: the folder's name.
        mode: "online" or "offline"; None: what WANDB_MODE says, else online.
        follow: keep sending until the training is finished, or Ctrl-C.
        interval: seconds between two looks at the logs while following.
        again: forget what was sent: a new W&B run with everything.

    Raises:
        CannotSend: in one line, why.
    """
    try:
        import wandb
    except ImportError:
        raise CannotSend("the package wandb is missing: pip install wandb", 2) from None
    try:
        return _send(wandb, pathlib.Path(run), project, entity, name, mode, follow, interval, again)
    except wandb.Error as error:
        raise CannotSend("wandb: " + " ".join(str(error).split()), 2) from None


def _send(wandb: Any, folder: pathlib.Path, project: str, entity: str | None, name: str | None, mode: str | None,
          follow: bool, interval: float, again: bool) -> int:
    config = read_run(folder)
    if not follow and not (folder / "logs" / "metrics.jsonl").exists():
        raise CannotSend(f"{folder} has no logs/metrics.jsonl: nothing was logged yet (--follow waits)", 3)
    (folder / "logs").mkdir(exist_ok=True)
    sent = SentRecords(folder / "logs" / "wandb.json", project, again)
    run = wandb.init(project=project, entity=entity, name=name or folder.resolve().name, id=sent.run["id"],
                     config=config, mode=mode, resume="allow")
    steps = 0
    try:
        sent.run["id"] = run.id
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)
        forwarder = Forwarder(folder, wandb, run, sent)
        steps = forwarder.send()
        finished = not follow
        while not finished:
            finished = training_finished(folder)  # asked before the last look, which then misses nothing
            steps += forwarder.send()
            if not finished:
                time.sleep(interval)
    except KeyboardInterrupt:
        print("tvae.wandb: stopped; running it again sends the rest", file=sys.stderr)
    finally:
        run.finish()
    return steps


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tvae.wandb", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
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
        steps = send(**vars(options))
    except CannotSend as error:
        print(f"tvae.wandb: {error}", file=sys.stderr)
        return error.status
    print(f"tvae.wandb: sent {steps} new steps of {options.run} to {options.project}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
