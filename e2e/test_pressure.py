"""Large bodies, slow bodies and many connections: the server answers everybody else, and stays up."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gzip
import http.client
import json
import os
import random
import resource
import select
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from harness import PATIENCE, ROOT, Server, until

DEFINITIONS = "/api/tidemill/v1/projects/default/definitions"
MLFLOW = "/api/2.0/mlflow"
MLFLOW_PYTHON = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
SMALLEST_HEAP = {"TIDEMILL_HEAP": "512m"}


def call(server: Server, path: str, body: bytes, headers: dict[str, str] | None = None, method: str = "POST"):
    """Status, headers and body of the answer."""
    wire = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(server.url).port, timeout=PATIENCE)
    try:
        wire.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = wire.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        wire.close()


def received(wire: socket.socket, count: int) -> bytes:
    """What came; nothing if the connection was ended, also with bytes of ours that nobody had read: that resets it."""
    wire.settimeout(PATIENCE)
    try:
        return wire.recv(count)
    except ConnectionResetError:
        return b""


def metric(server: Server, name: str) -> float:
    lines = server.get("/metrics")[1].splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))


class MemoryTest(unittest.TestCase):
    """With the heap that the launcher gives at least: what took the process down is answered or refused."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server(environment=SMALLEST_HEAP)
        cls.addClassCleanup(cls.server.close)

    def at_once(self, count: int, path: str, body: bytes, headers: dict[str, str] | None = None) -> list[int]:
        """Statuses of equal requests sent together; the server lives through them and answers small ones beside."""
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            calls = [pool.submit(call, self.server, path, body, headers) for _ in range(count)]
            while not all(one.done() for one in calls):
                self.assertEqual(self.server.get("/health")[0], 200)
                self.assertEqual(self.server.get("/api/tidemill/v1/whoami")[0], 200)
                time.sleep(0.05)
            answers = [one.result() for one in calls]
        for status, sent, content in answers:
            self.assertIn(status, (200, 400, 404, 413, 503), content[:300])
            if status == 503:
                self.assertTrue(int(sent["Retry-After"]) >= 1)
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.get("/health")[0], 200)
        return [status for status, _, _ in answers]

    def test_a_packed_body_of_61_megabytes(self) -> None:
        rows = b'{"instances": [' + b",".join([b'{"a":0}'] * 7_600_000) + b"]}"
        packed = gzip.compress(rows, 9)
        self.assertLess(len(packed), 400_000)
        for path in ("/v2/models/none/infer", "/deployments/none/invocations", "/v1/models/none:predict", "/v1/traces"):
            for count in (1, 4):
                statuses = self.at_once(count, path, packed, {"Content-Encoding": "gzip"})
                self.assertNotIn(200, statuses)

    def test_four_json_bodies_of_14_megabytes(self) -> None:
        numbers = b",".join(b"%.4f" % random.random() for _ in range(2_000_000))
        objects = b",".join([b'{"a":0}'] * 1_750_000)
        lists = b",".join([b"[]"] * 4_600_000)
        for fill in (numbers, objects, lists):
            self.at_once(4, "/deployments/none/invocations", b'{"instances": [' + fill + b"]}")
            self.at_once(4, DEFINITIONS, b'{"files": [' + fill + b"]}")
            self.at_once(4, MLFLOW + "/runs/log-batch", b'{"run_id": "none", "metrics": [' + fill + b"]}")
            tensor = b'{"inputs":[{"name":"x","datatype":"FP64","shape":[2000000],"data":['
            self.at_once(4, "/v2/models/none/infer", tensor + fill + b"]}]}")

    def test_four_tensors_of_15_megabytes(self) -> None:
        size = 15 * 1024 * 1024
        head = json.dumps(
            {
                "inputs": [
                    {"name": "x", "datatype": "FP32", "shape": [1024, size // 4096], "parameters": {"binary_data_size": size}}
                ]
            }
        ).encode()
        statuses = self.at_once(
            4,
            "/v2/models/none/infer",
            head + random.Random(5).randbytes(size),
            {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))},
        )
        self.assertIn(404, statuses)

    def test_a_lone_large_body_is_taken(self) -> None:
        rows = b",".join(b"[%.4f,1]" % random.random() for _ in range(300_000))
        status, _, content = call(self.server, "/deployments/none/invocations", b'{"instances": [' + rows + b"]}")
        self.assertEqual(status, 404, content)

    def test_answers_far_larger_than_their_requests(self) -> None:
        """An answer of ten million numbers, several at once: those that find no memory are refused before they fill it."""
        register = [str(MLFLOW_PYTHON), str(ROOT / "e2e" / "expanding_model.py"), self.server.url, "expanding"]
        done = subprocess.run(register, capture_output=True, text=True, timeout=300, cwd=tempfile.mkdtemp())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = 10_000
        tensor = {"name": "x", "datatype": "FP32", "shape": [rows, 1], "data": [1 + i % 3 for i in range(rows)]}
        infer = "/v2/models/expanding/infer"
        body = json.dumps({"inputs": [tensor]}).encode()
        status, _, content = call(self.server, infer, body)
        self.assertEqual(status, 200, content[:300])
        (output,) = json.loads(content)["outputs"]
        self.assertEqual(output["shape"], [rows, 1024])
        self.assertEqual(sum(output["data"]), sum(range(1024)) * sum(tensor["data"]))
        raw = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
        instances = json.dumps({"instances": [[value] for value in tensor["data"]]}).encode()
        for path, sent in ((infer, body), (infer, raw), ("/v1/models/expanding:predict", instances)):
            self.at_once(2, path, sent)
        status, _, content = call(self.server, infer, json.dumps({"inputs": [tensor | {"shape": [1, 1], "data": [2]}]}).encode())
        self.assertEqual((status, json.loads(content)["outputs"][0]["data"][-1]), (200, 2046))
        self.assert_given_back()

    def test_what_was_taken_is_given_back(self) -> None:
        for _ in range(3):
            self.at_once(4, DEFINITIONS, b'{"files": "' + b"x" * 14_000_000 + b'"}')
        self.assert_given_back()

    def assert_given_back(self) -> None:
        until("no bytes are counted any more", lambda: metric(self.server, "tidemill_requests_memory_bytes") == 0)


class SlowClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server(environment=SMALLEST_HEAP)
        cls.addClassCleanup(cls.server.close)
        cls.port = urllib.parse.urlsplit(cls.server.url).port

    def setUp(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        most = 4_000 if before[1] == resource.RLIM_INFINITY else min(4_000, before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))

    def stalled(self, count: int, path: str, declared: int, sent: int) -> list[socket.socket]:
        wires = []
        for _ in range(count):
            wire = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            self.addCleanup(wire.close)
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {declared}\r\n\r\n"
            wire.setblocking(True)
            wire.sendall(head.encode())
            with contextlib.suppress(OSError):  # refused already, and closed
                wire.sendall(b" " * sent)
            wires.append(wire)
        return wires

    def busy_threads(self) -> float:
        return metric(self.server, "tidemill_http_threads_busy")

    def stalling(self, wires: list[socket.socket]) -> int:
        """How many have neither been answered nor ended."""
        poll = select.poll()
        for wire in wires:
            poll.register(wire, select.POLLIN)
        return len(wires) - len(poll.poll(0))

    def test_1100_stalled_bodies_hold_no_threads_and_are_ended(self) -> None:
        wires: list[socket.socket] = []
        few = False
        for _ in range(11):
            wires += self.stalled(100, DEFINITIONS, 2 << 20, 70_000)
            # In this order: those that stall after it was counted stalled while it was.
            few |= self.busy_threads() < min(100, self.stalling(wires))
        self.assertTrue(few, "there is a busy thread for every body that stalls")
        self.assertEqual(self.server.get("/health")[0], 200)
        self.assertEqual(self.server.get("/ready")[0], 200)
        status, _, content = call(self.server, "/api/tidemill/v1/projects", b'{"name":"slow-%d"}' % time.monotonic_ns())
        self.assertIn(status, (201, 503), content)
        for wire in wires:
            first = received(wire, 200)
            self.assertTrue(first == b"" or b" 408 " in first or b" 503 " in first, first)
        status, answer = self.server.ask("POST", "/api/tidemill/v1/projects", {"name": f"swift-{time.monotonic_ns()}"})
        self.assertEqual(status, 201, answer)

    def test_a_slow_body_is_ended_and_says_why(self) -> None:
        wire = self.stalled(1, DEFINITIONS, 100_000, 10)[0]
        answer = b""
        while part := received(wire, 4096):
            answer += part
        self.assertIn(b" 408 ", answer)
        self.assertIn(b"http.least-bytes-per-second", answer)

    def test_a_slow_upload_loses_its_connection(self) -> None:
        wires = self.stalled(20, "/api/tidemill/v1/projects/default/blobs", 1 << 20, 10)
        for wire in wires:
            self.assertEqual(received(wire, 100), b"")
        until("their threads are free", lambda: self.busy_threads() < 30)

    def test_signing_in_takes_no_more_than_it_needs(self) -> None:
        status, _, content = call(self.server, "/api/tidemill/v1/session", b" " * 5_000)
        self.assertEqual(status, 413, content)
        self.assertIn(b"4096 bytes", content)

    def test_connections_of_one_address_are_bounded(self) -> None:
        server = Server(environment={"TIDEMILL_HTTP_CONNECTIONS_PER_ADDRESS": "50"})
        self.addCleanup(server.close)
        port = urllib.parse.urlsplit(server.url).port
        wires = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(60)]
        for wire in wires:
            self.addCleanup(wire.close)
        until("those above the bound are closed", lambda: self.stalling(wires) <= 50)
        for wire in wires:
            wire.close()

        def healthy() -> bool:
            with contextlib.suppress(OSError):
                return server.get("/health")[0] == 200
            return False

        until("there is room again", healthy)


class DownloadsTest(unittest.TestCase):
    def test_cancelled_downloads_free_their_threads(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        blobs = "/api/tidemill/v1/projects/default/blobs"
        status, _, content = call(server, blobs, os.urandom(30 << 20), {"Content-Type": "application/octet-stream"})
        self.assertEqual(status, 201)
        path = blobs + "/" + json.loads(content)["digest"]
        port = urllib.parse.urlsplit(server.url).port
        for wanted in ("bytes=0-", "bytes=31457281-", "bytes=-5"):
            wires = []
            for _ in range(24):
                wire = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                wire.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: {wanted}\r\n\r\n".encode())
                wires.append(wire)
            for wire in wires:
                self.assertIn(wire.recv(12)[9:12], (b"206", b"416"))
                # Closed with a reset, as by a client that is killed.
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                wire.close()
        until("their threads are free", lambda: metric(server, "tidemill_http_threads_busy") < 12)


if __name__ == "__main__":
    unittest.main()
