"""Clients that keep a server busy, each a thread that stops when told and counts what it was answered."""

from __future__ import annotations

import collections
import http.client
import json
import random
import threading
import time

MLFLOW = "/api/2.0/mlflow"
PROJECT = "/api/tidemill/v1/projects/default"

# The server closes a connection that says nothing for half a minute.
KEPT_SECONDS = 20


class Client(threading.Thread):
    """Calls ``turn`` until told to stop, at most ``rate`` times a second; refusals are counted, not raised."""

    def __init__(self, port: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.pause = 1 / rate
        self.stopping = threading.Event()
        self.answers: collections.Counter[int] = collections.Counter()
        self.broken = 0
        self.unexpected: collections.Counter[str] = collections.Counter()
        self.latencies: list[float] = []
        self.wire: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        """Status and answer; status 0 where no answer came, which a killed server explains."""
        try:
            if self.wire is None:
                self.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            sent = json.dumps(body) if body is not None else None
            began = time.perf_counter()
            self.wire.request(method, path, sent, {"Content-Type": "application/json"})
            answer = self.wire.getresponse()
            content = answer.read()
            self.latencies.append(time.perf_counter() - began)
        except (OSError, http.client.HTTPException):
            self.broken += 1
            if self.wire is not None:
                self.wire.close()
            self.wire = None
            return 0, {}
        if self.pause > KEPT_SECONDS:
            self.wire.close()
            self.wire = None
        self.answers[answer.status] += 1
        if answer.status >= 400:
            self.unexpected[f"{answer.status} {method} {path.split('?')[0][:60]}: {content[:160]!r}"] += 1
        return answer.status, json.loads(content or b"{}")

    def run(self) -> None:
        due = time.monotonic()
        while not self.stopping.is_set():
            self.turn()
            due = max(due + self.pause, time.monotonic() - 1)
            self.stopping.wait(max(0.0, due - time.monotonic()))

    def turn(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.stopping.set()


class Neighbour(Client):
    """Logs one point at a time to a run of its own; its latency is what others' work costs.

    After 5,000 points it goes on with a new run; the full one is deleted unless it ``keeps`` them.
    """

    def __init__(self, port: int, rate: float, experiment: str, keeps: bool = True) -> None:
        super().__init__(port, rate)
        self.experiment = experiment
        self.keeps = keeps
        self.run_id = ""
        self.acknowledged: dict[str, int] = {}
        self.step = 0

    def turn(self) -> None:
        if not self.run_id or self.step >= 5_000:
            if self.run_id and not self.keeps:
                self.call("POST", f"{MLFLOW}/runs/delete", {"run_id": self.run_id})
            status, made = self.call("POST", f"{MLFLOW}/runs/create", {"experiment_id": self.experiment})
            if status != 200:
                return
            self.run_id, self.step = made["run"]["info"]["run_id"], 0
        point = {"run_id": self.run_id, "key": "loss", "value": 1 / (self.step + 1), "step": self.step, "timestamp": self.step}
        if self.call("POST", f"{MLFLOW}/runs/log-metric", point)[0] == 200:
            self.acknowledged[self.run_id] = self.step
            self.step += 1


class Tracker(Client):
    """Runs of batches of points, params and tags, then ended; of ``kept_of`` of them one is not deleted, of none every one is."""

    def __init__(self, port: int, rate: float, experiment: str, kept_of: int = 2) -> None:
        super().__init__(port, rate)
        self.experiment = experiment
        self.kept_of = kept_of
        self.made = 0

    def turn(self) -> None:
        status, made = self.call("POST", f"{MLFLOW}/runs/create", {"experiment_id": self.experiment})
        if status != 200:
            return
        run = made["run"]["info"]["run_id"]
        self.made += 1
        for start in range(0, 1_000, 250):
            metrics = [{"key": f"m{s % 5}", "value": s / 7, "timestamp": s, "step": s} for s in range(start, start + 250)]
            params = [{"key": f"p{start + i}", "value": str(i)} for i in range(10)]
            self.call("POST", f"{MLFLOW}/runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
        self.call("POST", f"{MLFLOW}/runs/update", {"run_id": run, "status": "FINISHED"})
        self.call("POST", f"{MLFLOW}/runs/search", {"experiment_ids": [self.experiment], "max_results": 20})
        if not self.kept_of or self.made % self.kept_of:
            self.call("POST", f"{MLFLOW}/runs/delete", {"run_id": run})


class Caller(Client):
    """Asks a deployment for predictions, with ids, and labels them a little later."""

    def __init__(self, port: int, rate: float, model: str, seed: int) -> None:
        super().__init__(port, rate)
        self.model = model
        self.chance = random.Random(seed)
        self.seed = seed
        self.count = 0
        self.waiting: list[str] = []
        self.acknowledged: list[str] = []

    def turn(self) -> None:
        rows = self.chance.choice([1, 1, 1, 8])
        self.count += 1
        body = {
            "id": f"soak-{self.seed}-{self.count}",
            "inputs": [
                {
                    "name": "plan",
                    "shape": [rows],
                    "datatype": "BYTES",
                    "data": [self.chance.choice(["basic", "premium"]) for _ in range(rows)],
                },
                {
                    "name": "age",
                    "shape": [rows],
                    "datatype": "INT64",
                    "data": [self.chance.randint(18, 80) for _ in range(rows)],
                },
                {
                    "name": "support_calls",
                    "shape": [rows],
                    "datatype": "INT64",
                    "data": [self.chance.randint(0, 9) for _ in range(rows)],
                },
                {
                    "name": "visits_per_week",
                    "shape": [rows],
                    "datatype": "FP64",
                    "data": [self.chance.random() * 9 for _ in range(rows)],
                },
                {
                    "name": "monthly_spend",
                    "shape": [rows],
                    "datatype": "FP64",
                    "data": [self.chance.random() * 90 for _ in range(rows)],
                },
            ],
        }
        status, answer = self.call("POST", f"/v2/models/{self.model}/infer", body)
        if status == 200:
            identity = answer.get("id", body["id"])
            # Each row of a request of several is a prediction of its own, called by its number.
            self.acknowledged += [identity] if rows == 1 else [f"{identity}.{row}" for row in range(rows)]
            if rows == 1:
                self.waiting.append(identity)
        if len(self.waiting) >= 200:
            labels = [{"id": one, "value": self.chance.choice(["yes", "no"])} for one in self.waiting]
            if self.call("POST", f"{PROJECT}/deployments/{self.model}/labels", {"labels": labels})[0] in (200, 0):
                self.waiting.clear()


class Purger(Client):
    """Removes deleted runs for good."""

    def turn(self) -> None:
        self.call("POST", f"{PROJECT}/purge", {"all": True})


class Trainer(Client):
    """Starts the template's pipeline and waits for its end."""

    def __init__(self, port: int, rate: float) -> None:
        super().__init__(port, rate)
        self.started: list[str] = []

    def turn(self) -> None:
        status, made = self.call("POST", f"{PROJECT}/pipelines/train/runs", {})
        if status not in (200, 201, 202):
            return
        run = made.get("run", made)["id"]
        self.started.append(run)
        while not self.stopping.wait(1):
            status, answer = self.call("GET", f"{PROJECT}/pipeline-runs/{run}")
            if status == 200 and answer.get("run", answer).get("state") in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
