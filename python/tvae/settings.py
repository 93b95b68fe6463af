"""Presets, configurations and imports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import _core
from ._arrays import PathLike, as_flag, as_names, as_path, kind_of
from .model import Model, load


def presets() -> dict[str, str]:
    """What the presets are for, by name."""
    return {name: about for name, (_, about) in _core.presets()}


def assignments_of(overrides: Mapping[str, Any] | None) -> list[str]:
    """KEY=VALUE for each; sections may be mappings of their own, as ``config`` gives them."""
    if overrides is None:
        return []
    if not isinstance(overrides, Mapping):
        raise TypeError(f"overrides: got {kind_of(overrides)}, expected a dict such as {{'train.steps': 1000}}")
    return [f"{key}={_written(key, value)}" for key, value in _flat(overrides)]


def _flat(settings: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if not isinstance(name, str):
            raise TypeError(f"overrides: got {kind_of(name)} as a key, expected a str such as 'train.steps'")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{section}{name}.")
        elif (section, name, value) not in _OTHER_MEASURE:
            yield section + name, value


# How long to train is given in steps or in minutes; in a whole configuration the one that does not count is 0.
_OTHER_MEASURE = (("train.", "steps", 0), ("train.", "minutes", 0))


def _written(key: str, value: Any) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy's numbers
        value = value.tolist()
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"overrides: {key}: got {kind_of(value)}, expected a number, a str, True or False")
    return json.dumps(value)


def config(presets: str | Sequence[str] = (), *, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration that presets and overrides make: ``{"data": {...}, "model": {...}, ...}``.

    Args:
        presets: a preset, or several that compose from left to right.
        overrides: settings by key, such as ``{"train.steps": 1000}`` or ``{"train": {"steps": 1000}}``.
    """
    return _core.config(as_names(presets, "presets"), assignments_of(overrides))


def import_t5(path: PathLike, presets: str | Sequence[str] = (), *, out: PathLike, funnel: PathLike | None = None,
              tokenizer: PathLike | None = None, overrides: Mapping[str, Any] | None = None,
              overwrite: bool = False) -> Model:
    """A model with a fresh bottleneck between encoder and decoder of a Hugging Face T5, written into ``out``.

    Args:
        path: the folder of a T5.
        funnel: the folder of a Funnel, whose encoder takes the place of the T5's.
        tokenizer: a tokenizer folder or .model file, where the T5 has none.
        presets: of which the bottleneck's settings are taken, ``overrides`` over them.
        out: the folder of the new model.
        overwrite: throw away the model that is in ``out``.
    """
    folder = as_path(out, "out")
    _core.import_t5(as_path(path, "path"), "" if funnel is None else as_path(funnel, "funnel"),
                    "" if tokenizer is None else as_path(tokenizer, "tokenizer"), as_names(presets, "presets"),
                    assignments_of(overrides), folder, as_flag(overwrite, "overwrite"))
    return load(folder)
