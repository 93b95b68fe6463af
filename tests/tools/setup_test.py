"""Tests of tools/setup.sh with stand-ins for dpkg, apt-get, sudo and python in PATH: nothing is installed."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "setup.sh"

# Each stand-in appends its command line to $CALLS. $STATE/installed lists the installed packages.
STAND_INS = {
    "dpkg": 'grep -qx "$2" "$STATE/installed" && echo "Status: install ok installed"',
    "apt-get": """
[[ $* == *update* ]] && exit 0
[[ -e $STATE/apt-fails ]] && { echo "E: Unable to locate package" >&2; exit 100; }
for word in "$@"; do echo "$word" >> "$STATE/installed"; done""",
    "id": 'cat "$STATE/user"',
    "sudo": """
[[ -e $STATE/sudo-refuses ]] && exit 1
[[ $1 == -n ]] && shift
"$@" """,
    "python3": """
[[ $1 == -c ]] && exit 0
mkdir -p .venv/bin && cp "$STATE/pip" .venv/bin/pip""",
}
PIP = """#!/bin/bash
echo "pip $*" >> "$CALLS"
if [[ -e $STATE/pip-fails ]]; then
  echo "Collecting torch"
  echo "WARNING: this and that" >&2
  echo "ERROR: No matching distribution found for torch" >&2
  exit 1
fi
mkdir -p .venv/lib/python3.11/site-packages/torch/lib
touch .venv/lib/python3.11/site-packages/torch/lib/libtorch.so
"""


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "checkout"
        self.state = pathlib.Path(folder.name) / "state"
        (self.root / "tools").mkdir(parents=True)
        self.state.mkdir()
        shutil.copy(SCRIPT, self.root / "tools" / "setup.sh")
        self.calls = self.state / "calls"
        for name, body in STAND_INS.items():
            self.script(name, f'#!/bin/bash\necho "{name} $*" >> "$CALLS"\n{body}\n')
        self.script("pip", PIP)
        self.state_file("installed")
        self.state_file("user", "0\n")

    def script(self, name, text):
        path = self.state_file(name, text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def state_file(self, name, text=""):
        (self.state / name).write_text(text)
        return self.state / name

    def run_setup(self, *arguments, **variables):
        """Exit status, what it said, and the commands it ran that change something."""
        self.calls.write_text("")
        environment = {"PATH": f"{self.state}:/usr/bin:/bin", "STATE": str(self.state), "CALLS": str(self.calls),
                       "TMPDIR": str(self.state), "HOME": os.environ.get("HOME", "/"), **variables}
        result = subprocess.run([self.root / "tools" / "setup.sh", *arguments], env=environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout, "")
        changes = [line for line in self.calls.read_text().splitlines()
                   if line.startswith(("apt-get", "pip", "python3 -m venv"))]
        return result.returncode, result.stderr, changes

    def test_installs_what_is_missing_and_nothing_twice(self):
        code, said, changes = self.run_setup()
        self.assertEqual(code, 0, said)
        self.assertIn("update", changes[0])
        self.assertRegex(changes[1], r"install -y --no-install-recommends .*\bg\+\+.*\blibsentencepiece-dev\b")
        self.assertTrue(changes[2].startswith("python3 -m venv"))
        self.assertRegex(changes[3], r"^pip install .*torch==\d+\.\d+\.\d+ numpy nanobind\S* tqdm\S* assorthead\S*$")
        self.assertEqual(self.run_setup(), (0, "", []))

    def test_what_tests_need_is_installed_once_and_kept(self):
        self.run_setup()
        _, _, changes = self.run_setup("--tests")
        self.assertRegex(" ".join(changes), r"pip install .*torch==.* pandas")
        self.assertEqual(self.run_setup("--tests"), (0, "", []))
        self.assertEqual(self.run_setup(), (0, "", []))

    def test_asks_only_for_the_missing_package(self):
        self.run_setup()
        installed = (self.state / "installed").read_text().replace("\nccache\n", "\n")
        self.state_file("installed", installed)
        code, _, changes = self.run_setup()
        self.assertEqual(code, 0)
        self.assertEqual([line.split("--no-install-recommends ")[-1] for line in changes[1:]], ["ccache"])

    def test_uses_sudo_without_a_password(self):
        self.state_file("user", "1000\n")
        code, said, changes = self.run_setup()
        self.assertEqual(code, 0, said)
        self.assertEqual(len(changes), 4)

    def test_without_root_says_what_to_run(self):
        self.state_file("user", "1000\n")
        self.state_file("sudo-refuses")
        code, said, changes = self.run_setup()
        self.assertEqual((code, changes), (1, []))
        self.assertIn("apt-get install -y --no-install-recommends g++ ", said)
        self.assertFalse((self.root / ".venv").exists())

    def test_a_failing_apt_is_reported(self):
        self.state_file("apt-fails")
        code, said, _ = self.run_setup()
        self.assertEqual(code, 1)
        self.assertIn("setup: apt-get could not install g++", said)

    def test_a_failing_pip_is_one_line_and_leaves_nothing(self):
        self.state_file("pip-fails")
        code, said, _ = self.run_setup()
        self.assertEqual(code, 1)
        self.assertRegex(said.splitlines()[-1],
                         r"^setup: pip could not install torch==.*: ERROR: No matching distribution found for torch$")
        self.assertFalse((self.root / ".venv").exists())
        (self.state / "pip-fails").unlink()
        self.assertEqual(self.run_setup()[0], 0)

    def test_continues_a_venv_that_was_cut_off(self):
        self.run_setup()
        (self.root / ".venv" / "tvae-requirements").unlink()
        code, said, changes = self.run_setup()
        self.assertEqual((code, len(changes)), (0, 1), said)
        self.assertTrue(changes[0].startswith("pip install"))

    def test_a_given_torch_makes_no_venv(self):
        torch = self.state / "torch"
        (torch / "lib").mkdir(parents=True)
        (torch / "lib" / "libtorch.so").touch()
        for name in ("TORCH", "TVAE_TORCH"):
            with self.subTest(name):
                code, said, changes = self.run_setup(**{name: str(torch)})
                self.assertEqual(code, 0, said)
                self.assertFalse([line for line in changes if not line.startswith("apt-get")])
                self.assertFalse((self.root / ".venv").exists())

    def test_a_given_torch_that_is_none_is_refused(self):
        code, said, _ = self.run_setup(TORCH="/nowhere", TVAE_PACKAGES="no")
        self.assertEqual((code, said), (1, "setup: no lib/libtorch.so in /nowhere: TORCH is the folder torch/ of "
                                           "site-packages\n"))


if __name__ == "__main__":
    unittest.main()
