"""What users give as texts and codes, as the library takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from .errors import ConfigError, DataError

Codes = npt.NDArray[np.float32]
Texts = Union[str, Iterable[str]]


def as_texts(texts: Any, name: str = "texts") -> list[str]:
    """A list of str of whatever holds them: list, tuple, generator, NumPy array, pandas Series."""
    if isinstance(texts, str):
        return [_encodable(texts, name)]
    if isinstance(texts, (bytes, bytearray, dict)) or texts is None:
        raise TypeError(f"{name}: got {_kind(texts)}, expected a str or several of them")
    if getattr(texts, "ndim", 1) > 1:  # of a table, the names of columns would be taken
        column = ", such as one column" if hasattr(texts, "columns") else ""
        raise TypeError(f"{name}: got {_kind(texts)} of {texts.ndim} dimensions, expected one{column}")
    try:
        given: Sequence[Any] = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    except TypeError:
        raise TypeError(f"{name}: got {_kind(texts)}, expected a str or several of them") from None
    if isinstance(given, str):  # an array without dimensions
        return [_encodable(given, name)]
    if not isinstance(given, list):
        raise TypeError(f"{name}: got {_kind(texts)}, expected a str or several of them")
    for row, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{row}]: got {_kind(text)}, expected a str")
        _encodable(text, f"{name}[{row}]")
    return given


def _encodable(text: str, name: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(f"{name}: got half of a surrogate pair, expected text that can be written as UTF-8") from None
    return text


def as_number(value: Any, name: str, least: float | None = None) -> float:
    """A finite float of any number."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}: got {_kind(value)}, expected a number")
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")) or (least is not None and number < least):
        raise ConfigError(f"{name}: got {value!r}, expected a number" + ("" if least is None else f", at least {least:g}"))
    return number


def as_count(value: Any, name: str, least: int = 0) -> int:
    """An int of any whole number."""
    number = as_number(value, name, least)
    if not number.is_integer():
        raise ConfigError(f"{name}: got {value!r}, expected a whole number")
    return int(value)


def as_text(text: Any, name: str = "text") -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name}: got {_kind(text)}, expected a str")
    return _encodable(text, name)


def as_codes(codes: Any, shape: tuple[int, int], name: str = "codes") -> tuple[Codes, bool]:
    """Codes [N, K, D] in fp32, without a copy where they are that already, and whether it was a single one [K, D].
    Takes what has ``__dlpack__`` or ``__array__``, and lists."""
    array = _as_array(codes, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: got numbers of type {array.dtype}, expected float32")
    array = np.ascontiguousarray(array, dtype=np.float32)
    single = array.ndim == 2
    if single:
        array = array[None]
    if array.ndim != 3 or array.shape[1:] != shape:
        raise DataError(f"{name}: got an array of {list(np.shape(codes))}, expected [N, {shape[0]}, {shape[1]}]")
    if not np.isfinite(array).all():
        raise DataError(f"{name}: got numbers that are not finite")
    return array, single


def _as_array(codes: Any, name: str) -> npt.NDArray[Any]:
    if isinstance(codes, np.ndarray):
        return codes
    if codes is None or isinstance(codes, (str, bytes, dict)):
        raise TypeError(f"{name}: got {_kind(codes)}, expected an array")
    if hasattr(codes, "detach"):  # a PyTorch tensor, on whatever device and with whatever history
        codes = codes.detach().cpu()
    try:
        if hasattr(codes, "__dlpack__") and not hasattr(codes, "__array__"):
            return np.from_dlpack(codes)
        return np.asarray(codes)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name}: got {_kind(codes)}, which makes no array: {error}") from None


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def like_given(given: Any, values: list[str]) -> Any:
    """A pandas Series with the index of a given one; else the values."""
    index = getattr(given, "index", None)
    if index is None or callable(index) or type(given).__module__.partition(".")[0] != "pandas":
        return values
    return type(given)(values, index=index, name=getattr(given, "name", None), dtype=object)
