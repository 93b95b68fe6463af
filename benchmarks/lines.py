"""What the drivers read: files of lines, and the SentencePiece model of a folder."""

import gzip
import lzma
import sys


def read_lines(path):
    openers = {".xz": lzma.open, ".gz": gzip.open}
    with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
        yield from (line.rstrip("\n") for line in file)


def find_sentencepiece_model(path):
    if path.is_file():
        return path
    models = sorted(path.glob("*.model"))
    if not models:
        sys.exit(f"no SentencePiece model in {path}")
    return models[0]
