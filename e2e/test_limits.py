"""What waits is bounded, and leaves room for everybody else."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
import unittest
import urllib.parse

from harness import Server


class LimitsTest(unittest.TestCase):
    def test_streams_beyond_the_most_are_refused_and_freed_when_clients_go(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        files = 1_000 if before[1] == resource.RLIM_INFINITY else min(1_000, before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
        server = Server()
        self.addCleanup(server.close)
        port = urllib.parse.urlsplit(server.url).port

        def stream() -> tuple[socket.socket, bytes]:
            wire = socket.create_connection(("127.0.0.1", port), timeout=20)
            wire.sendall(b"GET /api/tidemill/v1/projects/default/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return wire, wire.recv(4096)

        with contextlib.ExitStack() as stack:
            for _ in range(400):
                wire, head = stream()
                stack.callback(wire.close)
                self.assertIn(b" 200 ", head.split(b"\r\n")[0] + b" ")
            wire, refusal = stream()
            wire.close()
            self.assertIn(b" 503 ", refusal.split(b"\r\n")[0] + b" ")
            self.assertIn(b"400 streams of events are open already", refusal)
            self.assertEqual(server.get("/health")[0], 200)
        deadline = time.monotonic() + 60
        while True:
            wire, head = stream()
            wire.close()
            if b" 200 " in head:
                return
            self.assertLess(time.monotonic(), deadline, "streams whose clients have gone are still held")
            time.sleep(0.5)


if __name__ == "__main__":
    unittest.main()
