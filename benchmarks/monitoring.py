"""How long a neighbour waits while monitoring writes; `python3 benchmarks/monitoring.py [sqlite|postgres]`.

The neighbour logs one metric at a time, 100 times a second: alone, while 10,000 labels come in one request, five times over,
while 200,000 predictions are journalled, and while a window of these 200,000 is closed.
"""

from __future__ import annotations

import datetime
import http.client
import json
import os
import pathlib
import platform
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "e2e"), str(ROOT / "e2e" / "soak")]

from harness import Server, command, postgres_schema, tabular_project  # noqa: E402
from load import MLFLOW, PROJECT, Neighbour, quantile  # noqa: E402

RATE = 100
LABELS = 10_000
POSTS = 5
WINDOW = 200_000
REQUEST = 500
DAY = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


class Sender:
    """Sends what was encoded before, so that the neighbour in this process waits for the server alone."""

    def __init__(self, server: Server) -> None:
        self.wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)

    def post(self, path: str, body: bytes) -> dict:
        self.wire.request("POST", path, body, {"Content-Type": "application/json"})
        answer = self.wire.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        return content


def predictions(number: int, time_of_day: float) -> bytes:
    columns = {
        "plan": ("BYTES", ["basic", "premium"]),
        "age": ("INT64", [25, 60]),
        "support_calls": ("INT64", [6, 0]),
        "visits_per_week": ("FP64", [0.1, 9.0]),
        "monthly_spend": ("FP64", [10.5, 40.0]),
    }
    inputs = [
        {"name": name, "shape": [REQUEST], "datatype": datatype, "data": values * (REQUEST // 2)}
        for name, (datatype, values) in columns.items()
    ]
    at = DAY + datetime.timedelta(days=time_of_day)
    parameters = {"event_time": at.isoformat().replace("+00:00", "Z")}
    return json.dumps({"id": f"b{number}", "parameters": parameters, "inputs": inputs}).encode()


def labels(post: int) -> bytes:
    of = [f"b{post * LABELS // REQUEST + row // REQUEST}.{row % REQUEST}" for row in range(LABELS)]
    return json.dumps({"labels": [{"id": one, "value": "yes" if i % 3 else "no"} for i, one in enumerate(of)]}).encode()


def waited(neighbour: Neighbour, since: int, seconds: float) -> dict:
    latencies = [latency * 1000 for latency in neighbour.latencies[since:]]
    return {
        "seconds": round(seconds, 2),
        "calls": len(latencies),
        "p50_ms": round(quantile(latencies, 0.5), 1),
        "p99_ms": round(quantile(latencies, 0.99), 1),
        "max_ms": round(max(latencies), 1),
    }


def measure(server: Server) -> dict:
    environment = {**os.environ, "TIDEMILL_SERVER": server.url}
    for arguments in (("apply", "-f", str(tabular_project())), ("run", "train")):
        done = command(*arguments, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    experiment = server.call("POST", f"{MLFLOW}/experiments/create", {"name": "neighbour"})[1]["experiment_id"]
    sender = Sender(server)
    deployment = f"{PROJECT}/deployments/model"
    rows = [predictions(number, 0.9 * number * REQUEST / WINDOW) for number in range(WINDOW // REQUEST)]
    posts = [labels(post) for post in range(POSTS)]
    neighbour = Neighbour(server.port, RATE, experiment)
    neighbour.start()
    result = {}

    def part(name: str, work) -> None:
        since, began = len(neighbour.latencies), time.perf_counter()
        work()
        took = time.perf_counter() - began
        time.sleep(0.2)
        result[name] = waited(neighbour, since, took)
        print(name, result[name], flush=True)

    def journalled() -> None:
        for body in rows:
            sender.post("/v2/models/model/infer", body)
        # Before labels are joined, what waits to be journalled is.
        sender.post(f"{deployment}/labels", b'{"labels": []}')

    def joined() -> None:
        for body in posts:
            answer = sender.post(f"{deployment}/labels", body)
            assert answer["accepted"] == LABELS, answer

    def closed() -> None:
        until = (DAY + datetime.timedelta(days=2)).isoformat().replace("+00:00", "Z")
        sender.post(f"{deployment}/watermark", json.dumps({"time": until}).encode())
        deadline = time.monotonic() + 300
        while not (windows := server.get(f"{deployment}/windows")[1]["windows"]):
            assert time.monotonic() < deadline, "the window was not closed in time"
            time.sleep(0.05)
        assert windows[0]["rows"] == WINDOW, windows[0]["rows"]

    try:
        time.sleep(5)
        part("alone", lambda: time.sleep(20))
        part(f"while {WINDOW:,} predictions are journalled", journalled)
        part(f"while {LABELS:,} labels are joined, {POSTS} times over", joined)
        part(f"while a window of {WINDOW:,} is closed", closed)
        part("alone again", lambda: time.sleep(10))
    finally:
        neighbour.stop()
        neighbour.join()
    assert not neighbour.unexpected, neighbour.unexpected
    return result


def main() -> None:
    which = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    schema = postgres_schema() if which == "postgres" else None
    assert which != "postgres" or schema, "TIDEMILL_TEST_POSTGRES names no server"
    server = Server(*(("--database", schema) if schema else ()))
    try:
        result = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            "database": which,
            "note": f"one log_metric at a time, {RATE} a second; milliseconds from request to answer",
            "load_average": round(os.getloadavg()[0], 1),
            **measure(server),
        }
    finally:
        server.close()
    target = ROOT / "benchmarks" / "results" / f"{result['date']}-monitoring-{which}.json"
    target.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
