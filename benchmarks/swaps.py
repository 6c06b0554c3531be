"""Latency at a fixed rate, quiet and with a new version every five seconds; `python3 benchmarks/swaps.py [SECONDS]`.

The models are made before; while load runs only the server works for a swap: it freezes, scans, loads, tries and
swaps. hey comes from apt.
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
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server  # noqa: E402

from tracking import tree_megabytes  # noqa: E402

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 120
PAUSE = 5
MAKE = """
import sys, warnings, json
import lightgbm, mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
warnings.simplefilter("ignore")
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_experiment("swaps")
r = np.random.default_rng(1)
X = pd.DataFrame(r.normal(size=(2000, 30)), columns=[f"f{i}" for i in range(30)])
made = []
for i in range(int(sys.argv[2])):
    model = lightgbm.train({"verbosity": -1, "num_leaves": 31, "seed": i}, lightgbm.Dataset(X, X["f0"] * i + X["f1"]), 100)
    with mlflow.start_run() as run:
        info = mlflow.lightgbm.log_model(model, name="model", signature=infer_signature(X, model.predict(X)))
    made.append([info.model_uri, run.info.run_id, info.model_id])
print(json.dumps(made))
"""


def call(server: Server, path: str, body: object) -> None:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


def load(server: Server, seconds: int) -> dict:
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, 30], "datatype": "FP64", "data": [0.25] * 30}]})
    done = subprocess.run(
        [
            *("hey", "-z", f"{seconds}s", "-c", "8", "-q", "250", "-m", "POST", "-T", "application/json"),
            *("-d", body, f"{server.url}/v2/models/swapped/infer"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    latency = {part: float(value) * 1000 for part, value in re.findall(r"(\d+)% in ([\d.]+) secs", done)}
    answers = {code: int(count) for code, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", done)}
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])  # type: ignore[index]
    return {"rate": round(rate), "p50_ms": latency["50"], "p99_ms": latency["99"], "answers": answers, "errors": "Error" in done}


def main() -> None:
    server = Server()
    python = str(ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python")
    count = SECONDS // PAUSE + 1
    work = tempfile.mkdtemp()
    out = subprocess.run(
        [python, "-c", MAKE, server.url, str(count)], check=True, capture_output=True, text=True, cwd=work
    ).stdout
    made = json.loads(out.splitlines()[-1])

    def register(one: list[str]) -> None:
        body = {"name": "swapped", "source": one[0], "run_id": one[1], "model_id": one[2]}
        call(server, "/api/2.0/mlflow/model-versions/create", body)

    call(server, "/api/2.0/mlflow/registered-models/create", {"name": "swapped"})
    register(made[0])
    load(server, 15)
    quiet = load(server, min(SECONDS, 60))
    before = round(tree_megabytes(server.process.pid))

    def swap() -> None:
        for one in made[1:]:
            time.sleep(PAUSE)
            register(one)

    swapping = threading.Thread(target=swap)
    swapping.start()
    swapped = load(server, SECONDS)
    swapping.join()
    after = round(tree_megabytes(server.process.pid))
    server.close()
    result = {
        "what": f"one row, 100 trees, 8 connections, fixed rate; then {SECONDS} s with a new version every {PAUSE} s",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "quiet": quiet,
        "with swaps": swapped,
        "versions": len(made),
        "resident_mb": {"before": before, "after": after},
    }
    (ROOT / "benchmarks" / "results" / f"{result['date']}-swaps.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


main()
