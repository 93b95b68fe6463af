#!/usr/bin/env python3
"""Runs what the documentation shows of the Python package: the blocks of README.md and docs/python.md, in order, and
doctests."""

import doctest
import os
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

import tvae

LINES = [f"value_{i} = {i * 7}" for i in range(300)]
# What would take longer than a test may.
SHORT = "overrides={'train.steps': 5, 'model.d_model': 32, 'model.d_ff': 32, 'train.previews': False}"
SHORTER = {"minutes=20": SHORT, "minutes=5": SHORT, ".evaluate()": ".evaluate(samples=20)"}


class Documentation(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        os.symlink(ROOT / "models", "models")
        os.makedirs("runs/lines")
        pathlib.Path("runs/lines/train.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")  # as the program made it

    def test_pages(self):
        for page in ("README.md", "docs/python.md"):
            blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
            self.assertTrue(blocks)
            names = {}
            for block in blocks:
                for long, short in SHORTER.items():
                    block = block.replace(long, short)
                with self.subTest(page):
                    exec(compile(block, page, "exec"), names)

    def test_docstrings(self):
        tried = 0
        for module in (tvae, tvae.model, tvae.training, tvae.outputs):
            result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            self.assertEqual(result.failed, 0, module)
            tried += result.attempted
        self.assertGreater(tried, 5)


if __name__ == "__main__":
    unittest.main()
