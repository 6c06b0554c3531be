"""Starts, kills and calls real servers and commands, from nothing but the launcher and the standard library."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "tidemill"
# A server is ready within two seconds, but on a machine that does other things.
START_SECONDS = 180
SHARED = pathlib.Path(os.environ.get("TIDEMILL_SHARED", ROOT.parent / "shared"))
PROJECT = "bike-sharing"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Runs ``./tidemill`` to its end; fails the test after ``timeout`` seconds (600 unless given)."""
    options.setdefault("timeout", 600)
    return subprocess.run([str(LAUNCHER), *arguments], capture_output=True, text=True, **options)


def tabular_project() -> pathlib.Path:
    """An untouched copy of the tabular template."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-project-")) / "mine"
    result = command("init", str(folder), "--template", "tabular")
    assert result.returncode == 0, result.stderr
    return folder


def until(what: str, condition: Callable[[], T], seconds: float = 60) -> T:
    """What a condition gives once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def postgres_schema() -> str | None:
    """Address of a fresh schema in the PostgreSQL that the environment names; none where there is no such server."""
    address = os.environ.get("TIDEMILL_TEST_POSTGRES", "")
    if not address or not shutil.which("psql"):
        return None
    schema = f"e2e_{os.getpid()}_{time.monotonic_ns()}"
    subprocess.run(["psql", "-q", address, "-c", f"CREATE SCHEMA {schema}"], check=True)
    drop = ["psql", "-q", address, "-c", f"DROP SCHEMA IF EXISTS {schema} CASCADE"]
    atexit.register(subprocess.run, drop, stderr=subprocess.DEVNULL, timeout=60)
    return f"{address}?schema={schema}"


class Server:
    """A server in a directory of its own, on one port for life, however often it is killed."""

    def __init__(self, *flags: str, directory: pathlib.Path | None = None, environment: dict[str, str] | None = None) -> None:
        self.directory = directory or pathlib.Path(tempfile.mkdtemp(prefix="tidemill-e2e-"))
        self.port = free_port()
        self.flags = flags
        self.environment = {**os.environ, **(environment or {})}
        self.log = (self.directory / "server.log").open("a", encoding="utf-8")
        self.process = self._launch()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc(self) -> str:
        """Host and port of gRPC, as the server itself tells."""
        return json.loads((self.directory / "data" / "server.json").read_text())["grpc"]

    def _launch(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [
                str(LAUNCHER),
                "server",
                "--port",
                str(self.port),
                "--grpc-port",
                "0",
                "--data-dir",
                str(self.directory / "data"),
                *self.flags,
            ],
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError("the server ended: " + (self.directory / "server.log").read_text()[-2000:])
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=1) as answer:
                    if answer.status == 200:
                        return process
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the server did not become ready")

    def kill(self) -> None:
        """SIGKILL: no chance to save anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.process = self._launch()

    def get(self, path: str):
        return self.call("GET", path)

    def call(self, method: str, path: str, body=None):
        """Status and parsed answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read() or b"null"
                is_json = answer.headers.get_content_type().endswith("json")
                return answer.status, json.loads(content) if is_json else content.decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()


def outcome(server: Server) -> dict:
    """What a replay has come to, without anything that may differ between two runs: ids and wall times."""
    base = f"/api/tidemill/v1/projects/{PROJECT}"
    versions = server.get(f"{base}/models/bike-demand")[1]["versions"]
    decisions = server.get(f"{base}/deployments/bikes/decisions")[1]["decisions"]
    windows = server.get(f"{base}/deployments/bikes/windows")[1]["windows"]
    return {
        "models": [(v["version"], v["folder"], v["stage"], v["metrics"], v["dataDigest"]) for v in versions],
        "decisions": [(d.get("at"), d["action"], d.get("version"), d["reason"]) for d in decisions],
        "windows": [(w["startsAt"], w["rows"], w["labelled"], w.get("error"), w["profile"]) for w in windows],
        "months": server.get(f"{base}/deployments/bikes/report?baseline=1")[1]["months"],
    }
