#!/usr/bin/env python3
"""Greedy decoding by transformers' T5ForConditionalGeneration.generate, each batch timed: one JSON line a batch. Eager fp32
on the CPU without further words.

Reads what bench_decode reads and does the same work: encodes a batch, padded to its longest sequence, then takes the
likeliest token --new-tokens times, never the end of sequence. With --runners-up a line also has, of every token, the
next best one and by how much its logit is smaller.
"""

import argparse
import json
import time

import torch
from safetensors.torch import load_file
from transformers_train_step import collate, load


def runners_up(scores):
    """[B][new tokens] of [id, by how much its logit is smaller], from the logits of every step."""
    best = [logits.topk(2, dim=-1) for logits in scores]
    ids = torch.stack([top.indices[:, 1] for top in best], 1).tolist()
    gaps = torch.stack([top.values[:, 0] - top.values[:, 1] for top in best], 1).tolist()
    return [list(zip(*row)) for row in zip(ids, gaps)]


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="Hugging Face directory")
    parser.add_argument("--data", required=True, help="safetensors file: ids [N] int32, lengths [sequences] int64")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=1, help="timed ones")
    parser.add_argument("--warmup", type=int, default=1, help="batches before them")
    parser.add_argument("--new-tokens", type=int, default=32, help="of every output")
    parser.add_argument("--runners-up", action="store_true")
    parser.add_argument("--threads", type=int, default=0, help="0 = all")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="the model in bf16")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    data = load_file(options.data)
    sequences = list(data["ids"].long().split(data["lengths"].tolist()))
    model = load(options).to(torch.bfloat16 if options.bf16 else torch.float32).eval()
    size = options.batch_size
    for index in range(options.warmup + options.batches):
        start = time.perf_counter()
        inputs = collate(sequences[index * size : (index + 1) * size], None)
        del inputs["labels"]
        inputs = {name: tensor.to(options.device) for name, tensor in inputs.items()}
        result = model.generate(**inputs, do_sample=False, num_beams=1, min_new_tokens=options.new_tokens,
                                max_new_tokens=options.new_tokens, return_dict_in_generate=True,
                                output_scores=options.runners_up)  # fmt: skip
        if options.device != "cpu":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        if index < options.warmup:
            continue
        line = {"seconds": seconds, "ids": result.sequences[:, 1:].tolist()}
        if options.runners_up:
            line["runners_up"] = runners_up(result.scores)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
