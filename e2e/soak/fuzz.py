"""Random and mutated requests on every wire, for a while; the server answers each with a code of its own and stays well.

    python3 e2e/soak/fuzz.py [--minutes 60] [--seed N]

Bodies grow from valid ones by structure (values of other types, other shapes, deep nesting, huge numbers, removed and
doubled fields) and by bytes (flips, cuts, repeats, compression that lies). What fails it: an answer 500, an end of the
server, a health check over a second after the load, more threads or files than it began with.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import http.client
import json
import pathlib
import random
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import PATIENCE, Server, command, tabular_project
from mixed import measure

THREADS = 6
ODD = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    -1e400,
    2**63,
    2**64,
    10**40,
    "",
    "x",
    "\u0000",
    "ü" * 300,
    [],
    {},
    [[]],
    [[1], [1, 2]],
    {"a": {}},
]
ROW = {"plan": "basic", "age": 25, "support_calls": 6, "visits_per_week": 0.1, "monthly_spend": 9.5}
TENSORS = [
    {"name": "plan", "shape": [2], "datatype": "BYTES", "data": ["basic", "premium"]},
    {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [[25], [60]]},
    {"name": "support_calls", "shape": [2], "datatype": "INT64", "data": [6, 0]},
    {"name": "visits_per_week", "shape": [2], "datatype": "FP64", "data": [0.1, 9.0]},
    {"name": "monthly_spend", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]},
]


def seeds(experiment: str, run: str) -> list[tuple[str, str, object]]:
    """Method, path and a body that is right."""
    mlflow = "/api/2.0/mlflow"
    project = "/api/tidemill/v1/projects/default"
    span = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "n"}
    batch = {
        "run_id": run,
        "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 1}],
        "params": [{"key": "p", "value": "v"}],
        "tags": [{"key": "t", "value": "v"}],
    }
    search = {
        "experiment_ids": [experiment],
        "filter": "metrics.m > 0 and params.p = 'v' and tags.t LIKE '%v%'",
        "order_by": ["metrics.m DESC"],
        "max_results": 10,
    }
    infer = {"id": "a", "inputs": TENSORS, "outputs": [{"name": "prediction"}], "parameters": {"x": 1}}
    split = {"columns": list(ROW), "data": [list(ROW.values())]}
    invocations = "/deployments/model/invocations"
    return [
        ("POST", "/v2/models/model/infer", infer),
        ("POST", "/v1/models/model:predict", {"instances": [ROW, ROW]}),
        ("POST", invocations, {"dataframe_split": split}),
        ("POST", invocations, {"dataframe_records": [ROW, ROW]}),
        ("POST", invocations, {"inputs": {name: [value] for name, value in ROW.items()}}),
        ("POST", invocations, {"instances": [ROW], "params": {"a": 1}}),
        ("POST", "/deployments/model/predict", [ROW, ROW]),
        ("POST", f"{project}/deployments/model/labels", {"labels": [{"id": "a", "value": "yes"}]}),
        ("POST", f"{mlflow}/runs/log-batch", batch),
        ("POST", f"{mlflow}/runs/search", search),
        ("POST", f"{mlflow}/experiments/search", {"filter": "name ILIKE '%a%'", "max_results": 5}),
        ("GET", f"{mlflow}/metrics/get-history?run_id={run}&metric_key=m&max_results=5", None),
        ("POST", f"{mlflow}/registered-models/create", {"name": "fuzzed", "tags": [{"key": "a", "value": "b"}]}),
        ("POST", f"{mlflow}/model-versions/create", {"name": "fuzzed", "source": f"runs:/{run}/model", "run_id": run}),
        ("GET", f"{mlflow}/model-versions/search?filter=name%3D%27fuzzed%27&max_results=5", None),
        ("POST", "/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}),
        ("GET", f"{project}/pipeline-runs?limit=5", None),
        ("GET", f"{project}/deployments/model/predictions?limit=5", None),
        ("POST", f"{project}/definitions", {"kind": "DataSet", "name": "x"}),
    ]


class Mutation:
    """Changes to a body, all drawn from one seeded source."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def value(self, node: object, depth: int = 0) -> object:
        """A copy of ``node`` with a few places changed."""
        draw = self.chance.random()
        if draw < 0.06:
            return self.chance.choice(ODD)
        if draw < 0.065 and depth < 3:
            deep: object = node
            for _ in range(self.chance.choice([10, 200, 3_000])):
                deep = [deep]
            return deep
        if isinstance(node, dict):
            changed = {key: self.value(child, depth + 1) for key, child in node.items() if self.chance.random() > 0.03}
            if self.chance.random() < 0.05:
                changed[self.chance.choice(["name", "shape", "x" * 300, "", "data", "ü"])] = self.chance.choice(ODD)
            return changed
        if isinstance(node, list):
            changed_list = [self.value(child, depth + 1) for child in node if self.chance.random() > 0.03]
            if changed_list and self.chance.random() < 0.05:
                changed_list *= self.chance.choice([2, 3, 1_000])
            return changed_list
        if isinstance(node, str) and draw < 0.12:
            return node[: self.chance.randint(0, len(node))] + self.chance.choice(
                ["'", '"', "%", "\\", "\u0000", "`", "\U0001f600", "../"]
            )
        if isinstance(node, int | float) and not isinstance(node, bool) and draw < 0.12:
            return self.chance.choice([-node, node * 10**12, str(node), node + 0.5])
        return node

    def text(self, body: object) -> bytes:
        try:
            return json.dumps(body).encode()
        except RecursionError:
            return b"[" * 5_000 + b"]" * 5_000

    def raw(self, content: bytes) -> bytes:
        """``content`` with bytes flipped, cut or repeated, now and then."""
        draw = self.chance.random()
        if draw < 0.15 and content:
            changed = bytearray(content)
            for _ in range(self.chance.randint(1, 5)):
                changed[self.chance.randrange(len(changed))] = self.chance.randrange(256)
            return bytes(changed)
        if draw < 0.2:
            return content[: self.chance.randint(0, len(content))]
        if draw < 0.22:
            return content * self.chance.choice([2, 50])
        return content


def binary(mutation: Mutation) -> tuple[bytes, dict[str, str]]:
    """A V2 request with binary tensors, right or nearly so."""
    numbers = struct.pack("<2q", 25, 60)
    texts = b"".join(struct.pack("<I", len(one)) + one for one in (b"basic", b"\xff\xfe\x00"))
    sizes = [len(texts), len(numbers)]
    if mutation.chance.random() < 0.5:
        sizes[mutation.chance.randrange(2)] += mutation.chance.choice([-1, 1, 8, 2**31, -(2**31)])
    head = {
        "inputs": [
            {"name": "plan", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": sizes[0]}},
            {"name": "age", "shape": [2], "datatype": "INT64", "parameters": {"binary_data_size": sizes[1]}},
        ]
    }
    text = mutation.text(mutation.value(head))
    length = len(text) + (mutation.chance.choice([0, 0, 0, 1, -1, 10**6]))
    return text + mutation.raw(texts + numbers), {"Inference-Header-Content-Length": str(length)}


class Fuzzer(threading.Thread):
    """One connection's requests; what failed is kept with its request."""

    def __init__(self, port: int, seed: int, base: list[tuple[str, str, object]], end: float) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.mutation = Mutation(random.Random(seed))
        self.base = base
        self.end = end
        self.answers: collections.Counter[int] = collections.Counter()
        self.failed: list[str] = []

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        chance = self.mutation.chance
        method, path, body = chance.choice(self.base)
        headers = {"Content-Type": "application/json"}
        if body is None:
            if chance.random() < 0.5:
                path += chance.choice(
                    ["%00", "%ff", "&page_token=%27", "&max_results=-1", "&limit=99999999999", "%2e%2e%2f", "&" * 50]
                )
            return method, path, b"", headers
        if "/infer" in path and chance.random() < 0.25:
            content, extra = binary(self.mutation)
            return method, path, content, {**headers, **extra}
        content = self.mutation.raw(self.mutation.text(self.mutation.value(body)))
        draw = chance.random()
        if draw < 0.05:
            content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
        elif draw < 0.07:
            content, headers["Content-Encoding"] = gzip.compress(b" " * 50_000_000 + content), "gzip"
        elif draw < 0.09:
            headers["Content-Encoding"] = chance.choice(["gzip", "deflate", "br", "x"])
        elif draw < 0.12:
            headers["Content-Type"] = chance.choice(
                ["text/csv", "application/x-protobuf", "", "application/octet-stream", "text/plain; charset=x"]
            )
        return method, path, content, headers

    def run(self) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while time.monotonic() < self.end:
            method, path, content, headers = self.request()
            try:
                wire.request(method, path, content, headers)
                answer = wire.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as failure:
                # A server may close while a refused body is still being sent; that it lives on is seen at the next request.
                self.answers[0] += 1
                wire.close()
                wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                if isinstance(failure, ConnectionRefusedError | TimeoutError):
                    self.failed.append(f"{type(failure).__name__} after {method} {path} {content[:300]!r}")
                    time.sleep(1)
                continue
            self.answers[answer.status] += 1
            if answer.status in (500, 502):
                self.failed.append(f"{answer.status} {text[:300]!r} to {method} {path} {headers} {content[:600]!r}")
        wire.close()


def grown(before: dict, after: dict) -> bool:
    return after["threads"] > before["threads"] + 300 or after["files"] > before["files"] + 200


def settled(server: Server, before: dict) -> dict:
    """What the server holds once its requests are over, which takes it a while."""
    deadline = time.monotonic() + PATIENCE
    while grown(before, after := measure(server, None)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return after


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = Server()
    try:
        folder = tabular_project()
        for words in (("apply", "-f", str(folder)), ("run", "train")):
            done = command(*words, "--server", server.url)
            assert done.returncode == 0, done.stdout + done.stderr
        experiment = server.call("POST", "/api/2.0/mlflow/experiments/create", {"name": "fuzz"})[1]["experiment_id"]
        run = server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": experiment})[1]["run"]["info"]["run_id"]
        before = measure(server, None)
        end = time.monotonic() + options.minutes * 60
        fuzzers = [Fuzzer(server.port, options.seed + place, seeds(experiment, run), end) for place in range(THREADS)]
        for fuzzer in fuzzers:
            fuzzer.start()
        for fuzzer in fuzzers:
            fuzzer.join(options.minutes * 60 + PATIENCE)
        ended = server.process.poll() is not None
        after = before if ended else settled(server, before)
        healthy = not ended and server.get("/health")[0] == 200
        answers: collections.Counter[int] = collections.Counter()
        for fuzzer in fuzzers:
            answers += fuzzer.answers
        failed = [failure for fuzzer in fuzzers for failure in fuzzer.failed]
        print(json.dumps({"answers": answers, "before": before, "after": after}))
    finally:
        server.close()
    if ended:
        failed.append("the server ended: " + (server.directory / "server.log").read_text()[-1_000:])
    elif not healthy:
        failed.append("no answer from /health afterwards")
    if grown(before, after):
        failed.append(f"threads or files grew: {before} to {after}")
    for failure in failed[:50]:
        print("not as it must be: " + failure, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
