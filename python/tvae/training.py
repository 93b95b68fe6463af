"""Training, from a file of texts to a model."""

from __future__ import annotations

import atexit
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union

from . import _core, messages
from ._progress import Progress, tqdm_bar
from .errors import ConfigError
from .model import Model, PathLike, load
from .settings import assignments_of, names_of

Files = Union[PathLike, Sequence[PathLike]]


def train(presets: str | Sequence[str] = (), *, train: Files | None = None, valid: Files | None = None, out: PathLike,
          overrides: Mapping[str, Any] | None = None, start: PathLike | None = None, minutes: float | None = None,
          resume: bool = False, overwrite: bool = False, column: str | None = None, label_column: str | None = None,
          seed: int | None = None, device: str = "auto", background: bool = False, progress: Progress = None) -> Run:
    """Trains a model, as ``tvae train`` does.

    Args:
        presets: a preset, or several that compose from left to right; none, and no ``start``: what fits the file is
            chosen (``"auto"``), and said.
        train: a file of texts, a pattern of them, or several.
        valid: held-out texts, likewise.
        out: the folder of the run, which becomes the model's directory.
        overrides: settings by key, such as ``{"train.steps": 1000}``; they win over presets.
        start: a model to start from, with the settings of its run.
        minutes: train as many steps as fit into this time.
        resume: go on with the run in ``out``, or begin it.
        overwrite: throw away what is in ``out``.
        background: return at once; the run trains in a thread, and ``run.metrics`` gives its figures live. It goes on
            until it is done, ``run.stop()`` is called or the interpreter ends, which saves its state.
        progress: False: nothing is shown; a callable takes (what, done, total).

    Ctrl-C saves the state first, so that ``resume=True`` goes on with nothing lost.

    Raises:
        ConfigError, DataError, CheckpointError: as the program says them.
    """
    if resume and overwrite:
        raise ConfigError("resume and overwrite: got both, expected one of them")
    settings: dict[str, Any] = {}
    for key, value in (("data.train", _joined(train)), ("data.valid", _joined(valid)), ("data.column", column),
                       ("data.label_column", label_column), ("train.minutes", minutes), ("train.seed", seed)):
        if value is not None:
            settings[key] = value
    settings.update(overrides or {})
    assignments = assignments_of(settings)
    mode = "resume" if resume else "overwrite" if overwrite else "new"
    run = Run(out, _Show(progress))
    run._start(lambda: _core.train(names_of(presets), assignments,
                                   "" if start is None else os.fspath(start), os.fspath(out), mode, device, run._watch,
                                   run._listen), background)
    return run


class _Stopped(Exception):
    """Run.stop() was called."""


class Run:
    """A training, going on or done."""

    def __init__(self, out: PathLike, show: _Show) -> None:
        self.path = pathlib.Path(out)
        """Its folder, which is a model directory."""
        self._show = show
        self._watch = _Watch(self, show)
        self._records: list[dict[str, float]] = []
        self._changed = threading.Condition()
        self._done = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._stop = False

    def _start(self, work: Callable[[], dict[str, Any]], background: bool) -> None:
        def go() -> None:
            try:
                with messages.shown(self._show.line):
                    work()
            except _Stopped:
                pass
            except BaseException as error:  # raised again by whoever waits
                self._error = error
            finally:
                self._show.close()
                with self._changed:
                    self._done = True
                    self._changed.notify_all()

        if background:
            self._thread = threading.Thread(target=go, name=f"tvae.train {self.path}", daemon=True)
            self._thread.start()
            atexit.register(self._end)
            return
        go()
        self.wait()

    @property
    def finished(self) -> bool:
        """Whether it trains no more."""
        return self._done

    def stop(self) -> None:
        """Ends a run in the background after its next step; its state is saved."""
        self._stop = True

    def _end(self) -> None:
        """Stops it, and waits until its state is saved."""
        self.stop()
        if self._thread:
            self._thread.join()

    def wait(self) -> Run:
        """Until it is done. Raises what ended it. Ctrl-C stops it, with its state saved."""
        try:
            with self._changed:
                while not self._done:
                    self._changed.wait(0.1)
        except KeyboardInterrupt:
            self._end()
            raise
        if self._error is not None:
            raise self._error
        return self

    @property
    def metrics(self) -> Iterator[dict[str, float]]:
        """The figures of each logged step (``step``, ``loss``, ``cross_entropy``, ...) and, in records of their own, those
        of held-out texts (``step``, ``valid_cross_entropy``, ...), from the first on, live while it trains."""
        at = 0
        while True:
            with self._changed:
                while at == len(self._records) and not self._done:
                    self._changed.wait(0.1)
                if at == len(self._records):
                    break
                record = self._records[at]
            at += 1
            yield record
        self.wait()

    @property
    def model(self) -> Model:
        """The trained model; waits for the end."""
        return load(self.wait().path)

    def plot(self) -> Any:
        """Draws loss, rate and held-out scores so far. Needs matplotlib.

        Returns:
            the matplotlib Figure.
        """
        import matplotlib.pyplot as plt

        records = list(self._records)
        figure, axes = plt.subplots(1, 3, figsize=(12, 3))
        for axis, (title, names) in zip(axes, _PANELS.items()):
            for name in names:
                points = [(record["step"], record[name]) for record in records if record.get(name) is not None]
                if points:
                    axis.plot([x for x, _ in points], [y for _, y in points], label=name)
            axis.set_title(title)
            axis.set_xlabel("step")
            if axis.lines:
                axis.legend(fontsize=8)
        figure.tight_layout()
        return figure

    def _listen(self, what: str, done: int, total: int) -> None:
        if self._stop:
            raise _Stopped
        self._show.listener(what, done, total)

    def _add(self, step: int, figures: Mapping[str, float]) -> None:
        with self._changed:
            self._records.append({"step": step, **figures})
            self._changed.notify_all()

    def __repr__(self) -> str:
        step = int(self._records[-1]["step"]) if self._records else 0
        state = "" if not self._done else ", done" if self._error is None else f", ended by {self._error!r}"
        return f"tvae.Run({str(self.path)!r}, step {step}{state})"


_PANELS = {
    "cross-entropy, nats a token": ("cross_entropy", "valid_cross_entropy"),
    "rate, nats a text": ("kl", "kl_target", "valid_kl"),
    "held-out tokens right": ("valid_token_accuracy",),
}


class _Watch:
    """Is told of a run by the library."""

    def __init__(self, run: Run, show: _Show) -> None:
        self._run, self._show = run, show

    def on_train_begin(self, steps_done: int, total_steps: int, seconds_done: float) -> None:
        self._show.begin(steps_done, total_steps)

    def on_new_plan(self, total_steps: int) -> None:
        self._show.plan(total_steps)

    def on_log(self, step: int, metrics: dict[str, float]) -> None:
        self._run._add(step, metrics)
        self._show.figures(metrics)

    def on_evaluate(self, step: int, metrics: dict[str, float], path: list[tuple[float, str, bool | None]],
                    samples: list[tuple[float, str, bool | None]]) -> None:
        self._run._add(step, metrics)
        self._show.figures(metrics)

    def on_train_end(self, step: int) -> None:
        pass


class _Show:
    """A bar of the steps, in a terminal or a notebook, with what the library says above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: Any = None
        self._figures: dict[str, str] = {}
        self._stopped: Callable[[], bool] = lambda: False

    @property
    def line(self) -> Callable[[str], None] | None:
        return None if self._progress is False else self._write

    def _write(self, text: str) -> None:
        if self._bar is None:
            print(text, file=sys.stderr)
        else:
            self._bar.write(text, file=sys.stderr)

    def begin(self, done: int, total: int) -> None:
        if self._progress is False or callable(self._progress):
            return
        self._bar = tqdm_bar(desc="training", initial=done, total=total)

    def plan(self, total: int) -> None:
        if self._bar is not None:
            self._bar.total = total
            self._bar.refresh()

    def figures(self, metrics: Mapping[str, float]) -> None:
        for key, name in (("cross_entropy", "nats"), ("kl", "rate"), ("valid_token_accuracy", "right")):
            if metrics.get(key) is not None:
                self._figures[name] = f"{metrics[key]:.3g}"
        if self._bar is not None:
            self._bar.set_postfix(self._figures, refresh=False)

    def listener(self, what: str, done: int, total: int) -> None:
        if callable(self._progress):
            self._progress(what, done, total)
        if self._bar is not None and what == "training":
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _joined(files: Files | None) -> str | None:
    if files is None:
        return None
    if isinstance(files, (str, os.PathLike)):
        return os.fspath(files)
    return "|".join(os.fspath(file) for file in files)
