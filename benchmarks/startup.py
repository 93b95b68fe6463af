#!/usr/bin/env python3
"""How long a process takes from its start to its end, or to its first training step (see README.md)."""

import argparse
import pathlib
import sys
import tempfile
import time

from common import (PEERS, ROOT, add_arguments, finish, make_data, make_model, print_table, program, ratio, run_block,
                    run_command, summary)  # fmt: skip

TEXTS = ["import numpy as np", "return self.name == other.name"]


def commands(options, folder):
    """{what: [command]}: of each, what it is compared with comes last."""
    tvae = program(options, "tvae")
    data = ["--model", folder / "model", "--data", folder / "data.safetensors", "--steps", 1, "--batch-size", options.batch_size,
            "--threads", options.threads]  # fmt: skip
    return {
        "tvae --version": [[tvae, "--version"]],
        "tvae presets": [[tvae, "presets"]],
        "a path of 11 texts": [[tvae, "interpolate", ROOT / "models" / "python_lines", "--from", TEXTS[0], "--to", TEXTS[1],
                                "--threads", options.threads]],
        "import torch": [[sys.executable, "-c", "import torch"]],
        "a first step": [[program(options, "benchmarks/bench_train_step"), *data],
                         [sys.executable, PEERS / "transformers_train_step.py", *data]],
    }  # fmt: skip


def seconds(command):
    start = time.perf_counter()
    run_command(command)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, rounds=9)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make_model(folder / "model")
        make_data(options, folder / "data.safetensors", options.batch_size)
        runs = commands(options, folder)

        def one_round():
            return {"seconds": {what: [seconds(command) for command in pair] for what, pair in runs.items()}}

        one_round()  # fills the page cache
        blocks = []
        for index in range(options.rounds):
            blocks.append(run_block(options, one_round, lambda block: f"round {index + 1} of {options.rounds}"))
    report(options, runs, [block for block in blocks if block])


def report(options, runs, blocks):
    def of(what, index):
        return summary([{"speed": block["seconds"][what][index]} for block in blocks])

    results = {what: [of(what, index) for index in range(len(pair))] for what, pair in runs.items()}
    table = [["", "seconds", "range", "transformers", "range", "ratio"]]
    for what, found in results.items():
        cells = []
        for row in found:
            cells += [f"{row['median']:.3f}", "{:.3f}-{:.3f}".format(*row["range"])] if row else ["", ""]
        table.append([what, *cells, *[""] * (4 - len(cells)), ratio(found[1], found[0]) if len(found) > 1 else ""])
    print(f"\n{len(blocks)} of {options.rounds} rounds count")
    print_table(table)
    finish(options, results, blocks)


if __name__ == "__main__":
    main()
