#!/usr/bin/env python3
"""Whether the rate that `auto` takes is a good one: against eight that are set by hand, at the same compute (see README.md)."""

import argparse
import fcntl
import json
import pathlib
import re
import subprocess

from recipe import run

# The rates that are set by hand, in entropies of a row under the n-gram model that `auto` looks at, and its own way.
AUTO = "auto"
RATIOS = [1.2, 1.75, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0]
# What `auto` makes of the rate: these follow the rate of each run, everything else is the same for all.
OF_RATE = ["loss.kl.target", "loss.kl.target_start", "loss.kl.target_floor", "model.latent_size", "model.latent_tokens"]
SECTIONS = "reconstruction,interpolation,fluency"


def choose(data, options):
    """What `auto` chooses within the minutes: {key: value}, and the entropy of a row, in nats."""
    command = [options.tvae, "--json", "--threads", options.threads, "config", "auto", "--train", data,
               "--minutes", options.minutes, "--explain", *given(options.set)]
    lines = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout.splitlines()
    explained = [json.loads(line) for line in lines]
    chosen = {line["key"]: line["value"] for line in explained if line["origin"].startswith("auto: ")}
    [reason] = [line["origin"] for line in explained if line["key"] == "loss.kl.target"]
    return chosen, float(re.search(r"times the ([0-9.]+) nats", reason)[1])


def given(pairs):
    return [part for pair in pairs for part in ("--set", pair)]


def settings(chosen, target):
    keys = {key: value for key, value in chosen.items() if key not in OF_RATE and key != "train.minutes" and value != ""}
    if target:
        keys["loss.kl.target"] = target
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}
    return [part for key, value in text.items() for part in ("--set", f"{key}={value}")]


def measure(folder):
    report = json.loads((folder / "eval" / "report.json").read_text(encoding="utf-8"))
    metrics = [json.loads(line) for line in (folder / "logs" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rates = [line["valid_kl"] for line in metrics if "valid_kl" in line]
    reconstruction, paths = report["reconstruction"], report["interpolation"]
    fluency = report["fluency"]["paths"]
    found = {
        "rate": rates[-1] if rates else None,
        "exact": reconstruction["exact_match"],
        "similarity": reconstruction["edit_similarity"],
        "valid": paths.get("valid"),
        "fluency": fluency["fluency"],
        "reverse": fluency["reverse_fluency"],
        "repetition": fluency["repetition"],
        "real_repetition": report["fluency"]["held_out"]["repetition"],
        "new": paths["new"],
        "new_valid": paths.get("new_valid"),
        "distinct": paths["distinct"],
        "smoothness": paths["smoothness"],
    }
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


def quality(figures):
    """Exact match, and how good the texts between two are: valid ones where there is a check, else fluent ones."""
    return figures["exact"] + (figures["valid"] if figures["valid"] is not None else min(1, figures["fluency"]))


class Figures:
    """What was measured, in a file: another call, on another machine too, goes on with it."""

    def __init__(self, file):
        self.file = file
        self.read()

    def read(self):
        self.sets = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}

    def change(self, apply):
        """Keeps what other calls have added in the meantime."""
        with open(self.file.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.read()
            apply(self.sets)
            unfinished = self.file.with_suffix(".tmp")
            unfinished.write_text(self.text(), encoding="utf-8")
            unfinished.replace(self.file)

    def text(self):
        """JSON with a line for each measurement."""
        sets = []
        for name, made in self.sets.items():
            runs = ",\n".join(f"      {json.dumps(ratio)}: {json.dumps(figures)}" for ratio, figures in made["runs"].items())
            head = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in made.items() if key != "runs")
            sets.append(f"  {json.dumps(name)}: {{{head},\n    \"runs\": {{\n{runs}\n    }}}}")
        return "{\n" + ",\n".join(sets) + "\n}\n"


def make(name, data, figures, options):
    if name not in figures.sets:
        chosen, entropy = choose(data, options)
        made = {"minutes": options.minutes, "threads": options.threads, "samples": options.samples, "set": options.set,
                "entropy": entropy, "chosen": chosen, "runs": {}}
        figures.change(lambda sets: sets.update({name: made}))
    made = figures.sets[name]
    for ratio in options.ratios:
        if str(ratio) in made["runs"]:
            continue
        target = None if ratio == AUTO else max(1, round(ratio * made["entropy"]))
        folder = options.out / f"{name}-{ratio}"
        log = options.out / f"{name}-{ratio}.log"
        threads = ["--threads", options.threads]
        run([options.tvae, *threads, "train", "auto", "--train", data, "--out", folder, "--resume",
             *settings(made["chosen"], target), *given(made["set"]), "--set", "train.previews=false"], log)
        run([options.tvae, *threads, "eval", folder, "--only", SECTIONS, "--samples", made["samples"]], log)
        settled = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]["loss"]["kl"]["target"]
        measured = {"target": settled, **measure(folder)}
        figures.change(lambda sets: sets[name]["runs"].update({str(ratio): measured}))
        made = figures.sets[name]


def show(value):
    return "–" if value is None else f"{value:.3f}".lstrip("0") if value < 1 else f"{value:.2f}"


def table(figures):
    columns = [*map(str, RATIOS), AUTO]
    print("| data | " + " | ".join(f"**{AUTO}**" if name == AUTO else f"{float(name):g}" for name in columns)
          + " | auto, share of the best by hand |")
    print("|---|" + "---|" * (len(columns) + 1))
    for name, made in figures.sets.items():
        qualities = {ratio: quality(run) for ratio, run in made["runs"].items()}
        complete = all(column in qualities for column in columns)  # the best of a few says little
        share = qualities[AUTO] / max(qualities[str(ratio)] for ratio in RATIOS) if complete else None
        print(f"| {name} | " + " | ".join(show(qualities.get(column)) for column in columns) + f" | {show(share)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", help="NAME=FILE: what to train on")
    parser.add_argument("--tvae", default="build/tvae", help="the program")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/auto"), help="where models are made")
    parser.add_argument("--figures", type=pathlib.Path, default=pathlib.Path(__file__).with_name("auto.json"))
    parser.add_argument("--minutes", type=float, default=20, help="that auto is given")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=500, help="texts and paths that are measured")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of all runs")
    parser.add_argument("--ratios", type=lambda ratio: ratio if ratio == AUTO else float(ratio), nargs="+", default=[*RATIOS, AUTO])
    parser.add_argument("--table", action="store_true", help="print what is there and make nothing")
    options = parser.parse_args()
    figures = Figures(options.figures)
    if not options.table:
        options.out.mkdir(parents=True, exist_ok=True)
        for pair in options.data:
            name, _, file = pair.partition("=")
            make(name, file, figures, options)
    table(figures)


if __name__ == "__main__":
    main()
