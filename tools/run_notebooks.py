#!/usr/bin/env python3
"""Runs notebooks from top to bottom and keeps their outputs in them, but for what lives only while they run.

That is bars and maps with a Python behind them, and the names of temporary folders, which tell of the machine.
"""

import argparse
import os
import pathlib
import re

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIVE = "application/vnd.jupyter.widget-view+json"  # a bar or a map that has a Python behind it
# Where a warning comes from, in a file of the kernel; and the folder that a notebook makes for itself.
TEMPORARY = re.compile(r"/tmp/ipykernel_\d+/\d+\.py:\d+: |/tmp/tmp\w+/")


def without_temporary_paths(value):
    """The same, of texts at any depth of an output; images are left as they are."""
    if isinstance(value, str):
        return TEMPORARY.sub("", value)
    if isinstance(value, list):
        return [without_temporary_paths(one) for one in value]
    if isinstance(value, dict):
        return type(value)((key, one if key.startswith("image/png") else without_temporary_paths(one)) for key, one in value.items())
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=pathlib.Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    os.environ["PYTHONPATH"] = str(ROOT / "build" / "python")
    for path in parser.parse_args().notebooks:
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=1800, kernel_name="python3", store_widget_state=False,
                       resources={"metadata": {"path": str(path.parent)}}).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # when it ran
            if cell.cell_type == "code":
                cell.outputs = [without_temporary_paths(output) for output in cell.outputs if LIVE not in output.get("data", {})]
        nbformat.write(notebook, path)
        print(path)


if __name__ == "__main__":
    main()
