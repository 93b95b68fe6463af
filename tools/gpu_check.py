"""What tools/gpu_check.sh compares and measures. Ends with 1 where something is not as it should be."""

import json
import pathlib
import subprocess
import sys

# The rows of the table in docs/memory.md for 12 GiB: presets, settings, the batch that is predicted to fit in bf16.
ROWS = [
    ("mnist_small", "", 40),
    ("mnist_tiny", "", 115),
    ("30Seq", "", 414),
    ("funnel_medium mnist_tiny", "", 169),
    ("funnel_tiny mnist_small", "", 80),
    ("funnel_tiny mnist_tiny", "", 229),
    ("funnel_tiny grad_check_pnt mnist_small", "", 203),
    ("funnel_tiny grad_check_pnt window60 mnist_small", "", 299),
    ("mnist_base grad_check_pnt window200 funnel_small", "", 40),
    ("funnel_tiny mnist_small grad_check_pnt", "train.recompute.decoder=1", 473),
    ("large_model 30Seq adafactor", "", 173),
]
QUICK_ROWS = [("lines_small", "model.d_model=32", 2)]


def metrics(run):
    lines = (pathlib.Path(run) / "logs/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["step"]: line for line in map(json.loads, lines) if "loss" in line}  # others are of what was held out


def curves(expected, found, tolerance):
    """Losses of two runs, step by step."""
    a, b = metrics(expected), metrics(found)
    if not a or a.keys() != b.keys():
        sys.exit(f"{expected} has the steps {sorted(a)}, {found} has {sorted(b)}")
    off = {step: abs(b[step]["loss"] / a[step]["loss"] - 1) for step in a}
    last = max(a)
    print(f"loss at step {last}: {a[last]['loss']:.5f} and {b[last]['loss']:.5f}; {max(off.values()):.2e} apart at most, "
          f"{b[last]['tokens_per_second']:,.0f} tokens/s in the end")  # fmt: skip
    too_far = [step for step, distance in off.items() if not distance <= float(tolerance)]  # what is no number is too far
    if too_far:
        sys.exit(f"more than {tolerance} apart, relatively, from step {min(too_far)} on")


def stored(path):
    """Names, shapes and bytes of a safetensors file's tensors, without what else its header says, such as the time."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    header.pop("__metadata__", None)
    return header, content[begin:]


def same(whole, pieces):
    """Two runs are one: weights, optimizer and averages byte for byte, and what was logged but for the time."""
    differing = []
    for name in ("model.safetensors", "checkpoint/state.safetensors"):
        if stored(pathlib.Path(whole) / name) != stored(pathlib.Path(pieces) / name):
            differing.append(name)
    timed = {"seconds", "tokens_per_second"}
    logged = [
        {step: {key: value for key, value in line.items() if key not in timed} for step, line in metrics(run).items()}
        for run in (whole, pieces)
    ]
    if logged[0] != logged[1]:
        first = min(step for step in logged[0].keys() | logged[1].keys() if logged[0].get(step) != logged[1].get(step))
        differing.append(f"the log from step {first} on")
    if differing:
        sys.exit(f"not the same after resuming: {' and '.join(differing)}")
    print(f"the same weights and {len(logged[0])} equal lines of the log")


def texts(expected, found):
    """Texts of two devices, of which rounding may make some differ."""
    a, b = (pathlib.Path(file).read_text(encoding="utf-8").splitlines() for file in (expected, found))
    equal = sum(x == y for x, y in zip(a, b))
    print(f"{equal} of {len(a)} texts are the same")
    if not a or len(a) != len(b) or equal < 0.97 * len(a):
        sys.exit("less than 97% are the same")


def memory(program, device, *quick):
    """What batches that are planned for 12 GiB really take. A row that fails is a row of the table."""
    print("| presets | batch | predicted | tensors | reserved |\n|---|---|---|---|---|")
    failed = False
    for presets, settings, batch in QUICK_ROWS if quick else ROWS:
        names = presets.split() if quick else ["transformer_vae_2021", "tenth_5_tkn", *presets.split()]
        command = [program, "plan", *names, "--batch", str(batch), "--measure", "--device", device, "--json"]
        for setting in settings.split():
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        cells = [(done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1], "", ""]
        if done.returncode == 0:
            plan = json.loads(done.stdout)
            measured = plan.get("measured") or {}
            sizes = [plan["predicted"]["total"], measured.get("allocated"), measured.get("reserved", measured.get("resident"))]
            cells = [f"{size / 2**30:.3f} GiB" if size else "" for size in sizes]
        failed |= not all(cells)
        print(f"| {presets} {settings} | {batch} | {' | '.join(cells)} |", flush=True)
    if failed:
        sys.exit("not all rows could be measured")


if __name__ == "__main__":
    {"curves": curves, "same": same, "texts": texts, "memory": memory}[sys.argv[1]](*sys.argv[2:])
