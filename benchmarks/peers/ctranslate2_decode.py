#!/usr/bin/env python3
"""Greedy decoding by CTranslate2, each batch timed: one JSON line a batch.

Reads what bench_decode reads, but for the model, which is the same T5 as CTranslate2's converter writes it, and does the
same work: encodes a batch, then takes the likeliest token --new-tokens times, never the end of sequence.
"""

import argparse
import json
import pathlib
import time

import ctranslate2
from safetensors.numpy import load_file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=pathlib.Path, help="converted model")
    parser.add_argument("--data", required=True, help="safetensors file: ids [N] int32, lengths [sequences] int64")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=1, help="timed ones")
    parser.add_argument("--warmup", type=int, default=1, help="batches before them")
    parser.add_argument("--new-tokens", type=int, default=32, help="of every output")
    parser.add_argument("--compute-type", default="float32", help="float32, int8")
    parser.add_argument("--threads", type=int, default=0, help="0 = CTranslate2's choice")
    parser.add_argument("--parts", type=int, default=1, help="of a batch, decoded at the same time by a share of the threads")
    options = parser.parse_args()

    vocabulary = json.loads((options.model / "shared_vocabulary.json").read_text(encoding="utf-8"))
    id_of = {token: index for index, token in enumerate(vocabulary)}
    data = load_file(options.data)
    ids, sequences = data["ids"].tolist(), []
    for length in data["lengths"].tolist():
        sequences.append([vocabulary[i] for i in ids[:length]])
        del ids[:length]
    translator = ctranslate2.Translator(str(options.model), device="cpu", compute_type=options.compute_type,
                                        inter_threads=options.parts,
                                        intra_threads=options.threads // options.parts)  # fmt: skip
    size = options.batch_size
    for index in range(options.warmup + options.batches):
        start = time.perf_counter()
        results = translator.translate_batch(sequences[index * size : (index + 1) * size], beam_size=1,
                                             max_batch_size=-(-size // options.parts),
                                             min_decoding_length=options.new_tokens,
                                             max_decoding_length=options.new_tokens)  # fmt: skip
        seconds = time.perf_counter() - start
        if index >= options.warmup:
            found = [[id_of[token] for token in result.hypotheses[0]] for result in results]
            print(json.dumps({"seconds": seconds, "ids": found}), flush=True)


if __name__ == "__main__":
    main()
