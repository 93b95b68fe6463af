#!/usr/bin/env python3
"""Speed of a training step: the library against transformers, in one run on one machine (see README.md)."""

import argparse
import functools
import pathlib
import statistics
import sys
import tempfile

from common import (PEERS, add_arguments, finish, make_data, make_model, print_table, program, ratio, run_in_turns, run_json,
                    spread, summary)  # fmt: skip

NAMES = ["ours", "padded", "longest", "grouped"]
LOSS_TOLERANCE = 1e-4


def run_peer(options, name, folder, steps, dropout):
    """JSON lines of one fresh process."""
    if name == "ours":
        command = [program(options, "benchmarks/bench_train_step")]
    else:
        command = [sys.executable, PEERS / "transformers_train_step.py", "--mode", name, "--pad-to", options.max_tokens,
                   "--warmup", options.warmup]  # fmt: skip
    return run_json(command + ["--model", folder / "model", "--data", folder / "data.safetensors", "--steps", steps,
                               "--batch-size", options.batch_size, "--dropout", dropout, "--threads", options.threads])  # fmt: skip


def check_agreement(options, folder):
    """Largest relative difference of the losses without dropout on equal batches."""
    ours, theirs = (
        run_peer(options, name, folder, options.agreement_steps, dropout=0.0) for name in ("ours", "longest")
    )
    return max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(ours, theirs, strict=True))


def step_flops(config, lengths):
    """Floating-point operations of the matrix products of forward and backward on the tokens themselves."""
    d, inner, d_ff = config.d_model, config.num_heads * config.d_kv, config.d_ff
    tokens = sum(lengths)
    feed_forward = 2 * d * d_ff
    per_token = config.num_layers * (4 * d * inner + feed_forward)
    per_token += config.num_decoder_layers * (8 * d * inner + feed_forward) + d * config.vocab_size
    pairs = sum(n * n for n in lengths)
    causal_pairs = sum(n * (n + 1) // 2 for n in lengths)
    attention = 2 * inner * (config.num_layers * pairs + config.num_decoder_layers * (pairs + causal_pairs))
    return 3 * 2 * (tokens * per_token + attention)  # a product forward is two products backward


def timed_run(options, name, folder):
    steps = run_peer(options, name, folder, options.warmup + options.steps, options.dropout)[options.warmup :]
    block = {key: sum(step[key] for step in steps) for key in ("real_tokens", "processed_tokens", "seconds")}
    return {**block, "speed": block["real_tokens"] / block["seconds"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, rounds=5)
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--steps", type=int, default=12, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them")
    parser.add_argument("--agreement-steps", type=int, default=50, help="steps whose losses are compared; 0 = none")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lines", type=int, default=20_000, help="from which the grouped peer draws its batches")
    parser.add_argument("--dropout", type=float, default=0.1)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        config = make_model(folder / "model")
        batches = max(options.warmup + options.steps, options.agreement_steps)
        # Timed are the first batches; the peer that groups by length draws from all lines, since it groups a real file
        # as well as it can be grouped.
        lengths = make_data(options, folder / "data.safetensors", batches * options.batch_size, options.lines)
        timed = lengths[options.warmup * options.batch_size : (options.warmup + options.steps) * options.batch_size]
        results = {"mean_tokens": statistics.mean(timed), "flops_a_step": step_flops(config, timed) / options.steps}
        if options.agreement_steps:
            results["loss_difference"] = check_agreement(options, folder)
            print(f"losses differ by {results['loss_difference']:.1e} at most, relatively", file=sys.stderr, flush=True)
        runs = {name: functools.partial(timed_run, options, name, folder) for name in options.peers}
        blocks = run_in_turns(options, runs, "real tokens/s")

    report(options, results, blocks)
    if results.get("loss_difference", 0.0) > LOSS_TOLERANCE:
        sys.exit(f"the losses differ by more than {LOSS_TOLERANCE:g}: the peers do not do the same work")


def report(options, results, blocks):
    """Prints the table and adds its numbers to the results."""
    print(f"\nT5-small, batches of {options.batch_size}, {results['mean_tokens']:.1f} tokens a sequence on average, "
          f"{results['flops_a_step'] / 1e9:.0f} GFLOP a step")  # fmt: skip
    flops_a_token = results["flops_a_step"] / (results["mean_tokens"] * options.batch_size)
    results["peers"] = {name: summary(kept) for name, kept in blocks.items()}
    table = [["", "real tokens/s", "range", "processed/s", "GEMM bound", "ours/this", "blocks"]]
    for name, row in results["peers"].items():
        if not row:
            table.append([name, "the machine did not keep its speed", "", "", "", "", 0])
            continue
        kept = row["blocks"]
        processed = statistics.median(b["processed_tokens"] / b["seconds"] for b in kept)
        share = statistics.median(b["speed"] * flops_a_token / (1e9 * max(b["gflops"].values())) for b in kept)
        row.update(processed_tokens_per_second=processed, share_of_gemm_bound=share)
        table.append([name, f"{row['median']:.1f}", spread(row), f"{processed:.1f}", f"{share:.0%}",
                      ratio(results["peers"].get("ours"), row), len(kept)])  # fmt: skip
    print_table(table)
    finish(options, results, [block for kept in blocks.values() for block in kept])


if __name__ == "__main__":
    main()
