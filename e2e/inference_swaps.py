"""Registers new versions of a model again and again while it is called without a pause: no call may fail.

Run by hand for long: ``python inference_swaps.py URL SECONDS [PAUSE]``.
"""

import http.client
import json
import pathlib
import sys
import threading
import time
import urllib.parse
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from harness import PATIENCE, until
from mlflow.models import infer_signature

warnings.simplefilter("ignore")
url, seconds = sys.argv[1], float(sys.argv[2])
pause = float(sys.argv[3]) if len(sys.argv) > 3 else 5
mlflow.set_tracking_uri(url)
mlflow.set_experiment("swaps")
frame = pd.DataFrame(np.random.default_rng(1).normal(size=(500, 6)), columns=[f"f{i}" for i in range(6)])


def register(level: int) -> None:
    model = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(frame, frame["f0"] * 0 + level), 5)
    with mlflow.start_run():
        signature = infer_signature(frame, model.predict(frame))
        mlflow.lightgbm.log_model(model, name="model", registered_model_name="swapped", signature=signature)


register(1)
body = json.dumps({"inputs": [{"name": "x", "shape": [1, 6], "datatype": "FP64", "data": [0.5] * 6}]})
stop = threading.Event()
calls, wrong, seen, slow = [0] * 4, [], set(), []


def caller(which: int) -> None:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=PATIENCE)
    while not stop.is_set():
        begun = time.monotonic()
        connection.request("POST", "/v2/models/swapped/infer", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        calls[which] += 1
        slow.append(time.monotonic() - begun)
        if answer.status != 200:
            wrong.append((answer.status, content))
            continue
        version, value = int(content["model_version"]), content["outputs"][0]["data"][0]
        seen.add(version)
        if abs(value - version) > 1e-6:
            wrong.append((version, value))


def resident() -> int:
    for status in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        if b"tidemill-all.jar\0server" in status.read_bytes() or b"\0server\0" in status.read_bytes():
            text = status.with_name("status").read_text()
            return int(text.split("VmRSS:")[1].split()[0]) // 1024
    return 0


threads = [threading.Thread(target=caller, args=(i,), daemon=True) for i in range(4)]
for thread in threads:
    thread.start()
memory = []
end, version = time.monotonic() + seconds, 1
until("the first version answers", lambda: version in seen)
while time.monotonic() < end or version < 3:
    time.sleep(pause)
    version += 1
    register(version)
    memory.append(resident())
    if version < 3:  # the others may be registered before the one before them is loaded
        until(f"version {version} answers", lambda version=version: version in seen)
until(f"version {version}, the last, answers", lambda: version in seen)
stop.set()
for thread in threads:
    thread.join()
slow.sort()
assert not wrong, wrong[:5]
assert len(seen) >= 3, (version, seen)
print(
    f"{sum(calls)} calls over {version} versions, {len(seen)} of which answered; none failed; "
    f"p50 {slow[len(slow) // 2] * 1000:.2f} ms, p99 {slow[int(len(slow) * 0.99)] * 1000:.1f} ms, "
    f"resident MB {memory[: max(1, len(memory) // 10)]} to {memory[-3:]}"
)
