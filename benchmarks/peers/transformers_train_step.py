#!/usr/bin/env python3
"""Training steps of transformers' T5ForConditionalGeneration, each timed: one JSON line a step. Eager fp32 on the CPU
without further words; --bf16 is autocast, as its Trainer has it.

Reads what bench_train_step reads and does the same work: AdamW (PyTorch's fused kernel, the fastest it has on a CPU),
clipping, dropout. --mode says how a batch becomes a rectangle:
  padded   to --pad-to tokens, as the original Transformer-VAE did
  longest  to the longest sequence of the batch
  grouped  as longest, batches made by the sampler behind Trainer's group_by_length from all sequences, of which as many
           are drawn as are timed
"""

import argparse
import json
import time

import torch
from safetensors.torch import load_file
from transformers import T5ForConditionalGeneration


def make_batches(sequences, options):
    """Lists of sequences; the first --warmup batches are the same in every mode."""
    size = options.batch_size
    batches = [sequences[i : i + size] for i in range(0, options.steps * size, size)]
    if options.mode != "grouped":
        return batches
    from transformers.trainer_pt_utils import get_length_grouped_indices

    generator = torch.Generator().manual_seed(42)
    order = get_length_grouped_indices([len(s) for s in sequences], size, generator=generator)
    grouped = [[sequences[i] for i in order[k : k + size]] for k in range(0, len(order) - size + 1, size)]
    drawn = torch.randperm(len(grouped), generator=generator)[: options.steps - options.warmup]
    return batches[: options.warmup] + [grouped[i] for i in drawn]


def collate(batch, pad_to):
    width = pad_to or max(len(s) for s in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}


def load(options, **settings):
    """The model with PyTorch's fused attention where transformers has it for T5."""
    try:
        model = T5ForConditionalGeneration.from_pretrained(options.model, attn_implementation="sdpa", **settings)
    except (ValueError, ImportError):
        model = T5ForConditionalGeneration.from_pretrained(options.model, attn_implementation="eager", **settings)
    return model.to(options.device, torch.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="Hugging Face directory")
    parser.add_argument("--data", required=True, help="safetensors file: ids [N] int32, lengths [sequences] int64")
    parser.add_argument("--mode", choices=["padded", "longest", "grouped"], default="longest")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10, help="batches, warm-up included")
    parser.add_argument("--warmup", type=int, default=0, help="first batches, which grouped leaves as they are")
    parser.add_argument("--pad-to", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--clip-norm", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=0, help="0 = all")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="autocast")
    parser.add_argument("--compile", action="store_true", help="by torch.compile; the first steps take minutes")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(42)

    data = load_file(options.data)
    sequences = list(data["ids"].long().split(data["lengths"].tolist()))
    model = load(options, dropout_rate=options.dropout).train()
    run = torch.compile(model) if options.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=0.0, fused=True)
    for step, batch in enumerate(make_batches(sequences, options)):
        start = time.perf_counter()
        inputs = collate(batch, options.pad_to if options.mode == "padded" else None)
        real_tokens = int(inputs["attention_mask"].sum())
        inputs = {name: tensor.to(options.device) for name, tensor in inputs.items()}
        with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
            loss = run(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if options.device != "cpu":
            torch.cuda.synchronize()
        line = {
            "step": step,
            "loss": loss.item(),
            "real_tokens": real_tokens,
            "processed_tokens": inputs["input_ids"].numel(),
            "seconds": time.perf_counter() - start,
            "attention": getattr(model.config, "_attn_implementation", "eager"),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
