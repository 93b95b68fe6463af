#!/usr/bin/env python3
"""The package tvae as its users call it, on the model in the repository."""

import importlib.util
import json
import os
import pathlib
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import numpy as np

import tvae

MODEL = ROOT / "models" / "python_lines"
TEXTS = ["import numpy as np", "return self.name", "x = [1, 2]", "for i in range(10):"]


def program(*arguments, text=""):
    """What the program prints."""
    return subprocess.run([str(BUILD / "tvae"), *map(str, arguments)], input=text, capture_output=True, text=True,
                          check=True).stdout


class Codes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")

    def test_encodes_and_decodes_as_the_program(self):
        codes = self.model.encode(TEXTS)
        self.assertEqual(codes.dtype, np.float32)
        self.assertEqual(codes.shape, (4, *self.model.latent_shape))
        lines = program("reconstruct", MODEL, text="\n".join(TEXTS) + "\n").splitlines()
        self.assertEqual(self.model.decode(codes), lines)
        self.assertEqual(self.model.reconstruct(TEXTS), lines)

    def test_one_text_is_one_code(self):
        code = self.model.encode(TEXTS[0])
        self.assertEqual(code.shape, self.model.latent_shape)
        self.assertIsInstance(self.model.decode(code), str)
        mean, deviation = self.model.encode(TEXTS, return_std=True)
        self.assertEqual(mean.shape, deviation.shape)
        self.assertGreater(deviation.min(), 0)
        self.assertEqual(self.model.encode([]).shape, (0, *self.model.latent_shape))
        self.assertEqual(self.model.decode(self.model.encode([])), [])

    def test_codes_may_be_of_any_kind(self):
        codes = self.model.encode(TEXTS)
        expected = self.model.decode(codes)
        for given in (codes.tolist(), codes.astype(np.float64), np.asfortranarray(codes), codes[::-1][::-1]):
            self.assertEqual(self.model.decode(given), expected)

    def test_details_judge(self):
        details = self.model.decode(self.model.encode(TEXTS), details=True)
        self.assertEqual(len(details), 4)
        self.assertIn(details[0].valid, (True, False))
        self.assertTrue((np.asarray(details[0].probability) <= 1).all())
        reconstruction = self.model.reconstruct(TEXTS[0], details=True)
        self.assertEqual(reconstruction.text, TEXTS[0])
        self.assertEqual(reconstruction.exact, reconstruction.output.text == TEXTS[0])

    def test_walks(self):
        path = self.model.interpolate(TEXTS[0], TEXTS[1], steps=5)
        self.assertEqual(len(path), 5)
        self.assertEqual(path.columns["ratio"], [0, .25, .5, .75, 1])
        self.assertEqual(len(path.valid), 5)
        self.assertIn("<table", path._repr_html_())
        codes = self.model.encode(TEXTS)
        self.assertEqual(self.model.interpolate(codes[0], codes[1], steps=5), list(path))
        self.assertIsInstance(self.model.mix(TEXTS, weights=[1, 2, 3, 4]), str)
        self.assertIsInstance(self.model.analogy(*TEXTS[:3]), str)
        self.assertEqual(self.model.analogy(*TEXTS[:3], strength=[0, 1])[1], self.model.analogy(*TEXTS[:3]))
        samples = self.model.sample(3, prior="normal", seed=1)
        self.assertEqual(samples, self.model.sample(3, prior="normal", seed=1))
        self.assertEqual(len(self.model.sample(2, near=TEXTS[0], radius=.5)), 2)

    def test_index(self):
        index = self.model.index(TEXTS + TEXTS[:1])
        self.assertEqual(len(index), 4)
        nearest = index.query(TEXTS[2], n=2)
        self.assertEqual(nearest[0], TEXTS[2])
        self.assertAlmostEqual(nearest.columns["distance"][0], 0, places=4)
        self.assertEqual([found[0] for found in index.query(TEXTS, n=1)], TEXTS)

    def test_properties(self):
        texts = [f"x = {i}" for i in range(30)] + [f"print(value_{i})" for i in range(30)]
        prop = self.model.fit_property(texts, [len(text) for text in texts])
        self.assertGreater(prop.r2, .5)
        way = self.model.optimize("x = 1", prop, text_weight=.05)
        values = way.columns["value"]
        self.assertGreater(values[-1], values[0])
        self.assertAlmostEqual(prop.value("x = 1"), values[0], places=3)

    def test_threads_share_a_model(self):
        codes = self.model.encode(TEXTS)
        expected = self.model.decode(codes)
        found = [None] * 8

        def work(place):
            found[place] = self.model.decode(self.model.encode(TEXTS))

        threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [expected] * 8)

    def test_ctrl_c_ends_long_work(self):
        timer = threading.Timer(.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        begin = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            self.model.sample(200_000, prior="normal", progress=False)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertIsInstance(self.model.reconstruct(TEXTS[0]), str)

    def test_ctrl_c_in_every_long_call(self):
        lines = [f"value_{i} = {i}" for i in range(3000)]
        codes = self.model.encode(lines[:1500], progress=False)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(MODEL, pathlib.Path(folder) / "m")
            (pathlib.Path(folder) / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
            model = tvae.load(pathlib.Path(folder) / "m", device="cpu")
            prior = (model.path / "latent" / "prior.safetensors").stat()
            for call in (lambda **more: model.encode(lines, **more), lambda **more: model.decode(codes, **more),
                         lambda **more: model.index(lines, **more), lambda **more: model.fit_prior(lines, **more),
                         lambda **more: model.fit_direction("d", lines[:1500], lines[1500:], **more),
                         lambda **more: model.fit_property(lines, range(3000), **more),
                         lambda **more: model.evaluate(pathlib.Path(folder) / "lines.txt", **more)):
                with self.assertRaises(KeyboardInterrupt):
                    call(progress=lambda *_: os.kill(os.getpid(), signal.SIGINT))
                self.assertEqual(model.reconstruct("x = 1"), "x = 1")
            after = (model.path / "latent" / "prior.safetensors").stat()
            self.assertEqual((prior.st_mtime_ns, prior.st_size), (after.st_mtime_ns, after.st_size))
            self.assertEqual(model.directions, tvae.load(MODEL).directions)

    def test_progress(self):
        told = []
        self.model.encode(TEXTS * 200, progress=lambda *of: told.append(of))
        self.assertEqual(told[-1][1], told[-1][2])

        def fails(*_):
            raise RuntimeError("enough")

        with self.assertRaisesRegex(RuntimeError, "enough"):
            self.model.encode(TEXTS, progress=fails)

    def test_represents_itself(self):
        self.assertIn("python_lines", repr(self.model))
        self.assertIn("weights", self.model.card)
        self.assertIn("<pre", self.model._repr_html_())


class Misuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")

    def test_texts_that_are_none(self):
        for given in (None, b"bytes", 3, {"a": 1}, [1], ["a", None], [b"x"], np.zeros(3), object()):
            with self.assertRaises((TypeError, tvae.Error), msg=repr(given)):
                self.model.encode(given)

    def test_codes_that_are_none(self):
        tokens, size = self.model.latent_shape
        good = np.zeros((1, tokens, size), np.float32)
        for given in (None, "text", b"x", 3, [], [[]], np.zeros(3), np.zeros((1, tokens, size + 1)), {"a": 1},
                      np.zeros((1, 1, tokens, size)), np.full_like(good, np.nan), np.full_like(good, np.inf),
                      good.astype(complex), good.astype(str), np.array([None]), object()):
            with self.assertRaises((TypeError, tvae.DataError), msg=repr(given)[:60]):
                self.model.decode(given)

    def test_settings_that_cannot_be(self):
        code = self.model.encode("x")
        for call in (lambda: self.model.decode(code, candidate=2), lambda: self.model.decode(code, candidates="two"),
                     lambda: self.model.interpolate("a", "b", path="slurp"), lambda: self.model.interpolate("a", None),
                     lambda: self.model.interpolate("a", "b", steps=-1), lambda: self.model.mix([], None),
                     lambda: self.model.mix(["a"], [1, 2]), lambda: self.model.mix(["a"], [-1]),
                     lambda: self.model.sample(-1), lambda: self.model.sample(1, prior="flat"),
                     lambda: self.model.index([]), lambda: self.model.index(["a"], metric="taxi"),
                     lambda: self.model.direction("none"), lambda: self.model.fit_direction("a", ["x"], ["y"]),
                     lambda: self.model.fit_property(["a"], [1]), lambda: self.model.optimize("a", "b"),
                     lambda: self.model.encode("x", progress=3), lambda: tvae.load(MODEL, device="tpu"),
                     lambda: tvae.load(MODEL, threads=0), lambda: tvae.config("dmeo"),
                     lambda: self.model.evaluate(only=["nothing"], write=False)):
            with self.assertRaises((TypeError, tvae.Error)):
                call()

    def test_numbers_that_are_none_say_so_in_one_line(self):
        code = self.model.encode("x")
        pairs = [f"x = {i}" for i in range(30)]
        for call, said in ((lambda: self.model.decode(code, candidates=0), "candidates: got 0"),
                           (lambda: self.model.decode(code, temperature=0), "temperature"),
                           (lambda: self.model.decode(code, temperature=float("nan")), "temperature: got nan"),
                           (lambda: self.model.decode(code, top_p=5.0), "top_p: got 5"),
                           (lambda: self.model.decode(code, seed=-1), "seed: got -1"),
                           (lambda: self.model.interpolate("a", "b", steps=3.5), "steps: got 3.5"),
                           (lambda: self.model.decode(code, candidates="two"), "candidates: got str"),
                           (lambda: tvae.load(b"x"), "path: got bytes"), (lambda: tvae.set_threads(2.5), "threads: got 2.5"),
                           (lambda: self.model.encode("\ud800"), "surrogate"),
                           (lambda: self.model.optimize("x", (pairs, range(30)), step_size=0), "step"),
                           (lambda: self.model.fit_property(pairs, [float("inf"), *range(29)]), r"values\[0\]: got inf"),
                           (lambda: self.model.mix(["a", "b"], weights=[]), "weights: got none"),
                           (lambda: tvae.config("demo", overrides={"train.steps": object()}), "train.steps: got object")):
            with self.assertRaisesRegex((TypeError, tvae.Error), said) as raised:
                call()
            self.assertNotIn("\n", str(raised.exception))
        self.assertEqual(tvae.config("demo", overrides={"train.steps": np.int64(3)})["train"]["steps"], 3)
        self.assertIsInstance(self.model.mix(["x = 1", "y = 2"], weights=np.array([.5, .5])), str)

    def test_what_is_given_out_is_not_the_librarys_own_memory(self):
        index = self.model.index(TEXTS)
        with self.assertRaises(ValueError):
            index.codes[:] = 0
        self.assertEqual(index.query(TEXTS[1], n=1), TEXTS[1:2])

    def test_a_warning_that_is_an_error_is_raised(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with self.assertRaises(tvae.TvaeWarning):
                self.model.encode("x " * 2000)
        self.assertEqual(self.model.reconstruct("x = 1"), "x = 1")

    def test_errors_are_the_builtins_that_fit(self):
        with self.assertRaises(OSError) as raised:
            tvae.load("nowhere")
        self.assertIsInstance(raised.exception, tvae.CheckpointError)
        self.assertNotIn("\n", str(raised.exception))
        with self.assertRaisesRegex(ValueError, "did you mean demo"):
            tvae.config("dmeo")
        with self.assertRaisesRegex(tvae.ConfigError, r"tvae.presets\(\)"):
            tvae.config("xylophone")

    def test_a_closed_model(self):
        with tvae.load(MODEL, device="cpu") as model:
            model.encode("x")
        self.assertEqual(repr(model), "tvae.Model(closed)")
        with self.assertRaisesRegex(tvae.Error, "closed"):
            model.encode("x")

    def test_a_folder_that_goes_away(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(MODEL, pathlib.Path(folder) / "m")
            model = tvae.load(pathlib.Path(folder) / "m", device="cpu")
            shutil.rmtree(pathlib.Path(folder) / "m")
            self.assertIsInstance(model.reconstruct("x"), str)
            self.assertEqual(model.card, "")

    def test_long_texts_warn(self):
        with self.assertWarns(tvae.TvaeWarning):
            self.model.encode("x " * 2000)


class Gradients(unittest.TestCase):
    """torch.autograd.gradcheck in fp64, on a small model with weights that training has hardly touched."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        (path / "lines.txt").write_text("".join(f"value_{i} = {i * 7}\n" for i in range(60)), encoding="utf-8")
        cls.model = tvae.train("demo", train=path / "lines.txt", out=path / "m", device="cpu", progress=False, overrides={
            "model.d_model": 16, "model.d_ff": 16, "model.num_heads": 2, "model.encoder_layers": 1,
            "model.decoder_layers": 1, "model.latent_tokens": 2, "model.latent_size": 4, "data.vocab_size": 300,
            "train.steps": 3, "train.previews": False}).model
        cls.texts = ["value_3 = 21", "x", "value_41 = 287"]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_of_the_loss_in_codes(self):
        import torch

        decoder = self.model.differentiable(torch.float64).decoder
        codes = torch.from_numpy(self.model.encode(self.texts)).double().requires_grad_(True)
        torch.autograd.gradcheck(lambda given: decoder(given, self.texts), (codes,))

    def test_a_text_costs_what_its_tokens_are_unlikely(self):
        import torch

        model = tvae.load(MODEL, device="cpu")
        codes = model.encode(TEXTS)
        written = model.decode(codes, details=True)
        losses = model.differentiable().decoder(torch.from_numpy(codes), [output.text for output in written])
        expected = [-np.log(output.probability).sum() for output in written]
        np.testing.assert_allclose(losses, expected, rtol=.01, atol=1e-3)  # products of int8 weights are rounded

    def test_of_codes_in_embeddings(self):
        import torch

        encoder = self.model.differentiable(torch.float64).encoder
        embeddings, lengths = encoder.embed(self.texts)
        self.assertEqual(embeddings.shape[2], self.model.config["d_model"])
        np.testing.assert_allclose(encoder(embeddings, lengths), self.model.encode(self.texts), atol=1e-5)
        embeddings.requires_grad_(True)
        torch.autograd.gradcheck(lambda given: encoder(given, lengths), (embeddings,))

    def test_a_code_is_found_by_descent(self):
        import torch

        both = self.model.differentiable()
        code = torch.zeros(1, *self.model.latent_shape, requires_grad=True)
        optimizer = torch.optim.Adam([code], lr=.1)
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = both(code, self.texts[:1]).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        self.assertLess(losses[-1], losses[0])

    def test_refusals(self):
        import torch

        both = self.model.differentiable()
        shape = self.model.latent_shape
        for call in (lambda: both.decoder(torch.zeros(1, *shape), ["a", "b"]), lambda: both.decoder(torch.zeros(3), ["a"]),
                     lambda: both.decoder(np.zeros((1, *shape)), ["a"]), lambda: both.encoder(torch.zeros(1, 2, 5)),
                     lambda: both.encoder(torch.zeros(1, 2, 16), [3]), lambda: self.model.differentiable(torch.float16)):
            with self.assertRaises((TypeError, tvae.Error)):
                call()


class Training(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.texts = self.path / "lines.txt"
        self.texts.write_text("".join(f"value_{i} = {i * 7}\n" for i in range(400)), encoding="utf-8")
        self.valid = self.path / "valid.txt"
        self.valid.write_text("".join(f"value_{i} = {i * 7}\n" for i in range(400, 440)), encoding="utf-8")
        self.small = {"model.d_model": 32, "model.d_ff": 32, "model.num_heads": 2, "model.encoder_layers": 1,
                      "model.decoder_layers": 1, "data.vocab_size": 300, "train.log_steps": 2, "train.eval_steps": 5,
                      "train.steps": 10, "train.previews": False}

    def train(self, out, **more):
        overrides = {**self.small, **more.pop("overrides", {})}
        return tvae.train("demo", train=self.texts, valid=self.valid, out=self.path / out, overrides=overrides,
                          device="cpu", progress=False, **more)

    def test_a_run_and_its_model(self):
        run = self.train("a")
        records = list(run.metrics)
        self.assertEqual(records[-1]["step"], 10)
        shown = run.model._repr_html_()
        self.assertIn("card", shown)
        self.assertNotIn("<svg", shown, "this run held no rows out of its own file")
        self.assertIn("valid_cross_entropy", records[-1])
        model = run.model
        self.assertEqual(len(model.reconstruct(["value_1 = 7"])), 1)
        report = model.evaluate(samples=20, progress=False)
        self.assertIn("exact_match", report["reconstruction"])
        self.assertEqual(json.loads((self.path / "a" / "eval" / "report.json").read_text())["reconstruction"],
                         report["reconstruction"])
        self.assertIn("exact", str(report))
        facts = model.fit_prior(self.texts.read_text().splitlines(), progress=False)
        self.assertIn("held_out_log_density", facts)
        self.assertEqual(len(model.sample(2, prior="fitted")), 2)

    def test_live_in_the_background(self):
        run = self.train("b", background=True, overrides={"train.steps": 60})
        seen = list(run.metrics)
        self.assertEqual(seen[-1]["step"], 60)
        self.assertIn("valid_cross_entropy", seen[-1])
        self.assertTrue(run.finished)

    def test_stops_and_goes_on(self):
        run = self.train("c", background=True, overrides={"train.steps": 100_000})
        for record in run.metrics:
            if record["step"] >= 10:
                run.stop()
        steps = json.loads((self.path / "c" / "run.json").read_text())
        self.assertTrue(run.finished)
        done = steps["training"]["steps"]
        self.assertGreaterEqual(done, 10)
        again = self.train("c", resume=True, overrides={"train.steps": done + 5})
        self.assertEqual(list(again.metrics)[-1]["step"], done + 5)

    def test_ctrl_c_loses_nothing(self):
        def interrupt(what, done, total):
            if what == "training" and done >= 20:
                os.kill(os.getpid(), signal.SIGINT)
        with self.assertRaises(KeyboardInterrupt):
            tvae.train("demo", train=self.texts, valid=self.valid, out=self.path / "g", device="cpu", progress=interrupt,
                       overrides={**self.small, "train.steps": 100_000, "train.save_steps": 100_000})
        done = json.loads((self.path / "g" / "run.json").read_text())["training"]["steps"]
        self.assertGreaterEqual(done, 20)
        again = self.train("g", resume=True, overrides={"train.steps": done + 2, "train.save_steps": 100_000})
        self.assertEqual(list(again.metrics)[-1]["step"], done + 2)

    def test_refusals(self):
        self.train("d")
        for call, error in ((lambda: self.train("d"), tvae.ConfigError),
                            (lambda: self.train("e", resume=True, overwrite=True), tvae.ConfigError),
                            (lambda: self.train("e", overrides={"train.stepz": 1}), tvae.ConfigError),
                            (lambda: tvae.train("demo", train="nowhere.txt", out=self.path / "f", progress=False),
                             tvae.DataError),
                            (lambda: tvae.train("demo", out=self.path / "f", progress=False), tvae.ConfigError)):
            with self.assertRaises(error) as raised:
                call()
            self.assertNotIn("--", str(raised.exception), "hints speak Python")

    def test_configurations(self):
        self.assertIn("demo", tvae.presets())
        self.assertEqual(tvae.config("demo", overrides={"train.steps": 3})["train"]["steps"], 3)


class Habits(unittest.TestCase):
    """pandas, scikit-learn and matplotlib, where they are installed (tools/setup.sh --tests)."""

    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")

    def test_pandas_in_and_out(self):
        pandas = importlib.import_module("pandas")
        series = pandas.Series(TEXTS, index=[7, 3, 9, 1], name="line")
        np.testing.assert_array_equal(self.model.encode(series), self.model.encode(TEXTS))
        back = self.model.reconstruct(series)
        self.assertEqual((list(back.index), back.name), ([7, 3, 9, 1], "line"))
        self.assertEqual(list(back), self.model.reconstruct(TEXTS))
        table = self.model.interpolate(TEXTS[0], TEXTS[1], steps=3).to_pandas()
        self.assertEqual(list(table.columns), ["ratio", "valid", "text"])
        with self.assertRaises(TypeError):
            self.model.encode(pandas.Series(["a", None]))
        with self.assertRaisesRegex(TypeError, "one column"):
            self.model.encode(pandas.DataFrame({"text": TEXTS, "label": TEXTS}))

    def test_an_encoder_in_a_pipeline(self):
        importlib.import_module("sklearn")
        from sklearn.base import clone
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        texts = [f"x = {i}" for i in range(20)] + [f"import module_{i}" for i in range(20)]
        kinds = [0] * 20 + [1] * 20
        pipeline = make_pipeline(tvae.Encoder(MODEL, device="cpu"), LogisticRegression(max_iter=1000)).fit(texts, kinds)
        self.assertGreater(pipeline.score(texts, kinds), .9)
        encoder = clone(pipeline[0])
        features = encoder.fit_transform(np.array(texts)[:, None])
        self.assertEqual(features.shape, (40, len(encoder.get_feature_names_out())))
        self.assertEqual(encoder.inverse_transform(features[:2]), self.model.reconstruct(texts[:2]))
        self.assertEqual(tvae.Encoder(MODEL, with_std=True).fit_transform(texts).shape[1], 2 * features.shape[1])
        pickled = pickle.loads(pickle.dumps(tvae.Encoder(MODEL)))
        self.assertEqual(pickled.get_params()["model"], MODEL)
        again = pickle.loads(pickle.dumps(pipeline))  # with the fitted encoder
        self.assertEqual(again.score(texts, kinds), pipeline.score(texts, kinds))

    def test_scikit_learns_own_checks(self):
        """Those of check_estimator that do not give it tables of numbers, of which no encoder of texts makes codes:
        scikit-learn itself leaves them out, by the tags."""
        checks = importlib.import_module("sklearn.utils.estimator_checks")
        encoder = tvae.Encoder(MODEL, device="cpu")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checks.check_estimator(encoder)
        for name in ("check_estimator_cloneable", "check_no_attributes_set_in_init", "check_estimator_repr",
                     "check_get_params_invariance", "check_set_params", "check_mixin_order",
                     "check_parameters_default_constructible", "check_estimator_tags_renamed"):
            with self.subTest(name):
                getattr(checks, name)("Encoder", encoder)

    def test_plots(self):
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        kept = tvae.Report(json.loads((MODEL / "eval" / "report.json").read_text(encoding="utf-8")))
        figure = kept.plot()
        shares = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        self.assertIn("prior fitted valid", shares)
        self.assertEqual([line.get_label() for line in figure.axes[1].lines], ["unchanged", "valid"])
        self.assertIn("data:image/png", kept._repr_html_())
        with tempfile.TemporaryDirectory() as folder:
            lines = pathlib.Path(folder) / "lines.txt"
            lines.write_text("".join(f"value_{i} = {i}\n" for i in range(30)), encoding="utf-8")
            report = self.model.evaluate(lines, samples=20, write=False, progress=False,
                                         only=["reconstruction", "interpolation"])
            picture = pathlib.Path(folder) / "report.png"
            report.plot().savefig(picture)
            self.assertGreater(picture.stat().st_size, 5000)
        self.assertIn("exact", report._repr_html_())


class Shown(unittest.TestCase):
    def test_a_map_of_the_rows_that_were_held_out(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m"
            shutil.copytree(MODEL, path)
            (path / "held_out.jsonl").write_text(
                "".join(json.dumps({"text": f"x = <{i}>", "label": "ab"[i % 2]}) + "\n" for i in range(9)), encoding="utf-8")
            model = tvae.load(path, device="cpu")
            shown = model._repr_html_()
            self.assertEqual(shown.count("<circle"), 9)
            self.assertIn("a: x = &lt;0&gt;", shown)
            self.assertIn("exact match <b>0.933</b>", shown)
            (path / "held_out.jsonl").write_text("{", encoding="utf-8")
            self.assertNotIn("<svg", model._repr_html_())
            model.close()
            self.assertEqual(model._repr_html_(), "tvae.Model(closed)")


class Processes(unittest.TestCase):
    def run_python(self, code):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONPATH": str(BUILD / "python")})

    def test_a_forked_child_computes(self):
        result = self.run_python(f"""
import os, tvae
model = tvae.load({str(MODEL)!r}, device="cpu")
model.encode(["x = 1"] * 50)
child = os.fork()
if child == 0:
    model.encode(["x = 1"] * 50)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
""")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_imports_in_any_order(self):
        others = [name for name in ("torch", "sentencepiece", "transformers") if importlib.util.find_spec(name)]
        self.assertIn("torch", others)
        orders = [[*others[:place], "tvae", *others[place:]] for place in range(len(others) + 1)]
        for order in [*orders, *[list(reversed(order)) for order in orders]]:
            result = self.run_python(f"""
import {", ".join(order)}
import torch
model = tvae.load({str(MODEL)!r}, device="cpu")
assert model.reconstruct("x = 1") == "x = 1"
assert abs((torch.ones(64, 64) @ torch.ones(64, 64)).mean() - 64) < 1e-5
""")
            self.assertEqual(result.returncode, 0, (order, result.stderr))

    def test_the_end_of_the_interpreter_saves_a_run_in_the_background(self):
        with tempfile.TemporaryDirectory() as folder:
            lines = pathlib.Path(folder) / "lines.txt"
            lines.write_text("".join(f"value_{i} = {i * 7}\n" for i in range(400)), encoding="utf-8")
            result = self.run_python(f"""
import tvae
run = tvae.train("demo", train={str(lines)!r}, out={folder!r} + "/m", device="cpu", progress=False, background=True,
                 overrides={{"train.steps": 100000, "train.save_steps": 100000, "train.log_steps": 2, "train.previews": False,
                             "model.d_model": 32, "model.d_ff": 32, "model.num_heads": 2, "data.vocab_size": 300}})
for record in run.metrics:
    if record["step"] >= 4:
        raise KeyboardInterrupt
""")
            self.assertIn("KeyboardInterrupt", result.stderr)
            record = json.loads((pathlib.Path(folder) / "m" / "run.json").read_text(encoding="utf-8"))
            self.assertGreaterEqual(record["training"]["steps"], 4)

    def test_openmp_spins_for_a_moment_unless_the_user_says_otherwise(self):
        code = "import os; before = dict(os.environ); import tvae; assert dict(os.environ) == before"
        for chosen, expected in (({}, "3000"), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "active"}, None)):
            environment = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
            result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False, env={
                **environment, **chosen, "OMP_DISPLAY_ENV": "verbose", "PYTHONPATH": str(BUILD / "python")})
            self.assertEqual(result.returncode, 0, result.stderr)
            spins = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", result.stderr)
            self.assertTrue(spins, result.stderr)
            self.assertEqual("3000" in spins, expected == "3000", spins)
            if expected is not None:
                self.assertIn(expected, spins)

    def test_import_does_not_need_torch(self):
        result = self.run_python("import sys, tvae; assert 'torch' not in sys.modules")
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    warnings.simplefilter("error", ResourceWarning)
    unittest.main()
