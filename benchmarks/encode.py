#!/usr/bin/env python3
"""Lines encoded a second: the library against transformers and sentence-transformers, in one run on one machine (see
README.md)."""

import argparse
import functools
import json
import pathlib
import shutil
import sys
import tempfile
import time

import sentence_transformers
import transformers
from common import (PEERS, ROOT, add_arguments, find_sentencepiece_model, finish, make_model, print_table, program, ratio,
                    run_command, run_in_turns, run_json, spread, summary, usable_lines)  # fmt: skip

BOX = ROOT / "models" / "python_lines"
NAMES = ["ours", "transformers", "sentence-transformers"]
MODELS = ["python_lines", "t5_small"]
BATCH_SIZES = {"transformers": 32, "sentence-transformers": 16}  # the fastest of 16, 32, 64 and 128 with T5-small


def encoder_like_the_box(folder):
    """A Hugging Face T5 with random weights whose encoder has the shape of the model in the repository, and its
    tokenizer."""
    box = json.loads((BOX / "config.json").read_text(encoding="utf-8"))
    make_model(folder, vocab_size=box["vocab_size"], d_model=box["d_model"], d_kv=box["d_kv"], d_ff=box["d_ff"],
               num_layers=box["encoder_layers"], num_decoder_layers=1, num_heads=box["num_heads"],
               feed_forward_proj=box["feed_forward"])  # fmt: skip
    for name in ("spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(BOX / name, folder / name)


def make_models(options, folder):
    """{model: [ours, the peers']}: of each the folder."""
    found = {}
    if "python_lines" in options.models:
        encoder_like_the_box(folder / "box")
        found["python_lines"] = [BOX, folder / "box"]
    if "t5_small" in options.models:
        theirs, ours = folder / "t5_small", folder / "ours"
        make_model(theirs)
        transformers.T5TokenizerFast(str(find_sentencepiece_model(options.tokenizer))).save_pretrained(theirs)
        run_command([program(options, "tvae"), "import", theirs, "--out", ours, "--set",
                     f"data.max_tokens={options.max_tokens}"])  # fmt: skip
        found["t5_small"] = [ours, theirs]
    return found


def seconds_of_encode(options, model, lines, out):
    start = time.perf_counter()
    run_command([program(options, "tvae"), "encode", model, lines, "--out", out, "--quiet", "--threads", options.threads])
    return time.perf_counter() - start


def timed_run(options, name, models, folder):
    ours, theirs = models
    if name == "ours":
        out = folder / "codes.npy"
        whole, start = (seconds_of_encode(options, ours, folder / lines, out) for lines in ("lines.txt", "line.txt"))
        return {"speed": (options.lines - 1) / (whole - start), "start": start}
    batch_size = options.batch_size or BATCH_SIZES[name]
    found = run_json([sys.executable, PEERS / "transformers_encode.py", "--mode", name, "--model", theirs, "--lines",
                      folder / "lines.txt", "--batch-size", batch_size, "--max-tokens", options.max_tokens,
                      "--threads", options.threads])[0]  # fmt: skip
    return {"speed": found["lines"] / found["seconds"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, rounds=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--lines", type=int, default=5000, help="lines of --data that are encoded")
    parser.add_argument("--batch-size", type=int, help=f"of the peers; default: {BATCH_SIZES}")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        lines = usable_lines(options, options.lines)
        if len(lines) < options.lines:
            sys.exit(f"{options.data} has {len(lines)} usable lines, not {options.lines}")
        for name, count in (("lines.txt", options.lines), ("line.txt", 1)):
            text = "".join(f"{line}\n" for line, _ in lines[:count])
            (folder / name).write_text(text, encoding="utf-8")
        blocks = {}
        for model, folders in make_models(options, folder).items():
            print(model, file=sys.stderr, flush=True)
            runs = {name: functools.partial(timed_run, options, name, folders, folder) for name in options.peers}
            blocks[model] = run_in_turns(options, runs, "lines/s")

    mean = sum(len(ids) for _, ids in lines) / len(lines)
    report(options, {"mean_tokens": mean}, blocks)


def report(options, results, blocks):
    """Prints the table and adds its numbers to the results."""
    print(f"\n{options.lines} lines, {results['mean_tokens']:.1f} tokens of --tokenizer each on average; "
          f"batches of the peers: {options.batch_size or BATCH_SIZES}")  # fmt: skip
    table = [["", "model", "lines/s", "range", "ours/this", "blocks"]]
    results["models"] = {model: {name: summary(found) for name, found in kept.items()} for model, kept in blocks.items()}
    for model, rows in results["models"].items():
        for name, row in rows.items():
            cells = [name, model, "the machine did not keep its speed", "", "", 0]
            if row:
                cells = [name, model, f"{row['median']:.0f}", spread(row), ratio(rows.get("ours"), row), len(row["blocks"])]
            table.append(cells)
    print_table(table)
    print(f"sentence-transformers {sentence_transformers.__version__}, transformers {transformers.__version__}")
    finish(options, results, [block for kept in blocks.values() for found in kept.values() for block in found])


if __name__ == "__main__":
    main()
