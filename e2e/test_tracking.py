"""Tracking under attack and under SIGKILL: nothing acknowledged is lost or doubled, and no path leads out."""

from __future__ import annotations

import http.client
import json
import pathlib
import random
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, Server, postgres_schema, until

API = "/api/2.0/mlflow"
CLIENTS = 8
KILLS = 4


class Killed(unittest.TestCase):
    def test_every_acknowledged_point_is_there_once(self) -> None:
        self.log_while_it_is_killed()

    def test_the_same_on_postgresql(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        self.log_while_it_is_killed("--database", address)

    def log_while_it_is_killed(self, *flags: str) -> None:
        server = Server(*flags)
        self.addCleanup(server.close)
        experiment = server.call("POST", f"{API}/experiments/create", {"name": "killed"})[1]["experiment_id"]
        runs = [
            server.call("POST", f"{API}/runs/create", {"experiment_id": experiment})[1]["run"]["info"]["run_id"]
            for _ in range(CLIENTS)
        ]
        acknowledged: list[set[int]] = [set() for _ in runs]
        stop = threading.Event()

        def client(place: int) -> None:
            """Sends batches of new points; one whose answer did not come is sent again, as mlflow's client does."""
            step = 0
            while not stop.is_set():
                metrics = [{"key": "m", "value": s / 7, "timestamp": 1000 + s, "step": s} for s in range(step, step + 20)]
                body = json.dumps({"run_id": runs[place], "metrics": metrics})
                while not stop.is_set():
                    try:
                        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
                        connection.request("POST", f"{API}/runs/log-batch", body, {"Content-Type": "application/json"})
                        status = connection.getresponse().status
                        connection.close()
                    except OSError:
                        time.sleep(0.02)
                        continue
                    except http.client.HTTPException:
                        continue
                    if status == 200:
                        acknowledged[place].update(range(step, step + 20))
                        break
                step += 20

        threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
        for thread in threads:
            thread.start()
        chance = random.Random(7)
        for _ in range(KILLS):
            time.sleep(0.4 + chance.random())
            server.kill()
            server.restart()
        until("every client got through", lambda: min(map(len, acknowledged)) > 0)
        stop.set()
        for thread in threads:
            thread.join()
        for run, known in zip(runs, acknowledged, strict=True):
            points = server.get(f"{API}/metrics/get-history?run_id={run}&metric_key=m")[1]["metrics"]
            steps = [point["step"] for point in points]
            self.assertEqual(len(steps), len(set(steps)), "no point is there twice")
            self.assertLessEqual(known, set(steps), "every acknowledged point is there")
            newest = server.get(f"{API}/runs/get?run_id={run}")[1]["run"]["data"]["metrics"][0]
            self.assertEqual(newest["step"], max(steps), "the latest value is the latest point's")


CLIMBING = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a\\..\\..\\x",
    "..%2Fx",
    "%2e%2e/x",
    "%252e%252e%252fx",
    "file:///etc/passwd",
    "a#b",
]


class Attacked(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        cls.experiment = cls.server.call("POST", f"{API}/experiments/create", {"name": "attacked"})[1]["experiment_id"]
        made = cls.server.call("POST", f"{API}/runs/create", {"experiment_id": cls.experiment})[1]
        cls.run_id = made["run"]["info"]["run_id"]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()

    def raw(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        """A request whose path is sent as it is: libraries would tidy it up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        headers = dict(answer.getheaders())
        connection.close()
        return answer.status, headers, content

    def outside(self) -> set[str]:
        """Everything in the data directory that is not the server's own."""
        return {entry.name for entry in self.server.directory.iterdir()} - {"server.log", "data"}

    def test_artifact_paths_stay_inside(self) -> None:
        before = self.outside()
        for path in CLIMBING:
            for address in (
                path,
                urllib.parse.quote(path, safe=""),
                urllib.parse.quote(urllib.parse.quote(path, safe=""), safe=""),
            ):
                for prefix in ("/api/2.0/mlflow-artifacts/artifacts/", "/api/2.0/mlflow-artifacts/presigned/"):
                    status, _, content = self.raw("GET", prefix + address)
                    self.assertIn(status, (400, 404), (prefix + address, content))
                    self.assertNotIn(b"root:", content)
                status, _, content = self.raw("PUT", "/api/2.0/mlflow-artifacts/artifacts/" + address, b"x")
                self.assertIn(status, (200, 400, 404), (address, content))
                if status == 200:
                    # Taken as a plain name: it can be read back under that name and nowhere else.
                    self.assertNotIn(
                        "..", urllib.parse.unquote(urllib.parse.unquote(address)).replace("\\", "/").split("/"), address
                    )
        self.assertEqual(self.outside(), before)

    def test_paths_in_queries_stay_inside(self) -> None:
        for path in CLIMBING:
            query = urllib.parse.quote(path, safe="")
            for address in (
                f"{API}/artifacts/list?run_id={self.run_id}&path={query}",
                f"/api/2.0/mlflow-artifacts/artifacts?path={query}",
                f"/get-artifact?run_id={self.run_id}&path={query}",
                f"/api/tidemill/v1/projects/default/runs/{self.run_id}/artifacts?path={query}",
            ):
                status, _, content = self.raw("GET", address)
                self.assertIn(status, (200, 400, 404), (address, content))
                self.assertNotIn(b"root:", content)
                if status == 200:
                    self.assertNotIn(b'"files":[{', content.replace(b" ", b""), address)

    def test_locations_and_sources_do_not_climb(self) -> None:
        for location in (
            "../../etc",
            "file:///a/../../etc",
            "s3://b/../x",
            "s3://b/%2e%2e/x",
            "s3://b/x#y",
            "s3://b/x?y",
            "nonsense://x",
        ):
            status, answer = self.server.call(
                "POST", f"{API}/experiments/create", {"name": f"at {location}", "artifact_location": location}
            )
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), (location, answer))
        self.server.call("POST", f"{API}/registered-models/create", {"name": "attacked"})
        for source in ("/etc/passwd", "file:///etc", "../../etc", "s3://b/../x", "http://host/x#y", "mlflow-artifacts:/../x"):
            status, answer = self.server.call(
                "POST", f"{API}/model-versions/create", {"name": "attacked", "source": source, "run_id": self.run_id}
            )
            self.assertEqual((status, answer.get("error_code")), (400, "INVALID_PARAMETER_VALUE"), (source, answer))
        for alias in ("../x", "a/b", "a b", "v1", "latest", "", "x" * 256):
            status, _ = self.server.call(
                "POST", f"{API}/registered-models/alias", {"name": "attacked", "alias": alias, "version": "1"}
            )
            self.assertIn(status, (400, 404), alias)
        for name in ("a/b", "a:b", "..", ""):
            status, _ = self.server.call("POST", f"{API}/registered-models/create", {"name": name})
            self.assertEqual(status, 400, name)

    def test_oversized_keys_and_values(self) -> None:
        run = self.run_id
        for path, body in (
            ("runs/log-parameter", {"run_id": run, "key": "k" * 251, "value": "v"}),
            ("runs/log-metric", {"run_id": run, "key": "k" * 251, "value": 1, "timestamp": 1}),
            ("runs/set-tag", {"run_id": run, "key": "k" * 251, "value": "v"}),
            ("experiments/create", {"name": "n" * 501}),
            ("experiments/set-experiment-tag", {"experiment_id": self.experiment, "key": "k", "value": "v" * 20_001}),
            ("registered-models/create", {"name": "n" * 257}),
            (
                "runs/log-batch",
                {"run_id": run, "metrics": [{"key": "k", "value": 1, "timestamp": 1, "step": s} for s in range(1001)]},
            ),
            ("runs/log-batch", {"run_id": run, "params": [{"key": f"k{i}", "value": "v"} for i in range(101)]}),
        ):
            status, answer = self.server.call("POST", f"{API}/{path}", body)
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), (path, answer))
        deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
        status, _, content = self.raw("POST", f"{API}/runs/create", deep)
        self.assertEqual(status, 400, content[:200])
        status, _, _ = self.raw(
            "POST", f"{API}/runs/search", json.dumps({"filter": "x" * 200_000, "experiment_ids": ["0"]}).encode()
        )
        self.assertEqual(status, 400)

    def test_twelve_thousand_columns(self) -> None:
        """A run with 12,000 metrics is logged, found and listed in time."""
        made = self.server.call("POST", f"{API}/runs/create", {"experiment_id": self.experiment, "run_name": "wide"})[1]
        run = made["run"]["info"]["run_id"]
        for start in range(0, 12_000, 1000):
            metrics = [{"key": f"wide_{i:05}", "value": i, "timestamp": 1, "step": 0} for i in range(start, start + 1000)]
            self.assertEqual(self.server.call("POST", f"{API}/runs/log-batch", {"run_id": run, "metrics": metrics})[0], 200)
        search = {"experiment_ids": [self.experiment], "filter": "metrics.wide_11999 = 11999"}
        found = self.server.call("POST", f"{API}/runs/search", search)[1]["runs"]
        self.assertEqual([one["info"]["run_id"] for one in found], [run])
        self.assertEqual(len(found[0]["data"]["metrics"]), 12_000)

    def test_stored_script_is_never_run_with_our_rights(self) -> None:
        script = b"<script>alert(document.cookie)</script>"
        path = f"/api/2.0/mlflow-artifacts/artifacts/{self.experiment}/{self.run_id}/artifacts/evil.html"
        self.assertEqual(self.raw("PUT", path, script)[0], 200)
        for address in (
            path,
            f"/get-artifact?run_id={self.run_id}&path=evil.html",
            f"/api/tidemill/v1/projects/default/runs/{self.run_id}/files/evil.html",
        ):
            status, headers, content = self.raw("GET", address)
            self.assertEqual((status, content), (200, script), address)
            self.assertIn("sandbox", headers["Content-Security-Policy"])
            self.assertTrue(headers["Content-Disposition"].startswith("attachment"))
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertNotIn("html", headers["Content-Type"])
        name = "<img src=x onerror=alert(1)>"
        made = self.server.call("POST", f"{API}/runs/create", {"experiment_id": self.experiment, "run_name": name})[1]
        self.assertEqual(made["run"]["info"]["run_name"], name, "kept as text; the screens never take text for HTML")

    def test_another_project_sees_nothing(self) -> None:
        address = f"{self.server.url}{API}/runs/search"
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "other"})
        body = json.dumps({"experiment_ids": [self.experiment, "0"]}).encode()
        headers = {"Content-Type": "application/json", "X-MLFLOW-WORKSPACE": "other"}
        with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
            self.assertEqual(json.loads(answer.read()), {})
        for path in (f"{API}/runs/get?run_id={self.run_id}", f"{API}/experiments/get?experiment_id={self.experiment}"):
            request = urllib.request.Request(self.server.url + path, headers=headers)
            with self.assertRaises(urllib.error.HTTPError) as refusal:
                urllib.request.urlopen(request)
            self.assertEqual(refusal.exception.code, 404)

    def test_archives_are_kept_as_files_and_never_unpacked(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp())
        archive = folder / "links.tar"
        (folder / "link").symlink_to("/etc/passwd")
        subprocess.run(["tar", "-C", str(folder), "-cf", str(archive), "link"], check=True)
        content = archive.read_bytes()
        path = f"/api/2.0/mlflow-artifacts/artifacts/{self.experiment}/{self.run_id}/artifacts/links.tar"
        self.assertEqual(self.raw("PUT", path, content)[0], 200)
        self.assertEqual(self.raw("GET", path)[2], content)
        listed = self.server.get(f"{API}/artifacts/list?run_id={self.run_id}&path=links.tar")[1]
        self.assertNotIn("files", listed)


if __name__ == "__main__":
    unittest.main()
