#!/usr/bin/env python3
"""Calls that take long: Ctrl-C, bars, background runs, forks."""

import importlib
import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import numpy as np

import tvae
import tvae._progress

MODEL = ROOT / "models" / "python_lines"
LINES = [f"value_{i} = {i * 7}" for i in range(400)]
POSITIVE = [f"return {name}" for name in ("x", "None", "self", "1", "a + b")]
NEGATIVE = [f"{name} = 1" for name in ("x", "y", "a", "b", "c")]
SMALL = {"model.d_model": 32, "model.d_ff": 32, "model.num_heads": 2, "model.encoder_layers": 1, "model.decoder_layers": 1,
         "data.vocab_size": 300, "train.log_steps": 2, "train.eval_steps": 5, "train.steps": 10, "train.previews": False}
SOON = 10  # seconds, on the busiest machine; on an idle one it is a fraction of one


class Interrupted(unittest.TestCase):
    def interrupts(self, call):
        """Ctrl-C half a second after the call has begun. Seconds until it is raised."""
        sent = []

        def send():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(.5, send)
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            call()
        return time.monotonic() - sent[0]

    def test_modules_of_pytorch(self):
        torch = importlib.import_module("torch")
        both = tvae.load(MODEL, device="cpu").differentiable()
        texts = LINES * 15
        self.assertLess(self.interrupts(lambda: both.decoder(torch.randn(6000, 8, 32), texts)), SOON)
        width = tvae.load(MODEL, device="cpu").config["d_model"]
        embeddings = torch.randn(4000, 40, width, requires_grad=True)
        self.assertLess(self.interrupts(lambda: both.encoder(embeddings)), SOON)
        self.assertLess(self.interrupts(lambda: both.encoder(embeddings[:40]).sum().backward() or self.backward_of_many(both, embeddings)), SOON)

    def backward_of_many(self, both, embeddings):
        while True:
            both.encoder(embeddings[:400]).sum().backward()

    def test_a_tokenizer_in_training(self):
        letters = np.random.default_rng(1).choice(list("abcdefghijklmnopqrstuvwxyz    "), (40_000, 60))
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "lines.txt"
            file.write_text("\n".join("".join(line) for line in letters), encoding="utf-8")

            def interrupt(what, done, total):
                if what == "training a tokenizer":
                    interrupt.sent = time.monotonic()
                    os.kill(os.getpid(), signal.SIGINT)

            with self.assertRaises(KeyboardInterrupt):
                tvae.train("demo", train=file, out=pathlib.Path(folder) / "m", device="cpu", progress=interrupt,
                           overrides={"data.vocab_size": 20_000})
            self.assertLess(time.monotonic() - interrupt.sent, SOON)
            self.assertFalse((pathlib.Path(folder) / "m").exists(), "nothing half-made stays")

    def test_waiting_for_a_run_in_the_background(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "lines.txt"
            file.write_text("\n".join(LINES), encoding="utf-8")
            run = tvae.train("demo", train=file, out=pathlib.Path(folder) / "m", device="cpu", progress=False, background=True,
                             overrides={**SMALL, "train.steps": 100_000, "train.save_steps": 100_000})
            next(run.metrics)
            self.assertLess(self.interrupts(run.wait), SOON)
            run._thread.join()
            self.assertTrue(run.finished)
            steps = json.loads((pathlib.Path(folder) / "m" / "run.json").read_text())["training"]["steps"]
            self.assertGreaterEqual(steps, 2)


class Parts(unittest.TestCase):
    def test_many_at_once_are_as_each_alone(self):
        torch = importlib.import_module("torch")
        model = tvae.load(MODEL, device="cpu")
        both = model.differentiable(torch.float64)
        texts = [text * (1 + place % 3) for place, text in enumerate(LINES[:70])]
        codes = torch.from_numpy(model.encode(texts)).double().requires_grad_(True)
        nats = both.decoder(codes, texts)
        nats.sum().backward()
        embeddings, lengths = both.encoder.embed(texts)
        embeddings.requires_grad_(True)
        encoded = both.encoder(embeddings, lengths)
        of_codes = torch.randn(encoded.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        (encoded * of_codes).sum().backward()
        # The model's own products with int8 weights round their rows too, each by about a two-hundredth.
        self.assertLess((encoded - codes).norm().item(), 0.05 * codes.norm().item())
        for row in (0, 33, 69):
            code = codes[row : row + 1].detach().requires_grad_(True)
            alone = both.decoder(code, texts[row : row + 1])
            alone.sum().backward()
            np.testing.assert_allclose(nats[row].item(), alone.item(), rtol=1e-9)
            np.testing.assert_allclose(codes.grad[row], code.grad[0], rtol=1e-7, atol=1e-12)
            one = embeddings[row : row + 1].detach().requires_grad_(True)
            (both.encoder(one, lengths[row : row + 1]) * of_codes[row : row + 1]).sum().backward()
            np.testing.assert_allclose(embeddings.grad[row], one.grad[0], rtol=1e-7, atol=1e-12)

    def test_one_bar_for_samples_in_parts(self):
        model = tvae.load(MODEL, device="cpu")
        told = []

        def listen(what, done, total):
            told.append((what, done, total))
            if done > 4200:
                raise InterruptedError

        with self.assertRaises(InterruptedError):
            model.sample(9000, prior="normal", progress=listen)
        decoding = [(done, total) for what, done, total in told if what == "decoding"]
        self.assertEqual({total for _, total in decoding}, {9000})
        self.assertEqual([done for done, _ in decoding], sorted(done for done, _ in decoding))

    def test_what_tells_how_far_it_is(self):
        model = tvae.load(MODEL, device="cpu")
        direction, index = model.fit_direction("d", POSITIVE, NEGATIVE, save=False), model.index(LINES)
        longer = model.fit_property(LINES, range(400))
        codes = model.encode(LINES)
        for call, whats in ((lambda **more: direction.value(LINES, **more), {"encoding", "measuring"}),
                            (lambda **more: longer.value(LINES, **more), {"encoding", "measuring"}),
                            (lambda **more: index.query(LINES, n=1, **more), {"encoding", "searching"}),
                            (lambda **more: model.log_density(codes, **more), {"measuring"}),
                            (lambda **more: model.judge(LINES, **more), {"judging"}),
                            (lambda **more: direction.apply(LINES[:20], **more), {"encoding", "decoding"})):
            told = []
            call(progress=lambda *of: told.append(of))
            self.assertEqual({what for what, _, _ in told}, whats)
            self.assertEqual(told[-1][1], told[-1][2])
        with unittest.mock.patch.object(tvae._progress, "tqdm_bar") as bar:
            bar.return_value.n, bar.return_value.total = 0, 400
            direction.value(LINES, progress=False)
            bar.assert_not_called()


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "lines.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
        (self.path / "valid.txt").write_text("\n".join(LINES[:30]) + "\n", encoding="utf-8")

    def train(self, out, overrides=None, **more):
        return tvae.train("demo", train=self.path / "lines.txt", valid=self.path / "valid.txt", out=self.path / out, device="cpu",
                          overrides={**SMALL, **(overrides or {})}, **{"progress": False, **more})

    def test_figures_of_a_resumed_run_are_from_the_first_on(self):
        first = list(self.train("a").metrics)
        again = self.train("a", resume=True, overrides={"train.steps": 16})
        records = list(again.metrics)
        self.assertEqual([record["step"] for record in records][: len(first)], [record["step"] for record in first])
        self.assertEqual(records[0]["loss"], first[0]["loss"])
        self.assertEqual(records[-1]["step"], 16)

    def test_a_finished_run_says_so(self):
        self.train("a")
        with self.assertLogs("tvae", logging.INFO) as said:
            again = self.train("a", resume=True)
        self.assertTrue(any("was finished already, at step 10" in line for line in said.output), said.output)
        self.assertEqual(list(again.metrics)[-1]["step"], 10)
        self.assertIn("step 10, done", repr(again))

    def test_starts_from_a_model_that_is_loaded(self):
        model = self.train("a").model
        run = tvae.train(train=self.path / "lines.txt", out=self.path / "b", start=model, device="cpu", progress=False,
                         overrides={"train.steps": 2})
        self.assertEqual(json.loads((run.path / "run.json").read_text())["from"], str(model.path))

    def test_a_relative_folder_stays_the_same(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.path)
        run = tvae.train("demo", train="lines.txt", out="a", device="cpu", overrides=SMALL, progress=False, background=True)
        (self.path / "other").mkdir()
        os.chdir("other")
        self.assertEqual(run.model.path, self.path / "a")
        self.assertEqual(os.listdir("."), [])

    def test_settings_as_config_gives_them(self):
        run = self.train("a", overrides=tvae.config("demo", overrides=SMALL))
        self.assertEqual(list(run.metrics)[-1]["step"], 10)

    def test_runs_show_their_own_lines(self):
        """Two at once: each line of a run is shown by the bar of its thread alone."""
        lines = {"a": [], "b": []}

        class Show(tvae.training._Show):
            def _write(self, text):
                lines[threading.current_thread().name[-1]].append(text)

        with unittest.mock.patch.object(tvae.training, "_Show", Show), unittest.mock.patch.object(tvae.training, "tqdm_bar"):
            runs = [self.train(name, background=True, progress=True) for name in "ab"]
            for run in runs:
                run.wait()
        for name, said in lines.items():
            self.assertTrue(any("weights" in line for line in said), said)
            self.assertEqual(len([line for line in said if "weights" in line]), 1, said)


class Forks(unittest.TestCase):
    def run_python(self, code):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONPATH": str(BUILD / "python"), "OMP_NUM_THREADS": "2"})

    def test_threads_of_a_forked_child(self):
        for used, expected in ((True, "error"), (False, "x = 1")):
            result = self.run_python(f"""
import os, tvae
if {used}:
    tvae.load({str(MODEL)!r}, device="cpu", threads=2).encode(["x = 1"] * 50)
child = os.fork()
if child == 0:
    try:
        print(tvae.load({str(MODEL)!r}, device="cpu", threads=2).reconstruct("x = 1"), flush=True)
    except tvae.ConfigError as error:
        print("error", error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
""")
            self.assertTrue(result.stdout.startswith(expected), (result.stdout, result.stderr))
            if used:
                self.assertIn("threads: got 2", result.stdout)
                self.assertIn("spawn", result.stdout)


if __name__ == "__main__":
    warnings.simplefilter("error", ResourceWarning)
    unittest.main()
