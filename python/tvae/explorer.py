"""The explorer in a notebook: a map of texts, on which one walks from one to another."""

from __future__ import annotations

import html
import pathlib
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from . import _picture
from .corpus_map import Map
from .errors import ConfigError, Error
from .outputs import Outputs

if TYPE_CHECKING:
    from .model import Model

_PARTS = pathlib.Path(__file__).parent / "static"


class Explorer(anywidget.AnyWidget):
    """A map of texts and a path between two of them (``explore``).

    In the notebook two clicks on the map, or two texts written above it, give the path; a click where no text is gives the
    text of that place. What is set here shows there, and what is done there can be read here.

    Attributes:
        start, end: the two texts.
        steps: of the path, both ends included.
        path: ``"slerp"``, ``"lerp"`` or ``"token-slerp"``.
        candidates: of so many outputs a code the valid one nearest to it is taken.
        projection: ``"umap"`` or ``"pca"``.
        place: [x, y] of the place on the map whose text is shown; [] for none.
    """

    _esm = _PARTS / "widget.js"
    _css = _PARTS / "widget.css"

    start = traitlets.Unicode("").tag(sync=True)
    end = traitlets.Unicode("").tag(sync=True)
    steps = traitlets.Int(9, min=2, max=100).tag(sync=True)
    path = traitlets.Enum(["slerp", "lerp", "token-slerp"], "slerp").tag(sync=True)
    candidates = traitlets.Int(1, min=1, max=64).tag(sync=True)
    projection = traitlets.Unicode().tag(sync=True)
    place = traitlets.List(traitlets.Float(), []).tag(sync=True)

    _height = traitlets.Int(420).tag(sync=True)
    _projections = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _positions = traitlets.Bytes().tag(sync=True)  # float32 x, y of each text
    _texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _label_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _label_of = traitlets.Bytes().tag(sync=True)  # float32 of each text; empty where there are no labels
    _chosen = traitlets.List(traitlets.Int(), []).tag(sync=True)  # rows of the texts inside a drawn outline
    _stops = traitlets.List(traitlets.Dict(), []).tag(sync=True)
    _here = traitlets.Dict({}).tag(sync=True)
    _problem = traitlets.Unicode("").tag(sync=True)

    def __init__(self, model: Model, made: Map, height: int = 420) -> None:
        labels = np.zeros(0, np.float32)
        if made.labels is not None:
            row_of = {name: row for row, name in enumerate(made.label_names)}
            labels = np.array([row_of[label] for label in made.labels], np.float32)
        self._model, self.map = model, made
        self._found: Outputs | None = None
        super().__init__(projection=made.projections[0], _height=height, _projections=made.projections, _texts=made.texts,
                         _positions=made.positions().tobytes(), _label_names=made.label_names, _label_of=labels.tobytes())

    @property
    def outputs(self) -> Outputs | None:
        """The texts of the path, as ``Model.interpolate`` gives them; None before there is one."""
        return self._found

    @property
    def chosen(self) -> list[str]:
        """The texts inside the outline that was drawn on the map last."""
        return [self.map.texts[row] for row in self._chosen]

    @traitlets.validate("projection")
    def _one_of_the_map(self, proposal: Any) -> str:
        if proposal["value"] not in self.map.projections:
            raise ConfigError(f"projection: got {proposal['value']!r}, expected {' or '.join(self.map.projections)}")
        return str(proposal["value"])

    @traitlets.observe("projection")
    def _moves_to_another_plane(self, _: Any) -> None:
        self._positions = self.map.positions(self.projection).tobytes()  # type: ignore[arg-type]
        self.place = []
        self._walks(None)

    @traitlets.observe("start", "end", "steps", "path", "candidates")
    def _walks(self, _: Any) -> None:
        if not self.start or not self.end:
            self._stops, self._found = [], None
            return
        with _Told(self):
            codes = self._model.path_codes(self.start, self.end, self.steps, self.path)  # type: ignore[arg-type]
            decoded = self._model.decode(codes, details=True, candidates=self.candidates, progress=False)
            positions = self.map.place(codes, self.projection, progress=False)  # type: ignore[arg-type]
            columns: dict[str, list[Any]] = {"ratio": np.linspace(0, 1, self.steps).tolist()}
            if any(output.valid is not None for output in decoded):
                columns["valid"] = [output.valid for output in decoded]
            self._found = Outputs([output.text for output in decoded], columns, mark_changes=True)
            self._stops = [{"x": float(x), "y": float(y), "text": output.text, "valid": output.valid}
                           for (x, y), output in zip(positions, decoded)]

    @traitlets.observe("place")
    def _writes_what_is_there(self, _: Any) -> None:
        if not self.place:
            self._here = {}
            return
        with _Told(self):
            code = self.map.codes_at(self.place, self.projection)  # type: ignore[arg-type]
            [output] = self._model.decode(code[None], details=True, candidates=self.candidates, progress=False)
            self._here = {"x": self.place[0], "y": self.place[1], "text": output.text, "valid": output.valid}

    def picture(self) -> str:
        """What is seen, as SVG."""
        return self.map._svg(self.projection, path=_picture.path_of(self._stops))  # type: ignore[arg-type]

    def _ipython_display_(self) -> None:
        """The widget, and a picture for where none can live: a notebook's page on the web, or one that nobody has run.
        The widget hides the picture that follows it."""
        import IPython.display

        display: Any = IPython.display.display
        bundle: Any = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        image = _picture.as_image(self.picture(), f"map of {len(self.map)} texts")
        texts = "".join(f"<li><code>{html.escape(stop['text'])}</code></li>" for stop in self._stops)
        display({"text/html": f'<div class="tvae-picture">{image}<ol start="0">{texts}</ol></div>',
                 "text/plain": repr(self)}, raw=True)

    def __repr__(self) -> str:
        return f"tvae.explorer.Explorer({len(self.map):,} texts)"


class _Told:
    """Shows an error of what was asked on the widget, where there is nobody else to see it."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    def __enter__(self) -> None:
        self._explorer._problem = ""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Error):
            return False
        self._explorer._problem = str(error)
        return True
