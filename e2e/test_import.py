"""What MLflow knew is known here afterwards, and the other way round: a folder, a database, a live server."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, Server, command
from test_mlflow import OLDEST, PYTHON, Peer

SAMPLE = str(ROOT / "e2e" / "mlflow_sample.py")


def sample(python: pathlib.Path, what: str, address: str, work: pathlib.Path) -> str:
    result = subprocess.run(
        [str(python), SAMPLE, what, address],
        capture_output=True,
        text=True,
        timeout=200,
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
        for _ in range(2):
            result = command("import", source, "--server", self.server.url, *more)
            self.assertEqual(result.returncode, 0, result.stderr)

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

    def test_what_is_no_source_is_refused(self) -> None:
        nothing = command("import", str(self.work / "nothing"), "--server", self.server.url)
        self.assertEqual(nothing.returncode, 3, nothing.stderr)
        other = self.work / "other.db"
        other.write_bytes(b"not a database at all, but long enough to be looked at")
        refused = command("import", str(other), "--server", self.server.url)
        self.assertEqual(refused.returncode, 1, refused.stderr)


if __name__ == "__main__":
    unittest.main()
