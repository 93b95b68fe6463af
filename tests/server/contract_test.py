#!/usr/bin/env python3
"""The server keeps to its contract: no answer that openapi.json does not know, and no 500 (schemathesis)."""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TVAE = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build")) / "tvae"
# More of them find more; what stands here fits into the tests of a laptop.
EXAMPLES = os.environ.get("TVAE_CONTRACT_EXAMPLES", "8")


class Contract(unittest.TestCase):
    @unittest.skipUnless(importlib.util.find_spec("schemathesis"), "schemathesis is not installed")
    def test_every_answer_is_of_the_document(self):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "model"  # a copy, in which directions may be fitted
            shutil.copytree(ROOT / "models" / "python_lines", model)
            server = subprocess.Popen([TVAE, "--json", "serve", model, "--port", "0"], stdout=subprocess.PIPE, text=True,
                                      stderr=subprocess.DEVNULL)
            try:
                address = json.loads(server.stdout.readline())["address"]
                with urllib.request.urlopen(address + "api/health", timeout=10) as answer:
                    self.assertEqual(json.load(answer)["status"], "ok")
                found = subprocess.run(
                    [pathlib.Path(sys.executable).with_name("schemathesis"), "run", address + "api/openapi.json", "--max-examples",
                     EXAMPLES, "--seed", "1", "--generation-database", "none", "--request-timeout", "60",
                     "--phases", "examples,coverage,fuzzing"],
                    capture_output=True, text=True, timeout=1500, check=False, cwd=folder,
                    env={**os.environ, "COLUMNS": "120"})
                self.assertEqual(found.returncode, 0, found.stdout[-6000:] + found.stderr[-2000:])
            finally:
                server.terminate()
                self.assertEqual(server.wait(timeout=30), 0, "the server ends by itself")


if __name__ == "__main__":
    unittest.main()
