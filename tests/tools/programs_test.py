"""tvae, which starts without libtorch, and tvae-tensors, which it becomes (apps/main.cpp)."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TVAE_BUILD", ROOT / "build"))
TVAE, TENSORS = BUILD / "tvae", BUILD / "tvae-tensors"
MODEL = ROOT / "models/python_lines"


def run(*command, **options):
    """Exit status, stdout and stderr."""
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    return result.returncode, result.stdout, result.stderr


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_only_the_program_with_tensors_needs_libtorch(self):
        self.assertIn("libtorch_cpu", run("ldd", TENSORS)[1])
        libraries = run("ldd", TVAE)[1]
        self.assertIn("libstdc++", libraries)
        for library in ("libtorch", "libc10", "libgomp"):
            self.assertNotIn(library, libraries)

    def test_what_it_answers_is_what_the_other_says(self):
        status, answers, _ = run(TENSORS, "completion", "json")
        self.assertEqual(status, 0)
        answers = json.loads(answers)
        for question in ("--help", "train --help", "prior fit --help", "presets --help", "completion bash",
                         "completion man"):
            self.assertEqual(run(TENSORS, *question.split()), (0, answers[question], ""))
        for question, answer in answers.items():
            self.assertEqual(run(TVAE, *question.split()), (0, answer, ""), question)
        self.assertEqual(run(TVAE, "help", "train"), (0, answers["train --help"], ""))
        self.assertEqual(run(TVAE, "train", "-h"), (0, answers["train --help"], ""))
        for command in ([], ["help"], ["--version"], ["--version", "trian"], ["presets"], ["--json", "presets"],
                        ["presets", "lines_small", "--json"]):
            self.assertEqual(run(TVAE, *command), run(TENSORS, *command), command)

    def test_a_full_disk_is_an_error(self):
        for command in (["--help"], ["completion", "bash"], ["completion", "man"]):
            for program in (TVAE, TENSORS):
                with open("/dev/full", "w") as full, self.subTest([program.name, *command]):
                    done = subprocess.run([program, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                    self.assertEqual((done.returncode, len(done.stderr.splitlines())), (3, 1), done.stderr)

    def test_command_lines_that_are_wrong_are_refused_in_the_same_words(self):
        for command in (["trian"], ["help", "trian"], ["presetz"], ["--nonsense"], ["--threads"],
                        ["--threads", "x", "presets"], ["data"], ["data", "dmo"], ["data", "train"],
                        ["tokenizer", "--vocab-size", "3"], ["presets", "a", "b"], ["presets", "--", "-h"],
                        ["train --help"], ["train", "--nonsense"], [""]):
            with self.subTest(command):
                status, out, err = run(TVAE, *command)
                self.assertEqual((status, out, len(err.splitlines())), (2, "", 1), err)
                self.assertEqual((status, out, err), run(TENSORS, *command))

    def test_flags_before_the_verb_stdin_and_the_exit_status_reach_it(self):
        path = run(TVAE, "--threads", "1", "--json", "reconstruct", MODEL, input="x = 1\nreturn None\n")
        self.assertEqual(path[0], 0, path[2])
        self.assertEqual(len([json.loads(line) for line in path[1].splitlines()]), 2)
        self.assertEqual(run(TVAE, "interpolate", self.folder, "--from", "a", "--to", "b")[0], 3)

    def test_it_finds_the_other_through_links_and_the_search_path(self):
        link = self.folder / "tvae"
        link.symlink_to(TVAE)
        expected = run(TENSORS, "config")
        self.assertEqual(run(link, "config"), expected)
        environment = {**os.environ, "PATH": f"{self.folder}:/usr/bin:/bin"}
        self.assertEqual(run("sh", "-c", "tvae config", env=environment, cwd="/"), expected)

    def test_without_the_other_it_does_what_needs_no_tensors(self):
        alone = shutil.copy(TVAE, self.folder / "tvae")
        self.assertEqual(run(alone, "presets"), run(TVAE, "presets"))
        self.assertEqual(run(alone, "train", "--help"), run(TVAE, "train", "--help"))
        status, _, err = run(alone, "data", "demo", "--out", self.folder)
        self.assertEqual(status, 0, err)
        tokenizer = self.folder / "tokenizer"
        lines = self.folder / "valid.txt"
        status, _, err = run(alone, "tokenizer", "train", "--vocab-size", "300", "--out", tokenizer, lines)
        self.assertEqual(status, 0, err)
        status, ids, _ = run(alone, "tokenizer", "encode", tokenizer, input="x = 1\n")
        self.assertEqual(run(alone, "tokenizer", "decode", tokenizer, input=ids), (0, "x = 1\n", ""))
        self.assertEqual(run(alone, "train", "--train", self.folder / "train.txt", "--out", self.folder / "run"),
                         (3, "", f"tvae: cannot start {self.folder}/tvae-tensors: No such file or directory "
                                 "(it belongs into the folder of tvae, which needs it for this)\n"))
        self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    unittest.main()
