"""What waits is bounded, and leaves room for everybody else."""

from __future__ import annotations

import concurrent.futures
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

    def test_large_runs_and_long_metrics_are_answered_by_a_small_heap(self) -> None:
        server = Server(environment={"TIDEMILL_HEAP": "128m"})
        self.addCleanup(server.close)

        def log(run: str, metrics: list[dict[str, object]]) -> None:
            status, answer = server.call("POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": run, "metrics": metrics})
            self.assertEqual(status, 200, answer)

        runs = []
        values = [{"key": f"metric/{number}", "value": number / 7, "timestamp": 1, "step": 0} for number in range(500)]
        for _ in range(250):
            made = server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})[1]
            runs.append(made["run"]["info"]["run_id"])
            log(runs[-1], values)
        for start in range(0, 100_000, 1000):
            log(runs[0], [{"key": "long", "value": step, "timestamp": step, "step": step} for step in range(start, start + 1000)])

        def search() -> int:
            found, token, pages = set(), "", 0
            while pages == 0 or token:
                body = {"experiment_ids": ["0"], "max_results": 2000, "page_token": token}
                status, page = server.call("POST", "/api/2.0/mlflow/runs/search", body)
                self.assertEqual(status, 200, page)
                for run in page["runs"]:
                    self.assertGreaterEqual(len(run["data"]["metrics"]), 500)
                found.update(run["info"]["run_id"] for run in page["runs"])
                token = page.get("next_page_token", "")
                pages += 1
            self.assertEqual(found, set(runs))
            return pages

        def history() -> int:
            path = f"/api/2.0/mlflow/metrics/get-history?run_id={runs[0]}&metric_key=long"
            status, answer = server.get(path)
            self.assertEqual(status, 200)
            self.assertNotIn("next_page_token", answer)
            self.assertEqual([point["step"] for point in answer["metrics"]], list(range(100_000)))
            return len(answer["metrics"])

        with concurrent.futures.ThreadPoolExecutor(6) as threads:
            answers = [threads.submit(call) for call in (search, history, search, history, search, history)]
            self.assertEqual({answer.result() for answer in answers[1::2]}, {100_000})
            self.assertGreater(min(answer.result() for answer in answers[0::2]), 1, "pages of large runs are shorter")
        self.assertIsNone(server.process.poll(), "the server is still there")


if __name__ == "__main__":
    unittest.main()
