"""Tests of tvae.wandb with a stand-in for the package wandb that writes down what it is given."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build")) / "python"

STAND_IN = '''
import json, os

def note(*what):
    with open(os.environ["SENT"], "a") as file:
        file.write(json.dumps(what) + "\\n")

class Error(Exception):
    pass

class Table(dict):
    def __init__(self, columns, data):
        super().__init__(columns=columns, data=data)

class Image(dict):
    def __init__(self, path):
        super().__init__(image=os.path.basename(path))

class Run:
    def __init__(self, id):
        self.id = id or f"run{os.getpid()}"
    def define_metric(self, *names, **options):
        pass
    def log(self, values):
        note("log", values)
        if os.environ.get("FAIL_AT") == str(values["train/global_step"]):
            raise Error("cannot\\nreach the server")
    def finish(self):
        note("finish")

def init(**options):
    note("init", options)
    return Run(options["id"])
'''


def line(step, **values):
    return json.dumps({"step": step, **values}) + "\n"


class Forwarder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.looked_at = 0  # characters of what was sent
        self.run_folder = self.folder / "mine"
        self.logs = self.run_folder / "logs"
        (self.logs / "images").mkdir(parents=True)
        self.packages = self.folder / "packages"
        self.packages.mkdir()
        (self.packages / "wandb.py").write_text(STAND_IN)
        (self.packages / "PIL.py").write_text("")
        self.write_run(steps=20)
        self.write("metrics.jsonl", line(10, loss=2.5, cross_entropy=2) + line(10, valid_cross_entropy=1.5))

    def write_run(self, steps):
        config = {"train": {"steps": steps}}
        (self.run_folder / "run.json").write_text(json.dumps({"version": "1", "config": config}))

    def write_checkpoint(self, **state):
        folder = self.run_folder / "checkpoint"
        folder.mkdir(exist_ok=True)
        header = json.dumps({"__metadata__": {"state": json.dumps(state)}}).encode()
        (folder / "new").write_bytes(len(header).to_bytes(8, "little") + header)
        os.replace(folder / "new", folder / "state.safetensors")

    def write(self, name, text):
        """Replaces a log, as a resumed run does."""
        (self.logs / "new").write_text(text)
        os.replace(self.logs / "new", self.logs / name)

    def append(self, name, text):
        with open(self.logs / name, "a", encoding="utf-8") as file:
            file.write(text)

    def command(self, *arguments):
        return [sys.executable, "-m", "tvae.wandb", self.run_folder, "--project", "space", *arguments]

    def environment(self, **variables):
        return {**os.environ, "PYTHONPATH": f"{self.packages}{os.pathsep}{PACKAGE}", "SENT": str(self.folder / "sent"), **variables}

    def sent(self):
        """What the stand-in was given since the last look."""
        path = self.folder / "sent"
        text = path.read_text() if path.exists() else ""
        whole = text[self.looked_at:text.rfind("\n") + 1]
        self.looked_at += len(whole)
        return [json.loads(call) for call in whole.splitlines()]

    def run_script(self, *arguments, status=0, **variables):
        """The values of each call of log, and what the script said."""
        result = subprocess.run(self.command(*arguments), env=self.environment(**variables), capture_output=True,
                                text=True, check=False)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        return [values for call, *values in self.sent() if call == "log"], result.stderr

    def test_names_are_those_of_the_original_project(self):
        self.write("metrics.jsonl", line(10, loss=2.5, regularizer=None) +
                   line(10, valid_token_accuracy=0.5, interpolation_valid=0.75, sample_valid=0,
                        svm_classification_test_accuracy=0.9, random_classification_test_accuracy=0.1))
        [[values]], said = self.run_script()
        self.assertNotEqual(values["train/reg_loss"], values.pop("train/reg_loss"))  # only NaN differs from itself
        self.assertEqual(values, {
            "train/loss": 2.5, "eval/token_accuracy": 0.5, "train/global_step": 10,
            "interpolation samples passing seq check": 0.75, "samples passing seq check": 0,
            "svm_classification_test_accuracy": 0.9, "random_classification_test_accuracy": 0.1})
        self.assertIn("sent 1 new steps", said)

    def test_tables_and_images(self):
        rows = [{"ratio": -10, "text": "é <b>", "valid": True}, {"ratio": 0.5, "text": "", "valid": None}, {"ratio": 10, "text": "z"}]
        self.write("interpolations.jsonl", line(10, path="slerp", rows=rows))
        self.write("samples.jsonl", line(10, rows=[{"text": "s", "valid": False}]))
        for name in ("interpolation-00000010.png", "interpolation-00000020.png", "other.png"):
            (self.logs / "images" / name).touch()
        [[first], [second]], _ = self.run_script()
        self.assertEqual(first["interpolate points"], {"columns": ["Interpolation Ratio", "Text", "Valid"],
                                                       "data": [[-10, "é <b>", True], [0.5, "", None], [10, "z", None]]})
        self.assertEqual(first["samples"], {"columns": ["Text", "Valid"], "data": [["s", False]]})
        self.assertEqual(first["image_interpolation"], {"image": "interpolation-00000010.png"})
        self.assertEqual(first["train/loss"], 2.5)
        self.assertEqual(second, {"image_interpolation": {"image": "interpolation-00000020.png"}, "train/global_step": 20})

    def test_init_gets_the_configuration_and_continues_its_run(self):
        subprocess.run(self.command("--mode", "offline", "--entity", "us"), env=self.environment(), check=True,
                       capture_output=True)
        calls = self.sent()
        options = calls[0][1]
        self.assertEqual((options["project"], options["entity"], options["name"], options["mode"], options["id"]),
                         ("space", "us", "mine", "offline", None))
        self.assertEqual(options["config"]["config"]["train"]["steps"], 20)
        self.assertEqual(calls[-1], ["finish"])
        known = json.loads((self.logs / "wandb.json").read_text())["space"]["id"]
        for arguments, expected in (((), known), (("--again",), None)):
            subprocess.run(self.command(*arguments), env=self.environment(), check=True, capture_output=True)
            self.assertEqual(self.sent()[0][1]["id"], expected)

    def test_nothing_is_sent_twice(self):
        self.assertEqual(len(self.run_script()[0]), 1)
        self.assertEqual(self.run_script()[0], [])
        self.append("metrics.jsonl", line(10, sample_valid=1) + line(20, loss=1))
        self.assertEqual(self.run_script()[0], [[{"samples passing seq check": 1, "train/global_step": 10}],
                                                [{"train/loss": 1, "train/global_step": 20}]])
        self.assertEqual(len(self.run_script("--again")[0]), 2)
        subprocess.run(self.command()[:4] + ["--project", "other"], env=self.environment(), check=True, capture_output=True)
        self.assertEqual([call[0] for call in self.sent()], ["init", "log", "log", "finish"])

    def test_a_failure_leaves_the_rest_for_the_next_time(self):
        self.append("metrics.jsonl", line(11, loss=2) + line(12, loss=3))
        _, said = self.run_script(status=2, FAIL_AT="11")
        self.assertEqual(said, "tvae.wandb: wandb: cannot reach the server\n")
        self.assertEqual([values["train/global_step"] for [values] in self.run_script()[0]], [11, 12])

    def test_a_torn_line_waits_for_its_end(self):
        self.append("metrics.jsonl", '{"step": 20, "lo')
        self.assertEqual(len(self.run_script()[0]), 1)
        self.append("metrics.jsonl", 'ss": 1}\n')
        self.assertEqual(self.run_script()[0], [[{"train/loss": 1, "train/global_step": 20}]])

    def test_a_line_that_is_no_record_is_named_and_left_out(self):
        self.append("metrics.jsonl", "torn{\n" + line(20, loss=1))
        calls, said = self.run_script()
        self.assertEqual(len(calls), 2)
        self.assertIn("metrics.jsonl: left out a line", said)

    def test_a_resumed_run_goes_on(self):
        self.append("metrics.jsonl", line(12, loss=2) + line(14, loss=2))
        self.assertEqual(len(self.run_script()[0]), 3)
        # Killed and resumed from step 10: its log was cut, and came past step 14 again.
        self.write("metrics.jsonl", line(10, loss=2.5) + line(10, valid_cross_entropy=1.5) +
                   "".join(line(step, loss=2) for step in (12, 14, 16)))
        self.assertEqual(self.run_script()[0], [[{"train/loss": 2, "train/global_step": 16}]])

    def follow(self):
        process = subprocess.Popen(self.command("--follow", "--interval", "0.05"), env=self.environment(),
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def wait_for_step(self, step, seen):
        """Waits until a step was sent; `seen` collects the steps."""
        for _ in range(1000):
            seen += [values["train/global_step"] for call, *rest in self.sent() for values in rest if call == "log"]
            if step in seen:
                return
            time.sleep(0.02)
        self.fail(f"step {step} never came: {seen}")

    def test_follows_until_the_training_is_finished(self):
        (self.logs / "metrics.jsonl").unlink()
        process, seen = self.follow(), []
        self.append("metrics.jsonl", line(5, loss=3) + line(10, loss=2))
        self.wait_for_step(10, seen)
        self.write_checkpoint(step=5, finished=False)
        self.write("metrics.jsonl", line(5, loss=3))  # resumed from 5
        self.append("metrics.jsonl", line(10, loss=2) + line(15, loss=2))
        self.wait_for_step(15, seen)
        self.assertIsNone(process.poll())
        self.append("metrics.jsonl", line(20, loss=1))
        self.append("metrics.jsonl", line(20, valid_cross_entropy=1))
        self.write_checkpoint(step=20, finished=True)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, said)
        self.wait_for_step(20, seen)
        self.assertEqual(seen[:3] + seen[-1:], [5, 10, 15, 20])

    def test_what_is_wrong_is_one_line(self):
        (self.packages / "wandb.py").write_text("raise ImportError")
        self.assertEqual(self.run_script(status=2)[1], "tvae.wandb: the package wandb is missing: pip install wandb\n")
        (self.packages / "wandb.py").write_text(STAND_IN)
        (self.logs / "metrics.jsonl").unlink()
        self.assertIn("nothing was logged yet", self.run_script(status=3)[1])
        (self.run_folder / "run.json").write_text("{")
        self.assertIn("run.json cannot be read", self.run_script(status=3)[1])
        (self.run_folder / "run.json").unlink()
        said = self.run_script(status=3)[1]
        self.assertIn("is no run", said)
        self.assertEqual(said.count("\n"), 1)
        self.assertEqual(self.sent(), [])

    def test_help(self):
        result = subprocess.run([sys.executable, "-m", "tvae.wandb", "--help"], env=self.environment(), capture_output=True, text=True, check=True)
        for flag in ("--project", "--follow", "--mode", "--again"):
            self.assertIn(flag, result.stdout)


if __name__ == "__main__":
    unittest.main()
