#!/usr/bin/env python3
"""What the package takes, what it refuses and in which words, and where it writes."""

import copy
import importlib
import json
import os
import pathlib
import pickle
import shutil
import sys
import tempfile
import unittest
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import numpy as np

import tvae

MODEL = ROOT / "models" / "python_lines"
TEXTS = ["import numpy as np", "return self.name", "x = [1, 2]", "for i in range(10):"]
LINES = [f"value_{i} = {i * 7}" for i in range(60)]
POSITIVE = [f"return {name}" for name in ("x", "None", "self", "1", "a + b")]
NEGATIVE = [f"{name} = 1" for name in ("x", "y", "a", "b", "c")]


class OfAModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")

    def refuses(self, call, said, kinds=(TypeError, ValueError, OSError)):
        """In one line, in words of the package."""
        with self.assertRaisesRegex(kinds, said) as raised:
            call()
        self.assertNotIn("\n", str(raised.exception))
        self.assertNotIn("incompatible function arguments", str(raised.exception))


class Arguments(OfAModel):
    def test_names_and_paths_that_are_none(self):
        model = self.model
        for call, said in ((lambda: tvae.load(None), "path: got None"), (lambda: tvae.load(""), "path: got ''"),
                           (lambda: tvae.load("a\ud800"), "path: got half of a surrogate pair"),
                           (lambda: tvae.load("a\0b"), "path: got 'a"), (lambda: tvae.load(MODEL, device=b"cpu"), "device: got bytes"),
                           (lambda: tvae.load(MODEL, device=1.5), "device: got float"),
                           (lambda: model.interpolate("a", "b", path=None), "path: got None"),
                           (lambda: model.fit_prior(LINES, None), "kind: got None"),
                           (lambda: model.fit_prior(LINES, fit_on=3), "fit_on: got int"),
                           (lambda: model.fit_direction(None, POSITIVE, NEGATIVE, save=False), "name: got None"),
                           (lambda: model.fit_direction("a", POSITIVE, NEGATIVE, method=None, save=False), "method: got None"),
                           (lambda: model.direction(3), "name: got int"), (lambda: model.sample(1, prior=3), "prior: got int"),
                           (lambda: model.evaluate(b"lines.txt"), "data: got bytes"), (lambda: model.export(b"out"), "out: got bytes"),
                           (lambda: model.evaluate(only=3), "only: got int"), (lambda: model.evaluate(column=3), "column: got int"),
                           (lambda: tvae.import_t5(None, out="m"), "path: got None"), (lambda: tvae.convert(b"a", "b"), "path: got bytes"),
                           (lambda: tvae.config(3), "presets: got int"), (lambda: tvae.train(3, out="m"), "presets: got int"),
                           (lambda: tvae.train("demo", train=b"a", out="m"), "train: got bytes"),
                           (lambda: tvae.train("demo", train=[], out="m"), "train: got no file"),
                           (lambda: tvae.train("demo", train=["a|b"], out="m"), r"train: got '.*a\|b'.*names without \|"),
                           (lambda: tvae.train("demo", train="a", out=None), "out: got None"),
                           (lambda: tvae.train("demo", train="a", out="m", progress="bar"), "progress: got 'bar'"),
                           (lambda: tvae.train("demo", train="a", out="m", minutes="x"), "minutes: got str")):
            self.refuses(call, said)

    def test_numbers_and_flags_that_are_none(self):
        model, code = self.model, self.model.encode("x")
        for call, said in ((lambda: model.decode(code, seed=2**64), "seed: got 18446744073709551616, expected 0 to"),
                           (lambda: model.decode(code, top_k=10**400), "top_k: got"), (lambda: model.sample(10**5000), "n: got int"),
                           (lambda: model.decode(code, temperature=True), "temperature: got bool"),
                           (lambda: model.decode(code, constrain="no"), "constrain: got 'no', expected True or False"),
                           (lambda: model.decode(code, details=1), "details: got 1"),
                           (lambda: model.optimize("x", (LINES, range(60)), downhill="no"), "downhill: got 'no'"),
                           (lambda: model.evaluate(write=None), "write: got None"),
                           (lambda: model.fit_property(LINES, {text: 1 for text in LINES}), "values: got dict"),
                           (lambda: model.fit_property(LINES, "1" * 60), "values: got str"),
                           (lambda: model.fit_property(LINES, 3), "values: got int"),
                           (lambda: model.analogy("a", "b", "c", strength="2"), "strength: got str"),
                           (lambda: model.analogy("a", "b", "c", strength=[[1]]), r"strength\[0\]: got list"),
                           (lambda: model.mix(["a", "b"], weights=3), "weights: got int"),
                           (lambda: model.sample(1, radius=2), "radius: got 2 without near"),
                           (lambda: model.sample(1, near="x", prior="normal"), "near: got a text and a prior"),
                           (lambda: model.fit_prior(LINES, "gmm", components=10**18, save=False), "components of a mixture"),
                           (lambda: model.decode(np.ma.masked_less(np.zeros((1, 8, 32)) - 1, 0)), "codes: got an array of which a part is masked"),
                           (lambda: model.encode(np.ma.array(["a", "b"], mask=[True, False])), "texts: got an array of which a part"),
                           (lambda: tvae.to_torch([1.0]), "codes: got list")):
            self.refuses(call, said)

    def test_every_argument_is_refused_by_name(self):
        """Each of every method, replaced by what it cannot be: in one line, and by an error of Python or the package."""
        model = self.model
        direction, longer = model.fit_direction("d", POSITIVE, NEGATIVE, save=False), model.fit_property(LINES, range(60))
        index, code = model.index(TEXTS), model.encode("x")
        fit = {"seed": 1, "save": False, "progress": False}
        calls = [(model.encode, {"texts": TEXTS, "return_std": False, "progress": False}),
                 (model.decode, {"codes": code, "details": False, "candidates": 1, "constrain": False, "top_k": 1, "seed": 1}),
                 (model.reconstruct, {"texts": "x", "details": False}), (model.judge, {"texts": "x"}),
                 (model.interpolate, {"start": "a", "end": "b", "steps": 2, "path": "lerp"}),
                 (model.analogy, {"a": "a", "b": "b", "c": "c", "strength": 1}), (model.mix, {"texts": ["a", "b"], "weights": [1, 2]}),
                 (model.sample, {"n": 1, "near": "x", "radius": 1.0}), (model.log_density, {"codes": code}),
                 (model.fit_prior, {"texts": LINES, "kind": "gaussian", "fit_on": "means", "samples": 0, "components": 0, **fit}),
                 (model.fit_direction, {"name": "d", "positive": POSITIVE, "negative": NEGATIVE, "method": "mean", **fit}),
                 (model.fit_property, {"texts": LINES, "values": range(60), "seed": 1}),
                 (model.optimize, {"text": "x", "property": longer, "steps": 2, "step_size": .1, "downhill": False}),
                 (model.index, {"texts": TEXTS, "metric": "l2"}), (model.direction, {"name": "d"}),
                 (model.differentiable, {"dtype": None, "device": "cpu"}), (direction.value, {"texts": "x"}),
                 (direction.apply, {"texts": "x", "strength": 1.0}), (longer.value, {"texts": "x"}), (index.query, {"texts": "x", "n": 1}),
                 (model.evaluate, {"data": "nowhere.txt", "only": "reconstruction", "samples": 3, "path": "lerp", "column": "", "write": False}),
                 (tvae.load, {"path": "nowhere", "device": "cpu"}), (tvae.config, {"presets": "demo", "overrides": {}}),
                 (tvae.import_t5, {"path": "nowhere", "out": "m", "tokenizer": None, "overrides": {}, "overwrite": False}),
                 (tvae.convert, {"path": "nowhere", "out": "m", "tokenizer": None, "overrides": {}, "overwrite": False}),
                 (tvae.train, {"presets": "demo", "train": "nowhere.txt", "out": "m", "start": None, "minutes": None, "resume": False,
                               "column": None, "seed": None, "device": "cpu", "background": False, "progress": False})]
        self.addCleanup(os.chdir, os.getcwd())
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", tvae.TvaeWarning)
            os.chdir(folder)
            for call, arguments in calls:
                for name in arguments:
                    for given in (b"x", "\ud800", object(), {1: 2}, np.zeros((2, 2, 2)), [None], 2**70, float("nan"), -1, 10**5000):
                        with self.subTest(f"{call.__name__} {name} {type(given).__name__}"):
                            try:
                                call(**{**arguments, name: given})
                            except (TypeError, tvae.Error) as error:
                                self.assertNotRegex(str(error), r"\n|incompatible function|internal error|has no attribute|NoneType")

    def test_a_mixture_of_many_components_stops(self):
        told = []

        def listen(what, done, total):
            told.append(what)
            if what == "starting a mixture":
                raise InterruptedError

        with self.assertRaises(InterruptedError):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", tvae.TvaeWarning)
                self.model.fit_prior([f"x = {i}" for i in range(1000)], "gmm", components=80, save=False, progress=listen)

    def test_devices(self):
        torch = importlib.import_module("torch")
        for device in (None, torch.device("cpu"), "auto"):
            self.assertEqual(tvae.load(MODEL, device=device).reconstruct("x = 1"), "x = 1")
        if not torch.cuda.is_available():
            self.refuses(lambda: tvae.load(MODEL, device=0), "cuda:0")

    def test_overrides(self):
        def steps(overrides):
            return tvae.config("demo", overrides=overrides)["train"]["steps"]

        self.assertEqual(steps({"train.steps": 3}), 3)
        self.assertEqual(steps({"train": {"steps": np.int64(4)}}), 4)
        whole = tvae.config("demo", overrides={"train.steps": 5, "train.muon.momentum": .9})
        self.assertEqual(tvae.config("lines_small", overrides=whole), whole)
        for given, said in (("train.steps=3", "overrides: got str, expected a dict"), ([("train.steps", 3)], "overrides: got list"),
                            ({"train.steps": None}, "train.steps: got None"), ({"train.steps": True}, "train.steps: got True"),
                            ({"train.steps": [3]}, "train.steps: got list"), ({3: 3}, "overrides: got int as a key"),
                            ({"train": {"stepz": 3}}, "train.stepz")):
            self.refuses(lambda given=given: tvae.config("demo", overrides=given), said)

    def test_tensors(self):
        torch = importlib.import_module("torch")
        codes = self.model.encode(TEXTS)
        expected = self.model.decode(codes)
        tensor = torch.from_numpy(codes)
        for given in (tensor.requires_grad_(True), list(tensor), [code.numpy() for code in tensor.detach()], tensor.double()):
            self.assertEqual(self.model.decode(given), expected)
        self.assertEqual(len(self.model.decode(tensor.bfloat16())), 4)
        direction = self.model.fit_direction("d", POSITIVE, NEGATIVE, save=False)
        values = direction.value(codes)
        np.testing.assert_allclose(direction.value(list(tensor)), values)
        np.testing.assert_allclose(direction.value(tensor.bfloat16()), values, atol=1)
        strength = torch.tensor([0.0, 1.0], requires_grad=True)
        self.assertEqual(direction.apply(TEXTS[0], strength), direction.apply(TEXTS[0], [0, 1]))
        self.assertIsInstance(self.model.mix(TEXTS[:2], weights=torch.tensor([.5, .5], requires_grad=True)), str)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(tuple(tvae.to_torch(self.model.index(TEXTS).codes).shape), codes.shape)

    def test_half_floats_of_jax(self):
        jax = importlib.import_module("jax.numpy")
        codes = self.model.encode(TEXTS)
        self.assertEqual(len(self.model.decode(jax.asarray(codes, jax.bfloat16))), 4)

    def test_one_code_has_one_density(self):
        codes = self.model.encode(TEXTS)
        self.assertIsInstance(self.model.log_density(codes[0]), float)
        self.assertEqual(self.model.log_density(codes).shape, (4,))

    def test_a_closed_model_is_a_value_error_as_a_closed_file_is(self):
        model = tvae.load(MODEL, device="cpu")
        model.close()
        self.refuses(lambda: model.encode("x"), "closed", ValueError)

    def test_dir_shows_what_is_of_the_package(self):
        self.assertIn("load", dir(tvae))
        self.assertIn("Encoder", dir(tvae))
        for other in ("os", "importlib", "annotations", "_core"):
            self.assertNotIn(other, dir(tvae))

    def test_docstrings_name_nothing_private(self):
        for of in (tvae.Model, tvae.Direction, tvae.Run, tvae.train, *vars(tvae.Model).values()):
            self.assertNotRegex(getattr(of, "__doc__", None) or "", r"\btvae\._|\b_core")


class Shown(OfAModel):
    def test_reports_of_any_kind(self):
        for report in ({}, {"reconstruction": None}, {"reconstruction": 3, "shape": 4, "prior": {"fitted": None}}, {"verdict": None}, {"verdict": 3},
                       {"reconstruction": {"exact_match": float("nan")}}, {"reconstruction": {"exact_match": np.float32(.5)}},
                       {"shape": {"hole_curve": [1, {"radius": None}, {"radius": 1.0, "valid": None}]}}, {"skipped": None},
                       {"reconstruction": {"exact_match": .5, "exact_match_95": []}}, {"samples": np.int64(3)}):
            with self.subTest(report):
                self.assertIsInstance(str(tvae.Report(report)), str)
                self.assertIn("<pre", tvae.Report(report)._repr_html_())
        self.assertIn("0.5000", str(tvae.Report(reconstruction={"exact_match": np.float32(.5)})))

    def test_outputs_keep_what_is_known_of_each(self):
        outputs = tvae.Outputs(["b", "a", "c"], {"place": [1, 0, 2], "valid": [True, False, True]})
        self.assertEqual(outputs[1:].columns["place"], [0, 2])
        outputs.sort()
        self.assertEqual((outputs, outputs.columns["place"], outputs.valid), (["a", "b", "c"], [0, 1, 2], [False, True, True]))
        outputs.sort(key=str, reverse=True)
        self.assertEqual(outputs.columns["place"], [2, 1, 0])
        outputs.reverse()
        self.assertEqual(outputs.columns["place"], [0, 1, 2])
        for copied in (pickle.loads(pickle.dumps(outputs)), copy.copy(outputs), copy.deepcopy(outputs)):
            self.assertEqual((copied, copied.columns), (outputs, outputs.columns))
        outputs.append("d")
        self.assertEqual((outputs.columns, outputs.valid), ({}, None), "nothing is known of the new one")
        self.assertIn("<table", outputs._repr_html_())

    def test_pickles(self):
        direction = self.model.fit_direction("d", POSITIVE, NEGATIVE, save=False)
        longer = self.model.fit_property(LINES, [len(text) for text in LINES])
        index = self.model.index(TEXTS)
        decoded = self.model.decode(self.model.encode(TEXTS[0]), details=True)
        back = self.model.reconstruct(TEXTS[0], details=True)
        again = pickle.loads(pickle.dumps([direction, longer, index, decoded, back]))
        self.assertEqual(again[0].value(TEXTS[0]), direction.value(TEXTS[0]))
        self.assertEqual((again[0].name, again[0].facts), ("d", direction.facts))
        np.testing.assert_array_equal(again[0].step, direction.step)
        self.assertEqual((again[1].r2, again[1].value("x")), (longer.r2, longer.value("x")))
        self.assertEqual(again[2].query("y = 2", n=2).columns, index.query("y = 2", n=2).columns)
        self.assertEqual((again[3].text, list(again[3].probability), again[3].valid),
                         (decoded.text, list(decoded.probability), decoded.valid))
        self.assertEqual((again[4].text, again[4].output.text, again[4].exact), (back.text, back.output.text, back.exact))
        self.assertEqual(copy.deepcopy(longer).value("x"), longer.value("x"))

    def test_warnings_point_at_the_line_that_called(self):
        direction = self.model.fit_direction("d", POSITIVE, NEGATIVE, save=False)
        for call in (lambda: self.model.encode("x " * 2000), lambda: direction.value("x " * 2000),
                     lambda: self.model.interpolate("x " * 2000, "y", steps=2)):
            with self.assertWarns(tvae.TvaeWarning) as warned:
                call()
            self.assertEqual(warned.filename, __file__)

    def test_a_model_shows_itself_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m"
            shutil.copytree(MODEL, path)
            (path / "held_out.jsonl").write_text(
                "".join(json.dumps({"text": "x " * (2000 + row)}) + "\n" for row in range(4)), encoding="utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.assertIn("<svg", tvae.load(path, device="cpu")._repr_html_())


class Places(OfAModel):
    """Where files are read and written. The tests may run as root, for whom no folder is read-only: what cannot be
    written is a folder whose name a file has."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        shutil.copytree(MODEL, self.folder / "m")
        (self.folder / "lines.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def test_a_relative_path_stays_the_same_folder(self):
        model = tvae.load("m", device="cpu")
        os.mkdir("other")
        os.chdir("other")
        self.assertIn("Lines of Python", model.card)
        self.assertIn("'../m'", repr(model), "as it is written from here")
        self.assertEqual(pickle.loads(pickle.dumps(model)).path, model.path)
        model.fit_direction("d", POSITIVE, NEGATIVE, progress=False)
        self.assertEqual(model.directions, ["d"])
        model.export("hf")
        self.assertTrue(pathlib.Path("hf/config.json").exists())
        model.evaluate("../lines.txt", samples=10, only="reconstruction", progress=False, out="report.json")
        self.assertTrue(pathlib.Path("report.json").exists())
        self.assertEqual(sorted(os.listdir(".")), ["hf", "report.html", "report.json"])

    def test_a_folder_that_went_away_is_not_made_again(self):
        model = tvae.load("m", device="cpu")
        shutil.rmtree("m")
        told = []
        for call in (lambda: model.evaluate("lines.txt", samples=10, only="reconstruction", progress=lambda *of: told.append(of)),
                     lambda: model.fit_prior(LINES, progress=lambda *of: told.append(of)),
                     lambda: model.fit_direction("d", POSITIVE, NEGATIVE, progress=lambda *of: told.append(of))):
            self.refuses(call, "no model directory", tvae.CheckpointError)
        self.assertEqual((told, os.path.exists("m")), ([], False), "refused before the work")
        self.assertIn("reconstruction", model.evaluate("lines.txt", samples=10, only="reconstruction", write=False, progress=False))

    def test_what_cannot_be_written_is_said_before_the_work(self):
        model = tvae.load("m", device="cpu")
        for place in ("latent", "eval"):
            shutil.rmtree(f"m/{place}")
            pathlib.Path(f"m/{place}").write_text("")
        told = []
        for call, hint in ((lambda **more: model.evaluate("lines.txt", samples=10, only="reconstruction", **more), "write=False"),
                           (lambda **more: model.fit_prior(LINES, **more), "save=False"),
                           (lambda **more: model.fit_direction("d", POSITIVE, NEGATIVE, **more), "save=False"),
                           (lambda **more: model.fit_direction("no/name", POSITIVE, NEGATIVE, **more), "name of a direction")):
            self.refuses(lambda call=call: call(progress=lambda *of: told.append(of)), hint)
        self.assertEqual(told, [])
        facts = model.fit_prior(LINES, save=False, progress=False)
        self.assertIn("held_out_log_density", facts)
        self.assertEqual(len(model.sample(2, prior="fitted")), 2)

    def test_a_prior_that_is_not_saved_is_used(self):
        model = tvae.load("m", device="cpu")
        codes = model.encode(TEXTS)
        before, drawn = model.log_density(codes), model.sample(3, prior="fitted")
        kept = (model.path / "latent" / "prior.safetensors").read_bytes()
        model.fit_prior(LINES, save=False, progress=False)
        self.assertFalse(np.allclose(model.log_density(codes), before))
        self.assertNotEqual(model.sample(3, prior="fitted"), drawn)
        self.assertEqual((model.path / "latent" / "prior.safetensors").read_bytes(), kept)
        np.testing.assert_allclose(tvae.load("m", device="cpu").log_density(codes), before)

    def test_hints_speak_python(self):
        pathlib.Path("t5").mkdir()
        pathlib.Path("t5/config.json").write_text('{"model_type": "t5"}')
        self.refuses(lambda: tvae.load("t5"), r"tvae\.import_t5")
        self.refuses(lambda: tvae.train("digits_small", out="run", progress=False), "train=FILE")
        torch = importlib.import_module("torch")
        pathlib.Path("code").mkdir()
        torch.save({"weights": pathlib.Path("x")}, "code/pytorch_model.bin")
        self.refuses(lambda: tvae.convert("code", "out"), "holds code, which is not run")

    def test_convert_takes_no_overrides_that_it_would_not_use(self):
        torch = importlib.import_module("torch")
        pathlib.Path("t5").mkdir()
        torch.save({"encoder.block.0.layer.0.SelfAttention.q.weight": torch.zeros(2, 2)}, "t5/pytorch_model.bin")
        pathlib.Path("t5/config.json").write_text('{"model_type": "t5"}')
        self.refuses(lambda: tvae.convert("t5", "out", overrides={"model.d_modell": 3}), "overrides: got model.d_modell=3")


class Habits(OfAModel):
    def test_series_keep_their_index_and_kind(self):
        pandas = importlib.import_module("pandas")
        for dtype in (object, "string"):
            series = pandas.Series(TEXTS, index=[7, 3, 9, 1], name="line", dtype=dtype)
            back, judged = self.model.reconstruct(series), self.model.judge(series)
            self.assertEqual((list(back.index), back.dtype), ([7, 3, 9, 1], series.dtype))
            self.assertEqual((list(judged.index), judged.dtype, judged.name), ([7, 3, 9, 1], bool, "line"))
            self.assertEqual(list(judged), self.model.judge(TEXTS))
            direction = self.model.fit_direction("d", POSITIVE, NEGATIVE, save=False)
            values = direction.value(series)
            self.assertEqual((list(values.index), values.dtype), ([7, 3, 9, 1], float))
        self.assertEqual(self.model.judge([]), [])

    def test_an_encoder_of_what_comes(self):
        importlib.import_module("sklearn")
        encoder = tvae.Encoder(self.model)
        features = encoder.fit_transform(text for text in TEXTS)
        np.testing.assert_array_equal(features, self.model.encode(TEXTS).reshape(4, -1))
        self.assertEqual(encoder.fit_transform([]).shape, (0, features.shape[1]))
        self.assertEqual(encoder.inverse_transform(features), self.model.reconstruct(TEXTS))
        deviations = tvae.Encoder(self.model, with_std=True)
        self.assertEqual(deviations.inverse_transform(deviations.fit_transform(TEXTS)), self.model.reconstruct(TEXTS))
        for call, said in ((lambda: encoder.inverse_transform(features[0]), r"X: got an array of \[256\]"),
                           (lambda: encoder.inverse_transform(features[:, :5]), r"X: got an array of \[4, 5\], expected \[N, 256\]"),
                           (lambda: encoder.fit("x = 1"), "X: got str, expected several"),
                           (lambda: encoder.transform("x = 1"), "X: got str"),
                           (lambda: tvae.Encoder(self.model, with_std="no").fit(TEXTS), "with_std: got 'no'")):
            self.refuses(call, said)


if __name__ == "__main__":
    warnings.simplefilter("error", ResourceWarning)
    unittest.main()
