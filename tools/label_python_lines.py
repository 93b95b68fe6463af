#!/usr/bin/env python3
"""Says of single lines of Python what kind of statement they are: jsonl {"text", "label"} for the map of the explorer.

    tools/label_python_lines.py [--limit N] [--seed N] LINES > corpus.jsonl
"""

import argparse
import ast
import json
import random

NAMES = {"Expr": "expression", "Assign": "assignment", "AugAssign": "assignment", "AnnAssign": "assignment",
         "FunctionDef": "def", "AsyncFunctionDef": "def", "ClassDef": "class", "ImportFrom": "import", "AsyncFor": "for",
         "AsyncWith": "with", "Global": "other", "Nonlocal": "other", "Delete": "other", "Assert": "assert"}


def kind(line):
    """Of the statement that a line is, or begins where it ends with a colon; None where it is none."""
    for text in (line, line + " pass", "if x: pass\n" + line + " pass", "try: pass\n" + line + " pass"):
        try:
            statements = ast.parse(text).body
        except (SyntaxError, ValueError):
            continue
        if not statements:
            return "comment"
        if text.startswith(("if x:", "try:")):
            return line.split()[0].rstrip(":")
        statement = statements[0]
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            return "call"
        name = type(statement).__name__
        return NAMES.get(name, name.lower())
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", help="file with a line of Python a line")
    parser.add_argument("--limit", type=int, default=0, help="draw so many; 0 = all")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    with open(options.lines, encoding="utf-8") as file:
        lines = sorted(set(file.read().splitlines()))
    random.Random(options.seed).shuffle(lines)
    labelled = ((line, kind(line)) for line in lines)
    kept = [(line, label) for line, label in labelled if label is not None]
    for line, label in kept[: options.limit or None]:
        print(json.dumps({"text": line, "label": label}, ensure_ascii=False))


if __name__ == "__main__":
    main()
