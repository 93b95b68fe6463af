#!/usr/bin/env python3
"""Training and decoding on a GPU: the library against transformers, where it is installed, on random ids (see README.md).
Needs torch and safetensors; neither data nor a tokenizer."""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

try:
    import torch
    from safetensors.torch import save_file
except ImportError as error:
    sys.exit(f"{sys.executable} has no torch or no safetensors: {error}")

FOLDER = pathlib.Path(__file__).resolve().parent
PEAK = {"NVIDIA H200": 989, "NVIDIA H100": 989, "NVIDIA A100": 312}  # dense bf16, TFLOP/s, by the data sheets

# As transformers' T5Config names them.
SHAPES = {
    "T5-small": {},
    "T5-base": {"d_model": 768, "d_ff": 3072, "num_heads": 12, "num_layers": 12},
    "lines_small": {"d_model": 256, "d_ff": 512, "num_heads": 4, "num_layers": 2, "num_decoder_layers": 3,
                    "feed_forward_proj": "gated-gelu", "vocab_size": 4096},
    "tiny": {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_heads": 2, "num_layers": 1, "vocab_size": 100},
}  # fmt: skip
DEFAULTS = {"vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_heads": 8, "num_layers": 6,
            "feed_forward_proj": "relu", "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128,
            "dropout_rate": 0.1, "layer_norm_epsilon": 1e-6, "initializer_factor": 1.0, "is_encoder_decoder": True,
            "tie_word_embeddings": True, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0,
            "model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}  # fmt: skip


def config_of(shape):
    config = {**DEFAULTS, **SHAPES[shape]}
    config.setdefault("num_decoder_layers", config["num_layers"])
    return config


def make_model(folder, config):
    """A T5 with random weights, as transformers saves one."""
    torch.manual_seed(0)
    d, inner, d_ff = config["d_model"], config["num_heads"] * config["d_kv"], config["d_ff"]
    weights = {"shared.weight": torch.randn(config["vocab_size"], d)}

    def linear(name, rows, columns, deviation):
        weights[name + ".weight"] = torch.randn(rows, columns) * deviation

    def attention(name):
        linear(name + ".q", inner, d, (d * config["d_kv"]) ** -0.5)
        for part in "kv":
            linear(f"{name}.{part}", inner, d, d**-0.5)
        linear(name + ".o", d, inner, inner**-0.5)

    gated = config["feed_forward_proj"].startswith("gated")
    for stack, layers in (("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"])):
        for i in range(layers):
            parts = ["SelfAttention"] + (["EncDecAttention"] if stack == "decoder" else []) + ["DenseReluDense"]
            for place, part in enumerate(parts):
                layer = f"{stack}.block.{i}.layer.{place}"
                weights[layer + ".layer_norm.weight"] = torch.ones(d)
                if part != "DenseReluDense":
                    attention(f"{layer}.{part}")
                    continue
                for name in ["wi_0", "wi_1"] if gated else ["wi"]:
                    linear(f"{layer}.{part}.{name}", d_ff, d, d**-0.5)
                linear(f"{layer}.{part}.wo", d, d_ff, d_ff**-0.5)
        weights[f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (
            torch.randn(config["relative_attention_num_buckets"], config["num_heads"]) * d**-0.5
        )
        weights[f"{stack}.final_layer_norm.weight"] = torch.ones(d)
    if not config["tie_word_embeddings"]:
        weights["lm_head.weight"] = torch.randn(config["vocab_size"], d)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def make_data(file, count, vocabulary):
    """Sequences of 4 to 64 random ids; returns their lengths."""
    numbers = random.Random(1)
    lengths = [numbers.randint(4, 64) for _ in range(count)]
    ids = torch.randint(3, vocabulary, (sum(lengths),), dtype=torch.int32, generator=torch.Generator().manual_seed(1))
    save_file({"ids": ids, "lengths": torch.tensor(lengths)}, file)
    return lengths


def step_flops(config, lengths):
    """Floating-point operations of the matrix products of forward and backward on the tokens themselves."""
    d, inner = config["d_model"], config["num_heads"] * config["d_kv"]
    feed_forward = (3 if config["feed_forward_proj"].startswith("gated") else 2) * d * config["d_ff"]
    layers, decoder_layers = config["num_layers"], config["num_decoder_layers"]
    per_token = layers * (4 * d * inner + feed_forward)
    per_token += decoder_layers * (8 * d * inner + feed_forward) + d * config["vocab_size"]
    pairs, causal_pairs = sum(n * n for n in lengths), sum(n * (n + 1) // 2 for n in lengths)
    attention = 2 * inner * (layers * pairs + decoder_layers * (pairs + causal_pairs))
    return 3 * 2 * (sum(lengths) * per_token + attention)  # a product forward is two products backward


def run_json(command, limit):
    """JSON lines of a fresh process; a line of why not where it fails or takes too long."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, f"took more than {limit} s"
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        is_python = any(line.startswith("Traceback") for line in said)  # which says last what is wrong, ours first
        return None, said[-1 if is_python else 0]
    return [json.loads(line) for line in done.stdout.splitlines()], ""


def has_transformers():
    return subprocess.run([sys.executable, "-c", "import transformers"], capture_output=True).returncode == 0


def gemm(options):
    command = [options.build / "benchmarks/bench_probe", "--device", options.device, "--size", options.gemm_size]
    lines, why = run_json([*command, *options.bf16], options.limit)
    if lines is None:
        sys.exit(f"bench_probe: {why}")
    return lines[0]["libtorch"] / 1e3


def train(options, reachable):
    peak = next((peak for name, peak in PEAK.items() if options.device == "cuda" and name in torch.cuda.get_device_name()), None)
    failed = False
    print("| training step | real tokens/s | ms a step | share of GEMM speed | share of peak | |\n|---|---|---|---|---|---|")
    for shape in options.shapes:
        config = config_of(shape)
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            make_model(folder / "model", config)
            steps = options.warmup + options.steps
            lengths = make_data(folder / "data", steps * options.batch_size, config["vocab_size"])
            flops = step_flops(config, lengths[options.warmup * options.batch_size :]) / options.steps
            common = ["--model", folder / "model", "--data", folder / "data", "--steps", steps, "--batch-size",
                      options.batch_size, "--device", options.device, *options.bf16]  # fmt: skip
            peer = [sys.executable, FOLDER / "peers/transformers_train_step.py"]
            runs = {"ours": [options.build / "benchmarks/bench_train_step"]}
            if options.peers:
                runs["transformers, padded to the longest"] = peer
            if options.peers and options.compile:
                runs["transformers, padded to 64, compiled"] = [*peer, "--mode", "padded", "--compile"]
            for name, command in runs.items():
                lines, why = run_json([*command, *common], options.limit)
                if lines is None:
                    print(f"| {shape}, {name} | {why} | | | | |", flush=True)
                    failed |= name == "ours"
                    continue
                timed = lines[options.warmup :]
                seconds = statistics.median(line["seconds"] for line in timed)
                tokens = statistics.mean(line["real_tokens"] for line in timed)
                speed = flops / seconds / 1e12
                share = f"{speed / peak:.1%}" if peak else ""
                note = timed[0].get("attention", "")
                print(f"| {shape}, {name} | {tokens / seconds:,.0f} | {1e3 * seconds:.2f} | {speed / reachable:.1%} "
                      f"| {share} | {note} |", flush=True)  # fmt: skip
    return failed


def decode(options):
    failed = False
    print("| greedy decoding, 32 tokens | batch | tokens/s |\n|---|---|---|")
    for shape in options.shapes:
        config = {**config_of(shape), "tie_word_embeddings": False}  # tied random weights repeat the token before forever
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            make_model(folder / "model", config)
            make_data(folder / "data", 2 * max(options.decode_batches), config["vocab_size"])
            for size in options.decode_batches:
                runs = {"ours": [options.build / "benchmarks/bench_decode"]}
                if options.peers:
                    runs["transformers"] = [sys.executable, FOLDER / "peers/transformers_decode.py"]
                for name, command in runs.items():
                    lines, why = run_json([*command, "--model", folder / "model", "--data", folder / "data", "--batch-size",
                                           size, "--device", options.device, *options.bf16], options.limit)  # fmt: skip
                    speed = f"{32 * size / lines[0]['seconds']:,.0f}" if lines else why
                    print(f"| {shape}, {name} | {size} | {speed} |", flush=True)
                    failed |= name == "ours" and not lines
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "decode"])
    parser.add_argument("--build", type=pathlib.Path, default=FOLDER.parent / "build", help="made with -DTVAE_BENCHMARKS=ON")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=["T5-small", "T5-base", "lines_small"])
    parser.add_argument("--batch-size", type=int, default=512, help="sequences of 4 to 64 tokens")
    parser.add_argument("--steps", type=int, default=20, help="timed ones, whose median counts")
    parser.add_argument("--warmup", type=int, default=5, help="steps before them")
    parser.add_argument("--decode-batches", type=int, nargs="+", default=[1, 32, 512])
    parser.add_argument("--gemm-size", type=int, default=8192, help="of the matrices whose product is the reachable speed")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--compile", action="store_true", help="also transformers by torch.compile, which takes minutes")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="the library alone")
    parser.add_argument("--limit", type=int, default=60, help="seconds of one run")
    options = parser.parse_args()
    options.bf16 = ["--bf16"] if options.precision == "bf16" else []
    if options.peers and not has_transformers():
        print("transformers is not installed here: the library alone\n")
        options.peers = False
    if options.what == "decode":
        return decode(options)  # 1 where a run of the library failed
    reachable = gemm(options)
    print(f"A product of {options.gemm_size} x {options.gemm_size} matrices in {options.precision}: {reachable:,.4g} TFLOP/s\n")
    return train(options, reachable)


if __name__ == "__main__":
    sys.exit(main())
