"""The explorer: a page, and an HTTP API, from threads of this process."""

from __future__ import annotations

import atexit
import html
import json
import pathlib
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._arrays import Device, Files, PathLike, Texts, as_count, as_device, as_files, as_flag, as_path, as_text, kind_of, shown
from ._progress import Progress, require_progress
from .corpus_map import Map
from .errors import ConfigError, DataError
from .model import Model, labelled, load

if TYPE_CHECKING:
    from .explorer import Explorer


class Server:
    """The explorer while it runs (``serve``). ``close`` ends it, and so do a ``with`` block and the end of the process."""

    def __init__(self, server: _core.Server) -> None:
        self._server: _core.Server | None = server
        self._address, self._port, self._token = server.address, server.port, server.token
        self._after: Callable[[], object] | None = None  # what is to be done once it is closed
        self._closing = threading.Lock()
        # What says that the thread has ended: Ctrl-C in Thread.join makes it seem so (Python 3.11).
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server,), name="tvae.serve", daemon=True)
        self._thread.start()
        # Its threads must not outlive the interpreter, which they tell things; and it runs on where nobody keeps it.
        atexit.register(self.close)

    def _run(self, server: _core.Server) -> None:
        try:
            server.run()
        finally:
            self._ended.set()

    @property
    def address(self) -> str:
        """What a browser opens, with the token where there is one."""
        return self._address

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def token(self) -> str:
        """What requests have to bring; "" where none is needed."""
        return self._token

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    def open(self) -> bool:
        """In the browser of this machine; False where there is none."""
        import webbrowser

        self._require_running()
        return webbrowser.open(self._address)

    def show(self, height: int = 800) -> Any:
        """The page in a frame, for a notebook whose browser runs on this machine."""
        from IPython.display import IFrame

        self._require_running()
        return IFrame(self._address, width="100%", height=as_count(height, "height", 100))

    def wait(self) -> None:
        """Until it is closed by another thread, or Ctrl-C, which closes it."""
        try:
            while not self._ended.wait(0.2):
                pass
        except KeyboardInterrupt:
            pass
        self.close()

    def close(self) -> None:
        """Lets running requests end, for some seconds at most, and frees the models."""
        with self._closing:
            if self._server is None:
                return
            self._server.stop()
            self._ended.wait()  # what interrupts it leaves a server that can still be closed
            self._server = None
            atexit.unregister(self.close)
            if self._after is not None:
                self._after()

    def _require_running(self) -> None:
        if self._server is None:
            raise ConfigError("the explorer is closed")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a running explorer cannot be pickled")

    def __repr__(self) -> str:
        return f"tvae.Server({self._address!r})" if self.running else "tvae.Server(closed)"

    def _repr_html_(self) -> str:
        if not self.running:
            return html.escape(repr(self))
        address = html.escape(self._address)
        return f'The explorer is at <a href="{address}" target="_blank">{address}</a>'


def serve(models: Model | PathLike | Sequence[Model | PathLike], corpus: Files | None = None, *, column: str = "",
          label_column: str = "", host: str = "127.0.0.1", port: int = 0, token: str = "", allow_origin: str = "",
          points: int = 100_000, umap: bool = True, seed: int = 42, device: Device = "auto") -> Server:
    """Starts the explorer of ``tvae serve`` and returns at once.

    Args:
        models: a model or its directory; or two, to compare them. They are loaded again from their directories.
        corpus: a file with the texts of the map; None: the model's own corpus.jsonl, else what it was trained on.
        column, label_column: of a table, those with the texts and their labels; "": as the model's run read its own.
        host: address to listen at; any but this machine's own needs a token.
        port: 0: any that is free.
        token: what requests have to bring, of letters, digits, ``-``, ``.``, ``_`` and ``~``; "": none on this machine's own
            address, else one is made.
        allow_origin: pages of this origin may ask too.
        points: texts on the map, at most.
        umap: False: a map by principal components alone, which is there at once.
        seed: of the map.
        device: as ``load``.

    Raises:
        ConfigError: the address is none, or is in use.
        CheckpointError, DataError: a model, or the corpus, cannot be used.

    >>> import tvae
    >>> with tvae.serve("models/python_lines", umap=False) as server:
    ...     server.address.startswith("http://127.0.0.1:")
    True
    """
    given = list(models) if isinstance(models, (list, tuple)) else [models]
    if not 1 <= len(given) <= 2:
        raise ConfigError(f"models: got {len(given)}, expected one, or two to compare")
    read = _core.ReadOptions()
    read.column, read.label_column = as_text(column, "column"), as_text(label_column, "label_column")
    if corpus is None and (column or label_column):
        raise ConfigError(f"column: got {column or label_column!r}, expected none without a corpus")
    if not re.fullmatch("[A-Za-z0-9._~-]*", as_text(token, "token")):  # what an address and a header can hold
        raise ConfigError(f"token: got {shown(token)}, expected letters, digits and -._~")
    return Server(_core.Server(
        [_folder_of(model) for model in given], as_device(device), "" if corpus is None else as_files(corpus, "corpus"), read,
        as_text(host, "host"), as_count(port, "port", 0, 65535), as_text(token, "token"),
        as_text(allow_origin, "allow_origin"), as_count(points, "points", 1, 10_000_000), as_flag(umap, "umap"),
        as_count(seed, "seed")))


def explore(model: Model | Map | PathLike, texts: Texts | None = None, labels: Texts | None = None, *, height: int = 420,
            progress: Progress = None) -> Explorer | Server:
    """A map of texts, on which one walks: in a notebook a widget, elsewhere the explorer of ``serve`` in a browser.

    Args:
        model: a model, or its directory; or a map (``Model.map``), whose texts are taken.
        texts: of the map; None: the model's own corpus.jsonl, else what it was trained on. The map is kept in the model's
            directory, unless it was given.
        labels: of each text, what colours it.
        height: of the map in the notebook, in pixels.

    Returns:
        a ``tvae.explorer.Explorer`` (what is set on it shows on the map, ``.outputs`` is the path, ``.chosen`` the texts that
        were encircled); or a ``Server``, which ends with the process: a script calls its ``wait()``.

    Raises:
        ConfigError: in a notebook where anywidget is not installed (``pip install anywidget``).
    """
    require_progress(progress)
    pixels = as_count(height, "height", 100, 10_000)
    made = model if isinstance(model, Map) else None
    if made is not None and (texts is not None or labels is not None):
        raise ConfigError("texts: got some, expected none with a map, which has its own")
    if texts is None and labels is not None:
        raise ConfigError("labels: got some, expected none without texts")
    given = None if texts is None else labelled(texts, labels)
    opened = model._model if isinstance(model, Map) else model if isinstance(model, Model) else load(as_path(model, "model"))
    if not _in_notebook():
        server = serve(opened) if made is None and given is None else _serve_texts(opened, made, given)
        if not server.open():
            print(f"the explorer is at {server.address}")
        return server
    try:
        from .explorer import Explorer
    except ImportError as error:
        raise ConfigError(f"explore: got a notebook without {error.name}, expected it (pip install anywidget; or "
                          "tvae.serve(model).show() where the browser runs on this machine)") from error
    if "google.colab" in sys.modules:  # whose notebooks have widgets other than its own only if they are told to
        sys.modules["google.colab"].output.enable_custom_widget_manager()
    if made is None:
        found, kinds = given if given is not None else (None, None)
        made = opened.map(found, kinds or None, progress=progress)
    return Explorer(opened, made, pixels)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _serve_texts(model: Model, made: Map | None, given: tuple[list[str], list[str]] | None) -> Server:
    """The explorer with a map's texts, or with those that were given, in a file as long as it is there."""
    how: dict[str, Any] = {}
    if made is not None:
        texts, labels = made.texts, made.labels or []
        how = dict(zip(("points", "umap", "seed"), made._how[2:5]))
    else:
        assert given is not None
        texts, labels = given
    kinds = labels or [""] * len(texts)
    rows = [{"text": text, "label": label} for text, label in zip(texts, kinds) if text]
    if not rows:
        raise DataError("texts: got none, expected some to map")
    folder = tempfile.TemporaryDirectory(prefix="tvae-")
    try:
        file = pathlib.Path(folder.name) / "texts.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        server = serve(model, str(file), column="text", label_column="label" if labels else "", **how)
    except BaseException:
        folder.cleanup()
        raise
    server._after = folder.cleanup
    return server


def _folder_of(model: Any) -> str:
    if isinstance(model, Model):
        return model._space.directory
    if isinstance(model, (str, bytes)) or hasattr(model, "__fspath__"):
        return as_path(model, "models")
    raise TypeError(f"models: got {kind_of(model)}, expected a model, a path, or two of them")
