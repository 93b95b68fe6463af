#!/usr/bin/env python3
"""Maps, the explorer's server, and the explorer in a notebook."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import numpy as np
import traitlets

import tvae
from tvae.explorer import Explorer

FOLDER = tempfile.TemporaryDirectory()
MODEL = pathlib.Path(FOLDER.name) / "python_lines"  # a copy, in which maps may be kept
TEXTS = [f"value_{i} = {i * 7}" for i in range(30)] + [f"return item_{i}" for i in range(10)]
LABELS = ["assign"] * 30 + ["return"] * 10


def setUpModule():
    shutil.copytree(ROOT / "models" / "python_lines", MODEL, ignore=shutil.ignore_patterns("map"))


def tearDownModule():
    FOLDER.cleanup()


def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20) as answer:
        return answer.read(), answer.headers


class Maps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")
        cls.map = cls.model.map([*TEXTS, TEXTS[0]], [*LABELS, "assign"], save=False, progress=False)

    def test_holds_every_text_once_with_its_label(self):
        self.assertEqual(self.map.texts, TEXTS)
        self.assertEqual(self.map.rows, list(range(40)))
        self.assertEqual(self.map.label_names, ["assign", "return"], "the most frequent first")
        self.assertEqual(self.map.labels, LABELS)
        self.assertEqual(repr(self.map), "tvae.Map(40 texts, umap and pca)")

    def test_the_plane_is_that_of_greatest_variance(self):
        codes = self.map.codes.reshape(40, -1).astype(np.float64)
        singular = np.linalg.svd(codes - codes.mean(0), compute_uv=False)[:2]
        np.testing.assert_allclose(np.linalg.norm(self.map.positions("pca"), axis=0), singular, rtol=1e-3)

    def test_codes_have_places_and_places_have_codes(self):
        positions = self.map.positions("pca")
        np.testing.assert_allclose(self.map.place(TEXTS[:3], "pca"), positions[:3], atol=1e-3)
        self.assertEqual(self.map.place(TEXTS[0]).shape, (2,))
        np.testing.assert_allclose(self.map.codes_at(positions[4], "pca"), self.map.codes[4], atol=1e-3)
        between = self.map.codes_at([positions[0], (positions[0] + positions[1]) / 2], "pca")
        self.assertEqual(between.shape, (2, *self.model.latent_shape))

    def test_is_a_table_a_picture_and_a_pickle(self):
        table = self.map.to_pandas("pca")
        self.assertEqual(list(table.columns), ["x", "y", "label", "text"])
        self.assertIn("data:image/svg+xml", self.map._repr_html_())
        import matplotlib

        matplotlib.use("Agg")
        self.assertEqual([text.get_text() for text in self.map.plot().get_legend().get_texts()], ["assign", "return"])
        many = self.model.map(TEXTS, ["$x_{$", "", "_a"] + [str(i % 20) for i in range(37)], save=False, progress=False)
        legend = [text.get_text() for text in many.plot().get_legend().get_texts()]
        self.assertEqual((len(legend), legend[-1]), (11, "other"))
        again = pickle.loads(pickle.dumps(self.map))
        np.testing.assert_array_equal(again.positions(), self.map.positions())
        self.assertEqual(again.labels, LABELS)

    def test_is_kept_in_the_model_only_if_it_is_to_be(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "m"
            shutil.copytree(MODEL, copy, ignore=shutil.ignore_patterns("map"))
            model = tvae.load(copy, device="cpu")
            model.map(TEXTS, save=False, progress=False)
            self.assertFalse((copy / "map").exists())
            model.map(TEXTS, progress=False)
            self.assertEqual(len(list((copy / "map").iterdir())), 1)

    def test_what_is_wrong_is_said(self):
        with self.assertRaisesRegex(tvae.ConfigError, "labels: got 1, expected one for each of the 40 texts"):
            self.model.map(TEXTS, ["one"], save=False)
        with self.assertRaisesRegex(tvae.ConfigError, "labels: got some, expected none without texts"):
            self.model.map(labels=["one"])
        with self.assertRaisesRegex(tvae.ConfigError, "projection: got 'tsne', expected umap or pca"):
            self.map.positions("tsne")
        with self.assertRaisesRegex(tvae.DataError, r"positions: got an array of \[3\], expected \[N, 2\]"):
            self.map.codes_at([1, 2, 3])
        for far in ([[float("nan"), 0]], [1e300, 0], [1e30, 1e30]):
            with self.assertRaises(tvae.DataError):
                self.map.codes_at(far)
        self.assertEqual(self.map.codes_at([]).shape, (0, *self.model.latent_shape))
        self.assertEqual(self.map.place([]).shape, (0, 2))
        with self.assertRaises(tvae.DataError):
            self.model.map([], save=False)
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "m"
            shutil.copytree(MODEL, copy, ignore=shutil.ignore_patterns("map", "corpus.jsonl"))
            with self.assertRaisesRegex(tvae.DataError, "give a corpus: texts of yours"):
                tvae.load(copy, device="cpu").map()

    def test_a_closed_model_says_so(self):
        closed = tvae.load(MODEL, device="cpu")
        closed.close()
        for call in (lambda: closed.map(TEXTS), lambda: tvae.serve(closed), lambda: tvae.explore(closed, TEXTS),
                     lambda: closed.path_codes("x", "y")):
            with self.assertRaisesRegex(tvae.ConfigError, "closed"):
                call()

    def test_codes_of_a_path_are_those_of_its_texts(self):
        codes = self.model.path_codes("x = 1", "return x", steps=4)
        self.assertEqual(self.model.decode(codes), list(self.model.interpolate("x = 1", "return x", steps=4)))


class Serving(unittest.TestCase):
    def test_answers_until_it_is_closed(self):
        with tvae.load(MODEL, device="cpu") as model, tvae.serve(model, umap=False) as server:
            self.assertTrue(server.address.startswith("http://127.0.0.1:"))
            self.assertIn(b'<div id="app">', get(server.address)[0])
            [told] = json.loads(get(server.address + "api/models")[0])["models"]
            self.assertEqual(told["name"], "python_lines")
            self.assertIn(server.address, server._repr_html_())
            self.assertIn(server.address, server.show(height=300)._repr_html_())
            policy = get(server.address)[1]["Content-Security-Policy"]
            self.assertIn("frame-ancestors", policy)
            self.assertNotIn("frame-ancestors 'none'", policy, "a notebook may show it")
        self.assertFalse(server.running)
        self.assertEqual(repr(server), "tvae.Server(closed)")
        server.close()  # again
        with self.assertRaises(tvae.ConfigError):
            server.open()
        with self.assertRaises(urllib.error.URLError):
            get(server.address)

    def test_asks_for_a_token(self):
        with tvae.serve(MODEL, token="secret", umap=False, device="cpu") as server:
            self.assertEqual(server.token, "secret")
            bare = f"http://127.0.0.1:{server.port}/api/models"
            with self.assertRaises(urllib.error.HTTPError) as refused:
                get(bare)
            self.assertEqual(refused.exception.code, 401)
            refused.exception.close()
            get(bare, Authorization="Bearer secret")

    def test_what_is_wrong_is_said(self):
        with tvae.serve(MODEL, umap=False, device="cpu") as server:
            with self.assertRaisesRegex(tvae.ConfigError, str(server.port)):
                tvae.serve(MODEL, port=server.port, umap=False, device="cpu")
        for models in ([], [MODEL] * 3):
            with self.assertRaisesRegex(tvae.ConfigError, "expected one, or two to compare"):
                tvae.serve(models)
        with self.assertRaises(tvae.CheckpointError):
            tvae.serve("no/such/model")
        with self.assertRaises(tvae.DataError):
            tvae.serve(MODEL, "no_such_file.txt", device="cpu")
        with self.assertRaises(TypeError):
            tvae.serve(3)
        with self.assertRaisesRegex(tvae.ConfigError, "token: got 'a b', expected letters"):
            tvae.serve(MODEL, token="a b", device="cpu")
        with self.assertRaisesRegex(tvae.ConfigError, "column: got 'nope', expected none without a corpus"):
            tvae.serve(MODEL, column="nope", device="cpu")

    def test_explore_refuses_before_it_works(self):
        model = tvae.load(MODEL, device="cpu")
        plane = model.map(TEXTS, umap=False, save=False, progress=False)
        for call, error, words in (
                (lambda: tvae.explore(plane, TEXTS), tvae.ConfigError, "texts: got some, expected none with a map"),
                (lambda: tvae.explore(plane, labels=["a"]), tvae.ConfigError, "expected none with a map"),
                (lambda: tvae.explore(model, labels=["a"]), tvae.ConfigError, "labels: got some, expected none without texts"),
                (lambda: tvae.explore(model, TEXTS, ["a"]), tvae.ConfigError, "labels: got 1"),
                (lambda: tvae.explore(model, ["", ""]), tvae.DataError, "texts: got none"),
                (lambda: tvae.explore(model, height="x"), TypeError, "height"),
                (lambda: tvae.explore(model, progress="x"), TypeError, "progress")):
            with self.subTest(words), self.assertRaisesRegex(error, words):
                call()

    def test_leaves_other_threads_their_threads(self):
        seen = []
        with tvae.serve(MODEL, umap=False, device="cpu") as server:
            tvae.set_threads(2)
            get(server.address + "api/models")  # by a thread that computes alone
            new = threading.Thread(target=lambda: seen.append(tvae._core.threads()))
            new.start()
            new.join()
        self.assertEqual(seen, [2])

    def test_a_process_that_forgets_it_ends(self):
        code = ("import tvae, sys\nserver = tvae.serve(sys.argv[1], device='cpu')\nprint(server.address)\n")
        done = subprocess.run([sys.executable, "-c", code, MODEL], env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("http://"))

    def test_ctrl_c_ends_wait_and_the_process(self):
        code = ("import tvae, sys\nserver = tvae.serve(sys.argv[1], device='cpu')\nprint(server.address, flush=True)\n"
                "server.wait()\nprint(server, flush=True)\n")
        with subprocess.Popen([sys.executable, "-c", code, MODEL], env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=60)
        self.assertEqual((process.returncode, *told), (0, "tvae.Server(closed)\n", ""))

    def test_all_who_close_it_wait_until_it_is_closed(self):
        server = tvae.serve(MODEL, umap=False, device="cpu")
        left = []
        closing = [threading.Thread(target=lambda: (server.close(), left.append(server.running))) for _ in range(8)]
        for one in closing:
            one.start()
        for one in closing:
            one.join()
        self.assertEqual(left, [False] * 8)
        self.assertTrue(server._ended.is_set())

    def test_wait_ends_with_close(self):
        server = tvae.serve(MODEL, umap=False, device="cpu")
        waiting = threading.Thread(target=server.wait)
        waiting.start()
        server.close()
        waiting.join(10)
        self.assertFalse(waiting.is_alive())

    def test_explore_outside_of_a_notebook_opens_a_browser(self):
        with tvae.load(MODEL, device="cpu") as model, unittest.mock.patch("webbrowser.open", return_value=True) as opened:
            with tvae.explore(model, TEXTS, LABELS) as server:
                opened.assert_called_once_with(server.address)
                for _ in range(200):
                    [told] = json.loads(get(server.address + "api/models")[0])["models"]
                    if told["corpus"]["state"] != "building":
                        break
                    time.sleep(0.1)
                self.assertEqual(told["corpus"]["points"], 40)
                self.assertEqual(told["corpus"]["labels"], ["assign", "return"])

    def test_explore_of_a_map_shows_that_map(self):
        model = tvae.load(MODEL, device="cpu")
        with unittest.mock.patch("webbrowser.open", return_value=False), \
             contextlib.redirect_stdout(io.StringIO()) as said, \
             tvae.explore(model.map(TEXTS, umap=False, save=False, progress=False)) as server:
            self.assertEqual(said.getvalue(), f"the explorer is at {server.address}\n")
            for _ in range(200):
                [told] = json.loads(get(server.address + "api/models")[0])["models"]
                if told["corpus"]["state"] != "building":
                    break
                time.sleep(0.1)
            self.assertEqual((told["corpus"]["points"], told["corpus"]["projections"]), (40, ["pca"]))


class Widget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tvae.load(MODEL, device="cpu")
        cls.map = cls.model.map(TEXTS, LABELS, save=False, progress=False)

    def setUp(self):
        self.explorer = Explorer(self.model, self.map)

    def test_walks_between_what_is_set(self):
        self.assertIsNone(self.explorer.outputs)
        self.explorer.start, self.explorer.end = "x = 1", "return x"
        self.assertEqual(list(self.explorer.outputs), list(self.model.interpolate("x = 1", "return x", steps=9)))
        self.assertEqual([stop["text"] for stop in self.explorer._stops], list(self.explorer.outputs))
        self.explorer.steps = 3
        self.assertEqual(len(self.explorer.outputs), 3)
        self.explorer.projection = "pca"
        np.testing.assert_allclose([self.explorer._stops[0]["x"], self.explorer._stops[0]["y"]],
                                   self.map.place("x = 1", "pca"), atol=1e-3)
        self.assertEqual(np.frombuffer(self.explorer._positions, np.float32).reshape(-1, 2).tolist(),
                         self.map.positions("pca").tolist())
        self.explorer.end = ""
        self.assertEqual((self.explorer.outputs, self.explorer._stops), (None, []))

    def test_writes_the_text_of_a_place(self):
        self.explorer.projection = "pca"
        self.explorer.place = self.map.positions("pca")[3].tolist()
        self.assertEqual(self.explorer._here["text"], self.model.decode(self.map.codes[3]))

    def test_knows_what_was_encircled(self):
        self.explorer._chosen = [0, 31]
        self.assertEqual(self.explorer.chosen, [TEXTS[0], TEXTS[31]])

    def test_what_is_no_value_is_an_error(self):
        for name, value, error in (("projection", "tsne", tvae.ConfigError), ("place", [0.0], tvae.DataError),
                                   ("place", [float("nan"), 0.0], tvae.DataError), ("start", "\ud800", tvae.DataError),
                                   ("steps", 1, traitlets.TraitError), ("path", "arc", traitlets.TraitError)):
            with self.subTest(name), self.assertRaises(error):
                setattr(self.explorer, name, value)

    def test_what_goes_wrong_later_is_shown_on_it(self):
        self.explorer.start, self.explorer.end = "x = 1", "return x"
        with unittest.mock.patch.object(type(self.model), "path_codes", side_effect=tvae.DataError("too far")):
            self.explorer.start = "y"
        self.assertEqual((self.explorer._problem, self.explorer.outputs, self.explorer._stops), ("too far", None, []))
        self.explorer.place = [1e9, 0.0]
        self.assertIn("too far", self.explorer._problem)
        self.assertIn("a place on the map", self.explorer._problem)
        self.explorer.place = []
        self.assertEqual(self.explorer._problem, "too far")
        self.explorer.start = "x " * 2000
        self.assertIn("cut at the model's 64 tokens", self.explorer._problem)
        self.explorer.start = "x = 2"
        self.assertEqual(self.explorer._problem, "")

    def test_another_plane_decodes_nothing_anew(self):
        self.explorer.start, self.explorer.end = "x = 1", "return x"
        with unittest.mock.patch.object(type(self.model), "interpolate", side_effect=AssertionError):
            self.explorer.projection = "pca"
        self.assertEqual(len(self.explorer._stops), 9)

    def test_a_picture_holds_what_xml_can(self):
        import xml.etree.ElementTree

        odd = self.model.map(["a\x0cb", "c\x1bd", "e<f&g"], ["\x00", "<b>", ""], save=False, progress=False)
        self.assertEqual(len(xml.etree.ElementTree.fromstring(odd._svg()).findall("{*}circle/{*}title")), 3)

    def test_is_no_pickle(self):
        with self.assertRaisesRegex(TypeError, "its map can"):
            pickle.dumps(self.explorer)

    def test_a_notebook_has_it_and_a_picture(self):
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
            f"import tvae\nexplorer = tvae.explore({str(MODEL)!r}, {TEXTS!r}, {LABELS!r}, progress=False)\n"
            "explorer.start, explorer.end = 'x = 1', 'return x'\nexplorer")])
        os.environ["PYTHONPATH"] = str(BUILD / "python")
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
        widget, picture = notebook.cells[0].outputs
        self.assertIn("application/vnd.jupyter.widget-view+json", widget["data"])
        self.assertIn("data:image/svg+xml", picture["data"]["text/html"])
        self.assertIn("<li><code>x = 1</code></li>", picture["data"]["text/html"])

    def test_its_parts_are_there(self):
        static = ROOT / "python" / "tvae" / "static"
        self.assertIn("export", (static / "widget.js").read_text(encoding="utf-8"))
        self.assertNotIn("http://", (static / "widget.js").read_text(encoding="utf-8").replace("http://www.w3.org/", ""))


if __name__ == "__main__":
    unittest.main()
