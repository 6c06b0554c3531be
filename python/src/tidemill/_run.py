"""Runs that outlive an absent server: everything is written to disk first and sent beside the training."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tidemill import _lock, _outbox
from tidemill._capture import captured
from tidemill._errors import ReplayError, ServerUnavailable

_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


def _millis() -> int:
    return time.time_ns() // 1_000_000


class Run:
    """One run. Logging writes to disk and returns; a thread sends it. Neither the server nor a full disk ends a training.

    Use it in a ``with`` statement. Thread-safe. What goes wrong is said on standard error when it happens first, and at the end.

    Attributes:
        id: 32 hexadecimal digits, the run's id at the server too.
        waiting: folder of what has not been sent; it is gone once the server has all of it. What the server refuses of it stays
            there in ``refused.jsonl``, a line each with the reason.
        error: what hinders sending now, and what was last lost; None while all is well.
    """

    def __init__(
        self,
        experiment: str = "Default",
        *,
        name: str | None = None,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        server: str | None = None,
        token: str | None = None,
        project: str | None = None,
        capture: bool = True,
        patience: float = 5.0,
    ) -> None:
        """
        Args:
            experiment: by name; made at the server if it is missing.
            capture: keep what is needed to make the run again.
            patience: seconds to wait for the server when the run ends; what is left then waits on disk.
        """
        self.id = uuid.uuid4().hex
        self._patience = patience
        self._project = project or os.environ.get("TIDEMILL_PROJECT") or "default"
        address = server or os.environ.get("TIDEMILL_SERVER") or "http://127.0.0.1:8080"
        secret = token or os.environ.get("TIDEMILL_TOKEN")
        self.waiting = _outbox.folder() / self.id
        self._journal = _outbox.Journal(self.waiting)
        (self.waiting / "address").write_text(f"{address}\n{self._project}\n")
        self._http = httpx.Client(
            base_url=address.rstrip("/"), headers={"Authorization": f"Bearer {secret}"} if secret else {}, timeout=30.0
        )
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._process = os.getpid()
        self._said: set[str] = set()
        self._unwritten = 0
        self.error: Exception | None = None
        facts = captured() if capture else None
        told = {str(key): str(value) for key, value in (tags or {}).items()}
        start = {
            "run_id": self.id,
            "experiment": experiment,
            "name": name or f"run-{self.id[:8]}",
            "user": _user(),
            "time": _millis(),
            "tags": {**(facts.tags if facts else {}), **told},
        }
        self._journal.append("start", start)  # the only write that may fail: without a place for its journal no run begins
        self._thread = self._sending()
        if params:
            self.log_params(params)
        if facts:
            for path, text in facts.files.items():
                self.log_text(text, path)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end("FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED")

    def log_metric(self, key: str, value: float, step: int = 0) -> None:
        """One point; NaN and infinities are kept as they are."""
        number = float(value)
        text: float | str = number
        if number != number:
            text = "NaN"
        elif number in (float("inf"), float("-inf")):
            text = "Infinity" if number > 0 else "-Infinity"
        self._tell("metric", {"key": key, "value": text, "timestamp": _millis(), "step": step})

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        for key, value in values.items():
            self.log_metric(key, value, step)

    def log_params(self, values: Mapping[str, object]) -> None:
        """Parameters never change: the first value stays."""
        self._tell("params", {"values": {str(key): str(value) for key, value in values.items()}})

    def set_tags(self, values: Mapping[str, object]) -> None:
        self._tell("tags", {"values": {str(key): str(value) for key, value in values.items()}})

    def log_artifact(self, file: str | os.PathLike[str], folder: str = "") -> None:
        """A copy of a file, or of everything in a folder, as it is now."""
        source = Path(file)
        files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
        for one in files:
            inside = one.name if source.is_file() else f"{source.name}/{one.relative_to(source).as_posix()}"
            self._keep(one, f"{folder.strip('/')}/{inside}" if folder else inside)

    def log_text(self, text: str, path: str) -> None:
        """A text as an artifact."""
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "text"
            file.write_text(text, encoding="utf-8")
            self._keep(file, path)

    def _tell(self, kind: str, content: dict[str, object]) -> None:
        self._write(lambda: self._journal.append(kind, content))

    def _keep(self, file: Path, path: str) -> None:
        self._write(lambda: self._journal.keep(file, path))

    def _write(self, write: Callable[[], None]) -> None:
        with self._lock:
            if self._ended.is_set():
                self._say(f"tidemill: run {self.id} has ended; what is logged to it now is lost")
                return
            try:
                write()
            except OSError as failure:
                self._unwritten += 1
                self.error = failure
                self._say(f"tidemill: run {self.id}: {failure}; what is logged is lost until the disk takes it again")
            if not self._thread.is_alive() and os.getpid() == self._process:
                self._thread = self._sending()

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            print(message, file=sys.stderr)

    def end(self, status: str = "FINISHED") -> None:
        """Ends the run and waits a little for the server; says on standard error what has to wait for later."""
        with self._lock:
            if self._ended.is_set():
                return
            try:
                self._journal.append("end", {"status": status, "time": _millis()})
                self._journal.sync()
            except OSError as failure:
                self.error = failure
            self._journal.close()
            self._ended.set()
        self._thread.join(self._patience)
        if self._unwritten:
            self._say(f"tidemill: run {self.id}: {self._unwritten} entries could not be written to disk and are lost")
        if (self.waiting / "journal.jsonl").exists():
            reason = f": {self.error}" if self.error else ""
            self._say(f"tidemill: run {self.id} waits in {self.waiting}{reason}; `python -m tidemill replay` sends it")

    def _sending(self) -> threading.Thread:
        thread = threading.Thread(target=self._send_until_ended, name=f"tidemill-{self.id[:8]}", daemon=True)
        thread.start()
        return thread

    def _send_until_ended(self) -> None:
        """Whatever fails, it is tried again: by the next attempt, or by a thread that the next call of the run starts."""
        sender = _outbox.Sender(self.waiting, self._http, self._project)
        pause = _PAUSE
        last = 0.2
        while True:
            ending = self._ended.is_set()
            if ending and not (self.waiting / "journal.jsonl").exists():
                return  # somebody replayed it
            try:
                done = sender.send()
                self.error = None
                pause = _PAUSE
                if sender.refused:
                    where = self.waiting / "refused.jsonl"
                    self._say(f"tidemill: run {self.id}: the server refuses {sender.first_refusal!r}; see {where}")
                if done:
                    _remove(self.waiting)
                    return
            except ServerUnavailable as away:
                self.error = away
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception as failure:  # the thread must not end before the run does
                # Logging goes on to disk, and what hinders may be mended meanwhile: a right, a deleted experiment.
                self.error = failure
                self._say(f"tidemill: run {self.id} is not sent, and tried again: {failure}")
                pause = min(pause * 2, _LONGEST_PAUSE)
                sender = _outbox.Sender(self.waiting, self._http, self._project)
            if ending:
                time.sleep(last)
                last = min(last * 1.2, _LONGEST_PAUSE)
            else:
                self._ended.wait(pause)


def _remove(place: Path, lock: _lock.Lock | None = None) -> None:
    """All that was sent; what was refused stays for whoever looks."""
    (place / "journal.jsonl").unlink(missing_ok=True)  # first: without it nobody looks at the rest
    if lock:
        lock.release()  # a file that is open cannot be deleted on every system
    if not (place / "refused.jsonl").exists():
        shutil.rmtree(place, ignore_errors=True)
        return
    shutil.rmtree(place / "files", ignore_errors=True)
    for file in ("sent", "address", _lock.FILE):
        (place / file).unlink(missing_ok=True)


def start_run(experiment: str = "Default", **more: object) -> Run:
    """Starts a run; see :class:`Run` for the arguments."""
    return Run(experiment, **more)  # type: ignore[arg-type]


def replay(server: str | None = None, *, token: str | None = None) -> list[str]:
    """Sends every run that waits on disk, those that have not ended as killed.

    A run whose process lives is left to it. A journal that does not even say which run it is of was never begun; it stays as it
    is. Both are named on standard error.

    Args:
        server: where to; the server that each run was meant for, if not given.

    Returns:
        ids of the runs that the server has now.

    Raises:
        ReplayError: some were not sent, after all of them were tried; they wait on.
    """
    sent = []
    failed: dict[str, Exception] = {}
    away: dict[str, ServerUnavailable] = {}
    for place in sorted(_outbox.folder().glob("*")):
        if not (place / "journal.jsonl").exists():
            continue
        try:
            if _replay_one(place, server, token or os.environ.get("TIDEMILL_TOKEN"), away):
                sent.append(place.name)
        except BlockingIOError:
            print(f"tidemill: run {place.name} goes on in another process, which sends it", file=sys.stderr)
        except Exception as failure:  # whatever is wrong with one run, the next may be sent
            failed[place.name] = failure
    if failed:
        raise ReplayError(sent, failed)
    return sent


def _replay_one(place: Path, server: str | None, secret: str | None, away: dict[str, ServerUnavailable]) -> bool:
    """Whether the server has all of a run now; then it waits no more.

    Args:
        away: servers that do not answer; they are not asked for every run how long they take for it.

    Raises:
        BlockingIOError: another process has it.
        TidemillError: it is refused, or nobody answers.
    """
    lock = _lock.Lock(place)
    try:
        if not (place / "journal.jsonl").exists():
            _remove(place, lock)  # another replay sent it, just now
            return False
        if not _outbox.begins(place) or not (place / "address").exists():
            print(f"tidemill: {place} does not say which run it is of, and is not sent; delete it", file=sys.stderr)
            return False
        address, project = (place / "address").read_text().splitlines()[:2]
        address = (server or address).rstrip("/")
        if address in away:
            raise away[address]
        try:
            done = _send_all(place, address, project, secret, lock)
        except ServerUnavailable as failure:
            if isinstance(failure.__cause__, httpx.TransportError):
                away[address] = failure
            raise
        if done:
            _remove(place, lock)
        return done
    finally:
        lock.release()


def _send_all(place: Path, address: str, project: str, secret: str | None, lock: _lock.Lock) -> bool:
    """Sends a journal, with an end if it has none; false if it has still none then."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    with httpx.Client(base_url=address, headers=headers, timeout=60.0) as http:
        done = _outbox.Sender(place, http, project).send()
        if done:
            return True
        if not lock.is_held:
            print(
                f"tidemill: the disk of {place} has no locks: nobody knows whether the run goes on, and it stays", file=sys.stderr
            )
            return False
        journal = _outbox.Journal(place, lock)
        journal.append("end", {"status": "KILLED", "time": _millis()})
        journal.close()
        return _outbox.Sender(place, http, project).send()


def _user() -> str:
    with contextlib.suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return ""
