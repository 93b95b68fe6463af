"""What the library has to say while it works: warnings as Python's warnings, the rest to the logger ``tvae``."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator

logger = logging.getLogger("tvae")
logger.addHandler(logging.NullHandler())

_LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}
_shows: list[Callable[[str], None]] = []


class TvaeWarning(UserWarning):
    """Something about a model, its data or a call that should be known."""


def take(level: str, text: str) -> None:
    """A line of the library, in the thread whose call it belongs to."""
    if level == "warning":
        warnings.warn(text, TvaeWarning, stacklevel=3)
        return
    logger.log(_LEVELS[level], text)
    if level == "info" and _shows:
        _shows[-1](text)


@contextlib.contextmanager
def shown(show: Callable[[str], None] | None) -> Iterator[None]:
    """While it lasts, lines that are no warnings are shown too."""
    if show is None:
        yield
        return
    _shows.append(show)
    try:
        yield
    finally:
        _shows.remove(show)
