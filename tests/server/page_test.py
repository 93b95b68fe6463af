#!/usr/bin/env python3
"""The page of the explorer: that it is built from its sources, its modules' own tests, and a browser that uses it."""

import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
TVAE = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build")) / "tvae"
# Node of the machine, or the one that tools/setup.sh --tests installs.
PATH = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run(test, command, seconds, **environment):
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False, timeout=seconds,
                          env={**os.environ, "PATH": PATH, "NO_COLOR": "1", **environment})
    test.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-4000:])
    return done.stdout


@unittest.skipUnless((WEB / "node_modules").is_dir() and shutil.which("node", path=PATH),
                     "no Node, or no web/node_modules (tools/setup.sh --tests)")
class Page(unittest.TestCase):
    def test_what_the_repository_keeps_is_what_the_sources_give(self):
        for script, kept in (("build", WEB / "dist"), ("build:widget", ROOT / "python" / "tvae" / "static")):
            with self.subTest(script), tempfile.TemporaryDirectory() as folder:
                run(self, ["npm", "run", script, "--", "--outDir", folder, "--emptyOutDir"], 300)
                built = {path.name for path in pathlib.Path(folder).iterdir()}
                self.assertEqual(built, {path.name for path in kept.iterdir()})
                _, different, unread = filecmp.cmpfiles(folder, kept, built, shallow=False)
                self.assertEqual((different, unread), ([], []), f"npm run {script}, and commit {kept.name}")

    def test_the_types_are_those_of_the_contract(self):
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "schema.ts"
            run(self, ["npx", "--no", "openapi-typescript", "../server/openapi.json", "--default-non-nullable=false", "-o",
                       str(made)], 120)
            self.assertEqual(made.read_text(), (WEB / "src" / "api" / "schema.ts").read_text(), "npm run api")

    def test_types_and_accessibility_of_the_sources(self):
        run(self, ["npm", "run", "check"], 300)

    def test_modules(self):
        run(self, ["npm", "test"], 300)

    @unittest.skipUnless(shutil.which("chromium"), "no chromium")
    def test_every_view_in_a_browser(self):
        told = self.in_a_browser(["first", "second"], [ROOT / "models" / "python_lines"] * 2, ["npm", "run", "test:page"])
        self.assertIn("copying the address copies the view", told)

    @unittest.skipUnless(shutil.which("chromium"), "no chromium")
    def test_molecules_tunes_and_images_are_drawn(self):
        for name in ("molecules", "tunes", "digits"):
            with self.subTest(name):
                told = self.in_a_browser([name], [ROOT / "tests" / "models" / name], ["node", "--test", "tests/drawings.test.mjs"])
                self.assertIn("skipped 0", told)

    def in_a_browser(self, names, models, command):
        """What a command tells that uses a server of copies of these models, in which directions may be fitted."""
        with tempfile.TemporaryDirectory() as folder:
            copies = [pathlib.Path(folder) / name for name in names]
            for model, copy in zip(models, copies):
                shutil.copytree(model, copy, ignore=shutil.ignore_patterns("map"))
            with subprocess.Popen([TVAE, "--json", "serve", *copies, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
                try:
                    address = json.loads(server.stdout.readline())["address"]
                    return run(self, command, 1200, TVAE_EXPLORER=address, CHROMIUM=shutil.which("chromium"))
                finally:
                    server.terminate()


if __name__ == "__main__":
    unittest.main()
