#!/usr/bin/env python3
"""tvae.convert: checkpoints in the layouts of the published programs become models with the same outputs.

`Layouts` renames the weights of small models of ours. `Originals` makes checkpoints with the modules that those programs
are built of, and needs transformers, sentencepiece and flax, where it is not skipped."""

import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import msgpack
import numpy as np
import torch
from safetensors.numpy import load_file

import tvae

TEXTS = ["x = 1", "value_3 = 21", "y", "import os"]
SMALL = {"model.d_model": 32, "model.d_ff": 48, "model.num_heads": 2, "model.d_kv": 8, "model.encoder_layers": 2,
         "model.decoder_layers": 3, "model.latent_size": 6, "data.vocab_size": 300, "data.max_tokens": 24,
         "train.steps": 3, "train.batch_size": 8, "train.previews": False, "train.eval_steps": 0}
MODELS = {
    "t5_vae_2020": {},
    "transformer_vae_2021": {"model.funnel.block_sizes": "1_2_1", "model.funnel.num_heads": 2, "model.funnel.d_kv": 8,
                             "model.funnel.d_inner": 40, "model.latent_tokens": 3,
                             "model.tokens_bottleneck.mask_upsample_tail": False},
    "t5_vae_flax": {"model.latent_tokens": 3},
}


def packed(tree):
    """As flax.serialization writes it."""
    def extended(value):
        return msgpack.ExtType(1, msgpack.packb((value.shape, value.dtype.name, value.tobytes())))
    return msgpack.packb(tree, default=extended)


def as_2020(weights):
    return {name if name.startswith("vae.") else "t5_model." + name: value for name, value in weights.items()}


def as_2021(weights):
    renamed = {name: value for name, value in weights.items() if name != "shared.weight"}
    for alias in ("shared_embedding.weight", "decoder.embed_tokens.weight", "lm_head.weight"):
        renamed[alias] = weights["shared.weight"]
    return renamed


def as_flax(weights):
    tree = {}
    for name, value in weights.items():
        for ours, theirs in (("encoder.token_to_latent", "encoder.Dense_0"), ("decoder.latent_to_token", "decoder.Dense_0"),
                             ("vae.decoder.norm.weight", "vae.decoder.LayerNorm_0.scale"),
                             ("vae.decoder.norm.bias", "vae.decoder.LayerNorm_0.bias")):
            name = name.replace(ours, theirs)
        *place, last = (name if name.startswith("vae.") else "t5." + name).split(".")
        if last == "weight" and not place[-1].endswith("layer_norm"):
            embedding = place[-1] in ("shared", "relative_attention_bias")
            last, value = ("embedding", value) if embedding else ("kernel", np.ascontiguousarray(value.T))
        branch = tree
        for part in place:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "old").mkdir()

    def write_config(self, **config):
        (self.folder / "old" / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def write_pytorch(self, weights):
        torch.save({name: torch.from_numpy(np.array(value)) for name, value in weights.items()},
                   self.folder / "old" / "pytorch_model.bin")

    def trained(self, preset):
        lines = self.folder / "lines.txt"
        lines.write_text("".join(f"value_{i} = {i * 7}\nx = {i}\nimport os\n" for i in range(60)), encoding="utf-8")
        return tvae.train(preset, train=lines, out=self.folder / "ours", device="cpu", progress=False,
                          overrides={**SMALL, **MODELS[preset]}).model


class Layouts(Folder):
    def converted(self, preset):
        ours = self.trained(preset)
        weights = load_file(ours.path / "model.safetensors")
        if preset == "t5_vae_2020":
            self.write_pytorch(as_2020(weights))
        elif preset == "transformer_vae_2021":
            self.write_pytorch(as_2021(weights))
            self.write_config(n_latent_tokens=3, set_seq_size=24, funnel_block_sizes="1_2_1")
        else:
            (self.folder / "old" / "flax_model.msgpack").write_bytes(packed(as_flax(weights)))
            self.write_config(n_latent_tokens=3, set_seq_size=24)
        return ours, tvae.load(tvae.convert(self.folder / "old", self.folder / "new", tokenizer=ours.path), device="cpu")

    def test_every_published_model(self):
        for preset in MODELS:
            with self.subTest(preset):
                self.setUp()
                ours, converted = self.converted(preset)
                self.assertEqual(converted.config, ours.config)
                np.testing.assert_array_equal(converted.encode(TEXTS), ours.encode(TEXTS))
                self.assertEqual(converted.reconstruct(TEXTS), ours.reconstruct(TEXTS))

    def test_training_goes_on_from_a_converted_model(self):
        self.converted("t5_vae_flax")
        run = tvae.train(train=self.folder / "lines.txt", start=self.folder / "new", out=self.folder / "more", device="cpu",
                         progress=False, overrides={"train.steps": 2, "train.batch_size": 8, "train.eval_steps": 0,
                                                    "train.previews": False})
        self.assertEqual(run.model.latent_shape, (3, 6))

    def test_flax_kinds_of_numbers(self):
        ours = self.trained("t5_vae_flax")
        tree = as_flax(load_file(ours.path / "model.safetensors"))
        shared = tree["t5"]["shared"]["embedding"]
        halves = (shared.view(np.uint32) >> 16).astype(np.uint16)
        tree["t5"]["shared"]["embedding"] = msgpack.ExtType(1, msgpack.packb((shared.shape, "bfloat16", halves.tobytes())))
        tree["t5"]["step"] = msgpack.ExtType(3, msgpack.packb(((), "int32", np.int32(7).tobytes())))
        final = tree["t5"]["encoder"]["final_layer_norm"]["weight"]
        tree["t5"]["encoder"]["final_layer_norm"]["weight"] = {
            "__msgpack_chunked_array__": True, "shape": {"0": final.shape[0]}, "chunks": {"0": final[:20], "1": final[20:]}}
        (self.folder / "old" / "flax_model.msgpack").write_bytes(packed({"params": tree}))
        self.write_config(n_latent_tokens=3, set_seq_size=24)
        new = tvae.load(tvae.convert(self.folder / "old", self.folder / "new", tokenizer=ours.path), device="cpu")
        written = load_file(new.path / "model.safetensors")
        np.testing.assert_array_equal(written["encoder.final_layer_norm.weight"], final)
        np.testing.assert_array_equal(written["shared.weight"], (halves.astype(np.uint32) << 16).view(np.float32))

    def test_what_cannot_be_converted(self):
        ours = self.trained("t5_vae_2020")
        weights = as_2020(load_file(ours.path / "model.safetensors"))
        convert = lambda **more: tvae.convert(self.folder / "old", self.folder / "new", tokenizer=ours.path, **more)
        def refused(pattern, error=tvae.CheckpointError):
            with self.assertRaisesRegex(error, pattern) as raised:
                convert()
            self.assertNotIn("\n", str(raised.exception))
            self.assertFalse((self.folder / "new").exists())

        refused("expected pytorch_model.bin or flax_model.msgpack")
        (self.folder / "old" / "pytorch_model.bin").write_bytes(b"PK nothing")
        refused("no file of PyTorch weights")
        for names in (["layer.weight"], ["shared.weight", "encoder.layers.0.self_attn.q_proj.weight"],  # BART
                      ["embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"]):  # BERT
            self.write_pytorch({name: np.zeros((2, 2), np.float32) for name in names})
            refused("got weights such as " + sorted(names)[0])
        self.write_pytorch({name: value[0] if "shrink_sequence.weight" in name else value for name, value in weights.items()})
        refused("shrink_sequence.weight: got 1 dimensions")
        self.write_pytorch({name: value for name, value in weights.items() if "grow_tokens" not in name})
        refused("grow_tokens")
        self.write_pytorch({name: value[:-1] if "decode_latent" in name else value for name, value in weights.items()})
        refused("decode_latent")
        self.write_pytorch({name: value * np.nan if "grow_tokens.b" in name else value for name, value in weights.items()})
        refused("not finite")
        self.write_pytorch(weights)
        (self.folder / "old" / "config.json").write_text("{", encoding="utf-8")
        refused("config.json cannot be read")
        (self.folder / "old" / "config.json").unlink()
        convert()
        with self.assertRaises(tvae.ConfigError):
            convert()
        convert(overwrite=True)

    def test_untied_outputs_stay_so(self):
        ours = self.trained("t5_vae_2020")
        weights = as_2020(load_file(ours.path / "model.safetensors"))
        shared = weights["t5_model.shared.weight"]
        for lm_head, tied in ((shared, True), (shared[::-1].copy(), False)):
            self.write_pytorch({**weights, "t5_model.lm_head.weight": lm_head})
            new = tvae.load(tvae.convert(self.folder / "old", self.folder / "new", tokenizer=ours.path, overwrite=True))
            self.assertEqual((new.config["tie_word_embeddings"], new.config["scale_logits"]), (tied, True))

    def test_a_checkpoint_is_not_converted_into_its_own_folder(self):
        ours = self.trained("t5_vae_2020")
        self.write_pytorch(as_2020(load_file(ours.path / "model.safetensors")))
        with self.assertRaises(tvae.ConfigError):
            tvae.convert(self.folder / "old", self.folder / "old", tokenizer=ours.path, overwrite=True)
        self.assertEqual(os.listdir(self.folder / "old"), ["pytorch_model.bin"])

    def test_a_pickle_that_runs_code_is_refused(self):
        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(self.path),)

        evil = Evil()
        evil.path = self.folder / "made"
        torch.save({"shared.weight": evil}, self.folder / "old" / "pytorch_model.bin")
        with self.assertRaises(tvae.CheckpointError):
            tvae.convert(self.folder / "old", self.folder / "new")
        self.assertFalse(evil.path.exists())


try:
    import sentencepiece
    import transformers
except ImportError:
    transformers = None


@unittest.skipUnless(transformers, "needs transformers and sentencepiece")
class Originals(Folder):
    """The modules of the published programs, put together as in docs of these, on transformers' T5 and Funnel."""

    def setUp(self):
        super().setUp()
        torch.manual_seed(1)
        self.ours = self.trained("t5_vae_flax")  # for its tokenizer
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(self.ours.path / "spiece.model"))
        sequences = [[*self.pieces.encode(text), 1] for text in TEXTS]
        self.length = 24
        self.ids = torch.tensor([ids + [0] * (self.length - len(ids)) for ids in sequences])
        self.mask = (self.ids != 0).float()
        self.config = transformers.T5Config(vocab_size=self.pieces.get_piece_size(), d_model=112, d_kv=8, d_ff=48, num_layers=2,
                                            num_decoder_layers=3, num_heads=2, dropout_rate=0.0)
        self.addCleanup(torch.set_grad_enabled, torch.is_grad_enabled())
        torch.set_grad_enabled(False)

    def nats(self, logits):
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), self.ids, ignore_index=0, reduction="none")
        return losses.sum(1)

    def shifted(self):
        return torch.cat([torch.zeros_like(self.ids[:, :1]), self.ids[:, :-1]], 1)

    def compare(self, codes, nats):
        new = tvae.load(tvae.convert(self.folder / "old", self.folder / "new", tokenizer=self.ours.path), device="cpu")
        found = new.encode(TEXTS)
        np.testing.assert_allclose(found, codes.reshape(found.shape), atol=1e-5)
        self.assertGreater(found.std(), 1e-3)
        with torch.enable_grad():
            ours = new.differentiable().decoder(torch.from_numpy(found), TEXTS)
        np.testing.assert_allclose(ours, nats, rtol=1e-5)

    def test_t5_vae_2020(self):
        from transformers.models.t5.modeling_t5 import T5LayerFF
        linear, length = torch.nn.Linear, self.length
        whole = torch.nn.Module()
        whole.t5_model = t5 = transformers.T5ForConditionalGeneration(self.config).eval()
        whole.vae = torch.nn.ModuleDict({
            "encoder": torch.nn.ModuleDict({"shrink_tokens": linear(112, 100), "shrink_sequence": linear(100 * length, 6)}),
            "decoder": torch.nn.ModuleDict({"decode_latent": linear(6, 10 * length), "grow_sequence": linear(10 * length, 100 * length),
                                            "grow_tokens": linear(100, 112), "norm": T5LayerFF(self.config).eval()})})
        encoder, decoder = whole.vae["encoder"], whole.vae["decoder"]
        states = t5.encoder(input_ids=self.ids, attention_mask=self.mask).last_hidden_state
        z = torch.tanh(encoder["shrink_sequence"](encoder["shrink_tokens"](states).flatten(1)))
        grown = decoder["grow_sequence"](decoder["decode_latent"](z)).view(-1, length, 100)
        memory = decoder["norm"](decoder["grow_tokens"](grown))
        hidden = t5.decoder(input_ids=self.shifted(), encoder_hidden_states=memory).last_hidden_state
        torch.save(whole.state_dict(), self.folder / "old" / "pytorch_model.bin")
        self.compare(z, self.nats(t5.lm_head(hidden * 112 ** -.5)))

    def test_transformer_vae_2021(self):
        from transformers.models.funnel.modeling_funnel import FunnelEncoder, upsample
        funnel = transformers.FunnelConfig(vocab_size=10, d_model=112, n_head=2, d_head=8, d_inner=40, block_sizes=[1, 2, 1],
                                           hidden_dropout=0.0, attention_dropout=0.0)
        t5 = transformers.T5ForConditionalGeneration(self.config).eval()
        whole = torch.nn.Module()
        whole.encoder, whole.decoder = FunnelEncoder(funnel).eval(), t5.decoder
        whole.shared_embedding = whole.lm_head = t5.shared
        for parameter in whole.encoder.parameters():
            parameter.add_(.05 * torch.randn_like(parameter))
        norm = torch.nn.LayerNorm(112, eps=1e-9)
        whole.vae = torch.nn.ModuleDict({
            "encoder": torch.nn.ModuleDict({"token_to_latent": torch.nn.Linear(112, 6)}),
            "decoder": torch.nn.ModuleDict({"latent_to_token": torch.nn.Linear(6, 112), "norm": norm})})
        states = whole.encoder(t5.shared(self.ids), self.mask, torch.zeros_like(self.ids)).last_hidden_state
        z = torch.tanh(whole.vae["encoder"]["token_to_latent"](states))[:, :3]
        memory = upsample(norm(whole.vae["decoder"]["latent_to_token"](z)), 4, self.length, separate_cls=True, truncate_seq=True)
        hidden = t5.decoder(input_ids=self.shifted(), encoder_hidden_states=memory).last_hidden_state
        torch.save(whole.state_dict(), self.folder / "old" / "pytorch_model.bin")
        self.write_config(n_latent_tokens=3, set_seq_size=self.length, funnel=funnel.to_dict(), t5=self.config.to_dict())
        self.compare(z, self.nats(hidden * 112 ** -.5 @ t5.shared.weight.T))

    def test_t5_vae_flax(self):
        try:
            import flax.linen as nn
            import flax.serialization
            import jax
            from transformers import FlaxT5ForConditionalGeneration
        except ImportError:
            self.skipTest("needs flax, and a transformers that has FlaxT5")
        t5 = FlaxT5ForConditionalGeneration(self.config, seed=3)
        ids, mask = np.asarray(self.ids), np.asarray(self.mask)
        states = t5.encode(input_ids=ids, attention_mask=mask).last_hidden_state

        class Encoder(nn.Module):
            @nn.compact
            def __call__(self, states):
                return nn.tanh(nn.Dense(6)(states)[:, :3])

        class Decoder(nn.Module):
            @nn.compact
            def __call__(self, codes):
                return nn.LayerNorm()(nn.Dense(112)(codes))

        encoder = Encoder().init(jax.random.PRNGKey(1), states)
        z = Encoder().apply(encoder, states)
        decoder = Decoder().init(jax.random.PRNGKey(2), z)
        memory = Decoder().apply(decoder, z)
        logits = t5.decode(np.asarray(self.shifted()), (memory,), encoder_attention_mask=np.ones((4, 3))).logits
        tree = {"t5": t5.params, "vae": {"encoder": encoder["params"], "decoder": decoder["params"]}}
        (self.folder / "old" / "flax_model.msgpack").write_bytes(flax.serialization.to_bytes(tree))
        self.write_config(n_latent_tokens=3, set_seq_size=self.length, t5=self.config.to_dict())
        self.compare(np.asarray(z), self.nats(torch.from_numpy(np.array(logits))))

    def test_t5_and_funnel(self):
        t5 = transformers.T5ForConditionalGeneration(self.config).eval()
        funnel = transformers.FunnelConfig(vocab_size=10, d_model=112, n_head=2, d_head=8, d_inner=40, block_sizes=[1, 2, 1])
        for name, model in (("t5", t5), ("funnel", transformers.FunnelModel(funnel).eval())):
            (self.folder / name).mkdir()
            torch.save(model.state_dict(), self.folder / name / "pytorch_model.bin")
            (self.folder / name / "config.json").write_text(json.dumps(model.config.to_dict()), encoding="utf-8")
            tvae.convert(self.folder / name, self.folder / f"new_{name}", tokenizer=self.ours.path if name == "t5" else None)
        model = tvae.import_t5(self.folder / "new_t5", "t5_vae_flax", out=self.folder / "model",
                               overrides={"data.max_tokens": 24})
        loaded = load_file(model.path / "model.safetensors")
        for name, weight in t5.state_dict().items():
            if not re.search(r"embed_tokens|lm_head", name):
                np.testing.assert_array_equal(loaded[name], weight)
        both = tvae.import_t5(self.folder / "new_t5", "transformer_vae_2021", funnel=self.folder / "new_funnel",
                              out=self.folder / "both", overrides={"data.max_tokens": 24, "model.latent_tokens": 3})
        self.assertEqual(both.config["funnel"]["block_sizes"], "1_2_1")


if __name__ == "__main__":
    unittest.main()
