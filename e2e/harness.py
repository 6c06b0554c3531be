"""Starts, kills and calls real servers and commands, from nothing but the launcher and the standard library."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar

# Tests talk to nobody but themselves. MLflow's telemetry also changes the environment on a thread of its own, and a request that
# its client makes meanwhile fails with KeyError (seen with 3.17.2).
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

T = TypeVar("T")

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "tidemill"
# Seconds to wait for a condition or an answer before a test fails. A quiet machine takes a moment; one with two slow cores
# that does other things takes many times that. Tests that pass never wait so long, so nothing asks for a shorter one.
PATIENCE = 180
# Seconds for a whole program, which may wait for conditions itself: its own complaint tells more than that it was ended.
PROGRAM_PATIENCE = 4 * PATIENCE
SHARED = pathlib.Path(os.environ.get("TIDEMILL_SHARED", ROOT.parent / "shared"))
PROJECT = "bike-sharing"


def free_port() -> int:
    """A port that nobody listens on, and that no outgoing connection is given while the server that had it is restarted.

    A client that calls a dead server again and again may otherwise be given that very port as its own, and connect to itself.
    """
    ephemeral = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(ephemeral.read_text().split()[0]) if ephemeral.exists() else 0
    chance = random.SystemRandom()  # tests seed the common one
    for _ in range(100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", chance.randrange(10_000, first) if first > 20_000 else 0))
            return probe.getsockname()[1]
    raise AssertionError("no port is free")


def command(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Runs ``./tidemill`` to its end; fails the test after ``timeout`` seconds (``PROGRAM_PATIENCE`` unless given)."""
    options.setdefault("timeout", PROGRAM_PATIENCE)
    return subprocess.run([str(LAUNCHER), *arguments], capture_output=True, text=True, **options)


def tabular_project() -> pathlib.Path:
    """An untouched copy of the tabular template."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-project-")) / "mine"
    result = command("init", str(folder), "--template", "tabular")
    assert result.returncode == 0, result.stderr
    return folder


def until(what: str, condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What a condition gives once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def is_there(address: str | urllib.request.Request) -> bool:
    """Whether a server answers, and not with an error."""
    try:
        urllib.request.urlopen(address, timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def postgres_schema() -> str | None:
    """Address of a fresh schema in the PostgreSQL that the environment names; none where there is no such server."""
    address = os.environ.get("TIDEMILL_TEST_POSTGRES", "")
    if not address or not shutil.which("psql"):
        return None
    schema = f"e2e_{os.getpid()}_{time.monotonic_ns()}"
    subprocess.run(["psql", "-q", address, "-c", f"CREATE SCHEMA {schema}"], check=True)
    drop = ["psql", "-q", address, "-c", f"DROP SCHEMA IF EXISTS {schema} CASCADE"]
    atexit.register(subprocess.run, drop, stderr=subprocess.DEVNULL, timeout=PATIENCE)
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
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError("the server ended: " + (self.directory / "server.log").read_text()[-2000:])
            if is_there(self.url + "/health"):
                return process
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
        return self._call(method, path, body)[:2]

    def ask(self, method: str, path: str, body=None):
        """Status and parsed answer, asked for again as long as the server says that it has no room for the request now."""
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer, again = self._call(method, path, body)
            if status != 503 or again is None or time.monotonic() > deadline:
                return status, answer
            time.sleep(int(again))

    def _call(self, method: str, path: str, body) -> tuple:
        """Status, parsed answer, and after how many seconds the server wants to be asked again if it says so."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                content = answer.read() or b"null"
                is_json = answer.headers.get_content_type().endswith("json")
                return answer.status, json.loads(content) if is_json else content.decode(), None
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read() or b"null"), refusal.headers.get("Retry-After")

    def close(self) -> None:
        """Ends it as an operator does; one that does not end fails the test."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end: {(self.directory / 'server.log').read_text()[-2000:]}") from None
        finally:
            self.log.close()


class Front:
    """One address before several servers, as a load balancer gives them: a connection goes to one that says that it is ready."""

    def __init__(self, *servers: Server) -> None:
        self.servers = servers
        front = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                chosen = front.ready()
                if chosen is None:
                    return
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", chosen.port)) as behind:
                    back = threading.Thread(target=pump, args=(behind, self.request))
                    back.start()
                    pump(self.request, behind)
                    back.join()

        self.listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self.listener.daemon_threads = True
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.server_address[1]}"

    def ready(self) -> Server | None:
        """The first server that is ready now."""
        return next((server for server in self.servers if is_there(server.url + "/ready")), None)

    def close(self) -> None:
        self.listener.shutdown()
        self.listener.server_close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Passes on what comes, to the end."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


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
