"""What the library has to say while it works: warnings as Python's warnings, the rest to the logger ``tvae``."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

logger = logging.getLogger("tvae")
logger.addHandler(logging.NullHandler())

_LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}


class _Thread(threading.local):
    """What this thread does with the messages of its calls."""

    def __init__(self) -> None:
        self.show: Callable[[str], None] | None = None
        self.silent = False


_thread = _Thread()


class TvaeWarning(UserWarning):
    """Something about a model, its data or a call that should be known."""


def take(level: str, text: str) -> None:
    """A line of the library, in the thread whose call it belongs to."""
    if _thread.silent:
        return
    if level == "warning":
        warnings.warn(text, TvaeWarning, stacklevel=_users_level())
        return
    logger.log(_LEVELS[level], text)
    if level == "info" and _thread.show:
        _thread.show(text)


def _users_level() -> int:
    """How far up from take() the line stands that called this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    return level


@contextlib.contextmanager
def shown(show: Callable[[str], None] | None) -> Iterator[None]:
    """While it lasts, lines of this thread that are no warnings are shown too."""
    before, _thread.show = _thread.show, show or _thread.show
    try:
        yield
    finally:
        _thread.show = before


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """While it lasts, nothing is said in this thread."""
    before, _thread.silent = _thread.silent, True
    try:
        yield
    finally:
        _thread.silent = before
