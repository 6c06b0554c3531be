"""What MLflow knew is known here afterwards, and the other way round: a folder, a database, a live server."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server, command
from test_mlflow import OLDEST, PYTHON, Peer

SAMPLE = str(ROOT / "e2e" / "mlflow_sample.py")
ODD = str(ROOT / "e2e" / "mlflow_odd.py")


def sample(python: pathlib.Path, what: str, address: str, work: pathlib.Path, script: str = SAMPLE) -> str:
    result = subprocess.run(
        [str(python), script, what, address, str(work / "artifacts")],
        capture_output=True,
        text=True,
        timeout=PROGRAM_PATIENCE,
        cwd=work,
        env={**os.environ, "HOME": str(work), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
    )
    assert result.returncode == 0, result.stdout + result.stderr[-4000:]
    return result.stdout


@unittest.skipUnless(PYTHON.exists() and OLDEST.exists(), "mlflow is not here; `make peers` installs it")
class ImportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-import-"))
        self.addCleanup(shutil.rmtree, self.work, True)
        self.server = Server()
        self.addCleanup(self.server.close)

    def take(self, source: str, *more: str) -> None:
        """Imports twice: what was interrupted goes on, and nothing comes twice."""
        plan = command("import", source, "--server", self.server.url, "--dry-run", *more)
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertIn("4 runs", plan.stdout)
        self.assertIn("1 traces", plan.stdout)
        for taken in ("1 traces\n", "0 traces\n"):
            result = command("import", source, "--server", self.server.url, *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(taken, result.stdout)

    def test_a_folder_and_back_again(self) -> None:
        folder = self.work / "mlruns"
        sample(OLDEST, "make", f"file:{folder}", self.work)
        self.take(str(folder))
        told = sample(OLDEST, "tell", self.server.url, self.work)
        self.assertEqual(told, sample(OLDEST, "tell", f"file:{folder}", self.work))
        back = self.work / "back" / "mlruns"
        result = command("export", str(back), "--server", self.server.url)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(told, sample(OLDEST, "tell", f"file:{back}", self.work))

    def test_a_database(self) -> None:
        database = self.work / "mlflow.db"
        sample(PYTHON, "make", f"sqlite:///{database}", self.work)
        self.take(str(database))
        told = sample(PYTHON, "tell", self.server.url, self.work)
        self.assertEqual(told, sample(PYTHON, "tell", f"sqlite:///{database}", self.work))

    def test_a_live_server(self) -> None:
        peer = Peer(self)
        sample(PYTHON, "make", peer.url, self.work)
        self.take(peer.url)
        told = sample(PYTHON, "tell", self.server.url, self.work)
        self.assertEqual(told, sample(PYTHON, "tell", peer.url, self.work))

    def test_odd_things_are_taken_or_said_and_the_rest_goes_on(self) -> None:
        database = self.work / "mlflow.db"
        sample(PYTHON, "make", f"sqlite:///{database}", self.work, ODD)
        with sqlite3.connect(database) as odd:
            run = odd.execute("SELECT run_uuid FROM runs").fetchone()[0]
            odd.execute("INSERT INTO tags (key, value, run_uuid) VALUES ('git`x#y', 'v', ?)", (run,))
        plan = command("import", str(database), "--server", self.server.url, "--dry-run")
        self.assertEqual(plan.returncode, 0, plan.stderr)
        for taken in ("1 runs", "0 runs"):
            result = command("import", str(database), "--server", self.server.url)
            self.assertEqual(result.returncode, 8, result.stderr + result.stdout)
            # A server of artifacts refuses these two names, as MLflow's own does; each is said with its place and cause.
            self.assertIn("2 items were left out", result.stderr)
            self.assertIn("file 'a#b.txt'", result.stderr)
            self.assertIn("file 'c\\d.txt'", result.stderr)
            self.assertIn("Invalid path", result.stderr)
            self.assertNotIn("HTTP 400", result.stderr)
            files = 3 if taken == "1 runs" else 0
            self.assertIn(f"{files} files", result.stdout, "a second run takes only what is missing")
        told = json.loads(sample(PYTHON, "tell", self.server.url, self.work, ODD))
        before = json.loads(sample(PYTHON, "tell", f"sqlite:///{database}", self.work, ODD))
        self.assertEqual(len(before["measured"]), 3)
        before["files"] = [path for path in before["files"] if path not in ("a#b.txt", "c\\d.txt")]
        self.assertEqual(told, before)
        back = self.work / "back" / "mlruns"
        result = command("export", str(back), "--server", self.server.url)
        # MLflow reads nothing of a run whose folder has this tag.
        self.assertEqual(result.returncode, 8, result.stderr)
        self.assertIn("1 items were left out", result.stderr)
        self.assertIn("tags 'git`x#y'", result.stderr)
        before["tags"] = {}
        written = [file.read_text().splitlines() for file in back.glob("*/models/*/metrics/acc")]
        self.assertEqual([len(lines) for lines in written], [3])
        # MLflow's file store answers the newest point of a model's metric alone.
        before["measured"] = before["measured"][-1:]
        self.assertEqual(json.loads(sample(OLDEST, "tell", f"file:{back}", self.work, ODD)), before)

    def test_names_that_a_folder_cannot_hold_are_said_and_the_rest_is_written(self) -> None:
        run = self.server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})[1]["run"]["info"]["run_id"]
        point = {"value": 1, "timestamp": 1, "step": 0}
        body = {
            "run_id": run,
            "metrics": [{**point, "key": key} for key in ("loss", "loss/val", "other")],
            "params": [{"key": key, "value": "v"} for key in ("字" * 100, "p", "p/q")],
        }
        self.assertEqual(self.server.call("POST", "/api/2.0/mlflow/runs/log-batch", body)[0], 200)
        back = self.work / "mlruns"
        result = command("export", str(back), "--server", self.server.url, "--json")
        self.assertEqual(result.returncode, 8, result.stderr)
        omitted = json.loads(result.stdout)["omitted"]
        self.assertEqual(len(omitted), 3, omitted)
        self.assertEqual({"loss/val" in one["place"] or "p/q" in one["place"] or "字" in one["place"] for one in omitted}, {True})
        folder = back / "0" / run
        self.assertEqual((folder / "metrics" / "loss").read_text(), "1 1.0 0\n")
        self.assertTrue((folder / "metrics" / "other").exists())
        self.assertTrue((folder / "params" / "p").exists())

    def test_what_is_no_source_is_refused(self) -> None:
        nothing = command("import", str(self.work / "nothing"), "--server", self.server.url)
        self.assertEqual(nothing.returncode, 3, nothing.stderr)
        other = self.work / "other.db"
        other.write_bytes(b"not a database at all, but long enough to be looked at")
        refused = command("import", str(other), "--server", self.server.url)
        self.assertEqual(refused.returncode, 1, refused.stderr)


if __name__ == "__main__":
    unittest.main()
