"""tvae train in several processes, started by hand as torchrun starts them: what they make together, and how they end."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

TVAE = pathlib.Path(os.environ["TVAE_BUILD"]) / "tvae"
SMALL = ["lines_small", "--set", "data.tokenizer_kind=byte", "--set", "data.max_tokens=32", "--set", "model.d_model=32",
         "--set", "model.d_ff=32", "--set", "model.num_heads=2", "--set", "model.encoder_layers=1",
         "--set", "model.decoder_layers=1", "--set", "model.latent_size=8", "--set", "model.latent_tokens=2",
         "--set", "train.batch_tokens=0", "--set", "train.batch_size=16", "--set", "train.log_steps=5",
         "--set", "train.eval_steps=0", "--set", "train.previews=false"]  # fmt: skip
LIMIT = 60  # seconds; losing a process is noticed within 30


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def tensors(path):
    """Bytes of every tensor of a safetensors file, and its metadata."""
    content = pathlib.Path(path).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    body = content[8 + size :]
    return {name: body[slice(*entry["data_offsets"])] for name, entry in header.items()}, metadata


class Processes:
    """`commands[rank]` is what process `rank` runs."""

    def __init__(self, commands, port=None, **variables):
        port = port or free_port()
        self.all = []
        for rank, command in enumerate(commands):
            environment = {**os.environ, "RANK": str(rank), "WORLD_SIZE": str(len(commands)), "LOCAL_RANK": str(rank),
                           "LOCAL_WORLD_SIZE": str(len(commands)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
                           **variables}  # fmt: skip
            self.all.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                             text=True))  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            process.kill()
            process.communicate()

    def ends(self, limit=LIMIT):
        """[(exit status, stdout, stderr)] of those that end by themselves."""
        found = []
        for process in self.all:
            output, errors = process.communicate(timeout=limit)
            found.append((process.returncode, output, errors))
        return found


class TrainInProcesses(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "lines.txt"
        self.data.write_text("".join(f"value_{i % 37} = {i * 7919 % 1000}\n" for i in range(300)))

    def command(self, out="run", steps=100000, data=None, *more):
        return [TVAE, "train", *SMALL, "--train", data or self.data, "--out", self.folder / out,
                "--set", f"train.steps={steps}", "--set", "train.save_steps=5", *more]  # fmt: skip

    def finish(self, command, count):
        with Processes([command] * count) as processes:
            ends = processes.ends()
        self.assertEqual([status for status, _, _ in ends], [0] * count, ends)
        return ends

    def wait_for_checkpoint(self, processes, out="run"):
        limit = time.monotonic() + LIMIT
        path = self.folder / out / "checkpoint" / "state.safetensors"
        while not path.exists():
            self.assertLess(time.monotonic(), limit, "no checkpoint")
            self.assertIsNone(processes.all[0].poll(), "the first process has ended")
            time.sleep(0.05)

    def assert_told_once(self, ends, *parts):
        lines = [line for _, _, errors in ends for line in errors.splitlines() if line.startswith("tvae: ")]
        self.assertEqual(len(lines), 1, ends)
        for part in parts:
            self.assertIn(part, lines[0])

    def test_only_the_first_one_speaks_and_the_run_is_that_of_one_process(self):
        subprocess.run(self.command("one", 20), check=True, capture_output=True)
        ends = self.finish(self.command("two", 20), 2)
        self.assertEqual(ends[0][1].strip(), str(self.folder / "two"))
        self.assertEqual(ends[1][1:], ("", ""))
        self.assertEqual({path.name for path in (self.folder / "one").iterdir()},
                         {path.name for path in (self.folder / "two").iterdir()})  # fmt: skip
        logs = [[json.loads(line) for line in (self.folder / run / "logs/metrics.jsonl").read_text().splitlines()]
                for run in ("one", "two")]  # fmt: skip
        for of_one, of_two in zip(*logs, strict=True):
            self.assertEqual(of_one.keys(), of_two.keys())
            for name in ("loss", "cross_entropy", "regularizer", "gradient_norm"):
                if name in of_one:
                    self.assertAlmostEqual(of_two[name] / of_one[name], 1.0, places=5, msg=name)

    def test_a_run_goes_on_in_another_number_of_processes(self):
        self.finish(self.command("whole", 20), 2)
        with Processes([self.command("parts")] * 3) as processes:
            self.wait_for_checkpoint(processes, "parts")
            for process in processes.all:
                process.send_signal(signal.SIGINT)
            ends = processes.ends()
        self.assertEqual([status for status, _, _ in ends], [130] * 3, ends)
        self.assert_told_once(ends, "interrupted at step", "--resume continues")
        _, metadata = tensors(self.folder / "parts/checkpoint/state.safetensors")
        done = json.loads(metadata["state"])["step"]
        steps = done + 7
        self.finish([*self.command("parts", steps), "--resume"], 2)
        subprocess.run(self.command("again", steps), check=True, capture_output=True)
        # The schedule of the rates is that of the steps planned, so what can be compared is the position in the data and
        # what is drawn at random.
        states = [json.loads(tensors(self.folder / run / "checkpoint/state.safetensors")[1]["state"])
                  for run in ("parts", "again")]  # fmt: skip
        for key in ("step", "random", "batch"):
            self.assertEqual(states[0][key], states[1][key], key)

    def test_the_loss_of_any_process_ends_all(self):
        for lost, how in ((0, signal.SIGKILL), (1, signal.SIGKILL), (2, signal.SIGKILL), (1, signal.SIGSTOP)):
            with self.subTest(lost=lost, how=how), Processes([self.command(f"run{lost}{how}")] * 3) as processes:
                self.wait_for_checkpoint(processes, f"run{lost}{how}")
                processes.all[lost].send_signal(how)
                start = time.monotonic()
                others = [process for rank, process in enumerate(processes.all) if rank != lost]
                ends = [(process.wait(timeout=LIMIT), process.stdout.read(), process.stderr.read()) for process in others]
                self.assertLess(time.monotonic() - start, 30)
                self.assertEqual([status for status, _, _ in ends], [3, 3], ends)
                if lost == 0:  # which keeps what they would agree by
                    self.assertEqual([errors.count("tvae: process 0 of 3 has ended") for _, _, errors in ends], [1, 1])
                else:
                    self.assert_told_once(ends, f"process {lost} of 3 has ended, or cannot")
                self.assertNotIn("frame #", ends[0][2] + ends[1][2])

    def test_evaluations_and_what_follows_from_them_are_those_of_one_process(self):
        valid = self.folder / "valid.txt"
        valid.write_text("".join(f"value_{i} = {i * 31 % 1000}\n" for i in range(40)))
        more = ["--valid", valid, "--set", "train.eval_steps=3", "--set", "train.previews=true",
                "--set", "train.ema_decay=0.9", "--set", "train.early_stop_evaluations=2",
                "--set", "train.learning_rate=0.5", "--set", "train.muon.learning_rate=0.5"]  # fmt: skip
        subprocess.run(self.command("one", 60, None, *more), check=True, capture_output=True)
        ends = self.finish(self.command("two", 60, None, *more), 2)
        self.assertEqual(ends[1][1:], ("", ""))
        logs = [[json.loads(line) for line in (self.folder / run / "logs/metrics.jsonl").read_text().splitlines()]
                for run in ("one", "two")]  # fmt: skip
        of_one, of_two = ([row for row in log if "valid_nats" in row] for log in logs)
        self.assertLess(len(of_one), 20, "it stopped early")
        self.assertEqual([row["step"] for row in of_one], [row["step"] for row in of_two])
        self.assertAlmostEqual(of_two[0]["valid_nats"] / of_one[0]["valid_nats"], 1.0, places=4)
        # It is finished for all, and stays so.
        ends = self.finish([*self.command("two", 60, None, *more), "--resume"], 2)
        self.assertIn("is finished at step", ends[0][2])

    def test_processes_that_are_started_again_go_on_by_themselves(self):
        command = [*self.command(steps=100000), "--minutes", "1"]
        del command[command.index("train.steps=100000") - 1 : command.index("train.steps=100000") + 1]
        with Processes([command] * 2) as processes:
            self.wait_for_checkpoint(processes)
            processes.all[1].kill()
            processes.all[0].wait(timeout=LIMIT)
        with Processes([command] * 2, TORCHELASTIC_RESTART_COUNT="1") as processes:
            for line in processes.all[0].stderr:
                if line.startswith("resuming at step"):
                    break
                self.assertFalse(line.startswith("tvae: "), line)
        with Processes([command] * 2) as processes:  # a new start, which did not begin that run
            self.assert_told_once(processes.ends(), "already holds a run")

    def test_an_interruption_before_the_first_step_ends_all(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        with Processes([self.command(data=pipe)] * 2) as processes, open(pipe, "w") as writer:
            writer.write("a line\n")
            time.sleep(1)
            for process in processes.all:
                process.send_signal(signal.SIGINT)
            writer.write("another\n" * 100)
            writer.close()
            ends = processes.ends()
        self.assertEqual([status for status, _, _ in ends], [130, 130], ends)

    def test_a_lost_run_goes_on_from_its_last_checkpoint(self):
        with Processes([self.command()] * 2) as processes:
            self.wait_for_checkpoint(processes)
            processes.all[1].kill()
            processes.all[0].wait(timeout=LIMIT)
        _, metadata = tensors(self.folder / "run/checkpoint/state.safetensors")
        done = json.loads(metadata["state"])["step"]
        ends = self.finish([*self.command(steps=done + 5), "--resume"], 2)
        self.assertIn(f"resuming at step {done}", ends[0][2])

    def test_what_does_not_fit_is_told_once_and_ends_all(self):
        other = self.folder / "other.txt"
        other.write_text("another line\n" * 50)
        gone = self.folder / "gone.txt"
        shutil.copy(self.data, gone)
        first, second = self.command("a"), self.command("a")
        for commands, status, parts in (
            ([first, [*second, "--set", "train.learning_rate=0.5"]], [2, 2], ["process 1 of 2", "train.learning_rate=0.5"]),
            ([first, self.command("a", data=other)], [2, 2], ["process 1 of 2", "other.txt"]),
            ([first, [*second, "--resume"]], [2, 2], ["process 1 of 2"]),
            ([self.command("a", data=self.folder / "none.txt")] * 2, [3, 3], ["none.txt"]),
            ([[*first, "--set", "train.batch_size=1"]] * 2, [2, 2], ["2 processes", "train.batch_size"]),
        ):
            with self.subTest(parts=parts), Processes(commands) as processes:
                ends = processes.ends()
                self.assert_told_once(ends, *parts)
                self.assertEqual([end[0] for end in ends], status, ends)

    def test_a_launch_that_is_none_is_refused(self):
        result = subprocess.run(self.command(), env={**os.environ, "WORLD_SIZE": "2", "RANK": "0"}, text=True,
                                capture_output=True, check=False)  # fmt: skip
        self.assertEqual(result.returncode, 2)
        self.assertIn("MASTER_ADDR", result.stderr)
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            with Processes([self.command()] * 2, port=port) as processes:
                status = processes.all[0].wait(timeout=LIMIT)
                self.assertEqual(status, 2)
                self.assertIn(f"port {port}", processes.all[0].stderr.read())

    def test_two_runs_in_one_folder_are_refused(self):
        with Processes([self.command()] * 2) as processes:
            self.wait_for_checkpoint(processes)
            with Processes([[*self.command(), "--resume"]] * 2) as others:
                ends = others.ends()
        self.assert_told_once(ends, "is being written by process")
        self.assertNotIn(0, [end[0] for end in ends])


if __name__ == "__main__":
    unittest.main()
