"""Training, from a file of texts to a model."""

from __future__ import annotations

import atexit
import json
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import _core, messages
from ._arrays import (Device, Files, PathLike, as_count, as_device, as_files, as_flag, as_names, as_number, as_path,
                      as_text, short_path)
from ._progress import Progress, require_progress, tqdm_bar
from .errors import ConfigError
from .model import Model, load
from .settings import assignments_of


def train(presets: str | Sequence[str] = (), *, train: Files | None = None, valid: Files | None = None, out: PathLike,
          overrides: Mapping[str, Any] | None = None, start: PathLike | Model | None = None, minutes: float | None = None,
          resume: bool = False, overwrite: bool = False, column: str | None = None, label_column: str | None = None,
          seed: int | None = None, device: Device = "auto", background: bool = False, progress: Progress = None) -> Run:
    """Trains a model, as ``tvae train`` does.

    Args:
        presets: a preset, or several that compose from left to right; none, and no ``start``: what fits the file is
            chosen (``"auto"``), and said.
        train: a file of texts, a pattern of them, or several.
        valid: held-out texts, likewise.
        out: the folder of the run, which becomes the model's directory.
        overrides: settings by key, such as ``{"train.steps": 1000}``, or in sections, as ``tvae.config`` gives them; they
            win over presets, and what is named here over them.
        start: a model to start from, or its folder, with the settings of its run.
        minutes: train as many steps as fit into this time.
        resume: go on with the run in ``out``, or begin it.
        overwrite: throw away what is in ``out``.
        column, label_column: of a table, the ones with texts and labels; None: those that its names tell.
        seed: of all that is drawn; None: that of the settings, 42 unless a preset has another.
        device: as in ``tvae.load``.
        background: return at once; the run trains in a thread, and ``run.metrics`` gives its figures live. It goes on
            until it is done, ``run.stop()`` is called or the interpreter ends, which saves its state.
        progress: None or True: a bar, and what the library says; False: nothing is shown; a callable takes (what, done,
            total).

    Ctrl-C saves the state first, so that ``resume=True`` goes on with nothing lost.

    Raises:
        ConfigError, DataError, CheckpointError: as the program says them.
    """
    require_progress(progress)
    if as_flag(overwrite, "overwrite") and as_flag(resume, "resume"):
        raise ConfigError("resume and overwrite: got both, expected one of them")
    given = {"data.train": None if train is None else as_files(train, "train"),
             "data.valid": None if valid is None else as_files(valid, "valid"),
             "data.column": None if column is None else as_text(column, "column"),
             "data.label_column": None if label_column is None else as_text(label_column, "label_column"),
             "train.minutes": None if minutes is None else as_number(minutes, "minutes"),
             "train.seed": None if seed is None else as_count(seed, "seed")}
    names, folder, where = as_names(presets, "presets"), as_path(out, "out"), as_device(device)
    assignments = assignments_of(overrides, names)
    assignments += assignments_of({key: value for key, value in given.items() if value is not None})
    begin = "" if start is None else str(start.path) if isinstance(start, Model) else as_path(start, "start")
    mode = "resume" if as_flag(resume, "resume") else "overwrite" if overwrite else "new"
    run = Run(folder, _Show(progress))
    run._start(lambda: _core.train(names, assignments, begin, folder, mode, where, run._watch, run._listen),
               as_flag(background, "background"))
    return run


_PATIENCE = 0.5  # seconds for which Ctrl-C waits for the state of a run in the background


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
                    done = work()
                    if done["was_finished"]:
                        self._add_former(done["steps"])
                        messages.take("info", f"the run was finished already, at step {done['steps']}: more train.steps or minutes "
                                      "go on with it")
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
        """Until it is done. Raises what ended it. Ctrl-C stops it: it saves its state after the step that it is in, and is
        ``finished`` then."""
        try:
            with self._changed:
                while not self._done:
                    self._changed.wait(0.1)
        except KeyboardInterrupt:
            self.stop()
            if self._thread:
                self._thread.join(_PATIENCE)
            raise
        if self._error is not None:
            raise self._error
        return self

    @property
    def metrics(self) -> Iterator[dict[str, float]]:
        """The figures of each logged step (``step``, ``loss``, ``cross_entropy``, ...) and, in records of their own, those
        of held-out texts (``step``, ``valid_cross_entropy``, ...), from the first on, of a resumed run too, live while it
        trains."""
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

    def _add_former(self, steps: int) -> None:
        """What the run that goes on has logged so far."""
        try:
            with open(self.path / "logs" / "metrics.jsonl", encoding="utf-8") as file:
                former = [json.loads(line) for line in file]
        except (OSError, ValueError):  # figures of the past, without which the run goes on all the same
            return
        with self._changed:
            self._records[:0] = [record for record in former if record["step"] <= steps]

    def _add(self, step: int, figures: Mapping[str, float]) -> None:
        with self._changed:
            self._records.append({"step": step, **figures})
            self._changed.notify_all()

    def __repr__(self) -> str:
        step = int(self._records[-1]["step"]) if self._records else 0
        state = "" if not self._done else ", done" if self._error is None else f", ended by {self._error!r}"
        return f"tvae.Run({short_path(str(self.path))!r}, step {step}{state})"


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
        if steps_done > 0:
            self._run._add_former(steps_done)
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

