"""The explorer in a notebook: a map of texts, on which one walks from one to another."""

from __future__ import annotations

import contextlib
import html
import pathlib
import uuid
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from . import _picture
from ._arrays import Codes, as_places, as_text
from .corpus_map import Map, Projection
from .errors import ConfigError, Error
from .messages import TvaeWarning
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
    _key = traitlets.Unicode().tag(sync=True)  # of the picture that stands for this widget where it does not live

    def __init__(self, model: Model, made: Map, height: int = 420) -> None:
        labels = np.array(made._map.label_of if made.labels is not None else [], np.float32)
        self._model, self.map = model, made
        self._way: Codes | None = None
        self._found: Outputs | None = None
        self._said: dict[str, str] = {}
        super().__init__(_key=uuid.uuid4().hex, projection=made.projections[0], _height=height, _projections=made.projections, _texts=made.texts,
                         _positions=made.positions().tobytes(), _label_names=made.label_names, _label_of=labels.tobytes())

    @property
    def outputs(self) -> Outputs | None:
        """The texts of the path, as ``Model.interpolate`` gives them; None where there is none."""
        return self._found

    @property
    def chosen(self) -> list[str]:
        """The texts inside the outline that was drawn on the map last."""
        return [self.map.texts[row] for row in self._chosen]

    @traitlets.validate("start", "end")
    def _is_text(self, proposal: Any) -> str:
        return as_text(proposal["value"], proposal["trait"].name)

    @traitlets.validate("place")
    def _is_place(self, proposal: Any) -> list[float]:
        if not proposal["value"]:
            return []
        [place] = as_places([proposal["value"]], "place")[0].tolist()
        return list(place)

    @traitlets.validate("projection")
    def _is_of_the_map(self, proposal: Any) -> str:
        if proposal["value"] not in self.map.projections:
            raise ConfigError(f"projection: got {proposal['value']!r}, expected {' or '.join(self.map.projections)}")
        return str(proposal["value"])

    @traitlets.observe("projection")
    def _moves_to_another_plane(self, _: Any) -> None:
        self._positions = self.map.positions(self._plane).tobytes()
        self.place = []
        self._shows_path()

    @traitlets.observe("start", "end", "steps", "path", "candidates")
    def _walks(self, _: Any) -> None:
        self._way, self._found = None, None
        with self._told("path"):
            if self.start and self.end:
                way = self._model.path_codes(self.start, self.end, self.steps, self.path)  # type: ignore[arg-type]
                found = self._model.interpolate(way[0], way[-1], self.steps, self.path,  # type: ignore[arg-type]
                                                candidates=self.candidates, progress=False)
                self._way, self._found = way, found
        self._shows_path()

    def _shows_path(self) -> None:
        if self._way is None or self._found is None:
            self._stops = []
            return
        places = self.map.place(self._way, self._plane, progress=False)
        valid: Sequence[bool | None] = self._found.valid or [None] * len(self._found)
        self._stops = [{"x": float(x), "y": float(y), "text": text, "valid": passes}
                       for (x, y), text, passes in zip(places, self._found, valid)]

    @traitlets.observe("place")
    def _writes_what_is_there(self, _: Any) -> None:
        here: dict[str, Any] = {}
        with self._told("place"):
            if self.place:
                code = self.map.codes_at([self.place], self._plane)
                [output] = self._model.decode(code, details=True, candidates=self.candidates, progress=False)
                here = {"x": self.place[0], "y": self.place[1], "text": output.text, "valid": output.valid}
        self._here = here

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Errors and warnings are shown on the widget: in a click of it there is nobody else who sees them."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", TvaeWarning)
            said: list[str] = []
            try:
                yield
            except Error as error:
                said = [str(error)]
        said += [str(warning.message) for warning in warned]
        self._said = {**self._said, what: " ".join(dict.fromkeys(said))}
        self._problem = " ".join(filter(None, self._said.values()))

    @property
    def _plane(self) -> Projection:
        return "umap" if self.projection == "umap" else "pca"

    def picture(self) -> str:
        """What is seen, as SVG."""
        return self.map._svg(self._plane, path=[(stop["x"], stop["y"], stop["text"]) for stop in self._stops])

    def _ipython_display_(self) -> None:
        """The widget, and a picture for where none can live: a notebook's page on the web, or one that nobody has run.
        The widget hides the picture that is its own."""
        import IPython.display

        display: Any = IPython.display.display
        bundle: Any = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        image = _picture.as_image(self.picture(), f"map of {len(self.map)} texts")
        texts = "".join(f"<li><code>{html.escape(stop['text'])}</code></li>" for stop in self._stops)
        display({"text/html": f'<div class="tvae-picture-{self._key}">{image}<ol start="0">{texts}</ol></div>',
                 "text/plain": repr(self)}, raw=True)

    def __reduce__(self) -> Any:
        raise TypeError("an explorer cannot be pickled; its map can")

    def __repr__(self) -> str:
        return f"tvae.explorer.Explorer({len(self.map):,} texts)"
