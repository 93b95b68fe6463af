#!/usr/bin/env python3
"""Sentences a second that become ids: the library against SentencePiece and transformers, in one run (see README.md)."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from lines import find_sentencepiece_model, read_lines

FOLDER = pathlib.Path(__file__).resolve().parent
PEERS = ["ours", "ours, added", "sentencepiece", "transformers"]


def command(options, peer, threads, data):
    if peer.startswith("ours"):
        run = [options.program, *(["--add-tokens"] if peer == "ours, added" else [])]
    else:
        run = [sys.executable, FOLDER / "peers" / "tokenizing_peer.py", "--library", peer]
    return [str(part) for part in [*run, "--tokenizer", options.tokenizer, "--data", data, "--threads", threads]]


def run_peer(command, threads):
    """{lines, tokens, seconds} of one fresh process, which has no more cores than threads."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    done = subprocess.run(["taskset", "-c", ",".join(map(str, cores)), *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, default=FOLDER.parent / "build/benchmarks/bench_tokenizing")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="text file, one sentence a line; .xz, .gz too")
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True, help="SentencePiece .model or its folder")
    parser.add_argument("--lines", type=int, default=60_000, help="the first ones of the file")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7, help="after one that does not count")
    options = parser.parse_args()
    if not options.program.exists():
        sys.exit(f"no program {options.program}: build the target bench_tokenizing with -DTVAE_BENCHMARKS=ON")
    options.tokenizer = find_sentencepiece_model(options.tokenizer)

    cases = [(peer, threads) for threads in options.threads for peer in PEERS]
    found = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "lines.txt"
        lines = [line for _, line in zip(range(options.lines), read_lines(options.data)) if line]
        data.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for index in range(options.rounds + 1):
            for peer, threads in cases:
                taken = run_peer(command(options, peer, threads, data), threads)
                if index > 0:
                    found[peer, threads].append(taken)

    print(f"{len(lines)} lines, {processor()}, {len(os.sched_getaffinity(0))} cores")
    print(f"{'':16}{'threads':>8}{'sentences/s':>13}{'range':>18}{'tokens a line':>15}{'of SentencePiece':>18}")
    speeds = {case: [taken["lines"] / taken["seconds"] for taken in runs] for case, runs in found.items()}
    for peer, threads in cases:
        own, theirs = speeds[peer, threads], speeds["sentencepiece", threads]
        share = statistics.median(a / b for a, b in zip(own, theirs))
        tokens = found[peer, threads][0]["tokens"] / found[peer, threads][0]["lines"]
        print(f"{peer:16}{threads:8}{statistics.median(own):13.0f}{f'{min(own):.0f}-{max(own):.0f}':>18}{tokens:15.2f}{share:18.0%}")


if __name__ == "__main__":
    main()
