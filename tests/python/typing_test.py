#!/usr/bin/env python3
"""What mypy --strict says of the package, and of a user's file that calls it."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))

USER = '''
import numpy as np
import numpy.typing as npt
import torch
import tvae

def use(texts: list[str], flag: bool, strengths: npt.NDArray[np.float64]) -> None:
    with tvae.load("models/python_lines", threads=2) as model:
        codes: npt.NDArray[np.float32] = model.encode(texts)
        mean, deviation = model.encode(texts, return_std=True)
        either = model.encode(texts, return_std=flag)
        one: str = model.decode(model.encode("x"))
        several: list[str] = model.decode(codes)
        all_texts: list[str] = model.decode(model.encode(texts))
        detail: tvae.Decoded = model.decode(model.encode("x"), details=True)
        back: str = model.reconstruct("x")
        exact: bool = model.reconstruct(texts, details=True)[0].exact
        like: str = model.analogy("a", "b", "c")
        line: tvae.Outputs = model.analogy("a", "b", "c", strength=strengths)
        mixed: str = model.mix(texts, weights=strengths)
        one_density: float = model.log_density(model.encode("x"))
        facts: dict[str, object] = model.fit_prior(texts, kind="gmm", fit_on="samples", save=False)
        path: tvae.Outputs = model.interpolate(texts[0], texts[1], steps=5, candidates=4)
        first: str = path[0]
        valid: list[bool] | None = path.valid
        direction: tvae.Direction = model.fit_direction("up", texts, texts)
        accuracy: float = direction.accuracy
        logit: float = direction.value("x")
        logits: npt.NDArray[np.float64] = direction.value(texts)
        moved: str = direction.apply("x")
        along: tvae.Outputs = direction.apply("x", strengths)
        length: float = model.fit_property(texts, strengths).value("x")
        nearest: tvae.Outputs = model.index(texts).query("x", n=2)
        nearest_of_all: list[tvae.Outputs] = model.index(texts).query(texts)
        tensor: torch.Tensor = tvae.to_torch(codes)
        verdicts: list[bool] | None = model.judge(texts)
        report: tvae.Report = model.evaluate("valid.txt", samples=10)
        sentences: list[str] = report.verdict
        losses: torch.Tensor = model.differentiable(torch.float64)(torch.zeros(1, 2, 3), texts)
        density: npt.NDArray[np.float64] = model.log_density(codes)
    run: tvae.Run = tvae.train("demo", train="lines.txt", out="m", overrides={"train.steps": 3}, background=True)
    for record in run.metrics:
        step: float = record["step"]
    trained: tvae.Model = run.wait().model
    again: tvae.Run = tvae.train(out="m2", train=["a.txt", "b.txt"], start=trained, device=torch.device("cpu"))
    features: npt.NDArray[np.float32] = tvae.Encoder("m").fit_transform(texts)
    reveal_type(model.encode("x"))
    model.encode(3)
    model.index(texts, metric="taxi")
    tvae.load("m").sample("many")
    model.interpolate("a", "b", path="slurp")
    model.fit_prior(texts, kind="cauchy")
'''


def mypy(*arguments):
    """Its lines, but for packages that have no types, or are not here."""
    result = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--disable-error-code",
                             "import-untyped", "--disable-error-code", "import-not-found", *map(str, arguments)],
                            env={**os.environ, "MYPYPATH": str(BUILD / "python")}, capture_output=True, text=True, check=False)
    return result.stdout.splitlines()


class Typing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.cache = pathlib.Path(cls.folder.name) / "cache"

    def test_a_users_file(self):
        file = pathlib.Path(self.folder.name) / "user.py"
        file.write_text(USER, encoding="utf-8")
        said = [line.split(": ", 1)[1] for line in mypy("--cache-dir", self.cache, file) if str(file) in line]
        self.assertIn("numpy.ndarray", said[0])
        errors = [line for line in said if line.startswith("error")]
        self.assertEqual([line.rpartition("[")[2] for line in errors], ["call-overload]", *["arg-type]"] * 4], said)

    def test_the_package(self):
        self.assertEqual(mypy("--cache-dir", self.cache, "-p", "tvae"), [])


if __name__ == "__main__":
    unittest.main()
