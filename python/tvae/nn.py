"""A model for those who go on in PyTorch: gradients of a text's loss in its code, and of codes in embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from . import _core
from ._arrays import Device, PathLike, Texts, as_count, as_device, as_path, as_texts, kind_of, shown
from .errors import ConfigError


class DifferentiableModel(torch.nn.Module):
    """Encoder and decoder of a model as PyTorch modules: ``model.differentiable()``.

    They compute with tvae's own code on a copy of the weights, which are constants here and no parameters of the
    modules. Tensors are of ``dtype``, on the processor. First derivatives only.

    Args:
        path: a model directory.
        dtype: ``torch.float32`` or ``torch.float64``.
        device: where the model computes, as in ``tvae.load``.
    """

    def __init__(self, path: PathLike, dtype: torch.dtype = torch.float32, device: Device = "auto") -> None:
        super().__init__()
        if not isinstance(dtype, torch.dtype) or dtype not in (torch.float32, torch.float64):
            raise ConfigError(f"dtype: got {shown(dtype)}, expected torch.float32 or torch.float64")
        core = _core.Differentiable(as_path(path, "path"), as_device(device), dtype == torch.float64)
        self.encoder = Encoder(core, dtype)
        self.decoder = Decoder(core, dtype)

    def forward(self, codes: torch.Tensor, texts: Texts) -> torch.Tensor:
        """As the decoder's: [N] nats."""
        nats: torch.Tensor = self.decoder(codes, texts)
        return nats


class Encoder(torch.nn.Module):
    """Embeddings of texts to the codes of these texts."""

    def __init__(self, core: _core.Differentiable, dtype: torch.dtype) -> None:
        super().__init__()
        self._core, self._dtype = core, dtype

    def embed(self, texts: Texts) -> tuple[torch.Tensor, torch.Tensor]:
        """Token embeddings [N, L, d_model], the end of each text included and zeros after it, and lengths [N]."""
        embeddings, lengths = self._core.embed(as_texts(texts))
        return torch.from_numpy(embeddings).to(self._dtype), torch.tensor(lengths)

    def forward(self, embeddings: torch.Tensor, lengths: torch.Tensor | Sequence[int] | None = None) -> torch.Tensor:
        """Codes [N, latent tokens, latent size] of embeddings [N, L, d_model]; without lengths, all of L counts."""
        _require(embeddings, 3, "embeddings")
        if lengths is None:
            lengths = [embeddings.shape[1]] * embeddings.shape[0]
        elif isinstance(lengths, torch.Tensor):
            lengths = lengths.tolist()
        if not isinstance(lengths, (list, tuple)):
            raise TypeError(f"lengths: got {kind_of(lengths)}, expected a whole number for each text")
        whole = [as_count(length, f"lengths[{row}]") for row, length in enumerate(lengths)]
        codes: torch.Tensor = _Encode.apply(embeddings, whole, self._core)  # type: ignore[no-untyped-call]
        return codes


class Decoder(torch.nn.Module):
    """Codes to how well given texts are written from them."""

    def __init__(self, core: _core.Differentiable, dtype: torch.dtype) -> None:
        super().__init__()
        self._core, self._dtype = core, dtype

    def forward(self, codes: torch.Tensor, texts: Texts) -> torch.Tensor:
        """Cross-entropy [N] of each text from its code [N, latent tokens, latent size], teacher-forced: nats, summed
        over its tokens."""
        _require(codes, 3, "codes")
        nats: torch.Tensor = _Losses.apply(codes, as_texts(texts), self._core)  # type: ignore[no-untyped-call]
        return nats


def _require(tensor: Any, dimensions: int, name: str) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name}: got {kind_of(tensor)}, expected a PyTorch tensor")
    if not tensor.is_floating_point():
        raise TypeError(f"{name}: got a tensor of {tensor.dtype}, expected torch.float32 or torch.float64")
    if tensor.dim() != dimensions:
        raise ConfigError(f"{name}: got a tensor of {list(tensor.shape)}, expected {dimensions} dimensions")


def _numbers(tensor: torch.Tensor) -> Any:
    return np.ascontiguousarray(tensor.detach().cpu().double().numpy())


class _Encode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, embeddings: torch.Tensor, lengths: list[int], core: _core.Differentiable) -> torch.Tensor:
        ctx.lengths, ctx.core = lengths, core
        ctx.save_for_backward(embeddings)
        return torch.from_numpy(core.encode(_numbers(embeddings), lengths)).to(embeddings.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *of_outputs: torch.Tensor) -> Any:
        embeddings, = ctx.saved_tensors
        gradient = ctx.core.encode_gradient(_numbers(embeddings), ctx.lengths, _numbers(of_outputs[0]))
        return torch.from_numpy(gradient).to(embeddings), None, None


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, codes: torch.Tensor, texts: list[str], core: _core.Differentiable) -> torch.Tensor:
        nats, gradient = core.losses(_numbers(codes), texts)
        ctx.save_for_backward(torch.from_numpy(gradient).to(codes))
        return torch.from_numpy(nats).to(codes)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *of_outputs: torch.Tensor) -> Any:
        gradient, = ctx.saved_tensors
        return gradient * of_outputs[0][:, None, None], None, None
