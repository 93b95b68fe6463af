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

def use(texts: list[str]) -> None:
    with tvae.load("models/python_lines", threads=2) as model:
        codes: npt.NDArray[np.float32] = model.encode(texts)
        mean, deviation = model.encode(texts, return_std=True)
        path: tvae.Outputs = model.interpolate(texts[0], texts[1], steps=5, candidates=4)
        first: str = path[0]
        valid: list[bool] | None = path.valid
        direction: tvae.Direction = model.fit_direction("up", texts, texts)
        accuracy: float = direction.accuracy
        report: tvae.Report = model.evaluate("valid.txt", samples=10)
        sentences: list[str] = report.verdict
        losses: torch.Tensor = model.differentiable(torch.float64)(torch.zeros(1, 2, 3), texts)
        density: npt.NDArray[np.float64] = model.log_density(codes)
    run: tvae.Run = tvae.train("demo", train="lines.txt", out="m", overrides={"train.steps": 3}, background=True)
    for record in run.metrics:
        step: float = record["step"]
    trained: tvae.Model = run.wait().model
    reveal_type(model.encode("x"))
    model.encode(3)
    model.index(texts, metric="taxi")
    tvae.load("m").sample("many")
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
        self.assertEqual([line.rpartition("[")[2] for line in errors], ["call-overload]", "arg-type]", "arg-type]"], said)

    def test_the_package(self):
        self.assertEqual(mypy("--cache-dir", self.cache, "-p", "tvae"), [])


if __name__ == "__main__":
    unittest.main()
