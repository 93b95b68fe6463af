#!/usr/bin/env python3
"""How time and memory of the program grow with what it is given (see README.md)."""

import argparse
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "python_lines"
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau".split()


def cost(command):
    """Processor seconds of one process, and megabytes at its peak."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\n{errors.read()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def write_lines(path, count, words=8):
    """Lines of random words; every line is another one."""
    draw = random.Random(0)
    with open(path, "w") as file:
        for index in range(count):
            file.write(f"{' '.join(draw.choices(WORDS, k=words - 1))} {index}\n")
    return path


class Growth:
    """Each method gives, for one quantity, {size: command}; what does not grow with it is in every size alike."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.bytes = folder / "bytes"
        self.bytes.mkdir()
        (self.bytes / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer", "extra_ids": 0}')
        self.tvae = [options.build / "tvae", "--quiet", "--threads", options.threads]

    def train(self, name, lines, **settings):
        """The first steps of a run of a small model."""
        run = {"train.steps": 4, "train.eval_steps": 0, "data.tokenizer": self.bytes, "data.max_tokens": 128,
               "model.d_model": 256, "model.d_ff": 512, "model.num_heads": 4, "model.encoder_layers": 2,
               "model.decoder_layers": 2, "loss.regularizer": "kl", **settings}  # fmt: skip
        sets = [part for key, value in run.items() for part in ("--set", f"{key}={value}")]
        return [*self.tvae, "train", "lines_small", "--train", lines, "--out", self.folder / name, *sets]

    def length(self):
        """Tokens of a sequence; every batch has 8,192 tokens."""
        commands = {}
        for length in (64, 256, 1024, 2048):
            lines = self.folder / f"length{length}.txt"
            draw = random.Random(1)
            lines.write_text("".join("".join(draw.choices("abcdefgh ", k=length - 1)) + "\n" for _ in range(400)))
            commands[length] = self.train(f"length{length}", lines,
                                          **{"data.max_tokens": length, "train.batch_tokens": 8192})  # fmt: skip
        return commands

    def batch(self):
        """Sequences of a batch."""
        lines = write_lines(self.folder / "batch.txt", 4000)
        return {n: self.train(f"batch{n}", lines, **{"train.batch_size": n, "train.batch_tokens": 0})
                for n in (16, 64, 256, 1024)}  # fmt: skip

    def lines(self):
        """Lines of a file that a run reads, tokenizes and starts on."""
        sizes = [n for n in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if n <= self.options.most_lines]
        return {n: self.train(f"lines{n}", write_lines(self.folder / f"lines{n}.txt", n),
                              **{"train.batch_size": 64, "data.tokenizer": ""}) for n in sizes}  # fmt: skip

    def encoded(self):
        """Lines that are encoded."""
        return {n: [*self.tvae, "encode", MODEL, write_lines(self.folder / f"encoded{n}.txt", n), "--out",
                    self.folder / f"encoded{n}.safetensors"] for n in (1_000, 4_000, 16_000)}  # fmt: skip

    def samples(self):
        """Texts that are sampled."""
        return {n: [*self.tvae, "sample", MODEL, "-n", n] for n in (500, 2_000, 8_000)}


def main():
    names = [name for name in vars(Growth) if not name.startswith("_") and name != "train"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most-lines", type=int, default=1_000_000, help="of the largest file")
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    parser.add_argument("--json", type=pathlib.Path, help="keep every number")
    options = parser.parse_args()
    found = {}
    print(f"{'':10}{'size':>12}{'seconds':>10}{'times':>8}{'MB':>8}{'exponent':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        growth = Growth(options, pathlib.Path(temporary))
        for name in options.only:
            before = None
            for size, command in getattr(growth, name)().items():
                seconds, megabytes = cost(command)
                found.setdefault(name, {})[size] = {"seconds": seconds, "megabytes": megabytes}
                line = f"{name:10}{size:12,}{seconds:10.2f}"
                if before:
                    times = seconds / before[1]
                    line += f"{times:8.2f}{megabytes:8.0f}{math.log(times) / math.log(size / before[0]):10.2f}"
                else:
                    line += f"{'':8}{megabytes:8.0f}"
                print(line, flush=True)
                before = (size, seconds)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
