"""The real mlflow client, unmodified: every part of a data scientist's day, on both databases where PostgreSQL is there."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server, free_port, is_there, postgres_schema, until

OLDEST = ROOT / ".cache" / "peers" / "mlflow36" / "bin" / "python"
PYTHON = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"


class Peer:
    """MLflow's own server, in a directory of its own, for as long as a test runs."""

    def __init__(self, test: unittest.TestCase) -> None:
        work = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-peer-"))
        port = free_port()
        peer = subprocess.Popen(
            [
                *(str(PYTHON.with_name("mlflow")), "server", "--port", str(port), "--workers", "1"),
                *("--backend-store-uri", f"sqlite:///{work}/peer.db", "--artifacts-destination", str(work / "artifacts")),
            ],
            cwd=work,
            # Its workers for jobs take longer to start than all the rest, and nothing here asks for jobs.
            env={**os.environ, "HOME": str(work), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        test.addCleanup(peer.wait)
        test.addCleanup(os.killpg, peer.pid, signal.SIGKILL)
        self.url = f"http://127.0.0.1:{port}"
        until("MLflow's own server answers", lambda: is_there(self.url + "/health"))


@unittest.skipUnless(PYTHON.exists(), "mlflow is not here; `make peers` installs it")
class MlflowTest(unittest.TestCase):
    def drive(self, *flags: str, python: pathlib.Path = PYTHON, parts: tuple[str, ...] = ()) -> None:
        # The webhooks' receiver is on this machine; an operator has to allow that.
        receiver = free_port()
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"outbound.allow-internal=127.0.0.1:{receiver}\n")
        server = Server("--config", str(settings), *flags)
        self.addCleanup(server.close)
        result = subprocess.run(
            [str(python), str(ROOT / "e2e" / "mlflow_loop.py"), server.url, *parts],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
            cwd=tempfile.mkdtemp(prefix="tidemill-mlflow-"),
            env={**os.environ, "HOME": tempfile.mkdtemp(), "RECEIVER_PORT": str(receiver)},
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr[-6000:])
        sys.stderr.write(result.stdout)

    def test_the_whole_loop_of_the_client(self) -> None:
        self.drive()

    @unittest.skipUnless(OLDEST.exists(), "mlflow 3.6 is not here; `make peers` installs it")
    def test_the_oldest_client_that_is_promised(self) -> None:
        self.drive(
            python=OLDEST, parts=("experiments", "runs", "search", "artifacts", "models", "autologging", "prompts", "traces")
        )

    def test_the_same_on_postgresql(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        self.drive("--database", address)

    def compare(self, script: str, *flags: str) -> None:
        """Runs a script that puts the same calls to our server and to MLflow's own, and fails where their answers differ."""
        peer = Peer(self)
        server = Server(*flags)
        self.addCleanup(server.close)
        result = subprocess.run(
            [sys.executable, str(ROOT / "e2e" / script), server.url, peer.url],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
        )
        self.assertEqual(result.returncode, 0, result.stdout[-6000:] + result.stderr)
        sys.stderr.write(result.stdout)

    def test_answers_are_those_of_mlflows_own_server(self) -> None:
        self.compare("mlflow_differential.py")

    def test_stories_are_answered_as_mlflows_own_server_answers_them(self) -> None:
        self.compare("mlflow_scenarios.py")

    def test_trace_metrics_are_those_of_mlflows_own_store(self) -> None:
        self.compare("mlflow_trace_metrics.py")

    def test_trace_metrics_on_postgresql_too(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        self.compare("mlflow_trace_metrics.py", "--database", address)


if __name__ == "__main__":
    unittest.main()
