#!/usr/bin/env python3
"""What the Python package costs over the program: seconds to encode 10,000 lines and to decode 2,000 codes, in turns."""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "python_lines")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, str(options.build / "python"))
    import numpy as np

    import tvae

    def program(verb, *arguments):
        subprocess.run([options.build / "tvae", "--quiet", "--threads", str(options.threads), verb, options.model, *arguments],
                       stdout=subprocess.DEVNULL, check=True)

    model = tvae.load(options.model, device="cpu", threads=options.threads)
    lines = [f"value_{i} = self.items[{i * 7 % 1000}] + offset_{i % 13}" for i in range(10_000)]
    codes = model.encode(lines[:2_000], progress=False)
    with tempfile.TemporaryDirectory() as folder:
        many, one = pathlib.Path(folder) / "many.txt", pathlib.Path(folder) / "one.txt"
        many.write_text("\n".join(lines) + "\n", encoding="utf-8")
        one.write_text(lines[0] + "\n", encoding="utf-8")
        np.save(pathlib.Path(folder) / "many.npy", codes)
        np.save(pathlib.Path(folder) / "one.npy", codes[:1])
        out = pathlib.Path(folder) / "out.npy"
        # The program's own work is its time less that of a run on one line, which starts it and loads the model.
        cases = {
            "encode 10,000 lines": (lambda: model.encode(lines, progress=False),
                                    lambda: program("encode", many, "--out", out), lambda: program("encode", one, "--out", out)),
            "decode 2,000 codes": (lambda: model.decode(codes, progress=False),
                                   lambda: program("decode", pathlib.Path(folder) / "many.npy"),
                                   lambda: program("decode", pathlib.Path(folder) / "one.npy")),
        }
        for name, (in_python, in_program, started) in cases.items():
            ratios = []
            for turn in range(options.turns + 1):
                times = [seconds(call) for call in (in_python, in_program, started)]
                if turn:  # the first warms up
                    ratios.append((times[0], times[1] - times[2]))
            python, own = (statistics.median(column) for column in zip(*ratios))
            print(f"{name}: Python {python:.3f} s, program {own:.3f} s, ratio {statistics.median(a / b for a, b in ratios):.3f}")


if __name__ == "__main__":
    main()
