"""What waits is bounded, and leaves room for everybody else."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import resource
import socket
import unittest
import urllib.parse

from harness import PATIENCE, Server, until


class LimitsTest(unittest.TestCase):
    def test_streams_beyond_a_callers_share_are_refused_and_freed_when_clients_go(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        files = 1_000 if before[1] == resource.RLIM_INFINITY else min(1_000, before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
        server = Server()
        self.addCleanup(server.close)
        port = urllib.parse.urlsplit(server.url).port

        def stream() -> tuple[socket.socket, bytes]:
            """A connection and the head of its answer."""
            wire = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            wire.sendall(b"GET /api/tidemill/v1/projects/default/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return wire, wire.recv(4096)

        def accepted() -> bool:
            wire, head = stream()
            wire.close()
            return b" 200 " in head

        with contextlib.ExitStack() as stack:
            for _ in range(100):
                wire, head = stream()
                stack.callback(wire.close)
                self.assertIn(b" 200 ", head.split(b"\r\n")[0] + b" ")
            wire, refusal = stream()
            while b" are open already" not in refusal and (part := wire.recv(4096)):
                refusal += part
            wire.close()
            self.assertIn(b" 503 ", refusal.split(b"\r\n")[0] + b" ")
            self.assertIn(b"100 streams of events of ", refusal)
            self.assertIn(b" are open already", refusal)
            self.assertEqual(server.get("/health")[0], 200)
        until("streams whose clients have gone are freed", accepted)

    def test_large_runs_and_long_metrics_are_answered_by_a_small_heap(self) -> None:
        server = Server(environment={"TIDEMILL_HEAP": "128m"})
        self.addCleanup(server.close)

        def log(run: str, metrics: list[dict[str, object]]) -> None:
            status, answer = server.ask("POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": run, "metrics": metrics})
            self.assertEqual(status, 200, answer)

        runs = []
        values = [{"key": f"metric/{number}", "value": number / 7, "timestamp": 1, "step": 0} for number in range(500)]
        for _ in range(250):
            made = server.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})[1]
            runs.append(made["run"]["info"]["run_id"])
            log(runs[-1], values)
        for start in range(0, 100_000, 1000):
            log(runs[0], [{"key": "long", "value": step, "timestamp": step, "step": step} for step in range(start, start + 1000)])

        def search() -> int:
            found, token, pages = set(), "", 0
            while pages == 0 or token:
                body = {"experiment_ids": ["0"], "max_results": 2000, "page_token": token}
                status, page = server.ask("POST", "/api/2.0/mlflow/runs/search", body)
                self.assertEqual(status, 200, str(page)[:300])
                for run in page["runs"]:
                    self.assertGreaterEqual(len(run["data"]["metrics"]), 500)
                found.update(run["info"]["run_id"] for run in page["runs"])
                token = page.get("next_page_token", "")
                pages += 1
            self.assertEqual(found, set(runs))
            return pages

        def history() -> int:
            path = f"/api/2.0/mlflow/metrics/get-history?run_id={runs[0]}&metric_key=long"
            status, answer = server.ask("GET", path)
            self.assertEqual(status, 200, str(answer)[:300])
            self.assertNotIn("next_page_token", answer)
            self.assertEqual([point["step"] for point in answer["metrics"]], list(range(100_000)))
            return len(answer["metrics"])

        with concurrent.futures.ThreadPoolExecutor(6) as threads:
            answers = [threads.submit(call) for call in (search, history, search, history, search, history)]
            self.assertEqual({answer.result() for answer in answers[1::2]}, {100_000})
            self.assertGreater(min(answer.result() for answer in answers[0::2]), 1, "pages of large runs are shorter")
        self.assertIsNone(server.process.poll(), "the server is still there")


MLFLOW = "/api/2.0/mlflow"
RUNS = "/api/tidemill/v1/projects/default/runs"
PAGE = 16_000_000


class LargeRowsTest(unittest.TestCase):
    """What lists hold together is bounded, however much each of their rows holds."""

    def setUp(self) -> None:
        self.server = Server(environment={"TIDEMILL_HEAP": "512m"})
        self.addCleanup(self.server.close)

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        wire = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(self.server.url).port, timeout=PATIENCE)
        try:
            content = None if body is None else json.dumps(body)
            wire.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
            answer = wire.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            wire.close()

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """The answer, asked for again as often as the server says that it has no memory now."""
        status, answer = self.server.ask(method, path, body)
        self.assertEqual(status, 200, str(answer)[:300])
        return answer

    def at_once(self, count: int, method: str, path: str, body: object = None) -> list[int]:
        """Statuses of equal requests sent together, none of which ends the server."""
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            answers = list(threads.map(lambda _: self.call(method, path, body), range(count)))
        for status, headers, content in answers:
            self.assertIn(status, (200, 503), content[:300])
            if status == 503:
                self.assertGreaterEqual(int(headers["Retry-After"]), 1)
            else:
                json.loads(content)
        self.assertIsNone(self.server.process.poll(), "the server is still there")
        statuses = [status for status, _, _ in answers]
        self.assertIn(200, statuses)
        return statuses

    def run_of(self, batches: int) -> str:
        run = self.ask("POST", MLFLOW + "/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
        for batch in range(batches):
            params = [{"key": f"p{batch}-{number}", "value": "v" * 6000} for number in range(100)]
            tags = [{"key": f"t{batch}-{number}", "value": "w" * 3500} for number in range(90)]
            self.ask("POST", MLFLOW + "/runs/log-batch", {"run_id": run, "params": params, "tags": tags})
        return run

    def pages(self, method: str, path: str, field: str, token: str, name: str, body: dict | None = None) -> list[dict]:
        """All rows of all pages, each of which ends at its bound of bytes or holds a single row."""
        rows: list[dict] = []
        following = ""
        while True:
            if method == "GET":
                page = self.ask("GET", path + (f"{'&' if '?' in path else '?'}{token}={following}" if following else ""))
            else:
                page = self.ask("POST", path, {**(body or {}), **({token: following} if following else {})})
            if len(page[field]) > 1:
                self.assertLess(len(json.dumps(page)), 1.5 * PAGE)
            rows += page[field]
            following = page.get(name, "")
            if not following:
                return rows

    def test_lists_of_large_runs(self) -> None:
        large = [self.run_of(20) for _ in range(6)]
        small = [self.run_of(1) for _ in range(30)]
        runs = set(large + small)

        found = [run["id"] for run in self.pages("GET", RUNS, "runs", "before", "next")]
        self.assertEqual(sorted(found), sorted(runs))
        self.assertEqual(found, sorted(found, reverse=True))
        searched = [run["id"] for run in self.pages("POST", RUNS + "/search", "runs", "token", "next", {})]
        self.assertEqual(sorted(searched), sorted(runs))
        query = {"experiment_ids": ["0"]}
        wire = self.pages("POST", MLFLOW + "/runs/search", "runs", "page_token", "next_page_token", query)
        self.assertEqual([run["info"]["run_id"] for run in wire], searched)
        self.assertEqual({len(run["data"]["params"]) for run in wire}, {2000, 100})

        self.at_once(8, "GET", RUNS)
        self.at_once(8, "POST", RUNS + "/search", {})
        self.at_once(8, "POST", MLFLOW + "/runs/search", query)
        self.at_once(16, "GET", MLFLOW + "/runs/get?run_id=" + large[0])
        self.at_once(12, "GET", RUNS + "/" + large[0])
        self.at_once(12, "POST", MLFLOW + "/runs/update", {"run_id": large[0], "run_name": "again"})
        tagged = self.ask("POST", RUNS + "/bulk", {"action": "tag", "name": "seen", "value": "yes", "filter": ""})
        self.assertEqual(tagged, {"changed": 36})

    def test_a_run_that_no_page_holds(self) -> None:
        run = self.run_of(115)
        one = self.ask("GET", MLFLOW + "/runs/get?run_id=" + run)["run"]
        self.assertEqual(len(one["data"]["params"]), 11_500)
        self.at_once(6, "GET", MLFLOW + "/runs/get?run_id=" + run)
        self.at_once(6, "GET", RUNS + "/" + run)
        self.at_once(6, "POST", MLFLOW + "/runs/search", {"experiment_ids": ["0"]})
        self.at_once(6, "GET", RUNS)

    def twice(self, method: str, path: str, field: str, body: dict | None = None, key: str = "page_token") -> list[dict]:
        """All rows of all pages of MLflow's wire; and then the first page, eight times at once."""
        rows = self.pages(method, path, field, key, "next_page_token", body)
        self.at_once(8, method, path, body)
        return rows

    def test_lists_of_large_models(self) -> None:
        for number in range(40):
            name = f"m{number:02}"
            self.ask("POST", MLFLOW + "/registered-models/create", {"name": name})
            for tag in range(20):
                told = {"name": name, "key": f"t{tag}", "value": "v" * 99_000}
                self.ask("POST", MLFLOW + "/registered-models/set-tag", told)
        for number in range(40):
            self.ask("POST", MLFLOW + "/model-versions/create", {"name": "m00", "source": "s3://bucket/files"})
            for tag in range(20):
                told = {"name": "m00", "version": str(number + 1), "key": f"t{tag}", "value": "v" * 99_000}
                self.ask("POST", MLFLOW + "/model-versions/set-tag", told)

        found = self.twice("GET", MLFLOW + "/registered-models/search?max_results=1000", "registered_models")
        self.assertEqual([model["name"] for model in found], [f"m{number:02}" for number in range(40)])
        self.assertEqual({len(model["tags"]) for model in found}, {20})
        versions = self.twice("GET", MLFLOW + "/model-versions/search?max_results=10000", "model_versions")
        self.assertEqual(sorted(int(version["version"]) for version in versions), list(range(1, 41)))
        self.assertEqual({len(version["tags"]) for version in versions}, {20})
        self.at_once(8, "GET", MLFLOW + "/registered-models/get-latest-versions?name=m00")
        self.at_once(8, "GET", MLFLOW + "/model-versions/get?name=m00&version=7")
        self.at_once(8, "GET", "/api/tidemill/v1/projects/default/models")
        self.bounded(8, "GET", "/api/tidemill/v1/projects/default/models/m00")

    def bounded(self, count: int, method: str, path: str) -> None:
        """A list that has no pages is answered or refused, and the server lives."""
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            answers = list(threads.map(lambda _: self.call(method, path), range(count)))
        for status, _, content in answers:
            self.assertIn(status, (200, 413, 503), content[:300])
        self.assertIsNone(self.server.process.poll(), "the server is still there")

    def test_lists_of_large_traces(self) -> None:
        group = self.ask("POST", MLFLOW + "/experiments/create", {"name": "traces"})["experiment_id"]
        ids = []
        for number in range(60):
            trace = f"{number + 1:032x}"
            span = {
                "traceId": trace,
                "spanId": f"{number + 1:016x}",
                "name": "call",
                "startTimeUnixNano": str(1_700_000_000_000_000_000 + number * 1_000_000_000),
                "endTimeUnixNano": str(1_700_000_000_500_000_000 + number * 1_000_000_000),
                "attributes": [{"key": f"a{part}", "value": {"stringValue": "x" * 100_000}} for part in range(15)],
            }
            status, _, content = self.call(
                "POST",
                "/v1/traces",
                {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
                {"x-mlflow-experiment-id": group},
            )
            self.assertEqual(status, 200, content[:300])
            ids.append("tr-" + trace)
            for tag in range(0, 100):
                self.ask("PATCH", f"/api/3.0/mlflow/traces/tr-{trace}/tags", {"key": f"t{tag}", "value": "y" * 7_900})

        where = {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": group}}], "max_results": 500}
        found = self.twice("POST", "/api/3.0/mlflow/traces/search", "traces", where)
        self.assertEqual([trace["trace_id"] for trace in found], ids[::-1])
        older = f"/api/2.0/mlflow/traces?experiment_ids={group}&max_results=500"
        self.assertEqual([trace["request_id"] for trace in self.twice("GET", older, "traces")], ids[::-1])
        batch = "/api/3.0/mlflow/traces/batchGet?" + "&".join(f"trace_ids={one}" for one in ids)
        whole = self.ask("GET", batch)["traces"]
        self.assertEqual([trace["trace_info"]["trace_id"] for trace in whole], ids)
        self.assertEqual({len(trace["spans"][0]["attributes"]) >= 15 for trace in whole}, {True})
        self.at_once(8, "GET", batch)
        infos = self.ask("POST", "/api/3.0/mlflow/traces/batchGetInfos", {"trace_ids": ids[::-1]})["trace_infos"]
        self.assertEqual([info["trace_id"] for info in infos], ids[::-1])
        self.at_once(8, "POST", "/api/3.0/mlflow/traces/batchGetInfos", {"trace_ids": ids})
        self.at_once(12, "GET", "/api/3.0/mlflow/traces/get?trace_id=" + ids[0])

    def test_lists_of_large_logged_models_and_experiments(self) -> None:
        group = self.ask("POST", MLFLOW + "/experiments/create", {"name": "models"})["experiment_id"]
        for number in range(30):
            params = [{"key": f"p{part}", "value": "v" * 6_000} for part in range(100)]
            told = {"experiment_id": group, "name": f"m{number}", "params": params}
            model = self.ask("POST", MLFLOW + "/logged-models", told)["model"]["info"]["model_id"]
            for batch in range(4):
                tags = [{"key": f"t{batch}-{part}", "value": "w" * 7_900} for part in range(100)]
                self.ask("PATCH", f"{MLFLOW}/logged-models/{model}/tags", {"tags": tags})
        asked = {"experiment_ids": [group], "max_results": 1000}
        found = self.twice("POST", MLFLOW + "/logged-models/search", "models", asked)
        self.assertEqual(len({model["info"]["model_id"] for model in found}), 30)
        self.assertEqual({len(model["info"]["tags"]) for model in found}, {400})
        self.at_once(12, "GET", MLFLOW + "/logged-models/" + found[0]["info"]["model_id"])

        for number in range(40):
            name = f"e{number:02}"
            one = self.ask("POST", MLFLOW + "/experiments/create", {"name": name})["experiment_id"]
            for tag in range(100):
                told = {"experiment_id": one, "key": f"t{tag}", "value": "v" * 19_000}
                self.ask("POST", MLFLOW + "/experiments/set-experiment-tag", told)
        asked = {"max_results": 1000, "filter": "name LIKE 'e%'", "order_by": ["name ASC"]}
        experiments = self.twice("POST", MLFLOW + "/experiments/search", "experiments", asked)
        self.assertEqual([one["name"] for one in experiments], [f"e{number:02}" for number in range(40)])

    def test_lists_of_large_records(self) -> None:
        created = self.ask("POST", "/api/3.0/mlflow/datasets/create", {"name": "asked"})["dataset"]["dataset_id"]
        for number in range(60):
            record = {"inputs": {"question": f"{number} " + "q" * 1_000_000}, "expectations": {"answer": "a" * 300_000}}
            self.ask("POST", f"/api/3.0/mlflow/datasets/{created}/records", {"records": json.dumps([record])})
        path = f"/api/3.0/mlflow/datasets/{created}/records?max_results=1000"
        records: list[dict] = []
        following = ""
        while True:
            page = self.ask("GET", path + (f"&page_token={following}" if following else ""))
            records += json.loads(page["records"])
            following = page.get("next_page_token", "")
            if not following:
                break
        self.assertEqual([record["inputs"]["question"].split()[0] for record in records], [str(number) for number in range(60)])
        self.at_once(8, "GET", path)

    def test_lists_of_large_events(self) -> None:
        path = "/api/tidemill/v1/projects/default/events?limit=1000&type=external."
        for number in range(600):
            event = {"specversion": "1.0", "id": str(number), "source": "/test", "type": "large", "data": {"text": "x" * 99_000}}
            status, _, content = self.call("POST", "/api/tidemill/v1/events", event)
            self.assertEqual(status, 202, content[:300])
        events = self.pages("GET", path, "events", "before", "next")
        self.assertEqual([event["data"]["id"] for event in events], [str(number) for number in range(599, -1, -1)])
        self.at_once(8, "GET", path)

    def test_many_long_curves(self) -> None:
        runs = []
        for _ in range(100):
            run = self.ask("POST", MLFLOW + "/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
            for first in range(0, 2_500, 1_000):
                steps = range(first, min(2_500, first + 1_000))
                metrics = [{"key": "loss", "value": step / 7, "timestamp": step, "step": step} for step in steps]
                self.ask("POST", MLFLOW + "/runs/log-batch", {"run_id": run, "metrics": metrics})
            runs.append(run)
        query = urllib.parse.urlencode({"run_ids": runs, "metric_key": "loss", "max_results": 2_500}, doseq=True)
        path = MLFLOW + "/metrics/get-history-bulk-interval?" + query
        points = self.ask("GET", path)["metrics"]
        self.assertEqual(len(points), 250_000)
        self.assertEqual({point["run_id"] for point in points}, set(runs))
        self.at_once(8, "GET", path)
        curves = {"runs": runs, "metric": "loss", "buckets": 1_000}
        self.at_once(8, "POST", RUNS + "/curves", curves)


if __name__ == "__main__":
    unittest.main()
