"""Measures inference beside MLServer and MLflow's scoring server and records the result with machine and date.

Run by ``make bench-inference`` on an otherwise idle machine; wrk comes from apt, the peers from ``make peers``. All serve
the same LightGBM model of 100 trees and 30 columns; what they answer is compared before anything is timed.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from harness import Server, free_port  # noqa: E402

from tracking import tree_megabytes, wrk  # noqa: E402

PEERS = ROOT / ".cache" / "peers"
SECONDS = int(os.environ.get("TIDEMILL_BENCH_SECONDS", "6"))
COLUMNS = 30


def post(url: str, body: object) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def matrix(rows: int) -> dict:
    values = [round(math.sin(i), 4) for i in range(1, rows * COLUMNS + 1)]
    return {"inputs": [{"name": "input", "shape": [rows, COLUMNS], "datatype": "FP64", "data": values}]}


def split(rows: int) -> dict:
    values = matrix(rows)["inputs"][0]["data"]
    data = [values[i : i + COLUMNS] for i in range(0, len(values), COLUMNS)]
    return {"dataframe_split": {"columns": [f"f{i}" for i in range(COLUMNS)], "data": data}}


def wait(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2).close()
            return
        assert process.poll() is None and time.monotonic() < deadline, url
        time.sleep(0.2)


def mlserver(work: pathlib.Path, model: pathlib.Path) -> tuple[subprocess.Popen, str, str]:
    port, grpc_port = free_port(), free_port()
    folder = work / "models" / "bench"
    folder.mkdir(parents=True)
    (folder / "model.bst").write_bytes(model.read_bytes())
    (folder / "model-settings.json").write_text(
        json.dumps(
            {
                "name": "bench",
                "implementation": "mlserver_lightgbm.LightGBMModel",
                "parameters": {"uri": "./model.bst", "version": "v1"},
            }
        )
    )
    settings = {"http_port": port, "grpc_port": grpc_port, "metrics_port": free_port(), "parallel_workers": 0, "debug": False}
    (work / "models" / "settings.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [str(PEERS / "mlserver" / "bin" / "mlserver"), "start", str(work / "models")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait(f"http://127.0.0.1:{port}/v2/models/bench/ready", process)
    return process, f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}"


def scoring(folder: pathlib.Path) -> tuple[subprocess.Popen, str]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(str(PEERS / "mlflow" / "bin" / "mlflow"), "models", "serve", "-m", str(folder)),
            *("--env-manager", "local", "-p", str(port), "-w", "2"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PATH": f"{PEERS / 'mlflow' / 'bin'}:{os.environ['PATH']}"},
    )
    wait(f"http://127.0.0.1:{port}/ping", process)
    return process, f"http://127.0.0.1:{port}"


def load(url: str, path: str, script: str) -> dict:
    result = {}
    wrk(url, script, 16, SECONDS, path, "1", str(COLUMNS))
    for rows in (1, 10, 100):
        for connections in (1, 16, 64):
            figure = wrk(url, script, connections, SECONDS, path, str(rows), str(COLUMNS))
            result[f"{rows} rows, {connections} connections"] = figure
    return result


def constant(url: str) -> dict:
    """What the server answers without any work, once its web layer is as warm as it was for the predictions."""
    wrk(url, "constant", 16, SECONDS)
    return {f"{connections} connections": wrk(url, "constant", connections, SECONDS) for connections in (1, 16, 64)}


def grpc(address: str, model: str) -> dict:
    """Closed-loop gRPC, raw tensors, one call under way a connection."""
    target = ROOT / "benchmarks" / "java" / "target"
    java = str(pathlib.Path(os.environ["JAVA_HOME"]) / "bin" / "java")
    result = {}
    for rows in (1, 10, 100):
        for connections in (1, 16, 64):
            done = subprocess.run(
                [
                    *(java, "-cp", f"{target}/classes:{target}/libraries/*", "dev.tidemill.benchmarks.GrpcLoad"),
                    *(address, model, str(connections), str(SECONDS), str(rows), str(COLUMNS)),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            result[f"{rows} rows, {connections} connections"] = json.loads(done.stdout.splitlines()[-1])
    return result


def logged(work: pathlib.Path) -> dict:
    """One row over 16 connections while every request and answer is kept."""
    settings = work / "settings"
    settings.write_text("payloads.parquet=true\n")
    server = Server("--config", str(settings))
    try:
        subprocess.run(
            [
                *(str(PEERS / "mlflow" / "bin" / "python"), str(ROOT / "e2e" / "inference_sample.py")),
                *(server.url, "bench", "100", str(COLUMNS)),
            ],
            check=True,
            capture_output=True,
            cwd=work,
        )
        wrk(server.url, "infer_matrix", 16, SECONDS, "/v2/models/bench/infer", "1", str(COLUMNS))
        figure = wrk(server.url, "infer_matrix", 16, SECONDS, "/v2/models/bench/infer", "1", str(COLUMNS))
        with urllib.request.urlopen(f"{server.url}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        figure["payloads"] = {
            line.split("{")[1].split("}")[0]: line.split()[-1] for line in lines if line.startswith("tidemill_payloads_total{")
        }
        return {"1 row, 16 connections": figure}
    finally:
        server.close()


def main() -> None:
    quiet = ["mvn", "-q", "-B", "-f", str(ROOT / "benchmarks" / "java"), "package", "dependency:copy-dependencies"]
    subprocess.run([*quiet, "-Dspotless.check.skip"], check=True, capture_output=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-inference-"))
    server = Server()
    mlflow = str(PEERS / "mlflow" / "bin" / "python")
    subprocess.run(
        [mlflow, str(ROOT / "e2e" / "inference_sample.py"), server.url, "bench", "100", str(COLUMNS)],
        check=True,
        capture_output=True,
        cwd=work,
    )
    subprocess.run(
        [mlflow, "-c", f"import mlflow; mlflow.set_tracking_uri('{server.url}');"
         f"mlflow.artifacts.download_artifacts('models:/bench/1', dst_path='{work}/model')"],
        check=True,
        capture_output=True,
        cwd=work,
    )  # fmt: skip
    folder = work / "model"
    peer, peer_url, peer_grpc = mlserver(work, next(folder.glob("model.l*")))
    scorer, scorer_url = scoring(folder)
    try:
        ours = post(f"{server.url}/v2/models/bench/infer", matrix(5))["outputs"][0]["data"]
        theirs = post(f"{peer_url}/v2/models/bench/infer", matrix(5))["outputs"][0]["data"]
        scored = post(f"{scorer_url}/invocations", split(5))["predictions"]
        for other in (theirs, scored):
            assert all(abs(a - b) <= 1e-12 * max(1, abs(b)) for a, b in zip(ours, other, strict=True)), (ours, other)
        result = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            "note": "wrk and the server under load share the cores; LightGBM, 100 trees of 31 leaves, 30 columns, JSON",
            "answers equal": True,
            "tidemill": load(server.url, "/v2/models/bench/infer", "infer_matrix"),
            "tidemill, one tensor a column": load(server.url, "/v2/models/bench/infer", "infer"),
            "tidemill answering a constant (GET /v2/health/live)": constant(server.url),
            "tidemill, gRPC, raw tensors": grpc(server.grpc, "bench"),
            "tidemill with payloads kept as Parquet": logged(work),
            "tidemill memory mb": round(tree_megabytes(server.process.pid)),
            "mlserver": load(peer_url, "/v2/models/bench/infer", "infer_matrix"),
            "mlserver, gRPC, raw tensors": grpc(peer_grpc, "bench"),
            "mlflow models serve, 2 workers": load(scorer_url, "/invocations", "infer_split"),
        }
        target = ROOT / "benchmarks" / "results" / f"{result['date']}-inference.json"
        target.write_text(json.dumps(result, indent=2) + "\n")
        print(json.dumps(result, indent=2))
    finally:
        for process in (peer, scorer):
            os.killpg(process.pid, signal.SIGKILL)
        server.close()


if __name__ == "__main__":
    main()
