"""A journal on disk of what a run has told, and what sends it. Everything in it may be sent again."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tidemill import _lock
from tidemill._errors import ServerUnavailable, TidemillError

_BATCH = 1000
_TEXTS = 100
_LAST = 4096  # bytes that hold the last line, if it ends a run
_API = "/api/2.0/mlflow"


def folder() -> Path:
    """Where journals wait: ``$TIDEMILL_OUTBOX``, else below the user's cache."""
    given = os.environ.get("TIDEMILL_OUTBOX")
    if given:
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tidemill" / "outbox"


def begins(place: Path) -> bool:
    """Whether a journal's first line, which names its run, is there to its end: without it nobody can send the rest."""
    with (place / "journal.jsonl").open("rb") as lines:
        first = lines.readline()
    return first.endswith(b"\n") and (_entry(first) or {}).get("kind") == "start"


def is_whole(place: Path) -> bool:
    """Whether a journal ends with a whole line, or has none."""
    journal = place / "journal.jsonl"
    if not journal.exists() or journal.stat().st_size == 0:
        return True
    with journal.open("rb") as lines:
        lines.seek(-1, os.SEEK_END)
        return lines.read(1) == b"\n"


class Journal:
    """What one run has told, a line of JSON each, in the order in which it was told. One process writes it.

    Its folder is locked until it is closed. Lines survive the end of the process; ``sync`` also the machine's.
    """

    def __init__(self, place: Path, lock: _lock.Lock | None = None) -> None:
        """
        Args:
            lock: of the folder, if whoever opens the journal has it already; it stays with them.

        Raises:
            BlockingIOError: another process writes it.
            OSError: the disk does not take it.
        """
        self.place = place
        (place / "files").mkdir(parents=True, exist_ok=True)
        # Before there is a journal: nobody ever sees one that is not locked while it is written.
        self._lock = None if lock else _lock.Lock(place)
        # The process that wrote it before may have been ended in the middle of a line.
        self._torn = not is_whole(place)
        self._file = (place / "journal.jsonl").open("ab", buffering=0)

    def append(self, kind: str, content: dict[str, Any]) -> None:
        """
        Raises:
            OSError: the disk does not take it; later lines are not harmed by what may have been written of this one.
        """
        line = json.dumps({"kind": kind, **content}).encode() + b"\n"
        written = 0
        try:
            if self._torn:
                line = b"\n" + line
            while written < len(line):
                written += self._file.write(line[written:])
            self._torn = False
        finally:
            self._torn = self._torn or 0 < written < len(line)

    def keep(self, source: Path, path: str) -> None:
        """Copies a file, so that what is sent later is what it was now."""
        name = f"{time.time_ns()}"
        shutil.copyfile(source, self.place / "files" / name)
        self.append("file", {"path": path, "name": name})

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        if self._lock:
            self._lock.release()


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line says; nothing if it is not one that a journal writes."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "kind" in entry else None


class RefusedError(Exception):
    """One thing that was told cannot be taken, now or later; the rest can."""


class Sender:
    """Sends a journal from where it was left to its end; what has been sent is noted beside the journal and not read again.

    What the server refuses of it is kept in ``refused.jsonl`` with the reason, and the rest goes on.

    Attributes:
        refused: how many lines the server did not take.
    """

    def __init__(self, place: Path, http: httpx.Client, project: str) -> None:
        self._place = place
        self._http = http
        self._project = project
        self._done = place / "sent"
        self._sent = self._noted()
        self._run = ""
        self._artifacts = ""
        self._ended = False
        self.refused = 0
        self.first_refusal = ""

    def _noted(self) -> int:
        """How many bytes have been sent; none where the note was lost with the machine: all may be sent again."""
        try:
            position = int(self._done.read_text())
        except (OSError, ValueError):
            return 0
        return position if 0 <= position <= (self._place / "journal.jsonl").stat().st_size else 0

    def send(self) -> bool:
        """Sends what is there; false while the run has not ended.

        Raises:
            ServerUnavailable: the rest stays for later.
            TidemillError: the server refuses all of it; the journal stays as it is.
        """
        journal = self._place / "journal.jsonl"
        if not self._run:
            with journal.open("rb") as lines:
                first = lines.readline()
                lines.seek(max(0, self._sent - _LAST))
                before = lines.read(min(self._sent, _LAST)).splitlines(keepends=True)
            if not first.endswith(b"\n"):
                return False
            self._ended = bool(before) and (_entry(before[-1]) or {}).get("kind") == "end"
            self._begin(json.loads(first))
            self._sent = max(self._sent, len(first))
        if journal.stat().st_size > self._sent:
            with journal.open("rb") as lines:
                lines.seek(self._sent)
                self._rest(lines)
        return self._ended

    def _rest(self, lines: Iterable[bytes]) -> None:
        position = self._sent
        points: list[dict[str, Any]] = []
        for line in lines:
            if not line.endswith(b"\n"):
                break  # half a line: its writer was ended in the middle of it, or is not done with it
            position += len(line)
            entry = _entry(line)
            if entry and entry["kind"] == "metric":
                del entry["kind"]
                points.append(entry)
                if len(points) == _BATCH:
                    points = self._flush(points, position)
                continue
            points = self._flush(points, position - len(line))
            if entry:
                self._one(entry.pop("kind"), entry)
            elif line.strip():
                self._refuse({"line": line.decode("utf-8", "replace")}, "it was not written to its end")
            self._note(position)
        self._flush(points, position)

    def _flush(self, points: list[dict[str, Any]], position: int) -> list[dict[str, Any]]:
        self._points(points)
        self._note(position)
        return []

    def _refuse(self, what: dict[str, Any], why: str) -> None:
        with (self._place / "refused.jsonl").open("a", encoding="utf-8") as refused:
            refused.write(json.dumps({"refused": what, "reason": why}) + "\n")
        self.first_refusal = self.first_refusal or why
        self.refused += 1

    def _note(self, position: int) -> None:
        if position == self._sent:
            return
        aside = self._done.with_suffix(".new")
        aside.write_text(str(position))
        aside.replace(self._done)
        self._sent = position

    def _call(self, method: str, path: str, body: Any = None, content: Any = None) -> dict[str, Any]:
        headers = {"X-MLFLOW-WORKSPACE": self._project}
        try:
            response = self._http.request(method, path, json=body, content=content, headers=headers)
        except httpx.TransportError as error:
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} does not answer: {error}") from error
        if response.status_code in (429, 500, 502, 503, 504, 507):
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} answers {response.status_code}")
        try:
            answer: dict[str, Any] = response.json() if response.content else {}
        except ValueError as error:
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} does not answer in JSON") from error
        if response.is_error:
            code = str(answer.get("error_code") or answer.get("code") or response.status_code)
            message = str(answer.get("message") or answer.get("detail") or f"HTTP {response.status_code}")
            if response.status_code in (400, 409, 413, 422):
                raise RefusedError(message)
            raise TidemillError(code, message)
        return answer

    def _begin(self, start: dict[str, Any]) -> None:
        """The experiment and the run; both may be there already."""
        path = f"/api/tidemill/v1/projects/{quote(self._project, safe='')}/runs/{start['run_id']}"
        told = {key: start[key] for key in ("experiment", "name", "user", "tags")}
        started = datetime.datetime.fromtimestamp(start["time"] / 1000, datetime.timezone.utc)
        try:
            made = self._call("PUT", path, {**told, "startedAt": started.isoformat().replace("+00:00", "Z")})
        except RefusedError as refusal:
            raise TidemillError("INVALID_ARGUMENT", str(refusal)) from refusal
        self._artifacts = made["artifacts"].removeprefix("mlflow-artifacts:/")
        self._run = start["run_id"]

    def _points(self, points: list[dict[str, Any]]) -> None:
        """All of them at once; where one is refused, the others are told without it."""
        if not points:
            return
        try:
            self._call("POST", f"{_API}/runs/log-batch", {"run_id": self._run, "metrics": points})
        except RefusedError as refusal:
            if len(points) == 1:
                self._refuse({"kind": "metric", **points[0]}, str(refusal))
                return
            middle = len(points) // 2
            self._points(points[:middle])
            self._points(points[middle:])

    def _one(self, kind: str, entry: dict[str, Any]) -> None:
        try:
            self._tell(kind, entry)
        except RefusedError as refusal:
            values = entry.get("values", {})
            if len(values) <= 1:
                self._refuse({"kind": kind, **entry}, str(refusal))
                return
            for key, value in values.items():
                self._one(kind, {"values": {key: value}})

    def _tell(self, kind: str, entry: dict[str, Any]) -> None:
        if kind in ("params", "tags"):
            texts = [{"key": key, "value": value} for key, value in entry["values"].items()]
            for start in range(0, len(texts), _TEXTS):
                self._call("POST", f"{_API}/runs/log-batch", {"run_id": self._run, kind: texts[start : start + _TEXTS]})
        elif kind == "file":
            try:
                content = (self._place / "files" / entry["name"]).open("rb")
            except OSError as missing:
                raise RefusedError(f"its copy cannot be read: {missing}") from missing
            with content:
                path = quote(f"{self._artifacts}/{entry['path']}")
                self._call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content)
        elif kind == "end":
            self._ended = True
            told = {"run_id": self._run, "status": entry["status"], "end_time": entry["time"]}
            self._call("POST", f"{_API}/runs/update", told)
