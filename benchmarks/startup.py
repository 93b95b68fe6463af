#!/usr/bin/env python3
"""How long a process takes from its start to its end, or to its first training step (see README.md)."""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from train_step import make_data, make_model

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
TEXTS = ["import numpy as np", "return self.name == other.name"]


def seconds(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return time.perf_counter() - start


def commands(options, folder):
    """{what: [name, command]}: of each, what it is compared with comes last."""
    tvae = str(options.build / "tvae")
    data = ["--model", folder / "model", "--data", folder / "data.safetensors", "--steps", 1, "--batch-size", options.batch_size,
            "--threads", options.threads]  # fmt: skip
    found = {
        "help": [[tvae, "--version"]],
        "presets": [[tvae, "presets"]],
        "a path of 11 texts": [[tvae, "--threads", options.threads, "interpolate", ROOT / "models" / "python_lines",
                                "--from", TEXTS[0], "--to", TEXTS[1]]],
        "import": [[sys.executable, "-c", "import torch"]],
        "a first step": [[options.build / "benchmarks" / "bench_train_step", *data],
                         [sys.executable, FOLDER / "peers" / "transformers_train_step.py", *data]],
    }  # fmt: skip
    return {what: [[str(part) for part in command] for command in pair] for what, pair in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="with bench_train_step in it")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="text file, one sequence a line; .xz, .gz too")
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True, help="SentencePiece .model or its folder")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--lines", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make_model(folder / "model")
        make_data(options, 1, folder / "data.safetensors")
        runs = commands(options, folder)
        times = {what: [[] for _ in pair] for what, pair in runs.items()}
        for index in range(options.rounds + 1):  # the first fills the page cache
            for what, pair in runs.items():
                for command, taken in zip(pair, times[what]):
                    found = seconds(command)
                    if index > 0:
                        taken.append(found)
    print(f"{'':20}{'seconds':>9}{'range':>14}{'transformers':>14}{'range':>14}{'ratio':>7}")
    for what, pair in times.items():
        cells = [f"{statistics.median(taken):9.3f}{min(taken):8.3f}-{max(taken):5.3f}" for taken in pair]
        ratio = f"{statistics.median(pair[1]) / statistics.median(pair[0]):12.2f}" if len(pair) > 1 else ""
        print(f"{what:20}" + "".join(cells) + ratio)


if __name__ == "__main__":
    main()
