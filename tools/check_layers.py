#!/usr/bin/env python3
"""Fails when a folder includes one it may not use (the ladder of docs/architecture.md)."""

import argparse
import pathlib
import re
import sys

# Each folder may include itself and those on the rungs above it; folders on one rung may not include each other.
LADDER = [["base"], ["config", "text", "validity"], ["data", "ops"], ["corpus", "io", "dist"], ["nn"], ["model", "optim"],
          ["run"], ["latent"], ["train", "eval"], ["plan"]]
TORCH_FREE = {"base", "config", "text", "validity", "data", "corpus"}
RUNG = {f"tvae/{name}": rung for rung, names in enumerate(LADDER) for name in names}
RUNG.update({"server": len(LADDER), "python": len(LADDER) + 1, "apps": len(LADDER) + 1})

SOURCES = {".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
TORCH = ("torch/", "ATen/", "c10/", "caffe2/")
KERNEL = re.compile(r"_cpu\.(h|cpp)$")  # pointers and sizes alone: -ffast-math must not reach libtorch's code


def folder_of(path):
    """tvae/nn for tvae/nn/t5.h, apps for apps/verb.h."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "tvae" else parts[0]


def check_include(folder, quote, included):
    """What is wrong with one include in a folder, or None."""
    target = folder_of(included)
    if included.startswith(TORCH):
        name = folder.removeprefix("tvae/")
        return f"{folder} may not include libtorch" if name in TORCH_FREE else None
    if target in RUNG:
        allowed = target == folder or RUNG[target] < RUNG[folder]
        return None if allowed else f"{folder} may not include {target}"
    if target.startswith("tvae/"):
        return f"{target} is not in the ladder of tools/check_layers.py"
    if quote == '"':
        return f'"{included}": write the path from the top folder, or <> around another library\'s header'
    return None


def check_source(folder, name, text):
    """Yields (line number, message) for the includes of one file."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        message = match and check_include(folder, *match.groups())
        if match and KERNEL.search(name) and match.group(2).startswith((*TORCH, "tvae/ops/torch.h")):
            message = "a CPU kernel may not include libtorch"
        if message:
            yield number, message


def check_tree(root):
    """Yields one line for each violation in the repository at root."""
    folders = sorted(path for path in (root / "tvae").iterdir() if path.is_dir())
    folders += [root / name for name in ("server", "python", "apps") if (root / name).is_dir()]
    for path in folders:
        folder = path.relative_to(root).as_posix()
        if folder not in RUNG:
            yield f"{folder}: not in the ladder of tools/check_layers.py"
            continue
        if any(path.glob("*.cpp")) and not any((root / "tests" / path.name).glob("*_test.*")):
            yield f"tests/{path.name}: no tests of {folder}"
        for source in sorted(path.rglob("*")):
            if source.suffix in SOURCES:
                for number, message in check_source(folder, source.name, source.read_text(encoding="utf-8")):
                    yield f"{source.relative_to(root).as_posix()}:{number}: {message}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    violations = list(check_tree(parser.parse_args().root))
    print("\n".join(violations) or "layers: no violation")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
