#!/usr/bin/env python3
"""The server keeps to its contract: no answer that openapi.json does not know, and no 500 (schemathesis)."""

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
SCHEMATHESIS = pathlib.Path(sys.executable).with_name("schemathesis")
# More of them find more; what stands here fits into the tests of a laptop.
EXAMPLES = os.environ.get("TVAE_CONTRACT_EXAMPLES", "8")


class Contract(unittest.TestCase):
    @unittest.skipUnless(SCHEMATHESIS.exists(), "schemathesis is not installed")
    def test_every_answer_is_of_the_document(self):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "model"  # a copy, in which directions may be fitted
            shutil.copytree(ROOT / "models" / "python_lines", model)
            (model / "corpus.jsonl").unlink()  # evaluations of few texts take no minutes
            corpus = pathlib.Path(folder) / "corpus.txt"
            corpus.write_text("".join(f"value_{number} = compute({number})\n" for number in range(40)))
            with subprocess.Popen([TVAE, "--json", "serve", model, "--corpus", corpus, "--port", "0"], stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL) as server:
                address = json.loads(server.stdout.readline())["address"]
                with urllib.request.urlopen(address + "api/health", timeout=10) as answer:
                    self.assertEqual(json.load(answer)["status"], "ok")
                found = subprocess.run(
                    [SCHEMATHESIS, "--config-file", pathlib.Path(__file__).with_name("schemathesis.toml"), "run",
                     address + "api/openapi.json", "--max-examples", EXAMPLES, "--seed", "1", "--generation-database",
                     "none", "--request-timeout", "60", "--phases", "examples,coverage,fuzzing",
                     # They last as long as their job does; tests/server/api_test.cpp reads them.
                     "--exclude-operation-id", "jobEvents"],
                    capture_output=True, text=True, timeout=1500, check=False, cwd=folder,
                    env={**os.environ, "COLUMNS": "120"})
                server.terminate()
                said = [line[:300] for line in found.stdout.splitlines()[-150:]]  # bodies are megabytes
                self.assertEqual(found.returncode, 0, "\n".join(said) + found.stderr[-2000:])
                self.assertEqual(server.wait(timeout=30), 0, "the server ends by itself")


if __name__ == "__main__":
    unittest.main()
