"""Runs draw_paths.py on what `tvae interpolate --json` prints."""

import json
import pathlib
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

SCRIPT = pathlib.Path(__file__).parents[2] / "tools" / "draw_paths.py"


def draw(steps):
    lines = "".join(json.dumps(step) + "\n" for step in steps)
    return subprocess.run([sys.executable, SCRIPT], input=lines, capture_output=True, text=True, check=False)


class DrawPaths(unittest.TestCase):
    def test_every_step_of_every_path_is_there(self):
        steps = [{"pair": pair, "ratio": i / 2, "text": text} for pair in (0, 1)
                 for i, text in enumerate(["a < b", "a < b", 'f("&")'])]
        result = draw(steps)
        self.assertEqual(result.returncode, 0, result.stderr)
        texts = list(ElementTree.fromstring(result.stdout).iter("{http://www.w3.org/2000/svg}text"))
        self.assertEqual([text.text for text in texts], ["a < b", "a < b", 'f("&")'] * 2)
        self.assertEqual([bool(text.get("opacity")) for text in texts], [False, True, False] * 2)
        self.assertNotEqual(texts[0].get("x"), texts[3].get("x"))

    def test_nothing_is_refused(self):
        result = draw([])
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing on stdin", result.stderr)

    def test_other_lines_are_refused(self):
        result = draw([{"text": "a"}])
        self.assertEqual(result.returncode, 1)
        self.assertIn("expected what tvae interpolate --json prints", result.stderr)


if __name__ == "__main__":
    unittest.main()
