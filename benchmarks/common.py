"""What the drivers share: data and a model to measure with, fresh processes, runs in turns while the machine keeps its
speed, tables."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

import sentencepiece
import torch
from lines import find_sentencepiece_model, read_lines
from safetensors.torch import save_file
from transformers import T5Config, T5ForConditionalGeneration

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
PEERS = FOLDER / "peers"
EOS = 1
BLOCK_TRIES = 3  # runs of one block until the machine keeps its speed for as long as the block takes
PROBE_TOLERANCE = 0.10


def add_arguments(parser, rounds):
    """Those that every driver has."""
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="made with -DTVAE_BENCHMARKS=ON")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="text file, one sequence a line; .xz, .gz too")
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True, help="SentencePiece .model or its folder")
    parser.add_argument("--max-tokens", type=int, default=64, help="longer lines are left out")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: one a core")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")


def program(options, name):
    """One of those that the build makes."""
    found = options.build / name
    if not found.exists():
        sys.exit(f"no program {found}: build the target {found.name} with -DTVAE_BENCHMARKS=ON")
    return found


# ---- Data and models


def usable_lines(options, count):
    """The first `count` lines that are neither empty nor longer than --max-tokens, and their ids, end of sequence
    appended; fewer where the file has fewer."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(find_sentencepiece_model(options.tokenizer)))
    found = []
    for line in read_lines(options.data):
        ids = tokenizer.encode(line) + [EOS]
        if 1 < len(ids) <= options.max_tokens:
            found.append((line, ids))
        if len(found) == count:
            break
    return found


def make_data(options, file, least, most=0):
    """Writes the ids of the first lines, `most` or as many as there are; fewer than `least` are an error. Returns their
    lengths."""
    sequences = [ids for _, ids in usable_lines(options, max(least, most))]
    if len(sequences) < least:
        sys.exit(f"{options.data} has {len(sequences)} usable lines, not {least}")
    ids = torch.tensor([i for sequence in sequences for i in sequence], dtype=torch.int32)
    save_file({"ids": ids, "lengths": torch.tensor([len(s) for s in sequences])}, file)
    return [len(s) for s in sequences]


def make_model(folder, **settings):
    """T5-small with random weights; further settings as transformers' T5Config has them."""
    torch.manual_seed(0)
    config = T5Config(decoder_start_token_id=0, **settings)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return config


# ---- Runs


def run_command(command):
    """What a fresh process prints."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def run_json(command):
    """JSON lines of a fresh process."""
    return [json.loads(line) for line in run_command(command).splitlines()]


def probe(options):
    """Speed of matrix products, GFLOP/s: {name: speed}."""
    return run_json([program(options, "benchmarks/bench_probe"), "--threads", options.threads])[0]


def run_block(options, run, describe):
    """What run() gives, a dictionary, with the probe's speeds as "gflops"; None where the machine did not keep its
    speed. describe(block) is told as it comes."""
    for _ in range(BLOCK_TRIES):
        before = probe(options)
        block = run()
        after = probe(options)
        block["gflops"] = {key: (before[key] + after[key]) / 2 for key in before}
        moved = max(abs(after[key] / before[key] - 1) for key in before)
        kept = moved <= PROBE_TOLERANCE
        note = "" if kept else f"  thrown away: probe moved {moved:.0%}"
        print(f"  {describe(block)}{note}", file=sys.stderr, flush=True)
        if kept:
            return block
    return None


def run_in_turns(options, runs, unit):
    """runs: {name: run}, where run() gives a dictionary with "speed". Each round runs every one of them once. Returns
    {name: the blocks that count}."""
    blocks = {name: [] for name in runs}
    for index in range(options.rounds):
        print(f"round {index + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for name, run in runs.items():
            block = run_block(options, run, lambda block: f"{name:24} {block['speed']:8.1f} {unit}")
            if block:
                blocks[name].append(block)
    return blocks


# ---- Results


def summary(blocks):
    """Median and range of the speeds of blocks, with the blocks themselves; None where there are none."""
    if not blocks:
        return None
    speeds = [block["speed"] for block in blocks]
    return {"median": statistics.median(speeds), "range": [min(speeds), max(speeds)], "blocks": blocks}


def spread(row):
    return "{:.0f}-{:.0f}".format(*row["range"])


def ratio(ours, this):
    return f"{ours['median'] / this['median']:.2f}" if ours and this else ""


def print_table(rows):
    """Rows of cells, the first of them the header; the first column stands left, the others right."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [str(cell).rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([str(row[0]).ljust(widths[0]), *cells[1:]]).rstrip())


def machine(options):
    """Where it was measured, for people."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        values = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in values.items()}
    flags = values.get("flags", "").split()
    extensions = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if flag in flags]
    name = f"{values.get('model name', 'unknown processor')}, family {values.get('cpu family')}, model {values.get('model')}"
    return f"{name} ({', '.join(extensions)}), {os.cpu_count()} cores; {options.threads} threads; torch {torch.__version__}"


def finish(options, results, blocks):
    """Says where it was measured and how fast the probe was, and writes the results where --json says."""
    results["machine"] = machine(options)
    print(results["machine"])
    probes = [block["gflops"] for block in blocks]
    if probes:
        results["probe_gflops"] = {key: statistics.median(p[key] for p in probes) for key in probes[0]}
        print("probe, GFLOP/s: " + ", ".join(f"{key} {value:.0f}" for key, value in results["probe_gflops"].items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
