"""Runs tvae.wandb with the real package wandb in offline mode, and reads what it left for `wandb sync`.

Takes wandb where this Python has it; else installs it, once, into .cache/wandb-VERSION, for which it needs the network."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build")) / "python"
WANDB, PILLOW, NUMPY = "0.31.0", "13.0.0", "2.4.6"

# Prints, as JSON, what the .wandb file given holds: the configuration and the rows of the history. The file is a
# LevelDB log of protobuf records: blocks of 32 KiB, records in them with a header of checksum, length and kind.
READER = """
import json, struct, sys
from wandb.proto.wandb_internal_pb2 import Record

content = open(sys.argv[1], "rb").read()
found = {"config": {}, "history": []}
at, parts = 7, b""
while at + 7 <= len(content):
    if at % 32768 > 32768 - 7:
        at += 32768 - at % 32768
        continue
    _, length, kind = struct.unpack("<IHB", content[at:at + 7])
    parts += content[at + 7:at + 7 + length]
    at += 7 + length
    if kind in (1, 4):  # whole, or the last part
        record, parts = Record.FromString(parts), b""
        if record.HasField("run"):
            found["id"], found["project"], found["name"] = record.run.run_id, record.run.project, record.run.display_name
            found["config"].update((item.key, json.loads(item.value_json)) for item in record.run.config.update)
        if record.HasField("history"):
            row = {}
            for item in record.history.item:  # ["interpolate points", "path"] is a key inside a key
                *outer, last = item.nested_key or [item.key]
                place = row
                for key in outer:
                    place = place.setdefault(key, {})
                place[last] = json.loads(item.value_json)
            found["history"].append(row)
print(json.dumps(found))
"""

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010800000000"
                    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082")


def can_import(python, modules):
    return subprocess.run([python, "-c", f"import {modules}"], capture_output=True, check=False).returncode == 0


def python_with_wandb():
    """The interpreter to run the script with; installs the packages where they are missing."""
    folder = ROOT / ".cache" / f"wandb-{WANDB}"
    python = folder / "bin" / "python"
    for candidate in (sys.executable, python):
        if pathlib.Path(candidate).exists() and can_import(candidate, "wandb, PIL.Image, numpy"):
            return candidate
    # Debian's python3 makes no virtual environments without python3-venv; that of tools/setup.sh does.
    makers = [maker for maker in (sys.executable, ROOT / ".venv" / "bin" / "python")
              if pathlib.Path(maker).exists() and can_import(maker, "ensurepip, venv")]
    if not makers:
        raise RuntimeError("this test needs wandb, and a Python with the module venv to install it (python3-venv)")
    pip = [python, "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check"]
    for command in ([makers[0], "-m", "venv", "--clear", folder], [*pip, f"wandb=={WANDB}", f"pillow=={PILLOW}", f"numpy=={NUMPY}"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"this test needs wandb {WANDB}, which could not be installed into {folder}: "
                               + (done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return python


class Offline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with_wandb()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.run_folder = self.folder / "mine"
        self.logs = self.run_folder / "logs"
        (self.logs / "images").mkdir(parents=True)
        (self.run_folder / "run.json").write_text(json.dumps(
            {"version": "0.1.0", "config": {"train": {"steps": 500}, "data": {"valid": "v"}}}))
        rows = [{"ratio": -10, "text": "a", "valid": None}, {"ratio": 0.5, "text": "é\n", "valid": None},
                {"ratio": 10, "text": "", "valid": None}]
        self.append("metrics.jsonl", step=250, loss=2.5, regularizer=None)
        self.append("metrics.jsonl", step=500, loss=1)
        self.append("metrics.jsonl", step=500, valid_cross_entropy=0.5, interpolation_valid=1)
        self.append("interpolations.jsonl", step=500, path="slerp", rows=rows)
        self.append("samples.jsonl", step=500, rows=[{"text": "s", "valid": True}])
        (self.logs / "images" / "interpolation-00000500.png").write_bytes(PNG)

    def append(self, name, **record):
        with open(self.logs / name, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def forward(self):
        """Forwards the run; returns the new folder under wandb/, and what its .wandb file holds."""
        before = set(self.folder.glob("wandb/offline-run-*"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        result = subprocess.run([self.python, "-m", "tvae.wandb", self.run_folder, "--project", "space", "--mode", "offline"],
                                cwd=self.folder, env={**environment, "HOME": str(self.folder), "PYTHONPATH": str(PACKAGE)}, capture_output=True,
                                text=True, timeout=300, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        [made] = set(self.folder.glob("wandb/offline-run-*")) - before
        [log] = made.glob("*.wandb")
        held = subprocess.run([self.python, "-c", READER, log], capture_output=True, text=True, check=True).stdout
        return made, json.loads(held)

    def table(self, folder, value):
        return json.loads((folder / "files" / value["path"]).read_text(encoding="utf-8"))

    def test_everything_is_in_the_offline_run(self):
        folder, held = self.forward()
        self.assertEqual((held["project"], held["name"]), ("space", "mine"))
        self.assertEqual(held["config"]["config"]["train"]["steps"], 500)
        first, second = held["history"]
        self.assertEqual((first["train/loss"], first["train/global_step"]), (2.5, 250))
        self.assertEqual((second["train/loss"], second["eval/cross_entropy"], second["train/global_step"]), (1, 0.5, 500))
        self.assertEqual(second["interpolation samples passing seq check"], 1)
        table = self.table(folder, second["interpolate points"])
        self.assertEqual(table["columns"], ["Interpolation Ratio", "Text", "Valid"])
        self.assertEqual(table["data"], [[-10, "a", None], [0.5, "é\n", None], [10, "", None]])
        self.assertEqual(self.table(folder, second["samples"])["data"], [["s", True]])
        self.assertEqual((folder / "files" / second["image_interpolation"]["path"]).read_bytes(), PNG)

    def test_a_second_time_sends_what_is_new_to_the_same_run(self):
        _, first = self.forward()
        self.append("metrics.jsonl", step=500, sample_valid=0.25)
        _, second = self.forward()
        self.assertEqual(second["id"], first["id"])
        [row] = second["history"]
        self.assertEqual((row["samples passing seq check"], row["train/global_step"]), (0.25, 500))
        self.assertNotIn("train/loss", row)


if __name__ == "__main__":
    unittest.main()
