"""Mixed load for a while; afterwards memory, threads, files and the database are level and nobody waited long.

    python3 e2e/soak/mixed.py [--minutes 120] [--rate 200] [--postgres] [--record FILE]

Tracking, serving with labels and pipelines at fixed rates, a neighbour that logs one point at a time, and deletions,
on the default launcher. Predictions are bounded by number and deleted runs are purged, so that a level is reached within the run.
Exit code 1 names what was not level, not answered, or slow.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Server, command, postgres_schema, tabular_project
from load import Caller, Client, Neighbour, Purger, Tracker, Trainer, quantile

EVERY_SECONDS = 15
NEIGHBOUR_P99_MS = 50
GROWTH = 1.25


def retention(minutes: float, rate: float) -> dict[str, str]:
    """What is kept for a time in days elsewhere is bounded by its number here, so that it is level after a fifth of the run."""
    limit = max(1_000, round(minutes * 60 * rate / 5))
    return {"TIDEMILL_RETENTION_PREDICTIONS_LIMIT": str(limit), "TIDEMILL_RETENTION_EVERY_MINUTES": "5"}


def processes(root: int) -> list[int]:
    """``root`` and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, ahead = [], [root]
    while ahead:
        one = ahead.pop()
        found.append(one)
        ahead += children.get(one, [])
    return found


def measure(server: Server, address: str | None) -> dict[str, float]:
    """Resident megabytes of the server and of its children, threads, open files, megabytes of database and directory."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    data = server.directory / "data"
    sizes: dict[str, int] = {}
    for file in data.rglob("*"):
        try:
            size = file.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
        top = file.relative_to(data).parts
        kind = top[0] if len(top) > 1 else ("database" if file.name.startswith("tidemill.db") else "root")
        sizes[kind] = sizes.get(kind, 0) + size
    if address is not None:
        schema = address.split("schema=")[1]
        query = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n"
            f" ON n.oid = c.relnamespace WHERE n.nspname = '{schema}' AND c.relkind = 'r'"
        )
        out = subprocess.run(["psql", "-qtA", address.split("?")[0], "-c", query], check=True, capture_output=True, text=True)
        sizes["database"] = int(out.stdout)
    return {
        "resident_mb": round(int(fields["VmRSS"].split()[0]) / 1024),
        "threads": int(fields["Threads"]),
        "files": sum(1 for _ in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()),
        "children": len(processes(server.process.pid)) - 1,
        **{f"{kind}_mb": round(size / 1e6, 1) for kind, size in sorted(sizes.items())},
    }


def growth(samples: list[dict[str, float]], name: str) -> float:
    """The last quarter's median over that of the second quarter: 1 where it is level."""
    quarter = max(1, len(samples) // 4)
    early = sorted(s.get(name, 0) for s in samples[quarter : 2 * quarter])
    late = sorted(s.get(name, 0) for s in samples[-quarter:])
    return late[len(late) // 2] / max(1.0, early[len(early) // 2]) if early and late else 1.0


def run(server: Server, address: str | None, minutes: float, rate: float) -> dict:
    folder = tabular_project()
    for words in (("apply", "-f", str(folder)), ("run", "train")):
        done = command(*words, "--server", server.url)
        assert done.returncode == 0, done.stdout + done.stderr
    experiment = server.call("POST", "/api/2.0/mlflow/experiments/create", {"name": "soak"})[1]["experiment_id"]
    neighbour = Neighbour(server.port, 20, experiment, keeps=False)
    clients: list[Client] = [
        neighbour,
        *(Tracker(server.port, 0.5, experiment, kept_of=0) for _ in range(2)),
        *(Caller(server.port, rate / 2, "model", seed) for seed in range(2)),
        Trainer(server.port, 1 / 60),
        Purger(server.port, 1 / 300),
    ]
    for client in clients:
        client.start()
    samples = []
    seen = 0
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        time.sleep(min(EVERY_SECONDS, max(0.1, end - time.monotonic())))
        latencies = neighbour.latencies[seen:]
        seen += len(latencies)
        slow = round(quantile(latencies, 0.99) * 1000, 2) if latencies else 0.0
        samples.append({**measure(server, address), "neighbour_p99_ms": slow, "load": os.getloadavg()[0]})
    for client in clients:
        client.stop()
    for client in clients:
        client.join(120)
    answers: dict[str, int] = {}
    unexpected: dict[str, int] = {}
    for client in clients:
        for status, count in client.answers.items():
            answers[str(status)] = answers.get(str(status), 0) + count
        for text, count in client.unexpected.items():
            unexpected[text] = unexpected.get(text, 0) + count
    return {
        "minutes": minutes,
        "predictions_per_second": rate,
        "answers": answers,
        "unexpected": unexpected,
        "broken": sum(client.broken for client in clients),
        "neighbour_p50_ms": round(quantile(neighbour.latencies, 0.5) * 1000, 2),
        "neighbour_p99_ms": round(quantile(neighbour.latencies, 0.99) * 1000, 2),
        "neighbour_max_ms": round(max(neighbour.latencies) * 1000, 2),
        "growth": {name: round(growth(samples, name), 2) for name in samples[-1]},
        "first": samples[0],
        "last": samples[-1],
        "samples": samples,
    }


def complaints(result: dict) -> list[str]:
    """What of the run is not as it must be."""
    found = []
    if result["unexpected"] or result["broken"]:
        found.append(f"not answered well: {result['unexpected']}, {result['broken']} without an answer")
    if result["neighbour_p99_ms"] > NEIGHBOUR_P99_MS:
        found.append(f"the neighbour's p99 is {result['neighbour_p99_ms']} ms, allowed {NEIGHBOUR_P99_MS}")
    found += [
        f"{name} grew {result['growth'][name]} times between the second quarter and the last, allowed {GROWTH}"
        for name in ("resident_mb", "threads", "files", "children", "database_mb")
        if result["growth"].get(name, 1) > GROWTH
    ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=200, help="predictions per second")
    parser.add_argument("--postgres", action="store_true", help="on the server that TIDEMILL_TEST_POSTGRES names")
    parser.add_argument("--record", type=pathlib.Path, help="file that the result is written to, as JSON")
    parser.add_argument("--config", help="settings file of the server, for short retentions")
    options = parser.parse_args()
    address = postgres_schema() if options.postgres else None
    if options.postgres and address is None:
        print("TIDEMILL_TEST_POSTGRES names no server, or there is no psql", file=sys.stderr)
        return 2
    flags = ["--database", address] if address else []
    flags += ["--config", options.config] if options.config else []
    server = Server(*flags, environment=retention(options.minutes, options.rate))
    try:
        result = run(server, address, options.minutes, options.rate)
    finally:
        server.close()
    result["database"] = "postgresql" if address else "sqlite"
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    result["date"] = datetime.date.today().isoformat()
    if options.record:
        options.record.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in result.items() if name != "samples"}, indent=1))
    found = complaints(result)
    for complaint in found:
        print("not as it must be: " + complaint, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
