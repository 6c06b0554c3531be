"""Calls a model and checks what a receiver of CloudEvents and the files of Parquet get of it."""

from __future__ import annotations

import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pyarrow.parquet
from harness import PATIENCE, until

url, folder, events_file = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def call(body: dict) -> dict:
    request = urllib.request.Request(
        f"{url}/v2/models/sample/infer", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return json.loads(refusal.read())


def events() -> list[dict]:
    return [json.loads(line) for line in events_file.read_text().splitlines()] if events_file.exists() else []


def metric(line: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        for one in answer.read().decode().splitlines():
            if one.startswith(line):
                return float(one.split()[-1])
    return -1


with urllib.request.urlopen(f"{url}/v2/models/sample") as answer:
    inputs = json.loads(answer.read())["inputs"]
chance = np.random.default_rng(1)
answers = {}
for i in range(40):
    body = {
        "id": f"request-{i}-ü",
        "inputs": [{"name": one["name"], "shape": [2], "datatype": "FP64", "data": chance.random(2).tolist()} for one in inputs],
    }
    answers[body["id"]] = (body, call(body))
broken = {"id": "broken", "inputs": [{"name": "nothing", "shape": [1, 1], "datatype": "BYTES", "data": ["x"]}]}
refusal = call(broken)
assert "error" in refusal, refusal

until("every request and answer arrives", lambda: len(events()) >= 82)
got = events()
assert len(got) == 82, len(got)
by_id: dict[str, dict[str, dict]] = {}
for event in got:
    headers = event["headers"]
    assert headers["ce-specversion"] == "1.0" and headers["ce-inferenceservicename"] == "sample", headers
    assert headers["ce-namespace"] == "default" and headers["ce-component"] == "predictor" and headers["ce-endpoint"] == "default"
    assert headers["ce-modelversion"] == "1" and headers["content-type"].startswith("application/json")
    by_id.setdefault(urllib.request.unquote(headers["ce-id"]), {})[headers["ce-type"].rsplit(".", 1)[1]] = event["body"]
for key, (sent, answered) in answers.items():
    request, response = by_id[key]["request"], by_id[key]["response"]
    assert [one["data"] for one in request["inputs"]] == [one["data"] for one in sent["inputs"]], key
    assert [one["data"] for one in response["outputs"]] == [one["data"] for one in answered["outputs"]], key
assert by_id["broken"]["response"]["error"], by_id["broken"]


def written() -> list[dict]:
    tables = [pyarrow.parquet.read_table(file) for file in folder.glob("default/*/*.parquet")]
    return [row for table in tables for row in table.to_pylist()]


until("the files hold every request", lambda: len(written()) >= 41)
rows = written()
assert len(rows) == 41, len(rows)
for row in rows:
    assert row["name"] == "sample" and row["model"] == "sample" and row["version"] == 1
    assert row["failed"] == (row["id"] == "broken"), row
    if row["id"] in answers:
        assert json.loads(row["response"])["outputs"][0]["data"] == answers[row["id"]][1]["outputs"][0]["data"]
# Counted once the receiver has answered, which is after it has written what it got.
until("every delivery is counted", lambda: metric('tidemill_payloads_total{sink="http",outcome="delivered"}') >= 41)
assert metric('tidemill_payloads_total{sink="http",outcome="delivered"}') == 41
assert metric('tidemill_payloads_total{sink="http",outcome="dropped"}') == 0

# A receiver that fails costs the callers nothing, and what is lost is counted.
pathlib.Path(str(events_file) + ".fail").touch()
started = time.monotonic()
for i in range(200):
    assert "outputs" in call({**answers["request-0-ü"][0], "id": f"lost-{i}"})
# The sink pauses for seconds after every failure: callers who waited for it would be here for a quarter of an hour.
assert time.monotonic() - started < PATIENCE
until("every loss is counted", lambda: metric('tidemill_payloads_total{sink="http",outcome="dropped"}') >= 200)
assert metric('tidemill_payloads_total{sink="http",outcome="dropped"}') == 200
print("41 requests and their answers reached the receiver and the files; 200 that the receiver refused are counted")
