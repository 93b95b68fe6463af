"""A smooth latent space of sequences: text, code, molecules, music.

>>> import tvae
>>> model = tvae.load("models/python_lines")
>>> codes = model.encode(["x = a - 1", "return None"])
>>> codes.shape, codes.dtype
((2, 8, 32), dtype('float32'))
>>> model.decode(codes)
['x = a - 1', 'return None']
>>> path = model.interpolate("x = 1", "return self.name", steps=3)
>>> path[0], path[-1], path.columns["ratio"]
('x = 1', 'return self.name', [0.0, 0.5, 1.0])
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

# OpenMP's threads wait for one another by spinning for milliseconds, which on a machine with other work makes training
# several times as slow; microseconds do as well. Its library reads the environment when it is loaded: here, unless
# PyTorch was imported before. Programs that this process starts later are not to inherit the setting.
_WAITING = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}.isdisjoint(os.environ)
if _WAITING:
    os.environ["GOMP_SPINCOUNT"] = "3000"
try:
    from . import _core
except ImportError as error:
    try:
        _torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("tvae needs PyTorch: pip install torch") from error
    raise ImportError(f"tvae does not load with torch {_torch}, where it needs the one that it was built with "
                      f"(pip install it again): {error}") from error
finally:
    if _WAITING:
        del os.environ["GOMP_SPINCOUNT"]
from . import errors
from .convert import convert
from .corpus_map import Map
from .errors import CheckpointError, ConfigError, DataError, Error
from .messages import TvaeWarning
from .model import Decoded, Direction, Index, Model, Property, Reconstruction, load, set_threads
from .outputs import Outputs
from .report import Report
from .serving import Server, explore, serve
from .settings import config, import_t5, presets
from .training import Run, train

__version__ = _core.version
__all__ = [
    "CheckpointError", "ConfigError", "DataError", "Decoded", "Direction", "Error", "Index", "Map", "Model",
    "Outputs", "Property", "Reconstruction", "Report", "Run", "Server", "TvaeWarning", "config", "convert", "explore",
    "import_t5", "load", "presets", "serve", "set_threads", "to_torch", "train",
]

# A child of os.fork() has no threads of the pool that computes; one thread is what it can compute with.
os.register_at_fork(after_in_child=_core.after_fork)


def to_torch(codes: npt.NDArray[Any]) -> torch.Tensor:
    """An array as a PyTorch tensor, without a copy unless it may not be written to."""
    import numpy
    import torch

    if not isinstance(codes, numpy.ndarray):
        raise TypeError(f"codes: got {type(codes).__name__}, expected a NumPy array")
    return torch.from_numpy(codes if codes.flags.writeable else codes.copy())


if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from . import nn as nn
    from . import wandb as wandb
    from .sklearn import Encoder as Encoder
else:
    def __getattr__(name: str) -> Any:
        """What needs packages that the rest does not: scikit-learn, PyTorch's Python side, Weights & Biases."""
        if name == "Encoder":
            from .sklearn import Encoder

            return Encoder
        if name in ("nn", "wandb"):
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module 'tvae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "Encoder", "__version__", "nn", "wandb"])
