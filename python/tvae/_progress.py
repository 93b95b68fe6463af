"""Progress of long work: a tqdm bar, in a terminal or a notebook, or a callable of the user's."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Union

from ._arrays import shown

Listener = Callable[[str, int, int], Any]
Progress = Union[bool, Listener, None]

DELAY = 1.0  # seconds after which work is long enough for a bar


def tqdm_bar(**options: Any) -> Any:
    """A bar of text, or in a notebook one of widgets where ipywidgets is installed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        from tqdm.auto import tqdm
    return tqdm(**options)


class Bar:
    """A tqdm bar for each kind of work that is told of, one after the other."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._bar: Any = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what or self._bar is None or total != (self._bar.total or 0) or done < self._bar.n:
            self.finish()
            self._what = what
            self._bar = tqdm_bar(desc=what, total=total or None, delay=self._delay, leave=False)
        self._bar.update(done - self._bar.n)

    def finish(self) -> None:
        """All of it is done, though the last part was not told of: a notebook's bar that ends before its end stays there
        in red."""
        if self._bar is not None and self._bar.total:
            self._bar.update(self._bar.total - self._bar.n)
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def require_progress(progress: Any) -> None:
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise TypeError(f"progress: got {shown(progress)}, expected True, False, None or a callable (what, done, total)")


@contextlib.contextmanager
def listening(progress: Progress) -> Iterator[Listener | None]:
    """The callable that the library tells. ``None``: a bar for what takes longer than a second; ``True``: a bar at
    once; ``False``: nothing; else a callable that takes (what, done, total)."""
    require_progress(progress)
    if progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        bar = Bar(0.0 if progress else DELAY)
        try:
            yield bar
            bar.finish()
        finally:
            bar.close()
