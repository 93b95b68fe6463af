#!/usr/bin/env python3
"""Ids of a file of lines, by SentencePiece's batches or by transformers' T5TokenizerFast: one JSON line.

Reads what bench_tokenizing reads. A first batch of a thousand lines does not count.
"""

import argparse
import json
import os
import pathlib
import time


def sentencepiece_encoder(model, threads):
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    return lambda lines: processor.encode(lines, num_threads=threads)


def transformers_encoder(model, threads):
    os.environ.update(RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    from transformers import T5TokenizerFast

    own = (model.parent / "tokenizer.json").exists()
    tokenizer = T5TokenizerFast.from_pretrained(model.parent) if own else T5TokenizerFast(vocab_file=str(model))
    return lambda lines: tokenizer(lines, add_special_tokens=False, return_attention_mask=False)["input_ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=["sentencepiece", "transformers"], required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    encoders = {"sentencepiece": sentencepiece_encoder, "transformers": transformers_encoder}
    encode = encoders[options.library](options.tokenizer, options.threads)
    lines = options.data.read_text(encoding="utf-8").split("\n")[:-1]
    encode(lines[:1000])
    start = time.perf_counter()
    ids = encode(lines)
    seconds = time.perf_counter() - start
    print(json.dumps({"lines": len(lines), "tokens": sum(map(len, ids)), "seconds": seconds}))


if __name__ == "__main__":
    main()
