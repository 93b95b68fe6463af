#!/usr/bin/env python3
"""How quickly the explorer answers: a drag, sixteen people at once, a large map (see README.md)."""

import argparse
import http.client
import json
import pathlib
import statistics
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
FROM, TO = "import numpy as np", "return self.name == other.name"


class Client:
    """A kept connection, as a browser has."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=60)

    def ask(self, method, path, body=None):
        """The seconds that it took, and the body."""
        start = time.perf_counter()
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
        return time.perf_counter() - start, content


def percentile(seconds, share):
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def drag(address, moves):
    """One ratio of a path after the other, as while it is dragged."""
    client = Client(address)
    places = [{"text": FROM}, {"text": TO}]
    return [client.ask("POST", "/api/interpolate", {"places": places, "ratios": [i / moves]})[0] for i in range(moves)]


def crowd(address, clients, turns):
    """So many clients at once; then the same requests one after the other. Seconds of each, and both walls."""
    texts = [f"value_{i} = compute(item, {i})" for i in range(clients)]

    def work(number, into):
        client = Client(address)
        for turn in range(turns):
            body = {"places": [{"text": texts[number]}, {"text": FROM}], "ratios": [(turn + 1) / (turns + 1)]}
            into.append(client.ask("POST", "/api/interpolate", body)[0])

    together, alone = [], []
    threads = [threading.Thread(target=work, args=(number, together)) for number in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_together = time.perf_counter() - start
    start = time.perf_counter()
    for number in range(clients):
        work(number, alone)
    return together, wall_together, alone, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tvae", default=ROOT / "build" / "tvae")
    parser.add_argument("--model", default=ROOT / "models" / "python_lines")
    parser.add_argument("--corpus", help="of the map; default: the model's own")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--turns", type=int, default=5, help="how often each part is measured")
    options = parser.parse_args()
    started = time.perf_counter()
    corpus = ["--corpus", options.corpus] if options.corpus else []
    with subprocess.Popen(list(map(str, [options.tvae, "--json", "serve", options.model, *corpus, "--port", 0])),
                          stdout=subprocess.PIPE, text=True) as server:
        address = json.loads(server.stdout.readline())["address"]
        client = Client(address)
        client.ask("GET", "/")
        client.ask("GET", "/api/models")
        print(f"from the command to the page and the model: {time.perf_counter() - started:.2f} s")
        while json.loads(client.ask("GET", "/api/models")[1])["models"][0]["corpus"]["state"] == "building":
            time.sleep(0.2)
        print(f"from the command to the map: {time.perf_counter() - started:.1f} s")
        drags = [second for _ in range(options.turns) for second in drag(address, 50)]
        print(f"drag: median {1e3 * statistics.median(drags):.0f} ms, p95 {1e3 * percentile(drags, .95):.0f} ms")
        ratios = []
        for _ in range(options.turns):
            together, wall, alone, wall_alone = crowd(address, options.clients, 8)
            ratios.append(wall_alone / wall)
        print(f"{options.clients} clients at once: p95 {1e3 * percentile(together, .95):.0f} ms; one alone: p95 "
              f"{1e3 * percentile(alone, .95):.0f} ms; throughput {statistics.median(ratios):.2f} times that of one after "
              f"the other ({min(ratios):.2f} to {max(ratios):.2f})")
        seconds, content = client.ask("GET", "/api/map/points")
        texts = [client.ask("GET", f"/api/map/texts?points={point}")[0] for point in range(0, min(1000, len(content) // 8), 10)]
        print(f"map: {len(content) // 8} points in {1e3 * seconds:.0f} ms; the text of one: p95 {1e3 * percentile(texts, .95):.1f} ms")
        server.terminate()


if __name__ == "__main__":
    main()
