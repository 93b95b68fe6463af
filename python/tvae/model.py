"""A loaded model, and what can be done with its latent space."""

from __future__ import annotations

import html
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union, Unpack, overload

import numpy as np
import numpy.typing as npt

from . import _card, _core
from ._arrays import Codes, Texts, as_codes, as_count, as_number, as_text, as_texts, like_given
from ._progress import Progress, listening
from .errors import ConfigError, Error
from .outputs import Outputs
from .report import Report

if TYPE_CHECKING:
    import torch

    from .nn import DifferentiableModel

PathLike = Union[str, "os.PathLike[str]"]

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


def load(path: PathLike, device: str = "auto", threads: int | None = None) -> Model:
    """Loads a model directory: what training, ``import_t5`` and ``tvae train`` write.

    Args:
        path: the directory.
        device: ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        threads: processor threads of this process, shared with PyTorch's own; None leaves them as they are.

    Raises:
        CheckpointError: there is no model, or it is damaged.
    """
    if threads is not None:
        set_threads(threads)
    return Model(_core.Space.open(os.fspath(_as_path(path, "path")), device), device)


def set_threads(threads: int) -> None:
    """How many processor threads this process computes with; ``torch.set_num_threads`` sets the same."""
    if as_count(threads, "threads", 1) > 4096:
        raise ConfigError(f"threads: got {threads}, expected 1 to 4096")
    _core.set_threads(int(threads))


def _as_path(path: Any, name: str) -> PathLike:
    if isinstance(path, bytes) or not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: got {type(path).__name__}, expected a str or a path")
    return path


class Model:
    """A model whose latent space can be walked in. Several threads may use one.

    Codes are float32 arrays of shape [N, latent tokens, latent size]; a single text gives, and a single array
    [latent tokens, latent size] is, one code. Codes may come as anything with ``__dlpack__`` or ``__array__``.

    Keyword arguments of all methods that decode:

    - ``candidates``: of so many outputs a code the valid one nearest to it is taken (1: the plain one);
      ``search_radius``: how far around the code they are drawn, in posterior standard deviations.
    - ``constrain``: write no bracket that closes nothing (Python, SMILES).
    - ``temperature``, ``top_k``, ``top_p``: draw tokens instead of taking the likeliest.
    - ``seed``: of all that is drawn.
    - ``progress``: see ``tvae._progress.listening``: True, False, None (a bar for what takes longer than a second), or
      a callable (what, done, total).
    """

    def __init__(self, space: _core.Space, device: str = "auto") -> None:
        self._opened: _core.Space | None = space
        self._device = device

    @property
    def _space(self) -> _core.Space:
        if self._opened is None:
            raise Error("the model is closed")
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
        return f"tvae.Model({str(self.path)!r}, {self._space.weights:,} weights, codes {tokens} x {size})"

    def _repr_html_(self) -> str:
        return html.escape(repr(self)) if self._opened is None else _card.html_of(self)

    def __reduce__(self) -> Any:
        """Another process loads it from its directory."""
        return load, (os.fspath(self.path.resolve()), self._device)

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
    def encode(self, texts: Texts, *, return_std: Literal[False] = False, progress: Progress = None) -> Codes: ...
    @overload
    def encode(self, texts: Texts, *, return_std: Literal[True], progress: Progress = None) -> tuple[Codes, Codes]: ...

    def encode(self, texts: Texts, *, return_std: bool = False,
               progress: Progress = None) -> Codes | tuple[Codes, Codes]:
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
        if not return_std:
            return mean[0] if single else mean
        if deviation is None:
            deviation = np.zeros_like(mean)
        return (mean[0], deviation[0]) if single else (mean, deviation)

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
        options = _decoding(decoding, judge=details)
        with listening(progress) as listener:
            outputs = self._space.decode(array, options, listener)
        found: list[Any] = outputs if details else [output.text for output in outputs]
        return found[0] if single else found

    def reconstruct(self, texts: Texts, *, details: bool = False, progress: Progress = None, **decoding: Unpack[Decoding]) -> Any:
        """Texts through the bottleneck and back. A pandas Series gives one with the same index.

        Args:
            details: ``Reconstruction`` objects (``text``, ``output``, ``exact``) instead.
        """
        with listening(progress) as listener:
            found = self._space.reconstruct(as_texts(texts), _decoding(decoding, judge=details), listener)
        if details:
            return found[0] if isinstance(texts, str) else found
        outputs = [reconstruction.output.text for reconstruction in found]
        return outputs[0] if isinstance(texts, str) else like_given(texts, outputs)

    def judge(self, texts: Texts) -> list[bool] | None:
        """Whether texts pass the check of the model's data; None where it has none."""
        given = as_texts(texts)
        judged: list[bool] = []
        for start in range(0, max(1, len(given)), _AT_ONCE):
            part = self._space.judge(given[start : start + _AT_ONCE])
            if part is None:
                return None
            judged += part
        return judged

    # ---- Between texts

    def interpolate(self, start: Any, end: Any, steps: int = 11, path: str = "slerp", *, progress: Progress = None,
                    **decoding: Unpack[Decoding]) -> Outputs:
        """The texts between two texts, or two codes, ends included; ``columns["ratio"]`` says where each stands."""
        ends = np.stack([self._code_of(start, "start"), self._code_of(end, "end")])
        with listening(progress) as listener:
            points = self._space.interpolate(ends, path, as_count(steps, "steps"), _decoding(decoding, judge=True), listener)
        return _outputs([point.output for point in points], {"ratio": [point.ratio for point in points]},
                        mark_changes=True)

    def analogy(self, a: str, b: str, c: str, strength: float | Sequence[float] = 1.0, *, progress: Progress = None,
                **decoding: Unpack[Decoding]) -> Any:
        """a is to b as c is to what comes out: a str, or Outputs for several strengths."""
        strengths, single = _numbers(strength, "strength")
        with listening(progress) as listener:
            found = self._space.analogy(as_text(a, "a"), as_text(b, "b"), as_text(c, "c"), strengths,
                                        _decoding(decoding, judge=True), listener)
        return found[0].text if single else _outputs(found, {"strength": strengths})

    def mix(self, texts: Sequence[str], weights: Sequence[float] | None = None, *, progress: Progress = None,
            **decoding: Unpack[Decoding]) -> str:
        """The text of the weighted mean of texts' codes."""
        with listening(progress) as listener:
            return self._space.mix(as_texts(texts), _weights(weights),
                                   _decoding(decoding), listener).text

    # ---- New texts

    def sample(self, n: int = 20, *, prior: Literal["fitted", "normal"] | None = None, prior_scale: float = 1.0,
               near: str | None = None, radius: float = 1.0, progress: Progress = None, **decoding: Unpack[Decoding]) -> Outputs:
        """New texts from the prior, or around a text.

        Args:
            n: how many.
            prior: ``"fitted"`` or ``"normal"``; None: the fitted one where there is one.
            prior_scale: multiplies the prior's deviations; below 1 texts are more typical.
            near: draw around this text instead, within ``radius`` posterior standard deviations.
        """
        with listening(progress) as listener:
            found = self._space.sample(as_count(n, "n"), prior or "", as_number(prior_scale, "prior_scale", 0), None if near is None else as_text(near, "near"),
                                       as_number(radius, "radius", 0), _decoding(decoding, judge=True), listener)
        return _outputs(found)

    def fit_prior(self, texts: Texts, kind: str = "gaussian", *, fit_on: str = "means", samples: int = 20000,
                  components: int = 0, seed: int = 42, progress: Progress = None) -> dict[str, Any]:
        """Fits the distribution that ``sample`` draws from to the codes of texts, and saves it in the model's
        directory.

        Args:
            kind: ``"gaussian"``, ``"gmm"`` or ``"flow"``.
            fit_on: ``"means"`` of the posteriors, or ``"samples"`` of them.
            samples: how many texts are used; 0: all.
            components: of a gmm; 0: as many as do best on held-out codes.

        Returns:
            what is known of the fit, such as its held-out log density.
        """
        with listening(progress) as listener:
            return self._space.fit_prior(as_texts(texts), kind, fit_on, as_count(samples, "samples"),
                                         as_count(components, "components"), as_count(seed, "seed"), listener)

    def log_density(self, codes: Any) -> npt.NDArray[np.float64]:
        """log p of codes under the fitted prior, or N(0, I) where there is none: [N], in nats."""
        array, single = as_codes(codes, self.latent_shape)
        density = _in_parts(self._space.log_density, array)
        return density[0] if single else density

    # ---- Directions and properties

    def fit_direction(self, name: str, positive: Texts, negative: Texts, *, method: str = "mean", seed: int = 42,
                      save: bool = True, progress: Progress = None) -> Direction:
        """A direction from texts of one kind to those of another, saved in the model's directory under its name."""
        with listening(progress) as listener:
            fit = self._space.fit_direction(as_texts(positive, "positive"), as_texts(negative, "negative"), method,
                                            as_count(seed, "seed"), listener)
        if save:
            self._space.save_direction(name, fit)
        return Direction(self, name, fit)

    def direction(self, name: str) -> Direction:
        """A saved one."""
        return Direction(self, name, self._space.direction(name))

    @property
    def directions(self) -> list[str]:
        """The names of the saved ones."""
        return self._space.directions()

    def fit_property(self, texts: Texts, values: Iterable[float], *, seed: int = 42,
                     progress: Progress = None) -> Property:
        """A number of texts as a linear function of their codes."""
        with listening(progress) as listener:
            fit = self._space.fit_property(as_texts(texts), _values_of(values),
                                           as_count(seed, "seed"), listener)
        return Property(self, fit)

    def optimize(self, text: str, property: Property | Direction | tuple[Texts, Iterable[float]], *, steps: int = 100,
                 step_size: float = 0.1, prior_weight: float = 1.0, text_weight: float = 0.3, downhill: bool = False,
                 progress: Progress = None, **decoding: Unpack[Decoding]) -> Outputs:
        """Moves a text uphill on a property, or a direction's logit, while it stays near the text and likely.

        Returns:
            the different texts on the way, the reconstruction first; ``columns`` has ``step``, ``value``, ``objective``
            and ``unlikeliness`` of each.
        """
        if isinstance(property, tuple):
            property = self.fit_property(*property, progress=progress)
        if not isinstance(property, (Property, Direction)):
            raise TypeError(f"property: got {type(property).__name__}, expected a Property, a Direction or (texts, values)")
        options = _core.OptimizeOptions()
        options.steps, options.step_size = as_count(steps, "steps"), as_number(step_size, "step_size")
        options.prior_weight = as_number(prior_weight, "prior_weight", 0)
        options.text_weight = as_number(text_weight, "text_weight", 0)
        options.downhill = bool(downhill)
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
        if metric not in ("cosine", "l2"):
            raise ConfigError(f"metric: got {metric!r}, expected cosine or l2")
        with listening(progress) as listener:
            return Index(self, self._space.index(as_texts(texts), metric, listener))

    # ---- Measuring, and going elsewhere

    def evaluate(self, data: PathLike | None = None, *, only: str | Sequence[str] = (), samples: int = 1000, seed: int = 42,
                 path: str = "slerp", candidates: int = 1, constrain: bool = False, prior_scale: float = 1.0,
                 column: str = "", label_column: str = "", write: bool = True, progress: Progress = None) -> Report:
        """Measures the model on held-out texts: the report that ``tvae eval`` writes.

        Args:
            data: a file of held-out texts; None: those of the model's run.
            only: a section, or some; all where it is empty.
            samples: how many texts, pairs and draws are measured.
            write: also write report.json and report.html into the model's directory, as ``tvae eval`` does.
        """
        read = _core.ReadOptions()
        read.column, read.label_column = column, label_column
        with listening(progress) as listener:
            return Report(_core.evaluate(self._space, "" if data is None else os.fspath(data), read,
                                         [only] if isinstance(only, str) else list(only), as_count(samples, "samples", 1),
                                         as_count(seed, "seed"), path, as_count(candidates, "candidates", 1),
                                         bool(constrain), as_number(prior_scale, "prior_scale", 0), bool(write), listener))

    def export(self, out: PathLike, *, overwrite: bool = False) -> None:
        """Writes its T5 part as a folder that Hugging Face transformers loads."""
        _core.export_t5(self._space.directory, os.fspath(out), overwrite)

    def differentiable(self, dtype: torch.dtype | None = None, device: str = "auto") -> DifferentiableModel:
        """Its encoder and decoder as PyTorch modules (``tvae.nn``), for gradients of a text's loss in its code and of
        codes in embeddings. Reads the weights from its directory; ``dtype`` is ``torch.float32`` unless given."""
        import torch

        from .nn import DifferentiableModel

        return DifferentiableModel(self._space.directory, dtype or torch.float32, device)

    def _code_of(self, given: Any, name: str) -> Codes:
        if isinstance(given, str):
            return self.encode(given, progress=False)
        array, _ = as_codes(given, self.latent_shape, name)
        if len(array) != 1:
            raise ConfigError(f"{name}: got {len(array)} codes, expected one")
        code: Codes = array[0]
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

    def value(self, texts: Any) -> Any:
        """How sure it is that texts, or codes, are of the positive kind: logits, above 0 where they are more likely so.
        A float for one, else [N]."""
        return _values(self._model, self._linear, texts)

    def apply(self, texts: Any, strength: float | Sequence[float] = 1.0, *, progress: Progress = None,
              **decoding: Unpack[Decoding]) -> Any:
        """Texts, or codes, moved along it: a str for one text and one strength, else Outputs, a text a strength of each,
        in order."""
        strengths, single = _numbers(strength, "strength")
        codes, single_text = _codes_of(self._model, texts)
        with listening(progress) as listener:
            moved = self._model._space.move(codes, self._fit, strengths, _decoding(decoding, judge=True), listener)
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

    def value(self, texts: Any) -> Any:
        """Of texts or codes: a float for one, else [N]."""
        return _values(self._model, self._linear, texts)

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

    def query(self, texts: Any, n: int = 10) -> Any:
        """The n nearest of a text or code, nearest first: Outputs with ``distance`` and ``row``; a list of them for
        several."""
        n = as_count(n, "n", 1)
        codes, single = _codes_of(self._model, texts)
        found = [Outputs([self.texts[text] for text, _ in nearest],
                         {"distance": [distance for _, distance in nearest],
                          "row": [self.rows[text] for text, _ in nearest]})
                 for start in range(0, len(codes), _AT_ONCE)
                 for nearest in self._index.query(codes[start : start + _AT_ONCE], n)]
        return found[0] if single else found

    def __repr__(self) -> str:
        return f"tvae.Index({len(self)} texts)"


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
            options.constrain = bool(value)
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


def _numbers(given: float | Sequence[float], name: str) -> tuple[list[float], bool]:
    """A list of numbers, and whether a single one was given."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiu" or array.ndim > 1:
        raise TypeError(f"{name}: got {given!r}, expected a number or several")
    return [float(number) for number in array.reshape(-1)], array.ndim == 0


def _codes_of(model: Model, given: Any) -> tuple[Codes, bool]:
    """Codes [N, K, D] of texts or codes, and whether one was given."""
    if isinstance(given, str):
        return model.encode([given], progress=False), True
    kind = getattr(getattr(given, "dtype", None), "kind", None)  # of NumPy and pandas; a PyTorch tensor's has none
    if (hasattr(given, "__dlpack__") and kind is None) or kind in ("f", "i", "u"):
        return as_codes(given, model.latent_shape)
    if isinstance(given, (list, tuple)) and given and isinstance(given[0], (list, tuple, np.ndarray, float, int)):
        return as_codes(given, model.latent_shape)
    return model.encode(as_texts(given), progress=False), False


def _values(model: Model, linear: _core.LinearProperty, given: Any) -> Any:
    codes, single = _codes_of(model, given)
    values = _in_parts(linear.value, codes)
    return float(values[0]) if single else values


def _in_parts(compute: Callable[[Codes], npt.NDArray[np.float64]], codes: Codes) -> npt.NDArray[np.float64]:
    """A number for each code."""
    parts = [compute(codes[start : start + _AT_ONCE]) for start in range(0, len(codes), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _weights(given: Sequence[float] | None) -> list[float]:
    if given is None:
        return []
    weights = [as_number(weight, "weights") for weight in given]
    if not weights:
        raise ConfigError("weights: got none, expected one for each text")
    return weights


def _values_of(given: Iterable[float]) -> list[float]:
    return [as_number(value, f"values[{row}]") for row, value in enumerate(given)]
