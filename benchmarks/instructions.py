#!/usr/bin/env python3
"""Counts the instructions of fixed pieces of work and compares them with those in instructions.json (see README.md)."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
KEPT = FOLDER / "instructions.json"
WORKS = ["train", "decode", "encode"]
TOLERANCE = 0.03
# What a user may have set for libtorch and its libraries would choose other code.
CHOOSES_CODE = ("ATEN_", "MKL_", "ONEDNN_", "DNNL_", "OMP_", "GOMP_", "KMP_")
COUNT = re.compile(r"^ *([\d,]+) \([^)]*%\)  (.*)$", re.MULTILINE)


def run(command, **settings):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **settings)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def count(program, work):
    """({"products": instructions of the matrix products of libtorch's libraries, "rest": all others}, versions)."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(CHOOSES_CODE)}
    environment.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder) / "profile"
        versions = run(["valgrind", "--tool=callgrind", "--toggle-collect=counted_work", f"--callgrind-out-file={profile}",
                        program, work, ROOT / "models" / "python_lines"], env=environment)  # fmt: skip
        table = run(["callgrind_annotate", "--threshold=100", profile])
    counts = {"products": 0, "rest": 0}
    for number, function in COUNT.findall(table):
        if function != "PROGRAM TOTALS":
            counts["products" if re.search("mkl_|dnnl", function) else "rest"] += int(number.replace(",", ""))
    return counts, json.loads(versions)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build-instructions/benchmarks/bench_fixed_work")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)
    parser.add_argument("--update", action="store_true", help=f"write the counts into {KEPT.name}")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed (Debian: valgrind)")

    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {"versions": {}, "instructions": {}}
    counts, versions = {}, {"valgrind": run(["valgrind", "--version"]).strip()}
    for work in options.works:
        counts[work], found = count(options.program, work)
        versions.update(found)
    if kept["versions"] not in ({}, versions):
        print(f"{KEPT.name} was counted with {kept['versions']}, this is {versions}")

    more = fewer = False
    print(f"{'':8}{'':10}{'millions':>10}{'kept':>10}{'change':>9}")
    for work, parts in counts.items():
        for part, number in parts.items():
            before = kept["instructions"].get(work, {}).get(part)
            change = number / before - 1 if before else 0.0
            more |= change > TOLERANCE
            fewer |= change < -TOLERANCE
            print(f"{work:8}{part:10}{number / 1e6:10.2f}" + (f"{before / 1e6:10.2f}{change:+9.2%}" if before else ""))
    if options.update:
        instructions = {**kept["instructions"], **counts}
        KEPT.write_text(json.dumps({"versions": versions, "instructions": instructions}, indent=2) + "\n", encoding="utf-8")
    elif more:
        sys.exit(f"more instructions than {KEPT.name} has, by over {TOLERANCE:.0%}; make bench-check UPDATE=1 keeps them")
    elif fewer:
        print(f"fewer by over {TOLERANCE:.0%}: make bench-check UPDATE=1 keeps them")


if __name__ == "__main__":
    main()
