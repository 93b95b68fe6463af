#!/usr/bin/env python3
"""Fails where a source or a page cites a document, or a section of one, that is not in the repository."""

import argparse
import pathlib
import re
import subprocess
import sys

CITATION = re.compile(r"(?<![\w/.*-])((?:\.\./|\./)*[A-Za-z][\w/-]*\.md)(?:#([\w-]+)| (\d+(?:\.\d+)*)(?![\w.]*\d*%))?")
SOURCES = {".h", ".cpp", ".cu", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".html", ".ts", ".svelte"}


def anchor(heading):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def find_document(root, source, name):
    """The cited file: beside the source, from the top, or among docs/."""
    for folder in (source.parent, root, root / "docs"):
        if (folder / name).is_file():
            return folder / name
    return None


def check_citation(root, source, name, section, number):
    """What is wrong with one citation, or None."""
    if name.endswith("/README.md"):
        return None  # the card of a model: a file that the program writes
    document = find_document(root, source, name)
    if document is None:
        return f"cites {name}, which is not there"
    headings = re.findall(r"^#+ +(.*)$", document.read_text(encoding="utf-8"), re.M)
    if section and section not in map(anchor, headings):
        return f"cites {name}#{section}, but it has no such heading"
    if number and not any(re.match(rf"{re.escape(number)}[. ]", heading) for heading in headings):
        return f"cites section {number} of {name}, but it has no such heading"
    return None


def check_tree(root, files):
    """Yields one line for each citation that leads nowhere."""
    for name in files:
        source = root / name
        if source.suffix not in SOURCES or not source.is_file():
            continue
        for number, line in enumerate(source.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for match in CITATION.finditer(line):
                message = check_citation(root, source, *match.groups())
                if message:
                    yield f"{name}:{number}: {message}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                            check=False)
    files = listed.stdout.splitlines() if listed.returncode == 0 else sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    found = [line for line in check_tree(root, files) if not line.startswith("tests/tools/check_citations_test.py")]
    print("\n".join(found) or "citations: all there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
