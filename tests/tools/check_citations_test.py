"""Tests of tools/check_citations.py: a small tree of its own."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_citations.py"


class CheckCitations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("docs/memory.md", "# Memory\n\n## 2. How it is known\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def check(self, text, path="tvae/base/error.h"):
        self.write(path, text)
        result = subprocess.run([sys.executable, SCRIPT, self.root], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout.strip()

    def test_documents_and_sections_that_are_there(self):
        for text in ("// docs/memory.md says why.", "// (memory.md 2)", "// docs/memory.md#2-how-it-is-known", "// none"):
            self.assertEqual(self.check(text), (0, "citations: all there"), text)
        self.assertEqual(self.check("see [memory](memory.md)", "docs/other.md"), (0, "citations: all there"))

    def test_a_document_that_is_not_there(self):
        self.assertEqual(self.check("\n// As plan.md says."),
                         (1, "tvae/base/error.h:2: cites plan.md, which is not there"))

    def test_a_section_that_is_not_there(self):
        self.assertEqual(self.check("// memory.md 3: sizes"),
                         (1, "tvae/base/error.h:1: cites section 3 of memory.md, but it has no such heading"))
        self.assertEqual(self.check("// docs/memory.md#sizes"),
                         (1, "tvae/base/error.h:1: cites docs/memory.md#sizes, but it has no such heading"))

    def test_the_cards_that_the_program_writes_are_no_documents(self):
        self.assertEqual(self.check('card = folder + "/m/README.md";'), (0, "citations: all there"))


if __name__ == "__main__":
    unittest.main()
