"""A corpus as a map: its texts' codes in two dimensions, with a way from places to texts and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from . import _core, _picture
from ._arrays import Codes, as_places, as_text
from ._progress import Progress, listening
from .errors import ConfigError

if TYPE_CHECKING:
    from .model import Model

Projection = Literal["umap", "pca"]


class Map:
    """Texts in two dimensions (``Model.map``).

    Methods take ``projection``: ``"pca"``, the plane in which the codes differ most, or ``"umap"``, in which neighbours
    stay neighbours and far distances mean nothing. None is UMAP where there is one: from 16 texts on, unless it was not wanted.

    >>> import tvae
    >>> model = tvae.load("models/python_lines")
    >>> texts = [f"value_{i} = {i * 7}" for i in range(40)]
    >>> plane = model.map(texts, umap=False, save=False)
    >>> plane
    tvae.Map(40 texts, pca)
    >>> plane.positions().shape
    (40, 2)
    """

    def __init__(self, model: Model, made: _core.CorpusMap, how: tuple[Any, ...]) -> None:
        self._model, self._map, self._how = model, made, how
        self.texts: list[str] = made.index.texts
        """The different texts, in order."""
        self.rows: list[int] = made.index.rows
        """Where each came first in the corpus, from 0."""
        self.label_names: list[str] = made.labels
        """The different labels, the most frequent first; empty where the corpus has none."""
        self.labels: list[str] | None = [self.label_names[label] for label in made.label_of] if made.labels else None
        """The label of each text, or None."""

    def __reduce__(self) -> Any:
        texts, labels, points, umap, seed, save = self._how
        return _again, (self._model, texts, labels, points, umap, seed, save)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def projections(self) -> list[Projection]:
        """Those that it has, the better one to look at first."""
        return ["umap", "pca"] if self._map.has_umap else ["pca"]

    @property
    def codes(self) -> Codes:
        """[N, latent tokens, latent size]."""
        return self._map.index.codes

    def positions(self, projection: Projection | None = None) -> npt.NDArray[np.float32]:
        """Of the texts: float32 [N, 2]."""
        return self._map.positions(self._one(projection))

    def place(self, texts: Any, projection: Projection | None = None, *, progress: Progress = None) -> npt.NDArray[np.float32]:
        """Where texts, or codes, lie: float32 [N, 2], or [2] for one. PCA is exact; UMAP places a code among its nearest."""
        from .model import _codes_of

        with listening(progress) as listener:
            codes, single = _codes_of(self._model, texts, listener)
        found = self._map.project(self._one(projection), codes)
        return found[0] if single else found

    def codes_at(self, positions: Any, projection: Projection | None = None) -> Codes:
        """The codes of places on the map, between the texts too: float32 [N, latent tokens, latent size], or without N
        for a single place [2]. ``model.decode`` writes their texts."""
        places, single = as_places(positions)
        found = self._map.invert(self._one(projection), places)
        return found[0] if single else found

    def to_pandas(self, projection: Projection | None = None) -> Any:
        """A DataFrame with ``x``, ``y``, ``label`` where there are labels, and ``text``."""
        import pandas

        x, y = self.positions(projection).T
        labels = {} if self.labels is None else {"label": self.labels}
        return pandas.DataFrame({"x": x, "y": y, **labels, "text": self.texts})

    def plot(self, projection: Projection | None = None, ax: Any = None) -> Any:
        """A matplotlib picture, coloured by label; returns its axes."""
        import matplotlib.pyplot as plt

        from matplotlib.lines import Line2D

        axes = plt.subplots(figsize=(8, 6))[1] if ax is None else ax
        x, y = self.positions(projection).T
        colours = _picture.colours_of(self.labels, self.label_names)
        axes.scatter(x, y, s=6, alpha=.5, c=[colours[label] for label in self.labels or [""] * len(self)])
        if self.labels is not None:
            named = [(name, colour) for name, colour in colours.items() if colour != _picture.OTHER]
            if len(named) < len(colours):
                named.append(("other", _picture.OTHER))
            dots = [Line2D([], [], marker="o", linestyle="", color=colour) for _, colour in named]
            for text in axes.legend(dots, [name or "none" for name, _ in named], fontsize="small").get_texts():
                text.set_parse_math(False)
        axes.set_title(f"{len(self):,} texts, {self._one(projection).upper()}")
        return axes

    def _one(self, projection: Projection | None) -> Projection:
        """The one that is meant."""
        if projection is None:
            return self.projections[0]
        if as_text(projection, "projection") not in self.projections:
            raise ConfigError(f"projection: got {projection!r}, expected {' or '.join(self.projections)}")
        return projection

    def _svg(self, projection: Projection | None = None, **more: Any) -> str:
        return _picture.map_svg(self.positions(projection), self.texts, self.labels, self.label_names, **more)

    def __repr__(self) -> str:
        return f"tvae.Map({len(self):,} texts, {' and '.join(self.projections)})"

    def _repr_html_(self) -> str:
        return _picture.as_image(self._svg(), f"map of {len(self)} texts")


def _again(model: Model, texts: list[str], labels: list[str], points: int, umap: bool, seed: int, save: bool) -> Map:
    """Of a pickle: from the model's folder where it was kept there, else made anew."""
    return model.map(texts, labels or None, points=points, umap=umap, seed=seed, save=save)
