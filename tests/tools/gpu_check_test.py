"""tools/gpu_check.sh from end to end on the CPU, and with stand-ins for what it builds."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
SCRIPT = ROOT / "tools/gpu_check.sh"
STEPS = ["operations", "parity", "curve", "resume", "throughput", "memory", "decode"]


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, *arguments, **variables):
        """Exit status, stderr, and {step: what the summary says}."""
        out = self.folder / "out"
        environment = {key: value for key, value in os.environ.items() if key not in ("OUT", "TVAE_TEST_DEVICE")}
        done = subprocess.run([SCRIPT, "--out", out, *map(str, arguments)], capture_output=True, text=True, check=False,
                              env={**environment, **variables}, timeout=600)  # fmt: skip
        summary = {}
        if (out / "report.txt").exists():
            self.report = (out / "report.txt").read_text(encoding="utf-8")
            rows = self.report.split("## Summary")[1].splitlines()[4:]
            summary = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in rows if row.startswith("|")}
        return done.returncode, done.stderr, summary

    def stand_in(self, name, text):
        path = self.folder / "build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/bash\n" + text + "\n", encoding="utf-8")
        path.chmod(0o755)

    def test_every_step_that_can_be_built_here_passes_on_the_cpu(self):
        steps = STEPS
        if not (BUILD / "benchmarks/bench_train_step").exists():  # made with -DTVAE_BENCHMARKS=ON
            steps = [step for step in STEPS if step not in ("throughput", "decode")]
        status, said, summary = self.run_script("--device", "cpu", "--quick", "--build", BUILD, *steps)
        self.assertEqual(list(summary), steps, said)
        for step, result in summary.items():
            self.assertRegex(result, "^passed in", self.report)
        self.assertEqual(status, 0)
        self.assertIn("the same weights", self.report)

    def test_a_step_that_fails_or_takes_too_long_does_not_stop_the_others(self):
        self.stand_in("tvae", "[[ $1 == data ]] && mkdir -p ${@: -1} && exit; echo broken >&2; exit 3")
        self.stand_in("tests/tests_device", "[[ $* == *Device* ]] && sleep 60; exit 0")
        status, _, summary = self.run_script("--device", "cpu", "--build", self.folder / "build", "--seconds", 10,
                                             "curve", "operations", "memory")  # fmt: skip
        self.assertEqual(status, 1)
        self.assertRegex(summary["curve"], "^FAILED with status 3")
        self.assertRegex(summary["operations"], "^FAILED: not done after")
        self.assertEqual(summary["memory"], "left out, no time")
        self.assertIn("broken", self.report)

    def test_what_differs_is_told(self):
        compare = [os.environ.get("PYTHON", "python3"), ROOT / "tools/gpu_check.py"]

        def safetensors(numbers, seconds):
            header = {"w": {"dtype": "U8", "shape": [len(numbers)], "data_offsets": [0, len(numbers)]}}
            said = json.dumps({"__metadata__": {"seconds": str(seconds)}, **header}).encode()
            return len(said).to_bytes(8, "little") + said + numbers

        def run_folder(name, losses, weights=b"weights", state=b"state"):
            logs = self.folder / name / "logs"
            logs.mkdir(parents=True)
            (self.folder / name / "checkpoint").mkdir()
            (self.folder / name / "checkpoint/state.safetensors").write_bytes(safetensors(state, len(name)))
            lines = [f'{{"step":{i},"loss":{loss},"tokens_per_second":{len(name)}}}' for i, loss in enumerate(losses)]
            (logs / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step":1,"valid_nats":3}\n', encoding="utf-8")
            (self.folder / name / "model.safetensors").write_bytes(safetensors(weights, 0))
            return self.folder / name

        def compared(*arguments):
            done = subprocess.run([*compare, *map(str, arguments)], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        whole, off = run_folder("whole", [2.0, 1.0]), run_folder("off", [2.0, 1.1])
        other, again = run_folder("other weights", [2.0, 1.0], b"others"), run_folder("again", [2.0, 1.0])
        forgetful = run_folder("other state", [2.0, 1.0], state=b"stale")
        nan, short = run_folder("nan", [2.0, "NaN"]), run_folder("short", [2.0])
        self.assertEqual(compared("curves", whole, off, 0.11)[0], 0)
        for wrong in (off, nan, short):
            self.assertEqual(compared("curves", whole, wrong, 0.09)[0], 1, wrong)
        self.assertEqual(compared("same", whole, again)[0], 0)
        self.assertIn("model.safetensors", compared("same", whole, other)[1])
        self.assertIn("state.safetensors", compared("same", whole, forgetful)[1])
        self.assertIn("from step 1 on", compared("same", whole, off)[1])
        (self.folder / "a").write_text("x\n" * 100, encoding="utf-8")
        (self.folder / "b").write_text("x\n" * 97 + "y\n" * 3, encoding="utf-8")
        (self.folder / "c").write_text("x\n" * 96 + "y\n" * 4, encoding="utf-8")
        self.assertEqual(compared("texts", self.folder / "a", self.folder / "b")[0], 0)
        self.assertEqual(compared("texts", self.folder / "a", self.folder / "c")[0], 1)

    def test_what_cannot_be_is_one_line(self):
        for arguments, line in [
            (["--device", "tpu"], 'gpu_check: --device "tpu" is neither cuda nor cpu'),
            (["--fly"], "gpu_check: unknown flag --fly; --help lists them"),
            (["fly"], f'gpu_check: unknown step "fly"; the steps: build {" ".join(STEPS)}'),
            (["--seconds", "soon"], 'gpu_check: --seconds "soon" is not a whole number above 0'),
            (["--build"], "gpu_check: --build needs a value"),
            (["--build", self.folder / "none"], f"gpu_check: no program {self.folder}/none/tvae"),
            (["pack", "decode"], "gpu_check: pack stands alone"),
        ]:
            status, said, _ = self.run_script(*arguments)
            self.assertEqual((status, said.strip()), (2, line))
        status, said, _ = self.run_script(TORCH=str(self.folder))
        self.assertEqual(status, 2)
        self.assertIn(f'no lib/libtorch.so in "{self.folder}"', said)


if __name__ == "__main__":
    unittest.main()
