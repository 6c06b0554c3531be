"""A journal on disk of what a run has told, and what sends it. Everything in it may be sent again."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tidemill._errors import ServerUnavailable, TidemillError

_BATCH = 1000
_API = "/api/2.0/mlflow"


def folder() -> Path:
    """Where journals wait: ``$TIDEMILL_OUTBOX``, else below the user's cache."""
    given = os.environ.get("TIDEMILL_OUTBOX")
    if given:
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tidemill" / "outbox"


class Journal:
    """What one run has told, a line of JSON each, in the order in which it was told. One process writes it.

    Lines survive the end of the process; ``sync`` also the machine's.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "files").mkdir(parents=True, exist_ok=True)
        self._file = (place / "journal.jsonl").open("a", encoding="utf-8")

    def append(self, kind: str, content: dict[str, Any]) -> None:
        self._file.write(json.dumps({"kind": kind, **content}) + "\n")
        self._file.flush()

    def keep(self, source: Path, path: str) -> None:
        """Copies a file, so that what is sent later is what it was now."""
        name = f"{time.time_ns()}"
        shutil.copyfile(source, self.place / "files" / name)
        self.append("file", {"path": path, "name": name})

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class Sender:
    """Sends a journal from where it was left to its end. What has been sent is noted beside the journal."""

    def __init__(self, place: Path, http: httpx.Client, project: str) -> None:
        self._place = place
        self._http = http
        self._project = project
        self._done = place / "sent"
        self._start: dict[str, Any] = {}
        self._artifacts = ""

    def send(self) -> bool:
        """Sends what is there; false while the run has not ended.

        Raises:
            ServerUnavailable: the rest stays for later.
            TidemillError: the server refuses; the journal stays as it is.
        """
        sent = int(self._done.read_text()) if self._done.exists() else 0
        ended = False
        position = 0
        points: list[dict[str, Any]] = []
        for line, after in self._lines():
            entry = json.loads(line)
            kind = entry.pop("kind")
            position = after
            if kind == "start":
                self._begin(entry)
            elif position > sent:
                if kind == "metric":
                    points.append(entry)
                    if len(points) >= _BATCH:
                        self._points(points)
                        points = []
                        self._note(position)
                    continue
                self._points(points)
                points = []
                self._one(kind, entry)
                self._note(position)
            ended = ended or kind == "end"
        self._points(points)
        self._note(max(position, sent))
        return ended

    def _lines(self) -> Iterator[tuple[str, int]]:
        position = 0
        with (self._place / "journal.jsonl").open("rb") as journal:
            for line in journal:
                if not line.endswith(b"\n"):
                    return  # half a line: its writer was ended in the middle of it, or is not done with it
                position += len(line)
                yield line.decode("utf-8"), position

    def _note(self, position: int) -> None:
        aside = self._done.with_suffix(".new")
        aside.write_text(str(position))
        aside.replace(self._done)

    def _call(self, method: str, path: str, body: Any = None, content: Any = None) -> dict[str, Any]:
        headers = {"X-MLFLOW-WORKSPACE": self._project}
        try:
            response = self._http.request(method, path, json=body, content=content, headers=headers)
        except httpx.TransportError as error:
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} does not answer: {error}") from error
        if response.status_code in (429, 502, 503, 504):
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} answers {response.status_code}")
        answer: dict[str, Any] = response.json() if response.content else {}
        if response.is_error:
            code = str(answer.get("error_code") or answer.get("code") or response.status_code)
            raise TidemillError(code, str(answer.get("message") or answer.get("detail") or f"HTTP {response.status_code}"))
        return answer

    def _own(self, path: str, body: Any) -> dict[str, Any]:
        return self._call("POST", f"/api/tidemill/v1/projects/{quote(self._project, safe='')}{path}", body)

    def _begin(self, start: dict[str, Any]) -> None:
        """The experiment and the run; both may be there already."""
        name = quote(start["experiment"], safe="")
        try:
            experiment = self._call("GET", f"{_API}/experiments/get-by-name?experiment_name={name}")["experiment"]
        except TidemillError as refusal:
            if refusal.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            try:
                self._call("POST", f"{_API}/experiments/create", {"name": start["experiment"]})
            except TidemillError as taken:
                if taken.code != "RESOURCE_ALREADY_EXISTS":  # somebody else was quicker
                    raise
            experiment = self._call("GET", f"{_API}/experiments/get-by-name?experiment_name={name}")["experiment"]
        info = {
            "run_id": start["run_id"],
            "experiment_id": experiment["experiment_id"],
            "run_name": start["name"],
            "user_id": start["user"],
            "status": "RUNNING",
            "start_time": start["time"],
        }
        tags = [{"key": key, "value": value} for key, value in start["tags"].items()]
        self._own("/import/runs", {"info": info, "data": {"tags": tags}})
        self._start = {**info, "tags": tags}
        root = self._call("GET", f"{_API}/runs/get?run_id={start['run_id']}")["run"]["info"]["artifact_uri"]
        self._artifacts = root.removeprefix("mlflow-artifacts:/")

    def _points(self, points: list[dict[str, Any]]) -> None:
        if points:
            self._own("/import/points", {"run_id": self._start["run_id"], "metrics": points})

    def _one(self, kind: str, entry: dict[str, Any]) -> None:
        run = self._start["run_id"]
        if kind == "params":
            params = [{"key": key, "value": value} for key, value in entry["values"].items()]
            self._call("POST", f"{_API}/runs/log-batch", {"run_id": run, "params": params})
        elif kind == "tags":
            tags = [{"key": key, "value": value} for key, value in entry["values"].items()]
            self._call("POST", f"{_API}/runs/log-batch", {"run_id": run, "tags": tags})
        elif kind == "file":
            with (self._place / "files" / entry["name"]).open("rb") as content:
                path = quote(f"{self._artifacts}/{entry['path']}")
                self._call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content)
        elif kind == "end":
            self._call("POST", f"{_API}/runs/update", {"run_id": run, "status": entry["status"], "end_time": entry["time"]})
