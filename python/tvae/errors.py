"""What goes wrong outside of the program: wrong settings, bad data, models that cannot be used.

Each is also the built-in exception that fits, and its message is one line: what, got, expected, and what to try.
"""

from __future__ import annotations

import re

__all__ = ["CheckpointError", "ConfigError", "DataError", "Error"]


class Error(Exception):
    """Any error of tvae."""


class ConfigError(Error, ValueError):
    """Wrong arguments, keys, values or combinations of them."""


class DataError(Error, ValueError):
    """Files that cannot be read or written, and texts or codes that cannot be used."""


class CheckpointError(Error, OSError):
    """A model directory, weight file or checkpoint that cannot be used."""


_KINDS = {kind.__name__: kind for kind in (Error, ConfigError, DataError, CheckpointError)}

# What the library calls a remedy, as Python says it.
_REMEDIES = {
    "fit_prior": "model.fit_prior(texts)",
    "fit_direction": "model.fit_direction(name, positive, negative)",
    "give_texts": "data=FILE",
    "give_training_texts": "train=FILE",
    "give_corpus": "texts of yours",
    "list_presets": "tvae.presets()",
    "assign": "overrides={key: value}",
    "occupied_by_run": "resume=True continues it, overwrite=True starts afresh",
    "occupied": "overwrite=True replaces it",
    "other_settings": "without them resume=True goes on; start=MODEL with another out begins a new run from its model",
    "moved_data": "train= and valid= say where the same rows are now",
    "no_tokenizer": "tokenizer=PATH takes one from elsewhere",
    "import_t5": "tvae.import_t5(path, out=FOLDER)",
    "keep_in_memory": "save=False keeps it in memory",
    "report_elsewhere": "out=FILE writes the report elsewhere, write=False nowhere",
}
_WORDS = {"true": "True", "false": "False"}


def raise_error(kind: str, message: str, remedy: str = "") -> None:
    """Raises the error that the library threw."""
    message = re.sub(r'\bgot "(true|false)"', lambda found: f"got {_WORDS[found[1]]}", message)
    hint = _REMEDIES.get(remedy)
    if hint:
        message = f"{message[:-1]}: {hint})" if message.endswith(")") else f"{message} ({hint})"
    raise _KINDS[kind](message)
