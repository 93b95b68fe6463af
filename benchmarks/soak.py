#!/usr/bin/env python3
"""The explorer under mixed load for an hour, with clients that leave in the middle (see README.md).

Every minute it tells the server's memory, threads, open files and child processes, and at the end what was answered how, what never
was, and whether the server ended by itself.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
PATIENCE = 60  # seconds; a request that takes longer counts as not answered
TEXTS = ["import numpy as np", "return self.name == other.name", "x = foo(a, b)", "for i in range(10):", "raise ValueError(message)",
         "if not isinstance(value, str):", "print(total / count)", "self.assertEqual(a, b)", "with open(path) as file:",
         "yield item"]


def some_request(rng):
    """As somebody at the page makes it: method, path and body."""
    name = f"soak{rng.randrange(4)}"

    def text():
        return {"text": rng.choice(TEXTS) if rng.random() < .7 else f"value_{rng.randrange(1000)} = compute({rng.randrange(99)})"}

    return rng.choice([
        lambda: ("POST", "/api/interpolate", {"places": [text(), text()], "ratios": [rng.random()]}),
        lambda: ("POST", "/api/interpolate", {"places": [text(), text()], "ratios": [rng.random()]}),
        lambda: ("POST", "/api/interpolate", {"places": [text(), text(), text()], "steps": 7, "codes": True}),
        lambda: ("POST", "/api/interpolate", {"places": [text(), text()], "steps": 5, "decode": {"candidates": 4}}),
        lambda: ("POST", "/api/encode", {"texts": [text()["text"] for _ in range(5)]}),
        lambda: ("POST", "/api/reconstruct", {"texts": [text()["text"]], "codes": True}),
        lambda: ("POST", "/api/sample", {"count": 8, "seed": rng.randrange(1000), "novelty": True}),
        lambda: ("POST", "/api/sample", {"count": 4, "near": text(), "radius": .5, "decode": {"sample": True, "constrain": True}}),
        lambda: ("POST", "/api/neighbors", {"places": [text()], "count": 8}),
        lambda: ("POST", "/api/mix", {"places": [text(), text()], "count": 6, "spread": .3}),
        lambda: ("POST", "/api/analogy", {"a": text(), "b": text(), "c": text(), "strengths": [0, 1]}),
        lambda: ("POST", "/api/directions", {"name": name, "positive": TEXTS[:5], "negative": TEXTS[5:]}),
        lambda: ("DELETE", f"/api/directions/{name}", None),
        lambda: ("GET", "/api/map/points", None),
        lambda: ("GET", "/api/models", None),
        lambda: ("GET", "/", None),
        lambda: ("POST", "/api/interpolate", {"places": [text()], "steps": "many"}),  # refused
    ])()


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.answered, self.left, self.unanswered, self.faults, self.slowest = {}, 0, [], [], 0.0

    def answer(self, status, seconds):
        with self.lock:
            self.answered[status] = self.answered.get(status, 0) + 1
            self.slowest = max(self.slowest, seconds)


def client(address, seed, end, tally):
    rng = random.Random(seed)
    netloc = urllib.parse.urlsplit(address).netloc
    connection = None
    while time.monotonic() < end:
        connection = connection or http.client.HTTPConnection(netloc, timeout=PATIENCE)
        method, path, body = some_request(rng)
        start = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            if rng.random() < .15:  # leaves before the answer has come
                time.sleep(rng.random() * .05)
                connection.close()
                connection = None
                with tally.lock:
                    tally.left += 1
                continue
            answer = connection.getresponse()
            content = answer.read()
            tally.answer(answer.status, time.monotonic() - start)
            if answer.status >= 500 and answer.status != 503:
                tally.faults.append((path, body, answer.status, content[:200]))
        except TimeoutError:
            tally.unanswered.append((method, path, body))
            connection = None
        except (OSError, http.client.HTTPException):  # an idle connection may be closed at any time
            connection = None
        time.sleep(rng.random() * .1)


def state_of(pid):
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return {"MB": int(status["VmRSS"].split()[0]) // 1024, "threads": int(status["Threads"]), "files": len(os.listdir(f"/proc/{pid}/fd")),
            "children": sum(len(pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
                            for task in os.listdir(f"/proc/{pid}/task"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tvae", default=ROOT / "build" / "tvae")
    parser.add_argument("--model", default=ROOT / "models" / "python_lines")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "model"  # in which directions are fitted
        shutil.copytree(options.model, model)
        with subprocess.Popen([options.tvae, "--json", "serve", model, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
            address = json.loads(server.stdout.readline())["address"]
            tally, end = Tally(), time.monotonic() + 60 * options.minutes
            threads = [threading.Thread(target=client, args=(address, seed, end, tally)) for seed in range(options.clients)]
            for thread in threads:
                thread.start()
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(60, left))
                print(f"{state_of(server.pid)}; {sum(tally.answered.values())} answers, {tally.left} left", flush=True)
            for thread in threads:
                thread.join()
            time.sleep(5)
            print("at rest:", state_of(server.pid))
            server.terminate()
            code = server.wait(timeout=60)
    print(f"answers by status: {dict(sorted(tally.answered.items()))}; slowest {tally.slowest:.1f} s; {tally.left} clients left in the middle")
    print(f"not answered within {PATIENCE} s: {len(tally.unanswered)} {tally.unanswered[:3]}; faults: {len(tally.faults)} {tally.faults[:3]}")
    print(f"the server ended with {code}")


if __name__ == "__main__":
    main()
