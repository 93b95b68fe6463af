#!/usr/bin/env python3
"""Writes tests/fixtures: what PyTorch and Hugging Face compute, for the tests to compare with.

    pip install torch==2.13.0 transformers==4.57.6 scikit-learn==1.9.1 safetensors sentencepiece numpy
    python tools/make_fixtures.py [--out tests/fixtures] [NAME ...]

One function a fixture; everything is seeded, fp32 and on the CPU, without dropout. tests/fixtures/README.md says what
each file holds.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path
from unittest import mock

import sentencepiece
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import (AutoTokenizer, FunnelConfig, FunnelForPreTraining, T5Config, T5ForConditionalGeneration,
                          T5TokenizerFast)
from transformers.models.funnel.modeling_funnel import FunnelEncoder, upsample
from transformers.models.t5.modeling_t5 import T5Attention, T5LayerFF
from transformers.optimization import Adafactor

PAD, EOS, START = 0, 1, 0


def save(path: Path, fixture: str, tensors: dict) -> None:
    """Plain numbers become fp64 scalars; the metadata say how to make the file again."""
    tensors = {k: v if torch.is_tensor(v) else torch.tensor(v, dtype=torch.float64) for k, v in tensors.items()}
    tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
    save_file(tensors, path, metadata={"regenerate": f"python tools/make_fixtures.py {fixture}"})


def with_prefix(prefix: str, tensors: dict) -> dict:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def weights_of(module: nn.Module) -> dict:
    return with_prefix("weights", dict(module.named_parameters()))


def gradients_of(module: nn.Module) -> dict:
    return with_prefix("gradients", {name: p.grad for name, p in module.named_parameters()})


def random_rows(lengths: list, vocab_size: int) -> torch.Tensor:
    """Random ids, each row ended by EOS and padded: (rows, longest)."""
    ids = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in enumerate(lengths):
        ids[row, : length - 1] = torch.randint(3, vocab_size, (length - 1,))
        ids[row, length - 1] = EOS
    return ids


def real_positions(lengths: list) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()


def liven(module: nn.Module) -> None:
    """Moves norms, position biases and biases off their regular initial values, so that a mistake in them shows."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name.endswith("norm.weight"):
                p.copy_(1 + 0.3 * torch.randn_like(p))
            elif name.endswith("relative_attention_bias.weight"):
                p.normal_()
            elif name.endswith("bias"):
                p.copy_(0.1 * torch.randn_like(p))


# ---- T5 ----


def train(model: nn.Module, inputs: dict, steps: int, **settings) -> list:
    """AdamW on one batch; the loss before each step and after the last."""
    optimizer = torch.optim.AdamW(model.parameters(), **settings)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses + [model(**inputs).loss.item()]


def smallest_margin(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor, generated: torch.Tensor) -> float:
    """How far the best logit is ahead of the second, at the least, up to each row's end."""
    logits = model(input_ids=ids, attention_mask=mask, decoder_input_ids=generated[:, :-1]).logits
    best = logits.topk(2).values
    running = (generated[:, :-1] == EOS).cumsum(1) == 0
    return (best[..., 0] - best[..., 1])[running].min().item()


def t5_parity(out: Path, fixture: str, seed: int, lessons: int, **config) -> None:
    torch.manual_seed(seed)
    config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
                      decoder_start_token_id=START, **config)
    model = T5ForConditionalGeneration(config).eval()
    liven(model)
    lengths = [5, 12, 9, 3, 9]
    ids = random_rows(lengths, config.vocab_size)
    mask = real_positions(lengths)
    inputs = dict(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100))

    # Half learned, so that rows generate different words and some of them end.
    train(model, inputs, steps=lessons, lr=1e-2)
    directory = out / fixture
    model.save_pretrained(directory)
    (directory / "generation_config.json").unlink()

    generated = model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=12)
    assert (generated == EOS).any() and len(generated.unique(dim=0)) == len(ids)
    assert smallest_margin(model, ids, mask, generated) > 0.01, "near ties would make generation depend on rounding"
    model.zero_grad()
    result = model(**inputs)
    result.loss.backward()
    gradients = {name: g.clone() for name, g in gradients_of(model).items()}

    settings = dict(lr=3e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses = train(model, inputs, steps=10, **settings)
    save(directory / "parity.safetensors", fixture, {
        "ids": ids, "lengths": torch.tensor(lengths),
        "encoder_states": result.encoder_last_hidden_state * mask[:, :, None],
        "logits": result.logits * mask[:, :, None],
        "loss": result.loss, "generated": generated,
        "adamw.losses": torch.tensor(losses),
        "adamw.learning_rate": settings["lr"], "adamw.weight_decay": settings["weight_decay"], **gradients,
    })


def t5_v1_0(out: Path) -> None:
    t5_parity(out, "t5_v1_0", seed=10, lessons=20, feed_forward_proj="relu")


def t5_v1_1(out: Path) -> None:
    """Few buckets and a near limit, so that short rows reach the logarithmic and the last bucket."""
    t5_parity(out, "t5_v1_1", seed=11, lessons=14, feed_forward_proj="gated-gelu", tie_word_embeddings=False, num_decoder_layers=1,
              relative_attention_num_buckets=8, relative_attention_max_distance=10)


def buckets(out: Path) -> None:
    r = torch.arange(-300, 301)
    tensors = {"relative_position": r.short()}
    for n, distance in ((32, 128), (8, 10)):
        for direction in ("both", "causal"):
            table = T5Attention._relative_position_bucket(r, direction == "both", n, distance)
            tensors[f"{direction}.{n}.{distance}"] = table.to(torch.uint8)
    save(out / "buckets.safetensors", "buckets", tensors)


# ---- Optimizers ----


def run_optimizer(initial: dict, gradients: dict, names: list, make_optimizer) -> dict:
    """The weights after each step: {name: (steps, ...)}."""
    weights = {name: nn.Parameter(initial[name].clone()) for name in names}
    optimizer = make_optimizer(list(weights.values()))
    history = {name: [] for name in names}
    for step in range(len(gradients[names[0]])):
        for name, weight in weights.items():
            weight.grad = gradients[name][step].clone()
        optimizer.step()
        for name, weight in weights.items():
            history[name].append(weight.detach().clone())
    return {name: torch.stack(steps) for name, steps in history.items()}


def optimizers(out: Path) -> None:
    torch.manual_seed(20)
    shapes = {"vector": (7,), "wide": (6, 8), "tall": (9, 4), "cube": (2, 3, 4)}
    initial = {name: torch.randn(shape) for name, shape in shapes.items()}
    gradients = {name: torch.randn(10, *shape) * torch.rand(10, *[1] * len(shape)) for name, shape in shapes.items()}
    tensors = {**with_prefix("initial", initial), **with_prefix("gradients", gradients)}

    def add(key: str, names: list, make_optimizer) -> None:
        tensors.update(with_prefix(key, run_optimizer(initial, gradients, names, make_optimizer)))

    add("adamw", list(shapes), lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1))
    add("adafactor_fixed", list(shapes),
        lambda p: Adafactor(p, lr=1e-2, weight_decay=0.1, scale_parameter=False, relative_step=False))
    add("adafactor_relative", list(shapes),
        lambda p: Adafactor(p, scale_parameter=True, relative_step=True, warmup_init=False))
    muon = lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5)
    add("muon", ["wide", "tall"], muon)
    # Newton-Schulz in fp32 instead of bf16: the same definition to more digits.
    with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.float):
        add("muon_fp32", ["wide", "tall"], muon)
    save(out / "optimizers.safetensors", "optimizers", tensors)


# ---- Regularizers ----


def mmd_published(t: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """The MMD of the 2020 and 2021 systems between rows (N, D), biased, kernel exp(-|x - y|^2 / D^2)."""
    def kernel(x, y):
        return torch.exp(-(x[:, None] - y[None]).pow(2).mean(-1) / x.shape[-1])

    return kernel(t, t).mean() + kernel(z, z).mean() - 2 * kernel(t, z).mean()


def mmd_inverse_multiquadric(x: torch.Tensor, y: torch.Tensor, unbiased: bool) -> torch.Tensor:
    """Kernel sum_C C / (C + |x - y|^2), C = 2 D {.1 .2 .5 1 2 5 10}; without its diagonals where unbiased."""
    def kernel(a, b):
        squares = (a[:, None] - b[None]).pow(2).sum(-1)
        return sum(c / (c + squares) for c in (2 * a.shape[-1] * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)))

    def mean_within(k):
        return (k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1)) if unbiased else k.mean()

    return mean_within(kernel(x, x)) + mean_within(kernel(y, y)) - 2 * kernel(x, y).mean()


def regularizers(out: Path) -> None:
    torch.manual_seed(30)
    batch, n, size = 8, 3, 6
    tensors = {}

    def add(key: str, value: torch.Tensor, **leaves) -> None:
        """`value` and its gradients with respect to `leaves`."""
        tensors[key] = value
        for name, g in zip(leaves, torch.autograd.grad(value.sum(), list(leaves.values()))):
            tensors[f"{key}.gradients.{name}"] = g

    z = torch.tanh(torch.randn(batch, 1, size)).requires_grad_()
    t = torch.randn(batch, 1, size)
    tensors.update({"mmd_2020.z": z, "mmd_2020.t": t})
    add("mmd_2020", mmd_published(t.view(batch, size), z.view(batch, size)), z=z)

    z = torch.tanh(torch.randn(batch, n, size)).requires_grad_()
    t = torch.randn(batch, n, size)
    unscaled = mmd_published(t.view(batch * n, size), z.view(batch * n, size))
    tensors.update({"mmd_2021.z": z, "mmd_2021.t": t, "mmd_2021.unscaled": unscaled})
    add("mmd_2021", unscaled / batch * n, z=z)

    x = torch.randn(batch, n * size).requires_grad_()
    y = torch.randn(11, n * size) + 0.5
    tensors.update({"mmd_imq.x": x, "mmd_imq.y": y})
    add("mmd_imq.biased", mmd_inverse_multiquadric(x, y, unbiased=False), x=x)
    add("mmd_imq.unbiased", mmd_inverse_multiquadric(x, y, unbiased=True), x=x)

    mean = torch.randn(batch, n, size).requires_grad_()
    log_variance = (torch.randn(batch, n, size) - 1).requires_grad_()
    tensors.update({"kl.mean": mean, "kl.log_variance": log_variance, "kl.std": 0.3})
    leaves = dict(mean=mean, log_variance=log_variance)
    add("kl.to_standard_normal", 0.5 * (mean**2 + log_variance.exp() - log_variance - 1), **leaves)
    add("kl.to_std", 0.5 * (log_variance.exp() / 0.3**2 - 1 - log_variance) + math.log(0.3), log_variance=log_variance)
    save(out / "regularizers.safetensors", "regularizers", tensors)


# ---- Whole models ----


class FcEncoder(nn.Module):
    """2020: (B, S, d) -> (B, Z)."""

    def __init__(self, d: int, length: int, latent_size: int):
        super().__init__()
        self.shrink_tokens = nn.Linear(d, 100)
        self.shrink_sequence = nn.Linear(100 * length, latent_size)

    def forward(self, states):
        return torch.tanh(self.shrink_sequence(self.shrink_tokens(states).flatten(1)))


class FcDecoder(nn.Module):
    """2020: (B, Z) -> (B, S, d)."""

    def __init__(self, config: T5Config, length: int, latent_size: int):
        super().__init__()
        self.length = length
        self.decode_latent = nn.Linear(latent_size, 10 * length)
        self.grow_sequence = nn.Linear(10 * length, 100 * length)
        self.grow_tokens = nn.Linear(100, config.d_model)
        self.norm = T5LayerFF(config)

    def forward(self, z):
        return self.norm(self.grow_tokens(self.grow_sequence(self.decode_latent(z)).view(-1, self.length, 100)))


class FlaxEncoder(nn.Module):
    """Flax: (B, S, d) -> (B, n, Z)."""

    def __init__(self, d: int, latent_tokens: int, latent_size: int):
        super().__init__()
        self.latent_tokens = latent_tokens
        self.token_to_latent = nn.Linear(d, latent_size)

    def forward(self, states):
        return torch.tanh(self.token_to_latent(states)[:, : self.latent_tokens])


class FlaxDecoder(nn.Module):
    """Flax: (B, n, Z) -> (B, n, d)."""

    def __init__(self, d: int, latent_size: int):
        super().__init__()
        self.latent_to_token = nn.Linear(latent_size, d)
        self.norm = nn.LayerNorm(d, eps=1e-6)

    def forward(self, z):
        return self.norm(self.latent_to_token(z))


def whole_model(out: Path, fixture: str, config: T5Config, encoder: nn.Module, decoder: nn.Module, lengths: list,
                reduction: str, weights: dict, funnel_encoder: nn.Module | None = None) -> None:
    """T5 encoder, or a Funnel encoder on T5's embeddings -> latent layers -> T5 decoder. Loss = cross_entropy +
    weights[mmd] mmd + weights[mse] mse, mse being between encoder states and memory."""
    model = T5ForConditionalGeneration(config).eval()
    if funnel_encoder is not None:
        model.encoder = funnel_encoder.eval()
    model.vae = nn.ModuleDict({"encoder": encoder, "decoder": decoder}).eval()
    liven(model)
    with torch.no_grad():
        for p in model.parameters():  # what bf16 can hold, so that the file needs half the space and loses nothing
            p.copy_(p.bfloat16().float())

    ids = random_rows(lengths, config.vocab_size)
    mask = real_positions(lengths)
    if funnel_encoder is not None:
        states = model.encoder(model.shared(ids), mask, torch.zeros_like(ids)).last_hidden_state
    else:
        states = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    z = encoder(states)
    memory = decoder(z)
    for tensor in (states, z, memory):
        tensor.retain_grad()
    decoder_ids = torch.cat([torch.full_like(ids[:, :1], START), ids[:, :-1]], dim=1)
    hidden = model.decoder(input_ids=decoder_ids, encoder_hidden_states=memory).last_hidden_state
    logits = model.lm_head(hidden * config.d_model**-0.5)

    t = torch.randn_like(z)
    parts = {
        "cross_entropy": F.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=PAD, reduction=reduction),
        "mmd": mmd_published(t.flatten(0, -2), z.flatten(0, -2)),
    }
    if "mse" in weights:
        parts["mse"] = F.mse_loss(memory, states)
    loss = parts["cross_entropy"] + sum(weight * parts[name] for name, weight in weights.items())
    loss.backward()
    save(out / f"{fixture}.safetensors", fixture, {
        "ids": ids, "lengths": torch.tensor(lengths), "t": t,
        "states": states, "z": z, "memory": memory, "logits": logits * mask[:, :, None],
        "loss": loss, **parts, **with_prefix("loss_weights", weights),
        "gradients.states": states.grad, "gradients.z": z.grad, "gradients.memory": memory.grad,
        **{name: weight.bfloat16() for name, weight in weights_of(model).items()}, **gradients_of(model),
    })


class UpsamplingDecoder(FlaxDecoder):
    """2021: (B, n, Z) -> (B, 1 + (n - 1) stride + stride - 1, d), the last rows zero and not masked."""

    def __init__(self, d: int, latent_size: int, stride: int, length: int):
        super().__init__(d, latent_size)
        self.norm.eps = 1e-9
        self.stride, self.length = stride, length

    def forward(self, z):
        return upsample(super().forward(z), self.stride, self.length, separate_cls=True, truncate_seq=True)


def full_2021(out: Path) -> None:
    torch.manual_seed(42)
    length = 14
    config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)
    funnel_config = FunnelConfig(vocab_size=40, d_model=16, n_head=2, d_head=8, d_inner=32, block_sizes=[1, 1, 1],
                                 hidden_dropout=0.0, attention_dropout=0.0)
    encoder = FunnelEncoder(funnel_config)
    with torch.no_grad():
        for name, p in encoder.named_parameters():
            p.copy_(0.3 * torch.randn_like(p) + float("norm.weight" in name))
    whole_model(out, "full_2021", config, FlaxEncoder(config.d_model, 3, 6),
                UpsamplingDecoder(config.d_model, 6, 4, length), [length, 9, 4, 6, 9], "mean", {"mmd": 5.0}, encoder)


def full_2020(out: Path) -> None:
    torch.manual_seed(40)
    length, latent_size = 3, 4
    config = T5Config(vocab_size=24, d_model=101, d_kv=2, d_ff=4, num_layers=1, num_heads=2, dropout_rate=0.0)
    whole_model(out, "full_2020", config, FcEncoder(config.d_model, length, latent_size),
                FcDecoder(config, length, latent_size), [3, 2, 3, 3], "sum", {"mmd": 50.0, "mse": 2.0})


def full_flax(out: Path) -> None:
    torch.manual_seed(41)
    config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)
    whole_model(out, "full_flax", config, FlaxEncoder(config.d_model, 3, 6), FlaxDecoder(config.d_model, 6),
                [4, 9, 3, 6, 9], "mean", {"mmd": 5.0})


# ---- Funnel ----

FUNNELS = {
    "relative_shift": dict(block_sizes=[1, 2, 1]),
    "factorized": dict(block_sizes=[1, 1, 1], attention_type="factorized"),
    "four_blocks_max": dict(block_sizes=[1, 1, 1, 1], pooling_type="max", truncate_seq=False, pool_q_only=False),
    "no_cls": dict(block_sizes=[2, 1], separate_cls=False),
    "no_cls_factorized": dict(block_sizes=[1, 1, 1], separate_cls=False, attention_type="factorized", pool_q_only=False),
}


def funnel(out: Path) -> None:
    """Encoder states of inputs of every length, each alone, and the gradients of a random weighting of them all; then a
    padded batch. In fp64, because Hugging Face's sines of large angles lose digits in fp32."""
    torch.manual_seed(50)
    tensors = {}
    longest = 40
    for name, settings in FUNNELS.items():
        config = FunnelConfig(vocab_size=8, d_model=8, n_head=2, d_head=4, d_inner=12, hidden_dropout=0.0,
                              attention_dropout=0.0, **settings)
        encoder = FunnelEncoder(config).eval()
        with torch.no_grad():
            for parameter_name, p in encoder.named_parameters():
                p.copy_((0.4 * torch.randn_like(p) + float("norm.weight" in parameter_name)).bfloat16())
        encoder.double()
        inputs = torch.randn(longest, config.d_model).bfloat16().double().requires_grad_()
        weights = torch.randn(longest, config.d_model).bfloat16().double()
        lengths, states = [], []
        for length in range(1, longest + 1):
            segments = torch.zeros(1, length, dtype=torch.long)
            try:
                result = encoder(inputs[None, :length], torch.ones(1, length), segments).last_hidden_state[0]
            except (RuntimeError, IndexError):  # Hugging Face cannot encode some very short sequences
                continue
            lengths.append(length)
            states.append(result)
        loss = sum((state * weights[: len(state)]).sum() for state in states)
        loss.backward()
        longest_of_three = lengths[-1]
        real = torch.tensor([longest_of_three, 9, 4])
        mask = (torch.arange(longest_of_three) < real[:, None]).double()
        segments = torch.zeros(3, longest_of_three, dtype=torch.long)
        padded = encoder(inputs[None, :longest_of_three].expand(3, -1, -1), mask, segments)
        result = {"lengths": torch.tensor(lengths), "states": torch.cat(states).float(), "inputs": inputs.bfloat16(),
                  "loss_weights": weights.bfloat16(), "gradients.inputs": inputs.grad.float(),
                  "padded_tokens": real, "padded_states": padded.last_hidden_state.float()}
        for parameter_name, p in encoder.named_parameters():
            result[f"weights.{parameter_name}"] = p.bfloat16()
            result[f"gradients.{parameter_name}"] = p.grad.float()
        tensors |= with_prefix(name, result)
    codes = torch.randn(2, 5, 3)
    for stride in (1, 2, 4):
        tensors[f"upsample.{stride}"] = upsample(codes, stride, 14, separate_cls=True, truncate_seq=True)
    tensors["upsample.codes"] = codes
    save(out / "funnel.safetensors", "funnel", tensors)


# ---- Probes ----

TFIDF_TEXTS = ("The cat sat on the mat.", "the dog, the DOG and a cat", "x = [i for i in range(10)]", "Été à naïve café",
               "don't stop-me now_2", "!?", "one one one two")
TFIDF_QUERY = ("the café cat is new", "unseen words only")


def probes(out: Path) -> None:
    """Three overlapping blobs, the first columns wider; classes in no order. Points near a border are left out of the
    test, so that every correct solver agrees on them."""
    torch.manual_seed(11)
    centres = 1.5 * torch.randn(3, 5)
    classes = torch.randint(0, 3, (90,))
    train = centres[classes] + torch.tensor([3.0, 2.0, 1.0, 1.0, 0.5]) * torch.randn(90, 5)
    test = centres[torch.arange(150) % 3] + 2 * torch.randn(150, 5)
    tensors = {"classes": classes}
    svc = SVC(decision_function_shape="ovo").fit(train.numpy(), classes)
    test = test[torch.from_numpy(abs(svc.decision_function(test.numpy())).min(1)) > 0.02]
    tensors |= {"train": train, "test": test, "svc": torch.from_numpy(svc.predict(test.numpy()))}
    for name, model in {"svm": LinearSVC(tol=1e-8, dual=False),
                        "logistic": OneVsRestClassifier(LogisticRegression(solver="liblinear", tol=1e-8))}.items():
        model.fit(train.numpy(), classes)
        tensors[f"{name}.scores"] = torch.from_numpy(model.decision_function(test.numpy()))
        two = model.fit(train[classes != 1].numpy(), classes[classes != 1])
        tensors[f"{name}.scores_of_two"] = torch.from_numpy(two.decision_function(test.numpy()))
    vectorizer = TfidfVectorizer().fit(TFIDF_TEXTS)
    for name, texts in {"train": TFIDF_TEXTS, "query": TFIDF_QUERY}.items():
        tensors[f"tfidf.{name}"] = torch.from_numpy(vectorizer.transform(texts).toarray())
    save(out / "probes.safetensors", "probes", tensors)


def funnel_pretrained(out: Path) -> None:
    """As wide as t5_v1_0 and with other heads, a repeated block, and what the encoder of a T5 does not want: embeddings,
    decoder and a head."""
    torch.manual_seed(51)
    config = FunnelConfig(vocab_size=12, d_model=16, n_head=3, d_head=4, d_inner=20, block_sizes=[1, 2],
                          block_repeats=[2, 2], num_decoder_layers=1, hidden_dropout=0.15, activation_dropout=0.05)
    model = FunnelForPreTraining(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(0.3 * torch.randn_like(p) + float("norm.weight" in name))
    directory = out / "funnel_pretrained"
    model.save_pretrained(directory)
    inputs = torch.randn(3, 11, config.d_model)
    states = model.funnel.encoder(inputs, torch.ones(3, 11), torch.zeros(3, 11, dtype=torch.long)).last_hidden_state
    save(directory / "parity.safetensors", "funnel_pretrained", {"inputs": inputs, "states": states})


# ---- Tokenizers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "It's what we've said: they'll come, and I'm sure he'd wait!",
    "def add(a, b): return a + b", "for i in range(10): print(i, end=' ')", "In 1999 there were 3,141 of them, or 59%.",
    "A café in Zürich, naïve and déjà vu", "Don't you think so? No, I don't.", "東京 is a city, and so is 京都.",
    "  two spaces,   three spaces", "He said: \"good morning\" (twice)", "running runner runs, walked walker walking",
]
AWKWARD = [
    "", " ", "   ", "\t", "\n", "a\nb", "a\r\n b", " leading", "trailing ", "  two  spaces  ", "a   b", "a \t b", "\x00", "a\x00b",
    "\x01\x7f\x85", "it's IT'S we'll 'tis '' 's", "I'm they've you're he'd can't 'x", "don't . really ?", "a1b22c 333 4.5 1,000",
    "caf\u00e9 cafe\u0301 e\u0323\u0302", "\u0301", "\u0130stanbul \u00df \u1e9e \u03a3\u03c2", "\u00bd \u00b2 \u2167 \u0663",
    "\u4e2d\u6587 a\u4e2db \u6771\u4eac", "\u3053\u3093 \u30ab\u30bf", "\ud55c\uad6d \u1112\u1161\u11ab", "\U00020000\U0002b920\U0002b820",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eabc", "\u0915\u094d\u0937\u093f", "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd",
    "a\u00a0b \u00a0 c", "a\u3000b\u2028c\u2003\u2003d", "\u2581 a\u2581b", "\u200b\u200d\ufeff\u00ad", "\ufb01 \uff21", "\ufffd a\ufffdb", "\ue000\U000f0000\U0010fffd",
    "\u0378", "x" * 99, "x" * 100, "x" * 101, "\u00e9" * 100, "the" * 60, "a b" * 40, "!?.,;:'\"()[]{}<>`^~|@#$%&*-_=+/\\",
    "snake_case camelCase UPPER", "http://a.b/c?d=e&f", "\u2018q\u2019 \u201cq\u201d \u2013 \u2014 \u2026", "\u20ac5 \u00a35", "foo<bar>",
]
SPECIAL = ["a<|endoftext|>b", "<|endoftext|>", "x <|endoftext|><|endoftext|> y", "<|endoftext", "a[MASK]b [SEP]", "[CLS] [PAD][UNK]x", "[mask] [ SEP ]"]


def learn(tokenizer, trainer, normalizer=None, **parts):
    """A tokenizer of the package tokenizers that has learnt from SENTENCES."""
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    return tokenizer


def save_expected(folder: Path, texts: list) -> None:
    """What Hugging Face makes of texts: their ids, and the text of those. And its tokenizer.json, in a folder alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not (folder / "tokenizer.json").exists():
        (folder / "fast").mkdir(exist_ok=True)
        tokenizer.backend_tokenizer.save(str(folder / "fast" / "tokenizer.json"), pretty=False)
    rows = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        decoded = tokenizer.decode(ids, skip_special_tokens=True)
        rows.append({"text": text, "ids": ids, "decoded": decoded, "unknown": tokenizer.unk_token_id in ids})
    (folder / "expected.json").write_text(json.dumps(rows, indent=0) + "\n")


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value) + "\n")


def tokenizer_gpt2(out: Path) -> None:
    """vocab.json and merges.txt, as GPT-2 comes."""
    folder = out / "tokenizer_gpt2"
    folder.mkdir(exist_ok=True)
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    bpe = learn(Tokenizer(models.BPE()), trainer, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False))
    bpe.model.save(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text())
    write_json(folder / "vocab.json", vocabulary | {"<|endoftext|>": len(vocabulary)})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    save_expected(folder, SENTENCES + AWKWARD + SPECIAL)


def tokenizer_bert(out: Path, name: str, lower: bool) -> None:
    """vocab.txt, as BERT comes."""
    folder = out / name
    folder.mkdir(exist_ok=True)
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    learn(Tokenizer(models.WordPiece(unk_token="[UNK]")), trainer, normalizers.BertNormalizer(lowercase=lower),
          pre_tokenizer=pre_tokenizers.BertPreTokenizer()).model.save(str(folder))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": lower,
                                                  "clean_up_tokenization_spaces": True})
    save_expected(folder, SENTENCES + AWKWARD + SPECIAL)


def tokenizer_bert_cased(out: Path) -> None:
    tokenizer_bert(out, "tokenizer_bert_cased", lower=False)


def tokenizer_bert_uncased(out: Path) -> None:
    tokenizer_bert(out, "tokenizer_bert_uncased", lower=True)


def tokenizer_t5(out: Path) -> None:
    """tokenizer.json, as T5's: a small map of characters, words split at blanks, and extra ids among the pieces."""
    folder = out / "tokenizer_t5"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        rules = Path(scratch) / "rules.tsv"
        rules.write_text("".join(f"{a}\t{b}\n" for a, b in
                                 (("9", "20"), ("A", "20"), ("D", "20"), ("A0", "20"), ("3000", "20"), ("FB01", "66 69"),
                                  ("BD", "31 2F 32"), ("65 301", "E9"), ("200B", ""), ("7F", ""))))
        (Path(scratch) / "lines.txt").write_text("\n".join(SENTENCES * 3))
        sentencepiece.SentencePieceTrainer.train(
            input=f"{scratch}/lines.txt", model_prefix=f"{scratch}/spiece", vocab_size=120, hard_vocab_limit=False, pad_id=0,
            eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=str(rules), minloglevel=3)
        fast = T5TokenizerFast(f"{scratch}/spiece.model", extra_ids=3)
        fast.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
        fast.backend_tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
        made = json.loads(fast.backend_tokenizer.to_str())
    made["normalizer"] = made["normalizer"]["normalizers"][0]
    write_json(folder / "tokenizer.json", made)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>",
                                                  "pad_token": "<pad>", "unk_token": "<unk>"})
    # Of blanks that the map does not know, and of SentencePiece's mark of a space in a text, the fast tokenizer of
    # transformers makes something else than T5Tokenizer.
    save_expected(folder, [text for text in SENTENCES + AWKWARD if not set(text) & set("\u2003\u2028\u2581\x85")])


FIXTURES = (t5_v1_0, t5_v1_1, buckets, optimizers, regularizers, full_2020, full_2021, full_flax, funnel,
            funnel_pretrained, probes, tokenizer_gpt2, tokenizer_bert_cased, tokenizer_bert_uncased, tokenizer_t5)


def main() -> None:
    names = [fixture.__name__ for fixture in FIXTURES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "tests" / "fixtures")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; all without")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no fixture {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for fixture in FIXTURES:
        if not arguments.names or fixture.__name__ in arguments.names:
            fixture(arguments.out)
            print(fixture.__name__)


if __name__ == "__main__":
    main()
