"""How long the caller of one model waits while another model's callers never pause; `python3 benchmarks/neighbours.py`.

The quiet caller asks for one row, 100 times a second; the busy ones keep their connections full with 100 rows a request.
hey and wrk come from apt.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server  # noqa: E402

SECONDS = 10
COLUMNS = 30


def busy(server: Server, connections: int, seconds: int) -> subprocess.Popen[str]:
    script = str(ROOT / "benchmarks" / "scenarios" / "infer_matrix.lua")
    return subprocess.Popen(
        [
            *("wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s", "--latency", "-s", script, server.url),
            *("--", "/v2/models/busy/infer", "100", str(COLUMNS)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def quiet(server: Server) -> dict:
    tensor = {"name": "input", "shape": [1, COLUMNS], "datatype": "FP64", "data": [0.25] * COLUMNS}
    done = subprocess.run(
        [
            *("hey", "-z", f"{SECONDS}s", "-c", "2", "-q", "50", "-m", "POST", "-T", "application/json"),
            *("-d", json.dumps({"inputs": [tensor]}), f"{server.url}/v2/models/quiet/infer"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    latency = {part: round(float(value) * 1000, 1) for part, value in re.findall(r"(\d+)% in ([\d.]+) secs", done)}
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])  # type: ignore[index]
    return {"rate": round(rate, 1), "p50_ms": latency["50"], "p99_ms": latency["99"], "errors": "Error" in done}


def main() -> None:
    server = Server()
    work = tempfile.mkdtemp()
    python = str(ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python")
    sample = str(ROOT / "e2e" / "inference_sample.py")
    for name in ("busy", "quiet"):
        subprocess.run([python, sample, server.url, name, "100", str(COLUMNS)], check=True, capture_output=True, cwd=work)
    try:
        busy(server, 16, 8).communicate()
        result = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            "note": "one row, 100 a second, beside callers of another model with 100 rows a request; all share the cores",
            "alone": quiet(server),
        }
        for connections in (4, 16, 64):
            load = busy(server, connections, SECONDS + 3)
            waited = quiet(server)
            output, _ = load.communicate()
            waited["busy_per_second"] = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])  # type: ignore[index]
            result[f"beside {connections} busy connections"] = waited
        target = ROOT / "benchmarks" / "results" / f"{result['date']}-neighbours.json"
        target.write_text(json.dumps(result, indent=2) + "\n")
        print(json.dumps(result, indent=2))
    finally:
        server.close()


if __name__ == "__main__":
    main()
