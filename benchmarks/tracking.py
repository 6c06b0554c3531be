"""Measures tracking with wrk: python3 benchmarks/tracking.py URL [RUNS]. The server must be a fresh one; wrk comes from apt."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import pathlib
import random
import re
import subprocess
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent / "scenarios"
URL = sys.argv[1]
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
API = "/api/2.0/mlflow"


def caller():
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(URL).netloc, timeout=60)

    def call(path: str, body: object) -> dict:
        connection.request("POST", API + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return json.loads(content)

    return call


def seed(part: int, parts: int, experiment: str) -> None:
    call = caller()
    chance = random.Random(part)
    for number in range(part, RUNS, parts):
        run = call("/runs/create", {"experiment_id": experiment, "start_time": 1_000_000 + number, "run_name": f"r{number}"})
        batch = {
            "run_id": run["run"]["info"]["run_id"],
            "metrics": [{"key": f"m{i}", "value": chance.random(), "timestamp": 1, "step": 0} for i in range(10)],
            "params": [{"key": f"p{i}", "value": str(chance.randrange(10))} for i in range(10)],
            "tags": [{"key": f"t{i}", "value": str(chance.randrange(10))} for i in range(5)],
        }
        call("/runs/log-batch", batch)


def wrk(script: str, connections: int, seconds: int, *arguments: str) -> str:
    threads = str(min(2, connections))
    shape = ["-t", threads, "-c", str(connections), "-d", f"{seconds}s", "--latency"]
    command = ["wrk", *shape, "-s", str(HERE / f"{script}.lua"), URL, "--", *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)
    median = re.search(r"50%\s+(\S+)", output).group(1)
    slow = re.search(r"99%\s+(\S+)", output).group(1)
    errors = re.search(r"Non-2xx.*: (\d+)", output)
    return f"{script} c={connections}: {rate}/s, p50 {median}, p99 {slow}, errors {errors.group(1) if errors else 0}"


def main() -> None:
    call = caller()
    experiment = call("/experiments/create", {"name": "writes"})["experiment_id"]
    runs = [call("/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"] for _ in range(8)]
    wrk("log_metric", 4, 8, *runs)
    for connections in (1, 8, 32):
        print(wrk("log_metric", connections, 8, *runs), flush=True)
    wrk("log_batch", 1, 5, *runs)
    for connections in (1, 4):
        print(wrk("log_batch", connections, 8, *runs), flush=True)
    searched = call("/experiments/create", {"name": "search"})["experiment_id"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda part: seed(part, 4, searched), range(4)))
    wrk("search", 1, 4, searched)
    print(f"{RUNS} runs: " + wrk("search", 1, 8, searched), flush=True)


if __name__ == "__main__":
    main()
