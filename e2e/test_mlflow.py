"""The real mlflow client, unmodified: every part of a data scientist's day, on both databases where PostgreSQL is there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT, Server, postgres_schema

PYTHON = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"


@unittest.skipUnless(PYTHON.exists(), "mlflow is not here; `make peers` installs it")
class MlflowTest(unittest.TestCase):
    def drive(self, *flags: str) -> None:
        server = Server(*flags)
        self.addCleanup(server.close)
        result = subprocess.run(
            [str(PYTHON), str(ROOT / "e2e" / "mlflow_loop.py"), server.url],
            capture_output=True,
            text=True,
            timeout=400,
            cwd=tempfile.mkdtemp(prefix="tidemill-mlflow-"),
            env={**os.environ, "HOME": tempfile.mkdtemp()},
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr[-6000:])
        sys.stderr.write(result.stdout)

    def test_the_whole_loop_of_the_client(self) -> None:
        self.drive()

    def test_the_same_on_postgresql(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        self.drive("--database", address)


if __name__ == "__main__":
    unittest.main()
