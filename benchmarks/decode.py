#!/usr/bin/env python3
"""Speed of greedy decoding: the library against CTranslate2 and transformers, in one run on one machine (see README.md)."""

import argparse
import functools
import math
import pathlib
import sys
import tempfile

import ctranslate2
import transformers
from common import (PEERS, add_arguments, find_sentencepiece_model, finish, make_data, make_model, print_table, program, ratio,
                    run_in_turns, run_json, spread, summary)  # fmt: skip

NAMES = ["ours fp32", "ctranslate2 fp32", "transformers fp32", "ours int8", "ctranslate2 int8"]
ROWS_OF_A_PART = 16  # tvae/ops/side_by_side.h
TIE = 1e-3  # logits nearer than this are a tie, which rounding decides; those of the random model are of the order of 20


def convert(folder, options):
    """The model as CTranslate2 wants it; the converter asks for a tokenizer beside the weights."""
    tokenizer = transformers.T5Tokenizer(str(find_sentencepiece_model(options.tokenizer)), legacy=False)
    tokenizer.save_pretrained(folder / "model")
    ctranslate2.converters.TransformersConverter(str(folder / "model")).convert(str(folder / "ctranslate2"))


def run_peer(options, name, folder, batch_size, batches, warmup, *flags):
    """JSON lines of one fresh process."""
    library, precision = name.split()
    model = folder / "model"
    if library == "ours":
        command = [program(options, "benchmarks/bench_decode"), *(["--int8"] if precision == "int8" else [])]
    elif library == "ctranslate2":
        model = folder / "ctranslate2"
        kind = {"fp32": "float32", "int8": "int8"}[precision]
        command = [sys.executable, PEERS / "ctranslate2_decode.py", "--compute-type", kind]
    else:
        command = [sys.executable, PEERS / "transformers_decode.py"]
    return run_json(command + ["--model", model, "--data", folder / "data.safetensors", "--batch-size", batch_size,
                               "--batches", batches, "--warmup", warmup, "--new-tokens", options.new_tokens,
                               "--threads", options.threads, *flags])  # fmt: skip


def timed_run(options, name, folder, batch_size):
    batches = math.ceil(options.tokens / (batch_size * options.new_tokens))
    speeds = []
    for flags in ways(options, name, batch_size):
        lines = run_peer(options, name, folder, batch_size, batches, options.warmup, *flags)
        speeds.append(batches * batch_size * options.new_tokens / sum(line["seconds"] for line in lines))
    return {"speed": max(speeds)}


def ways(options, name, batch_size):
    """Flags of CTranslate2's ways to share a batch among threads, of which the faster one counts: all threads at each
    product, or, as ours has it, each thread at a part of the batch."""
    if name.startswith("ctranslate2") and options.threads > 1 and batch_size >= ROWS_OF_A_PART * options.threads:
        return [[], ["--parts", options.threads]]
    return [[]]


def first_difference(row, expected):
    return next((i for i, (a, b) in enumerate(zip(row, expected, strict=True)) if a != b), None)


def compare(found, expected):
    """Of the outputs of one batch beside transformers': {"equal": share, "ties": ..., "wrong": ...}.

    Where a row first differs is a tie if it has transformers' runner-up there, whose logit is smaller by less than TIE;
    what follows has another beginning and cannot be compared. Anything else is wrong.
    """
    ties = wrong = 0
    for row, other, runners_up in zip(found["ids"], expected["ids"], expected["runners_up"], strict=True):
        at = first_difference(row, other)
        if at is not None:
            runner_up, gap = runners_up[at]
            is_tie = row[at] == runner_up and gap < TIE
            ties += is_tie
            wrong += not is_tie
    rows = len(found["ids"])
    return {"equal": (rows - ties - wrong) / rows, "ties": ties, "wrong": wrong}


def check_agreement(options, folder, batch_size):
    """{name: compare()} of one batch."""
    expected = run_peer(options, "transformers fp32", folder, batch_size, 1, 0, "--runners-up")[0]
    others = [name for name in NAMES if not name.startswith("transformers")]
    found = {}
    for name in others:
        outputs = [compare(run_peer(options, name, folder, batch_size, 1, 0, *way)[0], expected)
                   for way in ways(options, name, batch_size)]  # fmt: skip
        found[name] = min(outputs, key=lambda output: output["equal"])
    for name, result in found.items():
        print(f"  {name:24} {result['equal']:.0%} of the outputs are transformers', {result['ties']} differ from a tie on, "
              f"{result['wrong']} otherwise", file=sys.stderr, flush=True)  # fmt: skip
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, rounds=5)
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 32, 128])
    parser.add_argument("--new-tokens", type=int, default=32, help="of every output")
    parser.add_argument("--tokens", type=int, default=2048, help="timed tokens of a run, at least")
    parser.add_argument("--warmup", type=int, default=1, help="batches before them")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        # With random weights, an output layer that is the embedding repeats the token before forever.
        make_model(folder / "model", tie_word_embeddings=False)
        convert(folder, options)
        largest = max(options.batch_sizes)
        make_data(options, folder / "data.safetensors", (options.warmup + 1) * largest + options.tokens // options.new_tokens)
        results, blocks = {"agreement": {}, "peers": {}}, {}
        for size in options.batch_sizes:
            print(f"batches of {size}", file=sys.stderr, flush=True)
            results["agreement"][size] = check_agreement(options, folder, size)
            runs = {name: functools.partial(timed_run, options, name, folder, size) for name in options.peers}
            blocks[size] = run_in_turns(options, runs, "tokens/s")

    report(options, results, blocks)
    wrong = {size: found["ours fp32"]["wrong"] for size, found in results["agreement"].items()}
    if any(wrong.values()):
        sys.exit(f"outputs of ours fp32 that are not transformers', by size of batch: {wrong}")


def report(options, results, blocks):
    """Prints the table and adds its numbers to the results."""
    print(f"\nT5-small, greedy, {options.new_tokens} tokens an output, the encoder's time included")
    table = [["", "batch", "tokens/s", "range", "ours/this", "equal outputs", "blocks"]]
    for size, kept in blocks.items():
        rows = results["peers"][size] = {name: summary(found) for name, found in kept.items()}
        for name, row in rows.items():
            equal = results["agreement"][size].get(name)
            cells = [name, size, "the machine did not keep its speed", "", "", "", 0]
            if row:
                ours = rows.get(f"ours {name.split()[1]}")
                cells = [name, size, f"{row['median']:.0f}", spread(row), ratio(ours, row),
                         f"{equal['equal']:.0%}" if equal else "", len(row["blocks"])]  # fmt: skip
            table.append(cells)
    print_table(table)
    print(f"ctranslate2 {ctranslate2.__version__}, transformers {transformers.__version__}")
    finish(options, results, [block for kept in blocks.values() for found in kept.values() for block in found])


if __name__ == "__main__":
    main()
