"""What users give as texts, codes, numbers and names, as the library takes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from .errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch

Code = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Codes = np.ndarray[tuple[int, int, int], np.dtype[np.float32]]
Texts = Union[str, Iterable[str]]
Numbers = Union[Sequence[float], npt.NDArray[Any]]
PathLike = Union[str, "os.PathLike[str]"]
Files = Union[PathLike, Sequence[PathLike]]
Device = Union[str, int, "torch.device", None]

_LARGEST = 2**63 - 1


def as_texts(texts: Any, name: str = "texts") -> list[str]:
    """A list of str of whatever holds them: list, tuple, generator, NumPy array, pandas Series."""
    if isinstance(texts, str):
        return [_encodable(texts, name)]
    if isinstance(texts, (bytes, bytearray, dict)) or texts is None:
        raise TypeError(f"{name}: got {kind_of(texts)}, expected a str or several of them")
    if getattr(texts, "ndim", 1) > 1:  # of a table, the names of columns would be taken
        column = ", such as one column" if hasattr(texts, "columns") else ""
        raise TypeError(f"{name}: got {kind_of(texts)} of {texts.ndim} dimensions, expected one{column}")
    _require_whole(texts, name)
    try:
        given: Any = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    except TypeError:
        raise TypeError(f"{name}: got {kind_of(texts)}, expected a str or several of them") from None
    if isinstance(given, str):  # an array without dimensions
        return [_encodable(given, name)]
    if not isinstance(given, list):
        raise TypeError(f"{name}: got {kind_of(texts)}, expected a str or several of them")
    for row, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{row}]: got {kind_of(text)}, expected a str")
        _encodable(text, f"{name}[{row}]")
    return given


def as_text(text: Any, name: str = "text") -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name}: got {kind_of(text)}, expected a str")
    return _encodable(text, name)


def as_path(path: Any, name: str) -> str:
    """Absolute, so that it stays the same place after os.chdir."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{name}: got {kind_of(path)}, expected a str or a path")
    text = _encodable(os.fspath(path), name)
    if not text or "\0" in text:
        raise ConfigError(f"{name}: got {text!r}, expected the name of a file or folder")
    return os.path.abspath(text)


def short_path(path: str) -> str:
    """As it can be written from here, for people."""
    try:
        return min(path, os.path.relpath(path), key=len)
    except (OSError, ValueError):  # the current folder is gone, or there is no path
        return path


def as_files(files: Any, name: str) -> str:
    """Absolute names of one file, a pattern of them or several, with | between as the library takes them."""
    if isinstance(files, (str, os.PathLike)):
        path = as_path(files, name)
        parts = [path] if os.path.exists(path) else os.fspath(files).split("|")
    elif isinstance(files, (list, tuple)):
        parts = [as_path(file, f"{name}[{place}]") for place, file in enumerate(files)]
        for part in parts:
            if "|" in part:
                raise ConfigError(f"{name}: got {shown(part)}, expected names without |, which stands between those of several "
                                  "files")
    else:
        raise TypeError(f"{name}: got {kind_of(files)}, expected a path or a list of them")
    if not parts:
        raise ConfigError(f"{name}: got no file, expected at least one")
    return "|".join(as_path(part, name) for part in parts)


def as_names(names: Any, name: str) -> list[str]:
    """Of one str, or of several."""
    if not isinstance(names, (str, os.PathLike)) and not isinstance(names, (list, tuple)):
        raise TypeError(f"{name}: got {kind_of(names)}, expected a str or a list of them")
    given = [names] if isinstance(names, (str, os.PathLike)) else names
    return [as_text(os.fspath(part) if isinstance(part, os.PathLike) else part, name) for part in given]


def as_device(device: Any) -> str:
    """``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``, also of a torch.device or the number of a GPU."""
    if device is None:
        return "auto"
    if isinstance(device, int) and not isinstance(device, bool):
        return f"cuda:{as_count(device, 'device', 0, 255)}"
    if type(device).__module__ == "torch":
        return str(device)
    return as_text(device, "device")


def as_flag(value: Any, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: got {shown(value)}, expected True or False")
    return bool(value)


def as_number(value: Any, name: str, least: float | None = None) -> float:
    """A finite float of any number."""
    try:
        if isinstance(value, (str, bytes, bool, np.bool_)) or not hasattr(value, "__float__"):
            raise TypeError
        number = float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):  # such as of an array of several
        raise TypeError(f"{name}: got {kind_of(value)}, expected a number") from None
    except OverflowError:
        number = float("inf")
    if number != number or number in (float("inf"), float("-inf")) or (least is not None and number < least):
        raise ConfigError(f"{name}: got {shown(value)}, expected a number" +
                          ("" if least is None else f", at least {least:g}"))
    return number


def as_count(value: Any, name: str, least: int = 0, most: int = _LARGEST) -> int:
    """An int of any whole number."""
    number = as_number(value, name)
    if not number.is_integer():
        raise ConfigError(f"{name}: got {shown(value)}, expected a whole number")
    whole = int(value)
    if not least <= whole <= most:
        raise ConfigError(f"{name}: got {shown(value)}, expected {f'{least} to {most}' if whole > most else f'at least {least}'}")
    return whole


def as_numbers(numbers: Any, name: str) -> list[float]:
    """Of whatever holds several: list, generator, NumPy array, pandas Series, tensor."""
    if isinstance(numbers, (str, bytes, dict, set, frozenset)) or not hasattr(numbers, "__iter__"):
        raise TypeError(f"{name}: got {kind_of(numbers)}, expected several numbers, in order")
    _require_whole(numbers, name)
    return [as_number(number, f"{name}[{row}]") for row, number in enumerate(numbers)]


def as_codes(codes: Any, shape: tuple[int, int], name: str = "codes") -> tuple[Codes, bool]:
    """Codes [N, K, D] in fp32, without a copy where they are that already, and whether it was a single one [K, D].
    Takes what has ``__dlpack__`` or ``__array__``, and lists."""
    array = _as_array(codes, name)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name}: got numbers of type {array.dtype}, expected float32")
    with np.errstate(over="ignore"):  # what is beyond float32 is told of below
        array = np.ascontiguousarray(array, dtype=np.float32)
    given = list(array.shape)
    single = array.ndim == 2
    if single:
        array = array[None]
    if array.ndim != 3 or array.shape[1:] != shape:
        raise DataError(f"{name}: got an array of {given}, expected [N, {shape[0]}, {shape[1]}]")
    if not np.isfinite(array).all():
        raise DataError(f"{name}: got numbers that are not finite")
    return array, single


def as_places(positions: Any, name: str = "positions") -> tuple[npt.NDArray[np.float32], bool]:
    """Places on a map [N, 2] in fp32, and whether it was a single one [2]."""
    array = _as_array(positions, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: got numbers of type {array.dtype}, expected float32")
    with np.errstate(over="ignore"):  # what is beyond float32 is told of below
        array = np.ascontiguousarray(array, dtype=np.float32)
    given, single = list(array.shape), array.ndim == 1 and array.size > 0
    if single:
        array = array[None]
    if array.size == 0:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise DataError(f"{name}: got an array of {given}, expected [N, 2]")
    if not np.isfinite(array).all():
        raise DataError(f"{name}: got numbers that are not finite")
    return array, single


def are_codes(given: Any) -> bool:
    """Whether these are numbers, and no texts."""
    if isinstance(given, (list, tuple)):
        first = given[0] if given else ""
        return not isinstance(first, str) and (isinstance(first, (list, tuple, float, int)) or _is_array(first))
    return _is_array(given) and getattr(getattr(given, "dtype", None), "kind", "f") not in "OUST"


def _is_array(value: Any) -> bool:
    return hasattr(value, "__dlpack__") or hasattr(value, "__array__")


def _as_array(codes: Any, name: str) -> npt.NDArray[Any]:
    if codes is None or isinstance(codes, (str, bytes, dict)):
        raise TypeError(f"{name}: got {kind_of(codes)}, expected an array")
    _require_whole(codes, name)
    try:
        if hasattr(codes, "detach"):  # a PyTorch tensor, on whatever device and with whatever history
            codes = codes.detach().cpu()
            return np.asarray(codes.float() if codes.is_floating_point() and codes.element_size() < 4 else codes)
        if isinstance(codes, (list, tuple)) and codes and all(map(_is_array, codes)):
            return np.stack([_as_array(code, name) for code in codes])
        if hasattr(codes, "__dlpack__") and not hasattr(codes, "__array__"):
            return np.from_dlpack(codes)
        return np.asarray(codes)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        said = " ".join(str(error).split())
        raise TypeError(f"{name}: got {kind_of(codes)}, which makes no array: {said}") from None


def _require_whole(given: Any, name: str) -> None:
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise DataError(f"{name}: got an array of which a part is masked, expected a whole one")


def _encodable(text: str, name: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(f"{name}: got half of a surrogate pair, expected text that can be written as UTF-8") from None
    return text


def kind_of(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def shown(value: Any) -> str:
    """For a message: short, and in one line."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of thousands of digits
        return kind_of(value)
    return text if len(text) <= 60 else text[:57] + "..."


def like_given(given: Any, values: Any, *, texts: bool = False) -> Any:
    """A pandas Series with index and name of a given one; else the values."""
    index = getattr(given, "index", None)
    if index is None or callable(index) or type(given).__module__.partition(".")[0] != "pandas":
        return values
    dtype = (given.dtype if str(given.dtype).startswith("str") else object) if texts else None
    return type(given)(values, index=index, name=getattr(given, "name", None), dtype=dtype)
