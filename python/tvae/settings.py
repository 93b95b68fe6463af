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


def assignments_of(overrides: Mapping[str, Any] | None, presets: Sequence[str] = ()) -> list[str]:
    """KEY=VALUE for each; sections may be mappings of their own. Of a whole configuration, as ``config`` gives it, those
    that differ from what the presets make: others cannot all be given, such as what follows from the data."""
    if overrides is None:
        return []
    if not isinstance(overrides, Mapping):
        raise TypeError(f"overrides: got {kind_of(overrides)}, expected a dict such as {{'train.steps': 1000}}")
    given, base = dict(_flat(overrides)), _core.config(list(presets), [])
    if base.keys() <= overrides.keys():
        known = dict(_flat(base))
        given = {key: value for key, value in given.items() if value != known.get(key)}
    return [f"{key}={_written(key, value)}" for key, value in given.items()]


def _flat(settings: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if not isinstance(name, str):
            raise TypeError(f"overrides: got {kind_of(name)} as a key, expected a str such as 'train.steps'")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{section}{name}.")
        else:
            yield section + name, value


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
    names = as_names(presets, "presets")
    return _core.config(names, assignments_of(overrides, names))


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
    folder, names = as_path(out, "out"), as_names(presets, "presets")
    _core.import_t5(as_path(path, "path"), "" if funnel is None else as_path(funnel, "funnel"),
                    "" if tokenizer is None else as_path(tokenizer, "tokenizer"), names,
                    assignments_of(overrides, names), folder, as_flag(overwrite, "overwrite"))
    return load(folder)
