"""Measures tracking beside MLflow's own server and records the result with machine and date.

Run by ``make bench-tracking`` on an otherwise idle machine; wrk comes from apt, MLflow from ``make peers``.
Both servers get the same requests; what they answer is compared before anything is timed.
A figure whose answers differ is not recorded.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server, free_port  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "scenarios"
PEER = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "mlflow"
API = "/api/2.0/mlflow"
SECONDS = int(os.environ.get("TIDEMILL_BENCH_SECONDS", "8"))
MIXED_SECONDS = int(os.environ.get("TIDEMILL_BENCH_MIXED_SECONDS", "60"))
LARGE = int(os.environ.get("TIDEMILL_BENCH_RUNS", "100000"))
NAME = os.environ.get("TIDEMILL_BENCH_NAME", "tracking")


class Caller:
    """One connection, opened again where the server has closed it."""

    def __init__(self, url: str) -> None:
        self.address = urllib.parse.urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=300)

    def __call__(self, method: str, path: str, body: object = None) -> dict:
        content = None if body is None else json.dumps(body)
        for last in (False, True):
            try:
                self.connection.request(method, API + path, content, {"Content-Type": "application/json"})
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.connection.close()
                if last:
                    raise
        assert answer.status == 200, text
        return json.loads(text)


def tree_megabytes(pid: int) -> float:
    """Resident memory of a process and all its children."""
    total = 0.0
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            one = int(status.parent.name)
            parent = int(re.search(r"PPid:\s+(\d+)", text).group(1))
            resident = re.search(r"VmRSS:\s+(\d+)", text)
            if resident and (one == pid or parent == pid or os.getpgid(one) == pid):
                total += int(resident.group(1)) / 1024
    return total


class Mlflow:
    """MLflow's own server in one of its configurations."""

    def __init__(self, *flags: str) -> None:
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="bench-peer-"))
        port = free_port()
        begun = time.monotonic()
        store = ("--backend-store-uri", f"sqlite:///{self.work}/p.db", "--artifacts-destination", str(self.work / "a"))
        self.process = subprocess.Popen(
            [str(PEER), "server", "--port", str(port), *store, *flags],
            cwd=self.work,
            env={**os.environ, "HOME": str(self.work)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.url = f"http://127.0.0.1:{port}"
        while True:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=2)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    break
            assert time.monotonic() - begun < 120
            time.sleep(0.05)
        self.ready = time.monotonic() - begun

    @property
    def pid(self) -> int:
        return self.process.pid

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Ours:
    def __init__(self) -> None:
        begun = time.monotonic()
        self.server = Server()
        self.ready = time.monotonic() - begun
        self.url = self.server.url
        self.pid = self.server.process.pid

    def close(self) -> None:
        self.server.close()


def wrk(url: str, script: str, connections: int, seconds: int, *arguments: str) -> dict:
    shape = ["-t", str(min(2, connections)), "-c", str(connections), "-d", f"{seconds}s", "--latency", "--timeout", "60s"]
    command = ["wrk", *shape, "-s", str(HERE / f"{script}.lua"), url, "--", *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Non-2xx.*: (\d+)", output)
    return {
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),
        "p50_ms": millis(re.search(r"50%\s+([\d.]+\w+)", output)),
        "p99_ms": millis(re.search(r"99%\s+([\d.]+\w+)", output)),
        "errors": int(errors.group(1)) if errors else 0,
    }


def millis(found: re.Match[str] | None) -> float | None:
    if found is None:
        return None
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", found.group(1)).groups()
    return round(float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit], 3)


def new_runs(url: str, name: str, count: int) -> list[str]:
    call = Caller(url)
    experiment = call("POST", "/experiments/create", {"name": name})["experiment_id"]
    return [call("POST", "/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"] for _ in range(count)]


def writes(url: str) -> dict:
    runs = new_runs(url, "writes", 8)
    wrk(url, "log_metric", 4, SECONDS, *runs)
    result = {f"log_metric, {c} connections": wrk(url, "log_metric", c, SECONDS, *runs) for c in (1, 8, 32)}
    for size in (10, 100, 1000):
        figure = wrk(url, "log_batch", 1, SECONDS, str(size), *runs)
        figure["rows_per_second"] = round(figure["per_second"] * size)
        result[f"log_batch of {size}"] = figure
    return result


def seed(url: str, count: int, parts: int = 3) -> str:
    experiment = Caller(url)("POST", "/experiments/create", {"name": f"search {count}"})["experiment_id"]

    def part(which: int) -> None:
        call = Caller(url)
        chance = random.Random(which)
        for number in range(which, count, parts):
            start = {"experiment_id": experiment, "start_time": 1_000_000 + number, "run_name": f"r{number}"}
            run = call("POST", "/runs/create", start)["run"]["info"]["run_id"]
            batch = {
                "run_id": run,
                "metrics": [{"key": f"m{i}", "value": chance.random(), "timestamp": 1, "step": 0} for i in range(10)],
                "params": [{"key": f"p{i}", "value": str(chance.randrange(10))} for i in range(10)],
                "tags": [{"key": f"t{i}", "value": str(chance.randrange(10))} for i in range(5)],
            }
            call("POST", "/runs/log-batch", batch)

    with concurrent.futures.ThreadPoolExecutor(parts) as pool:
        list(pool.map(part, range(parts)))
    return experiment


def found(url: str, experiment: str, text: str, order: list[str], most: int) -> list[str]:
    body = {"experiment_ids": [experiment], "filter": text, "order_by": order, "max_results": most}
    return [run["info"]["run_name"] for run in Caller(url)("POST", "/runs/search", body).get("runs", [])]


SEARCHES = {
    "newest page of 100": ("", [], 100),
    "filter and order, 100": ("metrics.m1 > 0.9 AND params.p1 = '3'", ["metrics.m2 DESC"], 100),
    "1,000 whole runs": ("", [], 1000),
}


def searches(url: str, experiment: str) -> dict:
    result = {}
    for what, (text, order, most) in SEARCHES.items():
        arguments = (experiment, text, ",".join(f'"{key}"' for key in order), str(most))
        wrk(url, "search", 1, 4, *arguments)
        result[what] = wrk(url, "search", 1, SECONDS, *arguments)
    begun = time.monotonic()
    call, token, pages = Caller(url), "", []
    for _ in range(100):
        page_begun = time.monotonic()
        body = {"experiment_ids": [experiment], "max_results": 100, "page_token": token}
        page = call("POST", "/runs/search", body)
        pages.append((time.monotonic() - page_begun) * 1000)
        token = page.get("next_page_token", "")
        if not token:
            break
    walk = {"seconds": round(time.monotonic() - begun, 3), "pages": len(pages)}
    result["walk of up to 100 pages"] = {**walk, "first_ms": round(pages[0], 1), "last_ms": round(pages[-1], 1)}
    return result


def history(url: str, points: int) -> dict:
    run = new_runs(url, f"history {points}", 1)[0]
    call = Caller(url)
    begun = time.monotonic()
    for start in range(0, points, 1000):
        metrics = [{"key": "m", "value": s % 997 / 7, "timestamp": s, "step": s} for s in range(start, start + 1000)]
        call("POST", "/runs/log-batch", {"run_id": run, "metrics": metrics})
    wrote = time.monotonic() - begun
    times = []
    for _ in range(5):
        begun = time.monotonic()
        query = f"/metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&max_results=320"
        answer = call("GET", query)["metrics"]
        times.append((time.monotonic() - begun) * 1000)
    return {
        "points": points,
        "write_seconds": round(wrote, 1),
        "interval_of_320_ms": round(sorted(times)[2], 1),
        "kept": len(answer),
    }


def artifacts(url: str, pid: int, megabytes: int) -> dict:
    content = pathlib.Path(tempfile.mkdtemp()) / "content"
    subprocess.run(["dd", "if=/dev/urandom", f"of={content}", "bs=1M", f"count={megabytes}", "status=none"], check=True)
    copy = content.with_name("copy")
    begun = time.monotonic()
    subprocess.run(["dd", f"if={content}", f"of={copy}", "bs=1M", "conv=fsync", "status=none"], check=True)
    disk = time.monotonic() - begun
    address = f"{url}/api/2.0/mlflow-artifacts/artifacts/bench/{megabytes}.bin"
    before = tree_megabytes(pid)
    result: dict = {"dd_conv_fsync_mb_s": round(megabytes / disk)}
    for what, command in (
        ("put", ["curl", "-sf", "-o", "/dev/null", "-T", str(content), address]),
        ("get", ["curl", "-sf", "-o", "/dev/null", address]),
    ):
        begun = time.monotonic()
        process = subprocess.Popen(command)
        peak = before
        while process.poll() is None:
            peak = max(peak, tree_megabytes(pid))
            time.sleep(0.05)
        assert process.returncode == 0, (what, process.returncode)
        took = time.monotonic() - begun
        result[what] = {"mb_s": round(megabytes / took, 1), "seconds": round(took, 2), "memory_grew_mb": round(peak - before)}
    content.unlink()
    copy.unlink()
    return result


def mixed(url: str) -> dict:
    """8 trainers that log three metrics a second, 2 readers that search and read curves without a pause."""
    runs = new_runs(url, "mixed", 8)
    stop = time.monotonic() + MIXED_SECONDS
    wrote: list[float] = []
    read: list[float] = []

    def trainer(run: str) -> None:
        call, step = Caller(url), 0
        while time.monotonic() < stop:
            metrics = [{"key": f"m{i}", "value": step / 7, "timestamp": step, "step": step} for i in range(3)]
            begun = time.monotonic()
            call("POST", "/runs/log-batch", {"run_id": run, "metrics": metrics})
            wrote.append((time.monotonic() - begun) * 1000)
            step += 1
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))

    def reader(_: int) -> None:
        call = Caller(url)
        while time.monotonic() < stop:
            begun = time.monotonic()
            call("POST", "/runs/search", {"experiment_ids": ["0"], "max_results": 100})
            call("GET", f"/metrics/get-history?run_id={runs[0]}&metric_key=m0")
            read.append((time.monotonic() - begun) * 1000)

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(trainer, run) for run in runs] + [pool.submit(reader, i) for i in range(2)]
        for one in waiting:
            one.result()
    rank = lambda list_, share: round(sorted(list_)[int(len(list_) * share)], 2)  # noqa: E731
    return {
        "seconds": MIXED_SECONDS,
        "write_p50_ms": rank(wrote, 0.5),
        "write_p99_ms": rank(wrote, 0.99),
        "read_p50_ms": rank(read, 0.5),
        "reads": len(read),
    }


def measure(make, large: int, points: int, sizes: tuple[int, ...]) -> tuple[dict, dict]:
    server = make()
    try:
        result: dict = {"ready_seconds": round(server.ready, 2)}
        time.sleep(3)
        result["idle_mb"] = round(tree_megabytes(server.pid))
        small = seed(server.url, 1000, parts=1)
        answers = {what: found(server.url, small, *search) for what, search in SEARCHES.items()}
        result["search over 1,000"] = searches(server.url, small)
        if large:
            result[f"search over {large:,}"] = searches(server.url, seed(server.url, large))
        result["writes"] = writes(server.url)
        result["history"] = history(server.url, points)
        result["mixed"] = mixed(server.url)
        result["artifacts"] = {f"{size} MB": artifacts(server.url, server.pid, size) for size in sizes}
        return result, answers
    finally:
        server.close()


def main() -> None:
    ours, answers = measure(Ours, LARGE, 1_000_000, (200, 2000))
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "note": "wrk and both servers share the cores; SQLite, ours with synchronous=FULL",
        "tidemill": ours,
    }
    configurations = {
        "mlflow, default": (),
        "mlflow, one worker": ("--workers", "1"),
        "mlflow, gunicorn": ("--gunicorn-opts", "--timeout 600"),
    }
    for name in sys.argv[1:] or configurations:
        peer, theirs = measure(lambda flags=configurations[name]: Mlflow(*flags), 0, 20_000, (200,))
        result["answers equal"] = answers == theirs
        assert answers == theirs, "the two servers do not answer alike; nothing is recorded"
        result[name] = peer
        target = ROOT / "benchmarks" / "results" / f"{result['date']}-{NAME}.json"
        target.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
