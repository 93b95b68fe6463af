#!/usr/bin/env python3
"""Speed of a training step: the library against transformers, in one run on one machine (see README.md)."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import sentencepiece
import torch
from lines import find_sentencepiece_model, read_lines
from safetensors.torch import save_file
from transformers import T5Config, T5ForConditionalGeneration

FOLDER = pathlib.Path(__file__).resolve().parent
PEERS = ["ours", "padded", "longest", "grouped"]
EOS = 1
BLOCK_TRIES = 3  # runs of one block until the machine keeps its speed for as long as the block takes
PROBE_TOLERANCE = 0.10
LOSS_TOLERANCE = 1e-4


def make_data(options, batches, file):
    """Tokenises the first lines, end of sequence appended; longer ones than --max-tokens are left out.

    Timed are the first batches of these; the peer that groups by length draws its batches from all of them, since it
    groups a real file as well as it can be grouped.
    """
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(find_sentencepiece_model(options.tokenizer)))
    sequences = []
    for line in read_lines(options.data):
        ids = tokenizer.encode(line) + [EOS]
        if 1 < len(ids) <= options.max_tokens:
            sequences.append(ids)
        if len(sequences) == max(options.lines, batches * options.batch_size):
            break
    if len(sequences) < batches * options.batch_size:
        sys.exit(f"{options.data} has {len(sequences)} usable lines, not {batches * options.batch_size}")
    ids = torch.tensor([i for sequence in sequences for i in sequence], dtype=torch.int32)
    save_file({"ids": ids, "lengths": torch.tensor([len(s) for s in sequences])}, file)
    return [len(s) for s in sequences]


def make_model(folder):
    """T5-small with random weights."""
    torch.manual_seed(0)
    config = T5Config(decoder_start_token_id=0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return config


def run_peer(options, name, folder, steps, dropout):
    """JSON lines of one fresh process."""
    if name == "ours":
        command = [str(options.program)]
    else:
        peer = FOLDER / "peers" / "transformers_train_step.py"
        command = [sys.executable, str(peer), "--mode", name, "--pad-to", str(options.max_tokens),
                   "--warmup", str(options.warmup)]  # fmt: skip
    command += ["--model", folder / "model", "--data", folder / "data.safetensors", "--steps", steps,
                "--batch-size", options.batch_size, "--dropout", dropout, "--threads", options.threads]  # fmt: skip
    return run_json([str(part) for part in command])


def run_json(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def probe(options):
    """Speed of matrix products, GFLOP/s: {name: speed}."""
    return run_json([str(options.program), "--probe", "--threads", str(options.threads)])[0]


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


def run_block(options, name, folder):
    """One measured run: {real, processed, seconds, gflops}, or None where the machine did not keep its speed."""
    for attempt in range(BLOCK_TRIES):
        before = probe(options)
        steps = run_peer(options, name, folder, options.warmup + options.steps, options.dropout)[options.warmup :]
        after = probe(options)
        block = {key: sum(step[key] for step in steps) for key in ("real_tokens", "processed_tokens", "seconds")}
        block["gflops"] = {key: (before[key] + after[key]) / 2 for key in before}
        moved = max(abs(after[key] / before[key] - 1) for key in before)
        speed = block["real_tokens"] / block["seconds"]
        note = "" if moved <= PROBE_TOLERANCE else f"  thrown away: probe moved {moved:.0%}"
        print(f"  {name:8} {speed:8.1f} real tokens/s{note}", file=sys.stderr, flush=True)
        if moved <= PROBE_TOLERANCE:
            return block
    return None


def spread(values):
    return f"{min(values):.0f}-{max(values):.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, default=FOLDER.parent / "build/benchmarks/bench_train_step")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="text file, one sequence a line; .xz, .gz too")
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True, help="SentencePiece .model or its folder")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them")
    parser.add_argument("--agreement-steps", type=int, default=50, help="steps whose losses are compared; 0 = none")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lines", type=int, default=20_000, help="from which the grouped peer draws its batches")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=0, help="0 = all")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    options = parser.parse_args()
    if not options.program.exists():
        sys.exit(f"no program {options.program}: build the target bench_train_step with -DTVAE_BENCHMARKS=ON")

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        config = make_model(folder / "model")
        batches = max(options.warmup + options.steps, options.agreement_steps)
        lengths = make_data(options, batches, folder / "data.safetensors")
        timed = lengths[options.warmup * options.batch_size : (options.warmup + options.steps) * options.batch_size]
        results = {"mean_tokens": statistics.mean(timed), "flops_a_step": step_flops(config, timed) / options.steps}
        if options.agreement_steps:
            results["loss_difference"] = check_agreement(options, folder)
            print(f"losses differ by {results['loss_difference']:.1e} at most, relatively", file=sys.stderr, flush=True)
        blocks = {name: [] for name in options.peers}
        for index in range(options.rounds):
            print(f"round {index + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for name in options.peers:
                blocks[name].append(run_block(options, name, folder))

    report(options, results, {name: [b for b in found if b] for name, found in blocks.items()})
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    if results.get("loss_difference", 0.0) > LOSS_TOLERANCE:
        sys.exit(f"the losses differ by more than {LOSS_TOLERANCE:g}: the peers do not do the same work")


def report(options, results, blocks):
    """Prints the table and adds its numbers to the results."""
    print(f"\nT5-small, batches of {options.batch_size}, {results['mean_tokens']:.1f} tokens a sequence on average, "
          f"{results['flops_a_step'] / 1e9:.0f} GFLOP a step")  # fmt: skip
    print(f"{'':10}{'real tokens/s':>15}{'range':>12}{'processed/s':>13}{'GEMM bound':>12}{'ours/this':>11}{'blocks':>8}")
    flops_a_token = results["flops_a_step"] / (results["mean_tokens"] * options.batch_size)
    for name, kept in blocks.items():
        if not kept:
            print(f"{name:10}  no block in which the machine kept its speed")
            continue
        speeds = [block["real_tokens"] / block["seconds"] for block in kept]
        shares = [speed * flops_a_token / (1e9 * max(b["gflops"].values())) for speed, b in zip(speeds, kept)]
        row = {
            "real_tokens_per_second": statistics.median(speeds),
            "range": [min(speeds), max(speeds)],
            "processed_tokens_per_second": statistics.median(b["processed_tokens"] / b["seconds"] for b in kept),
            "share_of_gemm_bound": statistics.median(shares),
            "blocks": kept,
        }
        if "ours" in results:
            row["ours_over_this"] = results["ours"]["real_tokens_per_second"] / row["real_tokens_per_second"]
        results[name] = row
        ratio = f"{row['ours_over_this']:.2f}" if "ours_over_this" in row else ""
        print(f"{name:10}{row['real_tokens_per_second']:15.1f}{spread(speeds):>12}"
              f"{row['processed_tokens_per_second']:13.1f}{row['share_of_gemm_bound']:12.0%}{ratio:>11}{len(kept):8}")  # fmt: skip
    probes = [b["gflops"] for kept in blocks.values() for b in kept]
    if probes:
        results["probe_gflops"] = {key: statistics.median(p[key] for p in probes) for key in probes[0]}
        print("probe, GFLOP/s: " + ", ".join(f"{key} {value:.0f}" for key, value in results["probe_gflops"].items()))


if __name__ == "__main__":
    main()
