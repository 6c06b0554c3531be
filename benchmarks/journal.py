"""What a durable journal costs: one row a request with and without it, by 1, 8 and 32 callers.

Run: `python3 benchmarks/journal.py`.
"""

from __future__ import annotations

import datetime
import http.client
import json
import os
import pathlib
import platform
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server, command, tabular_project  # noqa: E402

SECONDS = 6.0
ROW = {
    "inputs": [
        {"name": "plan", "shape": [1], "datatype": "BYTES", "data": ["basic"]},
        {"name": "age", "shape": [1], "datatype": "INT64", "data": [25]},
        {"name": "support_calls", "shape": [1], "datatype": "INT64", "data": [6]},
        {"name": "visits_per_week", "shape": [1], "datatype": "FP64", "data": [0.1]},
        {"name": "monthly_spend", "shape": [1], "datatype": "FP64", "data": [10.5]},
    ]
}


def caller(port: int, until: float, latencies: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps(ROW)
    while time.monotonic() < until:
        started = time.monotonic()
        connection.request("POST", "/v2/models/model/infer", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        latencies.append(time.monotonic() - started)
    connection.close()


def measured(server: Server, callers: int) -> dict:
    latencies: list[list[float]] = [[] for _ in range(callers)]
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=caller, args=(server.port, until, one)) for one in latencies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(value for one in latencies for value in one)
    quantiles = statistics.quantiles(every, n=100)
    return {
        "per_second": round(len(every) / SECONDS),
        "p50_ms": round(quantiles[49] * 1000, 2),
        "p99_ms": round(quantiles[98] * 1000, 2),
    }


def main() -> None:
    server = Server()
    try:
        environment = {**os.environ, "TIDEMILL_SERVER": server.url}
        folder = tabular_project()
        definition = next(file for file in folder.rglob("*.y*ml") if "kind: Deployment" in file.read_text())
        text = definition.read_text()
        for arguments in (("apply", "-f", str(folder)), ("run", "train")):
            done = command(*arguments, env=environment)
            assert done.returncode == 0, done.stdout + done.stderr
        result: dict = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
            f"load {os.getloadavg()[0]:.1f} before",
            "note": "one row a request over V2 in JSON; the callers are Python threads on the same machine",
        }
        for journal in ("best-effort", "durable"):
            lines = text.replace("kind: Deployment", f"kind: Deployment\njournal: {journal}", 1)
            definition.write_text(lines)
            done = command("apply", "-f", str(folder), env=environment)
            assert done.returncode == 0, done.stdout + done.stderr
            view = server.get("/api/tidemill/v1/projects/default/deployments/model")[1]
            assert view["journal"]["durable"] is (journal == "durable"), view
            measured(server, 4)
            result[journal] = {f"{callers} callers": measured(server, callers) for callers in (1, 8, 32)}
        print(json.dumps(result, indent=2))
        (ROOT / "benchmarks" / "results" / f"{result['date']}-journal.json").write_text(json.dumps(result, indent=2) + "\n")
    finally:
        server.close()


if __name__ == "__main__":
    main()
