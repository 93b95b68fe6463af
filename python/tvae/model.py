"""A loaded model, and what can be done with its latent space."""

from __future__ import annotations

import html
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np
import numpy.typing as npt

from . import _card, _core
from ._arrays import (Code, Codes, Device, Files, Numbers, PathLike, Texts, are_codes, as_codes, as_count, as_device,
                      as_files, as_flag, as_names, as_number, as_numbers, as_path, as_text, as_texts, kind_of, like_given,
                      short_path, shown)
from ._progress import Listener, Progress, listening
from .errors import ConfigError
from .corpus_map import Map
from .outputs import Outputs
from .report import Report

if TYPE_CHECKING:
    import torch

    from .nn import DifferentiableModel

Path = Literal["slerp", "lerp", "token-slerp"]

_AT_ONCE = 2000  # texts or codes, where the library does not tell how far it is: Ctrl-C is looked for in between


class Decoding(TypedDict, total=False):
    """Keyword arguments of all methods that decode (``Model``)."""

    candidates: int
    search_radius: float
    constrain: bool
    temperature: float | None
    top_k: int | None
    top_p: float | None
    seed: int


Decoded = _core.Decoded
Reconstruction = _core.Reconstruction


def load(path: PathLike, device: Device = "auto", threads: int | None = None) -> Model:
    """Loads a model directory: what training, ``import_t5`` and ``tvae train`` write.

    Args:
        path: the directory.
        device: ``"auto"`` or None (a GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or its number, or a
            ``torch.device``.
        threads: processor threads of this process, shared with PyTorch's own; None leaves them as they are.

    Raises:
        CheckpointError: there is no model, or it is damaged.
    """
    folder, where = as_path(path, "path"), as_device(device)
    if threads is not None:
        set_threads(threads)
    return Model(_core.Space.open(folder, where), where)


def set_threads(threads: int) -> None:
    """How many processor threads this process computes with; ``torch.set_num_threads`` sets the same."""
    _core.set_threads(as_count(threads, "threads", 1, 4096))


class Model:
    """A model whose latent space can be walked in. Several threads may use one.

    Codes are float32 arrays of shape [N, latent tokens, latent size]; a single text gives, and a single array
    [latent tokens, latent size] is, one code. Codes may come as anything with ``__dlpack__`` or ``__array__``.

    Keyword arguments of all methods that decode:

    - ``candidates`` (1): of so many outputs a code the valid one nearest to it is taken (1: the plain one);
      ``search_radius`` (1.0): how far around the code they are drawn, in posterior standard deviations.
    - ``constrain`` (False): write no bracket that closes nothing (Python, SMILES).
    - ``temperature``, ``top_k``, ``top_p`` (None): draw tokens instead of taking the likeliest.
    - ``seed`` (42): of all that is drawn.
    - ``progress`` (None): a bar for what takes longer than a second; True: a bar at once; False: none; or a callable
      that takes (what, done, total).
    """

    def __init__(self, space: _core.Space, device: str = "auto") -> None:
        self._opened: _core.Space | None = space
        self._device = device

    @property
    def _space(self) -> _core.Space:
        if self._opened is None:
            raise ConfigError("the model is closed")
        return self._opened

    # ---- What it is

    @property
    def path(self) -> pathlib.Path:
        """Its directory."""
        return pathlib.Path(self._space.directory)

    @property
    def latent_shape(self) -> tuple[int, int]:
        """(latent tokens, latent size)."""
        return self._space.latent_tokens, self._space.latent_size

    @property
    def config(self) -> dict[str, Any]:
        """The model section of its configuration."""
        return self._space.config

    @property
    def card(self) -> str:
        """Its README.md, or "" where it has none."""
        try:
            return (self.path / "README.md").read_text(encoding="utf-8")
        except OSError:
            return ""

    @property
    def max_tokens(self) -> int:
        """The longest text it takes whole, in tokens."""
        return self._space.max_tokens

    @property
    def check(self) -> str:
        """The validity check of its data: ``"none"``, ``"python"``, ``"smiles"``, ..."""
        return self._space.check

    def __repr__(self) -> str:
        if self._opened is None:
            return "tvae.Model(closed)"
        tokens, size = self.latent_shape
        return f"tvae.Model({short_path(str(self.path))!r}, {self._space.weights:,} weights, codes {tokens} x {size})"

    def _repr_html_(self) -> str:
        return html.escape(repr(self)) if self._opened is None else _card.html_of(self)

    def __reduce__(self) -> Any:
        """Another process loads it from its directory."""
        return load, (os.fspath(self.path), self._device)

    def close(self) -> None:
        """Frees its memory. What is asked of it afterwards is an error."""
        self._opened = None

    def __enter__(self) -> Model:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # ---- Texts and codes

    @overload
    def encode(self, texts: str, *, return_std: Literal[False] = False,  # type: ignore[overload-overlap]
               progress: Progress = None) -> Code: ...
    @overload
    def encode(self, texts: Iterable[str], *, return_std: Literal[False] = False, progress: Progress = None) -> Codes: ...
    @overload
    def encode(self, texts: str, *, return_std: Literal[True],  # type: ignore[overload-overlap]
               progress: Progress = None) -> tuple[Code, Code]: ...
    @overload
    def encode(self, texts: Iterable[str], *, return_std: Literal[True], progress: Progress = None) -> tuple[Codes, Codes]: ...
    @overload
    def encode(self, texts: Texts, *, return_std: bool, progress: Progress = None) -> Any: ...

    def encode(self, texts: Texts, *, return_std: bool = False, progress: Progress = None) -> Any:
        """Codes of texts: the means of their posteriors.

        Args:
            texts: a str, or several of them in any container.
            return_std: also the standard deviations, of the same shape; zeros where codes are deterministic.

        Returns:
            float32 [N, latent tokens, latent size], or without N for a single str.

        >>> load("models/python_lines").encode("import os").shape
        (8, 32)
        """
        with listening(progress) as listener:
            mean, deviation, _ = self._space.encode(as_texts(texts), listener)
        single = isinstance(texts, str)
        if not as_flag(return_std, "return_std"):
            return mean[0] if single else mean
        if deviation is None:
            deviation = np.zeros_like(mean)
        return (mean[0], deviation[0]) if single else (mean, deviation)

    @overload
    def decode(self, codes: Codes, *, details: Literal[False] = False, progress: Progress = None,
               **decoding: Unpack[Decoding]) -> list[str]: ...
    @overload
    def decode(self, codes: Code, *, details: Literal[False] = False, progress: Progress = None,
               **decoding: Unpack[Decoding]) -> str: ...
    @overload
    def decode(self, codes: Codes, *, details: Literal[True], progress: Progress = None,
               **decoding: Unpack[Decoding]) -> list[Decoded]: ...
    @overload
    def decode(self, codes: Code, *, details: Literal[True], progress: Progress = None,
               **decoding: Unpack[Decoding]) -> Decoded: ...
    @overload
    def decode(self, codes: Any, *, details: bool = False, progress: Progress = None,
               **decoding: Unpack[Decoding]) -> Any: ...

    def decode(self, codes: Any, *, details: bool = False, progress: Progress = None, **decoding: Unpack[Decoding]) -> Any:
        """Texts of codes.

        Args:
            codes: [N, latent tokens, latent size], or a single one without N.
            details: ``Decoded`` objects (``text``, ``probability`` of each token, ``valid``, ``searched``) instead.

        Returns:
            a list of str, or one str for a single code.

        >>> model = load("models/python_lines")
        >>> model.decode(model.encode("import os"))
        'import os'
        """
        array, single = as_codes(codes, self.latent_shape)
        options = _decoding(decoding, judge=as_flag(details, "details"))
        with listening(progress) as listener:
            outputs = self._space.decode(array, options, listener)
        found: list[Any] = outputs if details else [output.text for output in outputs]
        return found[0] if single else found

    @overload
    def reconstruct(self, texts: str, *, details: Literal[False] = False,  # type: ignore[overload-overlap]
                    progress: Progress = None, **decoding: Unpack[Decoding]) -> str: ...
    @overload
    def reconstruct(self, texts: Iterable[str], *, details: Literal[False] = False, progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> list[str]: ...
    @overload
    def reconstruct(self, texts: str, *, details: Literal[True], progress: Progress = None,  # type: ignore[overload-overlap]
                    **decoding: Unpack[Decoding]) -> Reconstruction: ...
    @overload
    def reconstruct(self, texts: Iterable[str], *, details: Literal[True], progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> list[Reconstruction]: ...
    @overload
    def reconstruct(self, texts: Texts, *, details: bool, progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> Any: ...

    def reconstruct(self, texts: Texts, *, details: bool = False, progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> Any:
        """Texts through the bottleneck and back. A pandas Series gives one with the same index.

        Args:
            details: ``Reconstruction`` objects (``text``, ``output``, ``exact``) instead.
        """
        with listening(progress) as listener:
            found = self._space.reconstruct(as_texts(texts), _decoding(decoding, judge=as_flag(details, "details")), listener)
        if details:
            return found[0] if isinstance(texts, str) else found
        outputs = [reconstruction.output.text for reconstruction in found]
        return outputs[0] if isinstance(texts, str) else like_given(texts, outputs, texts=True)

    def judge(self, texts: Texts, *, progress: Progress = None) -> list[bool] | None:
        """Whether texts pass the check of the model's data; None where it has none. A pandas Series gives one with the
        same index."""
        given = as_texts(texts)
        if self._space.judge([]) is None:
            return None
        judged = [valid for part in _parts(given, "judging", progress) for valid in self._space.judge(part) or []]
        verdicts: list[bool] = like_given(texts, judged)
        return verdicts

    # ---- Between texts

    def interpolate(self, start: Any, end: Any, steps: int = 11, path: Path = "slerp", *, progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> Outputs:
        """The texts between two texts, or two codes, ends included; ``columns["ratio"]`` says where each stands.

        Args:
            steps: how many texts, at least 2.
            path: ``"slerp"`` (the arc of the whole code), ``"lerp"`` (the straight line) or ``"token-slerp"`` (an arc for each
                latent token).
        """
        path_name = as_text(path, "path")
        ends = np.stack([self._code_of(start, "start"), self._code_of(end, "end")])
        with listening(progress) as listener:
            points = self._space.interpolate(ends, path_name, as_count(steps, "steps", 2), _decoding(decoding, judge=True),
                                              listener)
        return _outputs([point.output for point in points], {"ratio": [point.ratio for point in points]},
                        mark_changes=True)

    def path_codes(self, start: Any, end: Any, steps: int = 11, path: Path = "slerp") -> Codes:
        """The codes on the way between two texts, or two codes, ends included: float32 [steps, latent tokens, latent
        size]. ``interpolate`` gives their texts."""
        ends = np.stack([self._code_of(start, "start"), self._code_of(end, "end")])
        ratios = np.linspace(0, 1, as_count(steps, "steps", 2)).tolist()
        return _core.path_codes(ends, as_text(path, "path"), ratios)

    @overload
    def analogy(self, a: str, b: str, c: str, strength: float = 1.0, *, progress: Progress = None,
                **decoding: Unpack[Decoding]) -> str: ...
    @overload
    def analogy(self, a: str, b: str, c: str, strength: Numbers, *, progress: Progress = None,
                **decoding: Unpack[Decoding]) -> Outputs: ...

    def analogy(self, a: str, b: str, c: str, strength: float | Numbers = 1.0, *, progress: Progress = None,
                **decoding: Unpack[Decoding]) -> Any:
        """a is to b as c is to what comes out: a str, or Outputs for several strengths."""
        strengths, single = _strengths(strength)
        with listening(progress) as listener:
            found = self._space.analogy(as_text(a, "a"), as_text(b, "b"), as_text(c, "c"), strengths,
                                        _decoding(decoding, judge=True), listener)
        return found[0].text if single else _outputs(found, {"strength": strengths})

    def mix(self, texts: Iterable[str], weights: Numbers | None = None, *, progress: Progress = None,
            **decoding: Unpack[Decoding]) -> str:
        """The text of the weighted mean of texts' codes; without weights all count the same."""
        shares = [] if weights is None else as_numbers(weights, "weights")
        if weights is not None and not shares:
            raise ConfigError("weights: got none, expected one for each text")
        with listening(progress) as listener:
            return self._space.mix(as_texts(texts), shares, _decoding(decoding), listener).text

    # ---- New texts

    def sample(self, n: int = 20, *, prior: Literal["fitted", "normal"] | None = None, prior_scale: float = 1.0,
               near: str | None = None, radius: float | None = None, progress: Progress = None,
               **decoding: Unpack[Decoding]) -> Outputs:
        """New texts from the prior, or around a text.

        Args:
            n: how many.
            prior: ``"fitted"`` or ``"normal"``; None: the fitted one where there is one.
            prior_scale: multiplies the prior's deviations; below 1 texts are more typical.
            near: draw around this text instead.
            radius: of that, in posterior standard deviations; None: 1.
        """
        scale = as_number(prior_scale, "prior_scale", 0)
        if near is None and radius is not None:
            raise ConfigError(f"radius: got {shown(radius)} without near, expected both or neither")
        if near is not None and (prior is not None or scale != 1):
            raise ConfigError("near: got a text and a prior to draw from, expected one of them")
        with listening(progress) as listener:
            found = self._space.sample(as_count(n, "n"), "" if prior is None else as_text(prior, "prior"), scale,
                                       None if near is None else as_text(near, "near"),
                                       1.0 if radius is None else as_number(radius, "radius", 0),
                                       _decoding(decoding, judge=True), listener)
        return _outputs(found)

    def fit_prior(self, texts: Texts, kind: Literal["gaussian", "gmm", "flow"] = "gaussian", *,
                  fit_on: Literal["means", "samples"] = "means", samples: int = 20000, components: int = 0, seed: int = 42,
                  save: bool = True, progress: Progress = None) -> dict[str, Any]:
        """Fits the distribution that ``sample`` draws from to the codes of texts, and saves it in the model's
        directory.

        Args:
            kind: ``"gaussian"``, ``"gmm"`` (several Gaussians) or ``"flow"``.
            fit_on: ``"means"`` of the posteriors, or ``"samples"`` of them.
            samples: how many texts are used; 0: all.
            components: of a gmm; 0: as many as do best on held-out codes.
            save: False: nothing is written; ``sample``, ``log_density`` and ``optimize`` of this object use it.

        Returns:
            what is known of the fit, such as its held-out log density.
        """
        with listening(progress) as listener:
            return self._space.fit_prior(as_texts(texts), as_text(kind, "kind"), as_text(fit_on, "fit_on"),
                                         as_count(samples, "samples"), as_count(components, "components"),
                                         as_count(seed, "seed"), as_flag(save, "save"), listener)

    @overload
    def log_density(self, codes: Codes, *, progress: Progress = None) -> npt.NDArray[np.float64]: ...
    @overload
    def log_density(self, codes: Code, *, progress: Progress = None) -> float: ...
    @overload
    def log_density(self, codes: Any, *, progress: Progress = None) -> Any: ...

    def log_density(self, codes: Any, *, progress: Progress = None) -> Any:
        """log p of codes under the fitted prior, or N(0, I) where there is none: [N], or a float for one code, in nats."""
        array, single = as_codes(codes, self.latent_shape)
        density = _in_parts(self._space.log_density, array, "measuring", progress)
        return float(density[0]) if single else density

    # ---- Directions and properties

    def fit_direction(self, name: str, positive: Texts, negative: Texts, *, method: Literal["mean", "logistic"] = "mean",
                      seed: int = 42, save: bool = True, progress: Progress = None) -> Direction:
        """A direction from texts of one kind to those of another, saved in the model's directory under its name.

        Args:
            name: letters, digits, ``_``, ``-`` and ``.``.
            positive, negative: texts of both kinds, at least five different ones each.
            method: ``"mean"`` (the difference of the means) or ``"logistic"`` (a logistic regression).
            save: False: nothing is written.
        """
        with listening(progress) as listener:
            fit = self._space.fit_direction(as_text(name, "name"), as_texts(positive, "positive"),
                                            as_texts(negative, "negative"), as_text(method, "method"),
                                            as_count(seed, "seed"), as_flag(save, "save"), listener)
        return Direction(self, name, fit)

    def direction(self, name: str) -> Direction:
        """A saved one."""
        return Direction(self, name, self._space.direction(as_text(name, "name")))

    @property
    def directions(self) -> list[str]:
        """The names of the saved ones."""
        return self._space.directions()

    def fit_property(self, texts: Texts, values: Numbers | Iterable[float], *, seed: int = 42,
                     progress: Progress = None) -> Property:
        """A number of texts as a linear function of their codes; ``values`` has one for each text, in order."""
        with listening(progress) as listener:
            fit = self._space.fit_property(as_texts(texts), as_numbers(values, "values"), as_count(seed, "seed"), listener)
        return Property(self, fit)

    def optimize(self, text: str, property: Property | Direction | tuple[Texts, Numbers | Iterable[float]], *, steps: int = 100,
                 step_size: float = 0.1, prior_weight: float = 1.0, text_weight: float = 0.3, downhill: bool = False,
                 progress: Progress = None, **decoding: Unpack[Decoding]) -> Outputs:
        """Moves a text uphill on a property, or a direction's logit, while it stays near the text and likely.

        Args:
            property: a property, a direction, or (texts, values) to fit a property to.
            steps: how many are gone at most.
            step_size: of each, in standard deviations of the codes.
            prior_weight: how much it counts that the code is likely under the prior.
            text_weight: how much it counts that the code is near to that of the text.
            downhill: the other way.

        Returns:
            the different texts on the way, the reconstruction first; ``columns`` has ``step``, ``value``, ``objective``
            and ``unlikeliness`` of each.
        """
        if isinstance(property, tuple) and len(property) == 2:
            property = self.fit_property(*property, progress=progress)
        if not isinstance(property, (Property, Direction)):
            raise TypeError(f"property: got {kind_of(property)}, expected a Property, a Direction or (texts, values)")
        options = _core.OptimizeOptions()
        options.steps, options.step_size = as_count(steps, "steps"), as_number(step_size, "step_size")
        options.prior_weight = as_number(prior_weight, "prior_weight", 0)
        options.text_weight = as_number(text_weight, "text_weight", 0)
        options.downhill = as_flag(downhill, "downhill")
        with listening(progress) as listener:
            way, _, _, _ = self._space.optimize(as_text(text), property._linear, options,
                                                _decoding(decoding, judge=True), listener)
        columns = {name: [getattr(point, name) for point in way]
                   for name in ("step", "value", "objective", "unlikeliness")}
        return _outputs([point.output for point in way], columns, mark_changes=True)

    # ---- Nearest texts

    def index(self, texts: Texts, *, metric: Literal["cosine", "l2"] = "cosine", progress: Progress = None) -> Index:
        """The different texts of a corpus, to find the nearest of.

        >>> index = load("models/python_lines").index(["x = 1", "import os", "return None"])
        >>> index
        tvae.Index(3 texts)
        >>> index.query("y = 2", n=1)
        ['x = 1']
        """
        if as_text(metric, "metric") not in ("cosine", "l2"):
            raise ConfigError(f"metric: got {shown(metric)}, expected cosine or l2")
        with listening(progress) as listener:
            return Index(self, self._space.index(as_texts(texts), metric, listener))

    def map(self, texts: Texts | None = None, labels: Texts | None = None, *, points: int = 100_000, umap: bool = True,
            seed: int = 42, save: bool = True, progress: Progress = None) -> Map:
        """The different texts of a corpus in two dimensions, without empty ones.

        Args:
            texts: None: those that the explorer shows, the model's own corpus.jsonl or what it was trained on.
            labels: of each text, what colours it.
            points: how many texts at most, drawn at random where there are more.
            umap: also a projection in which neighbours stay neighbours, for which 10,000 texts take some seconds.
            save: keep the map in the model's directory, where the explorer finds it too.
        """
        if texts is None:
            if labels is not None:
                raise ConfigError("labels: got some, expected none without texts")
            found, kinds = self._space.corpus()
        else:
            found, kinds = labelled(texts, labels)
        how = (found, kinds, as_count(points, "points", 1), as_flag(umap, "umap"), as_count(seed, "seed"),
               as_flag(save, "save"))
        with listening(progress) as listener:
            return Map(self, self._space.map(*how, listener), how)

    # ---- Measuring, and going elsewhere

    def evaluate(self, data: Files | None = None, *, only: str | Sequence[str] = (), samples: int = 1000, seed: int = 42,
                 path: Path = "slerp", candidates: int = 1, constrain: bool = False, prior_scale: float = 1.0,
                 column: str = "", label_column: str = "", out: PathLike | None = None, write: bool = True,
                 progress: Progress = None) -> Report:
        """Measures the model on held-out texts: the report that ``tvae eval`` writes.

        Args:
            data: a file of held-out texts, a pattern of them, or several; None: those of the model's run, where they are
                still there.
            only: a section, or some, such as ``"reconstruction"``; all where it is empty.
            samples: how many texts, pairs and draws are measured.
            path: between texts, as in ``interpolate``.
            candidates: measure outputs of decode-time search too, of so many candidates.
            constrain: write no bracket that closes nothing.
            prior_scale: measure samples of a prior with so much of its deviation too.
            column: of a table, the one with the texts; "": as the model's run read its own.
            label_column: the one with labels, for the probe.
            out: the file of the report instead of eval/report.json in the model's directory.
            write: False: no report and page are written, and no scores into the model's card.
        """
        read = _core.ReadOptions()
        read.column, read.label_column = as_text(column, "column"), as_text(label_column, "label_column")
        with listening(progress) as listener:
            return Report(_core.evaluate(self._space, "" if data is None else as_files(data, "data"), read,
                                         as_names(only, "only"), as_count(samples, "samples", 1), as_count(seed, "seed"),
                                         as_text(path, "path"), as_count(candidates, "candidates", 1),
                                         as_flag(constrain, "constrain"), as_number(prior_scale, "prior_scale", 0),
                                         "" if out is None else as_path(out, "out"), as_flag(write, "write"), listener))

    def export(self, out: PathLike, *, overwrite: bool = False) -> None:
        """Writes its T5 part as a folder that Hugging Face transformers loads."""
        _core.export_t5(self._space.directory, as_path(out, "out"), as_flag(overwrite, "overwrite"))

    def differentiable(self, dtype: torch.dtype | None = None, device: Device = "auto") -> DifferentiableModel:
        """Its encoder and decoder as PyTorch modules (``tvae.nn``), for gradients of a text's loss in its code and of
        codes in embeddings. Reads the weights from its directory; ``dtype`` is ``torch.float32`` unless given."""
        import torch

        from .nn import DifferentiableModel

        return DifferentiableModel(self._space.directory, torch.float32 if dtype is None else dtype, device)

    def _code_of(self, given: Any, name: str) -> Code:
        if isinstance(given, str):
            return self.encode(given, progress=False)
        array, _ = as_codes(given, self.latent_shape, name)
        if len(array) != 1:
            raise ConfigError(f"{name}: got {len(array)} codes, expected one")
        code: Code = array[0]
        return code


class Direction:
    """From texts of one kind to those of another (``Model.fit_direction``)."""

    def __init__(self, model: Model, name: str, fit: _core.DirectionFit) -> None:
        self._model, self.name, self._fit = model, name, fit

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the fit."""
        return self._fit.facts

    @property
    def accuracy(self) -> float:
        """Of telling both kinds apart, on texts that it was not fitted to."""
        return float(self.facts["held_out_accuracy"])

    @property
    def step(self) -> Codes:
        """What strength 1 adds to a code: [latent tokens, latent size]."""
        return self._fit.step

    @property
    def _linear(self) -> _core.LinearProperty:
        return self._fit.logit

    @overload
    def value(self, texts: Codes, *, progress: Progress = None) -> npt.NDArray[np.float64]: ...
    @overload
    def value(self, texts: str | Code, *, progress: Progress = None) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def value(self, texts: Iterable[str], *, progress: Progress = None) -> npt.NDArray[np.float64]: ...
    @overload
    def value(self, texts: Any, *, progress: Progress = None) -> Any: ...

    def value(self, texts: Any, *, progress: Progress = None) -> Any:
        """How sure it is that texts, or codes, are of the positive kind: logits, above 0 where they are more likely so.
        A float for one, else [N]; a pandas Series gives one with the same index."""
        return _values(self._model, self._linear, texts, progress)

    @overload
    def apply(self, texts: Codes, strength: float | Numbers = 1.0, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Outputs: ...
    @overload
    def apply(self, texts: str | Code, strength: float = 1.0, *, progress: Progress = None,  # type: ignore[overload-overlap]
              **decoding: Unpack[Decoding]) -> str: ...
    @overload
    def apply(self, texts: str | Code, strength: Numbers, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Outputs: ...
    @overload
    def apply(self, texts: Iterable[str], strength: float | Numbers = 1.0, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Outputs: ...
    @overload
    def apply(self, texts: Any, strength: float | Numbers = 1.0, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Any: ...

    def apply(self, texts: Any, strength: float | Numbers = 1.0, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Any:
        """Texts, or codes, moved along it: a str for one text and one strength, else Outputs, a text a strength of each,
        in order."""
        strengths, single = _strengths(strength)
        options = _decoding(decoding, judge=True)
        with listening(progress) as listener:
            codes, single_text = _codes_of(self._model, texts, listener)
            moved = self._model._space.move(codes, self._fit, strengths, options, listener)
        if single and single_text:
            return moved[0].output.text
        columns: dict[str, list[Any]] = {"strength": [text.strength for text in moved],
                                         "logit": [text.logit for text in moved]}
        if not single_text:
            columns = {"source": [text.source for text in moved], **columns}
        return _outputs([text.output for text in moved], columns, mark_changes=single_text)

    def __repr__(self) -> str:
        return f"tvae.Direction({self.name!r}, held-out accuracy {self.accuracy:.2f})"


class Property:
    """A number of texts as a linear function of their codes (``Model.fit_property``)."""

    def __init__(self, model: Model, fit: _core.PropertyFit) -> None:
        self._model, self._fit = model, fit

    @property
    def r2(self) -> float | None:
        """Of held-out texts; None where it is undefined."""
        return self._fit.r2

    @property
    def spearman(self) -> float | None:
        """Rank correlation on held-out texts; None where it is undefined."""
        return self._fit.spearman

    @property
    def _linear(self) -> _core.LinearProperty:
        return self._fit.linear

    @overload
    def value(self, texts: Codes, *, progress: Progress = None) -> npt.NDArray[np.float64]: ...
    @overload
    def value(self, texts: str | Code, *, progress: Progress = None) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def value(self, texts: Iterable[str], *, progress: Progress = None) -> npt.NDArray[np.float64]: ...
    @overload
    def value(self, texts: Any, *, progress: Progress = None) -> Any: ...

    def value(self, texts: Any, *, progress: Progress = None) -> Any:
        """Of texts or codes: a float for one, else [N]; a pandas Series gives one with the same index."""
        return _values(self._model, self._linear, texts, progress)

    def __repr__(self) -> str:
        def shown(figure: float | None) -> str:
            return "undefined" if figure is None else f"{figure:.3f}"

        return f"tvae.Property(R² {shown(self.r2)}, Spearman {shown(self.spearman)} on {self._fit.held_out} texts)"


class Index:
    """Texts to find the nearest of (``Model.index``)."""

    def __init__(self, model: Model, index: _core.TextIndex) -> None:
        self._model, self._index = model, index
        self.texts: list[str] = index.texts
        """The different texts, in order."""
        self.rows: list[int] = index.rows
        """Where each came first in the corpus, from 0."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def codes(self) -> Codes:
        """[N, latent tokens, latent size]."""
        return self._index.codes

    @overload
    def query(self, texts: Codes, n: int = 10, *, progress: Progress = None) -> list[Outputs]: ...
    @overload
    def query(self, texts: str | Code, n: int = 10, *, progress: Progress = None) -> Outputs: ...  # type: ignore[overload-overlap]
    @overload
    def query(self, texts: Iterable[str], n: int = 10, *, progress: Progress = None) -> list[Outputs]: ...
    @overload
    def query(self, texts: Any, n: int = 10, *, progress: Progress = None) -> Any: ...

    def query(self, texts: Any, n: int = 10, *, progress: Progress = None) -> Any:
        """The n nearest of a text or code, nearest first: Outputs with ``distance`` and ``row``; a list of them for
        several."""
        n = as_count(n, "n", 1)
        with listening(progress) as listener:
            codes, single = _codes_of(self._model, texts, listener)
            found = [Outputs([self.texts[text] for text, _ in nearest],
                             {"distance": [distance for _, distance in nearest],
                              "row": [self.rows[text] for text, _ in nearest]})
                     for part in _parts(codes, "searching", listener or False) for nearest in self._index.query(part, n)]
        return found[0] if single else found

    def __repr__(self) -> str:
        return f"tvae.Index({len(self)} texts)"


def labelled(texts: Texts, labels: Texts | None) -> tuple[list[str], list[str]]:
    """Texts, and the label of each; none where None was given."""
    given, kinds = as_texts(texts), [] if labels is None else as_texts(labels, "labels")
    if labels is not None and len(kinds) != len(given):
        raise ConfigError(f"labels: got {len(kinds)}, expected one for each of the {len(given)} texts")
    return given, kinds


def _decoding(given: Decoding, judge: bool = False) -> _core.DecodeOptions:
    """Options of decoding from keyword arguments."""
    known = Decoding.__annotations__
    for name in given:
        if name not in known:
            raise TypeError(f"unexpected keyword argument {name!r}, expected one of {', '.join(known)}")
    options = _core.DecodeOptions()
    options.judge = judge
    options.sample = any(given.get(name) is not None for name in ("temperature", "top_k", "top_p"))
    for name, value in given.items():
        if name == "constrain":
            options.constrain = as_flag(value, name)
        elif value is not None:
            convert = as_count if name in ("candidates", "top_k", "seed") else as_number
            setattr(options, name, convert(value, name))
    return options


def _outputs(found: Sequence[_core.Decoded], columns: dict[str, list[Any]] | None = None, *,
             mark_changes: bool = False) -> Outputs:
    columns = dict(columns or {})
    if any(output.valid is not None for output in found):
        columns["valid"] = [output.valid for output in found]
    return Outputs([output.text for output in found], columns, mark_changes=mark_changes)


def _strengths(given: Any) -> tuple[list[float], bool]:
    """Of one number or several, and whether it was one."""
    if hasattr(given, "__float__") and getattr(given, "ndim", 0) == 0:
        return [as_number(given, "strength")], True
    return as_numbers(given, "strength"), False


def _codes_of(model: Model, given: Any, listener: Listener | None) -> tuple[Codes, bool]:
    """Codes [N, K, D] of texts or codes, and whether one was given."""
    if are_codes(given):
        return as_codes(given, model.latent_shape)
    return model.encode(as_texts(given), progress=listener or False), isinstance(given, str)


def _values(model: Model, linear: _core.LinearProperty, given: Any, progress: Progress) -> Any:
    with listening(progress) as listener:
        codes, single = _codes_of(model, given, listener)
        values = _in_parts(linear.value, codes, "measuring", listener or False)
    return float(values[0]) if single else like_given(given, values)


def _in_parts(compute: Callable[[Codes], npt.NDArray[np.float64]], codes: Codes, what: str,
              progress: Progress) -> npt.NDArray[np.float64]:
    """A number for each code."""
    parts = [compute(part) for part in _parts(codes, what, progress)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _parts(given: Any, what: str, progress: Progress) -> Iterator[Any]:
    """Parts of texts or codes, one after the other."""
    with listening(progress) as listener:
        for start in range(0, len(given), _AT_ONCE):
            yield given[start : start + _AT_ONCE]
            if listener:
                listener(what, min(start + _AT_ONCE, len(given)), len(given))
