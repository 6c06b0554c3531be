"""Runs while no server is there: everything waits on disk, nothing is raised. e2e/test_python.py replays to a real one."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import tidemill
from tidemill._capture import _without_secret


class RunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.place = pathlib.Path(tempfile.mkdtemp())
        before = dict(os.environ)
        os.environ.update(TIDEMILL_OUTBOX=str(self.place), TIDEMILL_SERVER="http://127.0.0.1:9")
        self.addCleanup(os.environ.update, before)
        self.addCleanup(os.environ.clear)

    def entries(self, run: tidemill.Run) -> list[dict[str, object]]:
        return [json.loads(line) for line in (run.waiting / "journal.jsonl").read_text().splitlines()]

    def test_a_training_goes_on_without_a_server(self) -> None:
        with tidemill.start_run("lost", params={"depth": 3}, patience=0.1) as run:
            run.log_metric("loss", float("nan"), step=2)
            run.log_text("hello", "notes/a.txt")
        kinds = [entry["kind"] for entry in self.entries(run)]
        self.assertEqual(kinds[0], "start")
        self.assertEqual(kinds[-1], "end")
        self.assertIn("metric", kinds)
        self.assertEqual([entry["value"] for entry in self.entries(run) if entry["kind"] == "metric"], ["NaN"])
        with self.assertRaises(tidemill.ServerUnavailable):
            tidemill.replay()
        self.assertTrue(run.waiting.exists(), "what was not sent stays")

    def test_a_failed_training_is_told_as_failed(self) -> None:
        with self.assertRaises(ValueError), tidemill.start_run(patience=0.1, capture=False) as run:
            raise ValueError("no")
        self.assertEqual(self.entries(run)[-1]["status"], "FAILED")

    def test_a_file_is_kept_as_it_was(self) -> None:
        file = self.place / "model.bin"
        file.write_bytes(b"first")
        with tidemill.start_run(patience=0.1, capture=False) as run:
            run.log_artifact(file, "models")
            file.write_bytes(b"second")
        entry = next(entry for entry in self.entries(run) if entry["kind"] == "file")
        self.assertEqual(entry["path"], "models/model.bin")
        self.assertEqual((run.waiting / "files" / str(entry["name"])).read_bytes(), b"first")


class CaptureTest(unittest.TestCase):
    def test_code_changes_and_libraries_are_captured(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp())

        def git(*arguments: str) -> None:
            command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
            subprocess.run(command, check=True, capture_output=True)

        git("init", "-q")
        (folder / "train.py").write_text("x = 1\n")
        git("add", ".")
        git("commit", "-qm", "first")
        (folder / "train.py").write_text("x = 2\n")
        facts = tidemill.captured(folder)
        self.assertEqual(len(facts.tags["mlflow.source.git.commit"]), 40)
        self.assertIn("+x = 2", facts.files["reproduce/uncommitted.diff"])
        self.assertIn("httpx==", facts.files["reproduce/requirements.lock"])
        self.assertTrue(facts.tags["tidemill.hardware.cores"].isdigit())

    def test_no_secret_of_an_address_is_kept(self) -> None:
        self.assertEqual(_without_secret("https://user:token@host/x.git"), "https://host/x.git")
        self.assertEqual(_without_secret("git@host:x.git"), "git@host:x.git")


if __name__ == "__main__":
    unittest.main()
