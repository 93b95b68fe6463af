"""The program and the CMake file of docs/embedding.md, built against an installed library and run."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))


def block(language):
    """The one code block of a language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs/embedding.md").read_text(), re.M | re.S)
    assert len(blocks) == 1, f"one {language} block, not {len(blocks)}"
    return blocks[0]


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


class Embedding(unittest.TestCase):
    def test_the_documented_program_builds_and_walks_through_the_space(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix, source = pathlib.Path(folder, "prefix"), pathlib.Path(folder, "walk")
            run("cmake", "--install", str(BUILD), "--prefix", str(prefix))
            self.assertIn("\"train\"", run(str(prefix / "bin/tvae"), "config"))
            for program in ("tvae", "tvae-tensors"):
                self.assertNotIn(str(ROOT), run("ldd", str(prefix / "bin" / program)), "it needs nothing of the source tree")
            for file in ("man/man1/tvae.1", "bash-completion/completions/tvae", "zsh/site-functions/_tvae",
                         "fish/vendor_completions.d/tvae.fish"):
                self.assertIn("interpolate", (prefix / "share" / file).read_text())
            source.mkdir()
            (source / "walk.cpp").write_text(block("cpp"))
            (source / "CMakeLists.txt").write_text(block("cmake"))
            run("cmake", "-G", "Ninja", "-S", str(source), "-B", str(source / "build"), f"-DCMAKE_PREFIX_PATH={prefix}")
            run("cmake", "--build", str(source / "build"))
            lines = run(str(source / "build/walk"), str(ROOT / "models/python_lines")).splitlines()
            self.assertEqual(lines[:3], ["[2, 8, 32]", "x = a - 1", "return None"])
            self.assertEqual(len(lines), 3 + 5 + 3)
            self.assertTrue(lines[3].startswith("0  ") and lines[7].startswith("1  "), lines)

            refused = subprocess.run([source / "build/walk", folder], capture_output=True, text=True, check=False)
            self.assertEqual((refused.returncode, refused.stdout), (3, ""))
            self.assertEqual(len(refused.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
