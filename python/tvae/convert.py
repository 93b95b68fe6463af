"""Published checkpoints, as PyTorch and Flax wrote them, as folders that tvae reads."""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import re
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core, messages
from ._arrays import PathLike, as_flag, as_path
from .errors import CheckpointError, ConfigError
from .settings import assignments_of

Weights = dict[str, npt.NDArray[np.float32]]

_FILES = ("pytorch_model.bin", "flax_model.msgpack")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "spiece.model", "vocab.json",
                    "merges.txt", "vocab.txt", "added_tokens.json")


def convert(path: PathLike, out: PathLike, *, tokenizer: PathLike | None = None,
            overrides: Mapping[str, Any] | None = None, overwrite: bool = False) -> pathlib.Path:
    """Turns a published checkpoint into what tvae reads.

    - T5-VAE (2020), Transformer-VAE (2021) and T5-VAE Flax (2021) become model directories, for ``tvae.load``.
    - T5 and Funnel become folders of safetensors, for ``tvae.import_t5``.

    Which of them it is, and every size, is seen from the weights; what weights do not show comes from config.json.

    Args:
        path: a folder with pytorch_model.bin or flax_model.msgpack, and config.json; or such a file.
        out: a folder.
        tokenizer: a tokenizer folder or .model file, where the folder holds none.
        overrides: settings by key, which win over what was seen; not for T5 and Funnel, of which ``tvae.import_t5`` makes a
            model.
        overwrite: throw away the model that is in ``out``.

    Returns:
        ``out``, as an absolute path.

    Raises:
        CheckpointError: no such file, one that is damaged, or of a model that tvae does not know.
    """
    file, out = _weight_file(pathlib.Path(as_path(path, "path"))), pathlib.Path(as_path(out, "out"))
    given = assignments_of(overrides)  # refused before any work
    tokenizer = None if tokenizer is None else as_path(tokenizer, "tokenizer")
    overwrite = as_flag(overwrite, "overwrite")
    folder = file.parent
    weights = _read_msgpack(file) if file.suffix == ".msgpack" else _read_pytorch(file)
    config = _read_config(folder)
    for found, make in ((_is_2020, _of_2020), (_is_2021, _of_2021), (_is_flax, _of_flax)):
        if found(weights):
            model = make(weights, config, file)
            break
    else:
        if "encoder.block.0.layer.0.SelfAttention.q.weight" in weights or any(map(_FUNNEL.match, weights)):
            if given:
                raise ConfigError(f"overrides: got {', '.join(given)}, expected none for a checkpoint of T5 or Funnel "
                                  "(tvae.import_t5 takes them)")
            return _as_safetensors(weights, config, file, tokenizer, out, overwrite)
        raise CheckpointError(f"{file}: got weights such as {', '.join(sorted(weights)[:3])}, expected those of T5, "
                              "Funnel, T5-VAE (2020), Transformer-VAE (2021) or T5-VAE Flax (2021)")
    _core.assemble([model.preset], [*assignments_of(model.settings), *given], model.weights,
                   tokenizer or os.fspath(folder), str(file), os.fspath(out), overwrite)
    return out


# ---- Reading

def _weight_file(path: pathlib.Path) -> pathlib.Path:
    if path.is_file():
        return path
    for name in _FILES:
        if (path / name).is_file():
            return path / name
    hint = ""
    if (path / "model.safetensors").is_file():
        hint = " (model.safetensors needs no conversion: tvae.import_t5 reads it)"
    raise CheckpointError(f"{path}: expected {' or '.join(_FILES)}{hint}")


def _read_config(folder: pathlib.Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{folder / 'config.json'}: expected an object")
    return config


def _read_pytorch(file: pathlib.Path) -> Weights:
    import torch

    try:  # weights_only: a checkpoint is data, and must not run code
        state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # whose text advises to run the code
        raise CheckpointError(f"{file} is no file of PyTorch weights alone: it is damaged, or holds code, which is not "
                              "run") from None
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"{file} is no file of PyTorch weights: {first}") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise CheckpointError(f"{file}: got {type(state).__name__}, expected weights by name")
    return {str(name): np.ascontiguousarray(value.detach().float().numpy()) for name, value in state.items()
            if isinstance(value, torch.Tensor) and value.is_floating_point()}


def _read_msgpack(file: pathlib.Path) -> Weights:
    """Names are the places in the tree, with / between."""
    try:
        import msgpack
    except ImportError:
        raise ConfigError("Flax checkpoints need the package msgpack: pip install tvae[convert]") from None

    def array(code: int, data: bytes) -> Any:
        if code not in (1, 3):  # flax.serialization: arrays, and NumPy's scalars
            return None
        shape, kind, numbers = msgpack.unpackb(data, raw=True)
        kind = kind.decode()
        if kind == "bfloat16":  # the upper half of a float32
            halves = np.frombuffer(numbers, np.uint16).astype(np.uint32) << 16
            return halves.view(np.float32).reshape(shape)
        return np.frombuffer(numbers, np.dtype(kind)).reshape(shape)

    try:
        tree = msgpack.unpackb(file.read_bytes(), ext_hook=array, raw=False, strict_map_key=False)
    except Exception as error:
        raise CheckpointError(f"{file} is no file of Flax weights: {error}") from None
    if not isinstance(tree, dict):
        raise CheckpointError(f"{file}: got {type(tree).__name__}, expected weights by name")
    return _flat(tree.get("params", tree))


def _flat(tree: Mapping[str, Any], place: str = "") -> Weights:
    if tree.get("__msgpack_chunked_array__"):  # an array of more than a gigabyte, in pieces
        shape = [tree["shape"][key] for key in sorted(tree["shape"], key=int)]
        pieces = [tree["chunks"][key] for key in sorted(tree["chunks"], key=int)]
        return {place[1:]: np.concatenate(pieces).reshape(shape).astype(np.float32)}
    weights: Weights = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            weights.update(_flat(value, f"{place}/{name}"))
        elif isinstance(value, np.ndarray) and value.ndim:  # a single number is no weight of these models
            weights[f"{place}/{name}"[1:]] = np.ascontiguousarray(value, np.float32)
    return weights


# ---- Which model it is, and how tvae calls its weights

class _Found(NamedTuple):
    preset: str
    settings: dict[str, Any]
    weights: Weights


_FUNNEL = re.compile(r"(funnel\.)?encoder\.blocks\.\d+\.\d+\.attention\.r_w_bias$")
# The position bias that the T5 of transformers 3 had in the decoder's cross-attention.
_CROSS_BIAS = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"


def _is_2020(weights: Weights) -> bool:
    return "t5_model.shared.weight" in weights and "vae.encoder.shrink_tokens.weight" in weights


def _of_2020(weights: Weights, config: dict[str, Any], file: pathlib.Path) -> _Found:
    renamed = {name.removeprefix("t5_model."): value for name, value in weights.items()}
    tied = "lm_head.weight" not in renamed or np.array_equal(renamed["lm_head.weight"], renamed["shared.weight"])
    found = _without_aliases(renamed, tied)
    if renamed.get(_CROSS_BIAS, np.zeros(1)).any():
        messages.take("warning", f"{file}: transformers 3 gave the decoder's cross-attention a position bias, which tvae "
                      "has not: outputs differ from that program's")
    latent = _weight(found, "vae.encoder.shrink_sequence.weight", file)
    settings = {**_t5_settings(found, config, ("encoder", "decoder"), file), "model.latent_size": latent.shape[0],
                "data.max_tokens": latent.shape[1] // 100, "model.tie_word_embeddings": tied}
    return _Found("t5_vae_2020", settings, found)


def _is_2021(weights: Weights) -> bool:
    return "shared_embedding.weight" in weights and "vae.encoder.token_to_latent.weight" in weights


def _of_2021(weights: Weights, config: dict[str, Any], file: pathlib.Path) -> _Found:
    if not config:
        raise CheckpointError(f"{file}: expected config.json beside it, which says how many codes and tokens there are")
    funnel, t5 = _section(config, "funnel", file), _section(config, "t5", file)
    shared = weights["shared_embedding.weight"]
    for alias in ("decoder.embed_tokens.weight", "lm_head.weight"):
        if alias in weights and not np.array_equal(weights[alias], shared):
            messages.take("warning", f"{file}: {alias} is not shared_embedding.weight, which is taken")
    if any(name.startswith("critic.") for name in weights):
        messages.take("info", f"{file}: the critic, which only training uses, is left out")
    found = _without_aliases({name: value for name, value in weights.items()
                              if not name.startswith(("critic.", "shared_embedding."))} | {"shared.weight": shared},
                             tied=True)
    latent = _weight(found, "vae.encoder.token_to_latent.weight", file)
    heads = _weight(found, "encoder.blocks.0.0.attention.r_w_bias", file).shape
    norm = ("t5_norm" if "vae.decoder.norm.layer_norm.weight" in found else
            "layer_norm" if "vae.decoder.norm.weight" in found else "no_norm")
    if funnel.get("hidden_act", "gelu_new") != "gelu_new":
        raise CheckpointError(f"{file.parent / 'config.json'}: funnel.hidden_act: got {funnel['hidden_act']!r}, expected 'gelu_new'")
    sizes = config.get("funnel_block_sizes") or "_".join(str(size) for size in funnel.get("block_sizes", []))
    length = _given(config, "set_seq_size", 60, file)
    codes = _given(config, "n_latent_tokens", 5, file)
    settings = {
        **_t5_settings(found, t5, ("decoder",), file),
        "model.funnel.block_sizes": sizes or _blocks(found), "model.funnel.num_heads": heads[0],
        "model.funnel.d_kv": heads[1],
        "model.funnel.d_inner": _weight(found, "encoder.blocks.0.0.ffn.linear_1.weight", file).shape[0],
        "model.latent_size": latent.shape[0], "model.latent_tokens": codes, "data.max_tokens": length,
        "model.tokens_bottleneck.latent_decoder": norm,
        "model.tokens_bottleneck.skip_upsample": bool(config.get("skip_upsample", False)),
        "model.tokens_bottleneck.mask_upsample_tail": False,  # that program let rows of zeros take part
    }
    for ours, theirs in (("attention", "attention_type"), ("pooling", "pooling_type"), ("separate_cls",) * 2,
                         ("truncate_seq",) * 2, ("pool_q_only",) * 2, ("layer_norm_epsilon", "layer_norm_eps"),
                         ("hidden_dropout",) * 2, ("attention_dropout",) * 2, ("activation_dropout",) * 2):
        if theirs in funnel:
            settings[f"model.funnel.{ours}"] = funnel[theirs]
    repeats = funnel.get("block_repeats")
    if repeats and set(repeats) != {1}:
        settings["model.funnel.block_repeats"] = "_".join(str(repeat) for repeat in repeats)
    window = config.get("attention_window_size", 0)
    if window:
        settings["model.attention_window.size"] = window
        settings["model.attention_window.overlap"] = length % window
    return _Found("transformer_vae_2021", settings, found)


def _is_flax(weights: Weights) -> bool:
    return "t5/shared/embedding" in weights and "vae/encoder/Dense_0/kernel" in weights


def _of_flax(weights: Weights, config: dict[str, Any], file: pathlib.Path) -> _Found:
    if not config:
        raise CheckpointError(f"{file}: expected config.json beside it, which says how many codes and tokens there are")
    renamed: Weights = {}
    for name, value in weights.items():
        for theirs, ours in (("vae/encoder/Dense_0", "vae/encoder/token_to_latent"),
                             ("vae/decoder/Dense_0", "vae/decoder/latent_to_token"),
                             ("vae/decoder/LayerNorm_0", "vae/decoder/norm")):
            name = name.replace(theirs, ours)
        *place, last = name.removeprefix("t5/").split("/")
        if last == "kernel":  # [in, out] there, [out, in] here
            value = np.ascontiguousarray(value.T)
        renamed[".".join([*place, {"kernel": "weight", "embedding": "weight", "scale": "weight"}.get(last, last)])] = value
    t5 = config.get("t5") or config
    tied = "lm_head.weight" not in renamed
    found = _without_aliases(renamed, tied)
    settings = {**_t5_settings(found, t5, ("encoder", "decoder"), file),
                "model.latent_tokens": _given(config, "n_latent_tokens", 6, file),
                "model.latent_size": _weight(found, "vae.encoder.token_to_latent.weight", file).shape[0],
                "data.max_tokens": config.get("set_seq_size") or _given(config, "block_size", 60, file),
                "model.tie_word_embeddings": tied, "model.scale_logits": tied}
    return _Found("t5_vae_flax", settings, found)


def _section(config: dict[str, Any], name: str, file: pathlib.Path) -> dict[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, dict):
        raise CheckpointError(f"{file.parent / 'config.json'}: {name}: expected an object")
    return section


def _given(config: dict[str, Any], key: str, default: int, file: pathlib.Path) -> int:
    """What config.json says, or else what that program took; of that a line tells."""
    if key not in config:
        messages.take("info", f"{file.parent / 'config.json'} has no {key}: {default}, as that program takes")
    value = config.get(key, default)
    if not isinstance(value, int):
        raise CheckpointError(f"{file.parent / 'config.json'}: {key}: got {value!r}, expected a whole number")
    return value


def _weight(weights: Weights, name: str, file: pathlib.Path) -> npt.NDArray[np.float32]:
    if name not in weights:
        raise CheckpointError(f"{file} has no {name}")
    if name.endswith(".weight") and weights[name].ndim != 2:
        raise CheckpointError(f"{file}: {name}: got {weights[name].ndim} dimensions, expected 2")
    return weights[name]


def _without_aliases(weights: Weights, tied: bool) -> Weights:
    """Each weight once, and none that is no part of the model."""
    other = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", _CROSS_BIAS}
    if tied:
        other.add("lm_head.weight")
    return {name: value for name, value in weights.items() if name not in other}


def _blocks(weights: Weights) -> str:
    sizes: dict[int, int] = {}
    for name in weights:
        match = re.match(r"encoder\.blocks\.(\d+)\.(\d+)\.", name)
        if match:
            block, layer = map(int, match.groups())
            sizes[block] = max(sizes.get(block, 0), layer + 1)
    return "_".join(str(sizes[block]) for block in sorted(sizes))


def _t5_settings(weights: Weights, config: dict[str, Any], stacks: tuple[str, ...], file: pathlib.Path) -> dict[str, Any]:
    """What the weights of T5 stacks show of their sizes, and config.json of the rest."""
    settings: dict[str, Any] = {"model.d_model": _weight(weights, "shared.weight", file).shape[1]}
    for stack in stacks:
        settings[f"model.{stack}_layers"] = 1 + max(
            (int(match[1]) for name in weights if (match := re.match(rf"{stack}\.block\.(\d+)\.", name))), default=-1)
    first = "decoder.block.0.layer.0.SelfAttention."
    bias = _weight(weights, first + "relative_attention_bias.weight", file)
    inner = _weight(weights, first + "q.weight", file).shape[0]
    feed_forward = "decoder.block.0.layer.2.DenseReluDense."
    gated = feed_forward + "wi_0.weight" in weights
    settings |= {"model.relative_attention_num_buckets": bias.shape[0], "model.num_heads": bias.shape[1],
                 "model.d_kv": inner // bias.shape[1], "model.feed_forward": "gated-gelu" if gated else "relu",
                 "model.d_ff": _weight(weights, feed_forward + ("wi_0" if gated else "wi") + ".weight", file).shape[0]}
    for ours, theirs in (("relative_attention_max_distance",) * 2, ("layer_norm_epsilon",) * 2,
                         ("dropout", "dropout_rate"), ("decoder_start_token_id",) * 2):
        if config.get(theirs) is not None:
            settings[f"model.{ours}"] = config[theirs]
    return settings


# ---- T5 and Funnel

def _as_safetensors(weights: Weights, config: dict[str, Any], file: pathlib.Path, tokenizer: PathLike | None,
                    out: pathlib.Path, overwrite: bool) -> pathlib.Path:
    try:
        from safetensors.numpy import save_file
    except ImportError:
        raise ConfigError("writing safetensors needs the package safetensors: pip install tvae[convert]") from None
    if not config:
        raise CheckpointError(f"{file}: expected config.json beside it")
    kept = {name: value for name, value in weights.items() if not name.endswith(".embed_tokens.weight")}
    given = file.parent if tokenizer is None else pathlib.Path(tokenizer)
    if tokenizer is not None and not given.exists():
        raise CheckpointError(f"{given}: no such file")
    pieces = [given / name for name in _TOKENIZER_FILES if (given / name).is_file()] if given.is_dir() else [given]

    def fill(into: str) -> None:
        made = pathlib.Path(into)
        for piece in pieces:
            shutil.copyfile(piece, made / (piece.name if given.is_dir() else "spiece.model"))
        save_file(kept, made / "model.safetensors", metadata={"format": "pt"})
        (made / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    _core.replace_folder(os.fspath(out), overwrite, str(file), fill)
    return out
