"""Measures start-up, idle memory and the engine's overhead against the budgets, and records the result with machine and date.

Run by ``make bench``, on an otherwise idle machine. Each figure is the median of its repetitions, with least and most beside it.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import platform
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server  # noqa: E402

STARTS = 7
STEPS = 40
PIPELINES = 7


def resident_megabytes(pid: int) -> float:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError("no VmRSS")


def summary(values: list[float]) -> dict:
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }


def starts() -> tuple[dict, dict]:
    seconds, megabytes = [], []
    for _ in range(STARTS):
        begun = time.monotonic()
        server = Server()
        seconds.append(time.monotonic() - begun)
        time.sleep(5)
        megabytes.append(resident_megabytes(server.process.pid))
        server.close()
    return summary(seconds), summary(megabytes)


def step_overhead() -> dict:
    """Milliseconds a step of a chain whose steps do next to nothing, from the run's creation to its end."""
    server = Server()
    steps = ["steps:"]
    for index in range(STEPS):
        needs = f", needs: [s{index - 1}]" if index else ""
        steps.append(f"  - {{name: s{index}, uses: training.select{needs}, with: {{trials: [{{error: 1}}]}}}}")
    text = "kind: Pipeline\nname: chain\n" + "\n".join(steps) + "\n"
    base = "/api/tidemill/v1/projects/default"
    assert server.call("POST", f"{base}/definitions", {"files": {"chain.yaml": text}})[0] == 200
    times = []
    for _ in range(PIPELINES):
        run = server.call("POST", f"{base}/pipelines/chain/runs", {})[1]["id"]
        while True:
            state = server.get(f"{base}/pipeline-runs/{run}")[1]["run"]
            if state["state"] != "RUNNING":
                break
            time.sleep(0.2)
        assert state["state"] == "SUCCEEDED", state
        begun = datetime.datetime.fromisoformat(state["createdAt"])
        ended = datetime.datetime.fromisoformat(state["finishedAt"])
        times.append((ended - begun).total_seconds() * 1000 / STEPS)
    server.close()
    return summary(times[2:])


def main() -> None:
    ready, memory = starts()
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "figures": [
            {"what": "server ready, fresh directory, SQLite (s)", "budget": 1.5, **ready},
            {"what": "idle memory, resident (MB)", "budget": 250, **memory},
            {
                "what": "engine overhead a step, chain of 40, SQLite synchronous=FULL (ms)",
                "budget": 5,
                **step_overhead(),
            },
        ],
    }
    target = ROOT / "benchmarks" / "results" / f"{result['date']}-foundation.json"
    target.write_text(json.dumps(result, indent=2) + "\n")
    for figure in result["figures"]:
        verdict = "meets" if figure["median"] <= figure["budget"] else "MISSES"
        figures = f"{figure['median']} ({figure['least']} to {figure['most']})"
        print(f"{figure['what']}: {figures}, {verdict} the budget of {figure['budget']}")


if __name__ == "__main__":
    main()
