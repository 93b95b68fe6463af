#!/usr/bin/env python3
"""A server that is killed at any moment loses nothing that it had answered for, and leaves nothing half-written."""

import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TVAE = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build")) / "tvae"
IMPORTS = [f"import {name}" for name in ("numpy", "json", "os", "random", "time")]
RETURNS = [f"return self.{name}" for name in ("name", "size", "items", "path", "value")]
ROUNDS = 4


class Killed(unittest.TestCase):
    def serve(self, model):
        return subprocess.Popen([TVAE, "--json", "serve", model, "--port", "0"], stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.DEVNULL)

    def fit_until_killed(self, address, kept, refused, prefix):
        """What the server has said that it has kept."""
        for number in range(1000):
            name = f"{prefix}-{number}"
            body = json.dumps({"name": name, "positive": IMPORTS, "negative": RETURNS}).encode()
            try:
                with urllib.request.urlopen(urllib.request.Request(
                        address + "api/directions", body, {"Content-Type": "application/json"}), timeout=30) as answer:
                    if answer.status == 201:
                        kept.append(name)
            except urllib.error.HTTPError as error:
                refused.append(error.read())
            except (OSError, http.client.HTTPException):
                return

    def test_what_was_answered_is_there_after_a_kill(self):
        rng = random.Random(1)
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "model"
            shutil.copytree(ROOT / "models" / "python_lines", model)
            kept, refused = [], []
            for turn in range(ROUNDS):
                with self.serve(model) as server:
                    address = json.loads(server.stdout.readline())["address"]
                    clients = [threading.Thread(target=self.fit_until_killed, args=(address, kept, refused, f"turn{turn}-{client}"))
                               for client in range(3)]
                    for client in clients:
                        client.start()
                    time.sleep(.2 + .5 * rng.random())
                    server.kill()
                    for client in clients:
                        client.join()
            self.assertEqual(refused, [])
            self.assertGreater(len(kept), ROUNDS)
            with self.serve(model) as server:
                address = json.loads(server.stdout.readline())["address"]
                with urllib.request.urlopen(address + "api/directions", timeout=30) as answer:
                    found = {direction["name"] for direction in json.load(answer)["directions"]}
                self.assertLessEqual(set(kept), found)
                for name in rng.sample(sorted(found), 10):  # they can be read and used
                    body = json.dumps({"place": {"text": IMPORTS[0]}, "moves": [{"direction": name, "strength": 1}]}).encode()
                    with urllib.request.urlopen(urllib.request.Request(
                            address + "api/steer", body, {"Content-Type": "application/json"}), timeout=30) as answer:
                        self.assertEqual(answer.status, 200)
                server.terminate()
                self.assertEqual(server.wait(timeout=30), 0)


if __name__ == "__main__":
    unittest.main()
