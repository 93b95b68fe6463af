#!/usr/bin/env python3
"""Runs notebooks from top to bottom and keeps their outputs in them, but for what lives only while they run."""

import argparse
import os
import pathlib

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIVE = "application/vnd.jupyter.widget-view+json"  # a bar or a map that has a Python behind it


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
                cell.outputs = [output for output in cell.outputs if LIVE not in output.get("data", {})]
        nbformat.write(notebook, path)
        print(path)


if __name__ == "__main__":
    main()
