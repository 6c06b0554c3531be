"""The whole loop, as a user runs it, and as it goes when the server is killed again and again."""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest
import zipfile

from harness import LAUNCHER, PROGRAM_PATIENCE, PROJECT, ROOT, SHARED, Front, Server, command, outcome, postgres_schema, until

UNTIL = "2011-06-25T00:00:00Z"
KILLS = int(os.environ.get("TIDEMILL_E2E_KILLS", "8"))
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class LoopTest(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        work = tempfile.mkdtemp(prefix="tidemill-demo-")
        cls.demo = command("demo", "--server", cls.server.url, "--directory", work, "--until", UNTIL)
        cls.work = pathlib.Path(work)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()

    def test_demo_ends_well(self) -> None:
        self.assertEqual(self.demo.returncode, 0, self.demo.stderr)
        self.assertIn("frozen model", self.demo.stdout)
        self.assertIn("<svg", (self.work / "report.svg").read_text())
        months = outcome(self.server)["months"]
        self.assertGreater(sum(month["promotions"] for month in months), 0)
        self.assertLess(
            sum(month["served"] for month in months) / len(months),
            sum(month["baseline"] for month in months) / len(months),
        )

    def test_nothing_later_than_the_watermark_is_seen(self) -> None:
        base = f"/api/tidemill/v1/projects/{PROJECT}"
        decisions = self.server.get(f"{base}/deployments/bikes/decisions")[1]["decisions"]
        at = {decision["version"]: decision["at"] for decision in reversed(decisions)}
        for version in self.server.get(f"{base}/models/bike-demand")[1]["versions"]:
            self.assertLess(version["dataUntil"], at.get(version["version"], "9"), version)
            names = {field["name"] for field in version["signature"]["inputs"]}
            self.assertFalse(names & {"casual", "registered", "rentals", "time"}, names)

    def test_what_a_feature_view_was_materialized_as_can_be_looked_at(self) -> None:
        base = f"/api/tidemill/v1/projects/{PROJECT}"
        views = self.server.get(f"{base}/feature-views")[1]["featureViews"]
        self.assertTrue(views)
        for view in views:
            code, found = self.server.get(f"{base}/data-sets/{view['name']}")
            self.assertEqual(code, 200, found)
            self.assertNotIn("definition", found)
            self.assertGreater(found["versions"][0]["rows"], 0)
            self.assertIn(view["definition"]["label"], [column["name"] for column in found["versions"][0]["columns"]])
        code, found = self.server.get(f"{base}/data-sets/nothing-of-that-name")
        self.assertEqual(code, 404, found)

    def test_killed_again_and_again_while_another_stands_by_it_ends_the_same(self) -> None:
        random.seed(20111)
        first = Server()
        second = Server("--standby", directory=first.directory)
        first.flags = second.flags
        front = Front(first, second)
        try:
            self.assertEqual(second.get("/ready")[0], 503)
            work = tempfile.mkdtemp(prefix="tidemill-killed-")
            demo = subprocess.Popen(
                [str(LAUNCHER), "demo", "--server", front.url, "--directory", work, "--until", UNTIL],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            kills = 0
            while demo.poll() is None:
                time.sleep(random.uniform(1.0, 7.0))
                ready = front.ready()
                if kills < KILLS and ready is not None and demo.poll() is None:
                    ready.kill()
                    kills += 1
                    until("the other takes over", front.ready)
                    ready.restart()
            output = demo.communicate()[0]
            self.assertEqual(demo.returncode, 0, output[-3000:])
            print(f"killed {kills} times")
            self.assertGreaterEqual(kills, 3, "the run was too short to be killed")
            expected, actual = outcome(self.server), outcome(front.ready())
            for part in expected:
                self.assertEqual(expected[part], actual[part], f"{part} differ after {kills} kills")
        finally:
            front.close()
            first.close()
            second.close()

    def test_postgresql_decides_the_same(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        server = Server("--database", address)
        try:
            work = tempfile.mkdtemp(prefix="tidemill-postgres-")
            demo = command("demo", "--server", server.url, "--directory", work, "--until", UNTIL)
            self.assertEqual(demo.returncode, 0, demo.stderr)
            self.assertEqual(server.get("/api/tidemill/v1/server")[1]["database"], "postgresql")
            expected, actual = outcome(self.server), outcome(server)
            for part in expected:
                self.assertEqual(expected[part], actual[part], f"{part} differ")
        finally:
            server.close()

    @unittest.skipUnless(CHROMIUM, "no Chromium on this machine")
    def test_the_screens_show_what_was_done(self) -> None:
        shots = os.environ.get("TIDEMILL_E2E_SHOTS", str(self.work / "shots"))
        result = subprocess.run(
            ["node", str(ROOT / "ui" / "e2e" / "walk.mjs"), self.server.url, PROJECT, CHROMIUM or "", shots],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_mlflow_opens_the_model(self) -> None:
        python = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
        if not python.exists():
            self.skipTest("the MLflow peer is not installed: make peers")
        result = subprocess.run(
            [str(python), str(ROOT / "e2e" / "open_with_mlflow.py"), self.server.url, PROJECT],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class TwoYearsTest(unittest.TestCase):
    def test_the_served_model_stays_good_where_the_frozen_one_does_not(self) -> None:
        archive = SHARED / "data" / "bike_sharing.zip"
        if not archive.exists():
            self.skipTest("TIDEMILL_SHARED has no data/bike_sharing.zip")
        work = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-two-years-"))
        with zipfile.ZipFile(archive) as files:
            files.extract("hour.csv", work)
        result = command(
            "demo",
            "--directory",
            str(work / "demo"),
            "--port",
            "0",
            "--data",
            str(work / "hour.csv"),
            "--json",
            timeout=2 * PROGRAM_PATIENCE,
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        import json

        months = json.loads(result.stdout)["months"]
        served = [month["served"] for month in months]
        frozen = [month["baseline"] for month in months]
        print(
            f"two years: served mean {sum(served) / len(served):.1f}, worst {max(served):.1f};"
            f" frozen mean {sum(frozen) / len(frozen):.1f}, worst {max(frozen):.1f}"
        )
        self.assertEqual(len(months), 21)
        self.assertLess(sum(served) / len(served), 60)
        self.assertLess(max(served), 90)
        self.assertGreater(max(frozen), 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
