#!/usr/bin/env python3
"""Encoding of a file of lines by transformers' T5EncoderModel, eager fp32, timed: one JSON line.

The time is that of tokenising, of the encoder, and of the mean of its states over each line's tokens. --mode says who
makes the batches:
  transformers           this script: all lines sorted by length, each batch padded to its longest
  sentence-transformers  SentenceTransformer.encode, with a mean pooling after the encoder
"""

import argparse
import json
import pathlib
import time

import torch
from sentence_transformers import SentenceTransformer, models
from transformers import AutoTokenizer, T5EncoderModel


class Batched:
    """Batches of lines of similar length."""

    def __init__(self, options):
        self.tokenizer = AutoTokenizer.from_pretrained(options.model)
        self.model = T5EncoderModel.from_pretrained(options.model, torch_dtype=torch.float32).eval()
        self.options = options

    @torch.inference_mode()
    def encode(self, lines):
        ids = self.tokenizer(lines, truncation=True, max_length=self.options.max_tokens)["input_ids"]
        order = sorted(range(len(lines)), key=lambda i: len(ids[i]))
        means = torch.empty(len(lines), self.model.config.d_model)
        for start in range(0, len(lines), self.options.batch_size):
            rows = order[start : start + self.options.batch_size]
            batch = self.tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            mask = batch["attention_mask"].unsqueeze(-1)
            states = self.model(**batch).last_hidden_state
            means[rows] = (states * mask).sum(1) / mask.sum(1)
        return means.numpy()


class SentenceTransformers:
    def __init__(self, options):
        encoder = models.Transformer(str(options.model), max_seq_length=options.max_tokens)
        pooling = models.Pooling(encoder.get_word_embedding_dimension(), pooling_mode="mean")
        self.model = SentenceTransformer(modules=[encoder, pooling], device="cpu")
        self.options = options

    def encode(self, lines):
        return self.model.encode(lines, batch_size=self.options.batch_size, show_progress_bar=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = {"transformers": Batched, "sentence-transformers": SentenceTransformers}
    parser.add_argument("--mode", choices=modes, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="Hugging Face directory with a tokenizer")
    parser.add_argument("--lines", type=pathlib.Path, required=True, help="text file, one line a text")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--warmup", type=int, default=64, help="lines encoded before")
    parser.add_argument("--threads", type=int, default=0, help="0 = all")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    lines = options.lines.read_text(encoding="utf-8").splitlines()
    encoder = modes[options.mode](options)
    encoder.encode(lines[: options.warmup])
    start = time.perf_counter()
    codes = encoder.encode(lines)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "lines": len(lines), "size": codes.shape[1]}))


if __name__ == "__main__":
    main()
