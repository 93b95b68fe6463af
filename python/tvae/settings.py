"""Presets, configurations and imports."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _core
from .model import Model, PathLike, load


def presets() -> dict[str, str]:
    """What the presets are for, by name."""
    return {name: about for name, (_, about) in _core.presets()}


def assignments_of(overrides: Mapping[str, Any] | None) -> list[str]:
    """KEY=VALUE for each."""
    def written(key: str, value: Any) -> str:
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        if hasattr(value, "tolist"):  # NumPy's numbers
            value = value.tolist()
        try:
            return json.dumps(value)
        except TypeError:
            raise TypeError(f"{key}: got {type(value).__name__}, expected a number, a str, True or False") from None

    return [f"{key}={written(key, value)}" for key, value in (overrides or {}).items()]


def names_of(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else [os.fspath(name) for name in given]


def config(presets: str | Sequence[str] = (), *, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration that presets and overrides make: ``{"data": {...}, "model": {...}, ...}``."""
    return _core.config(names_of(presets), assignments_of(overrides))


def import_t5(path: PathLike, presets: str | Sequence[str] = (), *, out: PathLike, funnel: PathLike | None = None,
              tokenizer: PathLike | None = None, overrides: Mapping[str, Any] | None = None,
              overwrite: bool = False) -> Model:
    """A model with a fresh bottleneck between encoder and decoder of a Hugging Face T5, written into ``out``.

    Args:
        path: the folder of a T5.
        funnel: the folder of a Funnel, whose encoder takes the place of the T5's.
        tokenizer: a tokenizer folder or .model file, where the T5 has none.
    """
    _core.import_t5(os.fspath(path), "" if funnel is None else os.fspath(funnel),
                    "" if tokenizer is None else os.fspath(tokenizer), names_of(presets), assignments_of(overrides),
                    os.fspath(out), overwrite)
    return load(out)
