"""Models of every kind called with real clients, and compared with the libraries that made them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT, Server

MLFLOW = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
KSERVE = ROOT / ".cache" / "peers" / "kserve" / "bin" / "python"
MLSERVER = ROOT / ".cache" / "peers" / "mlserver" / "bin" / "python"
TRITON = ROOT / ".cache" / "peers" / "triton" / "bin" / "python"


def run(test: unittest.TestCase, python: pathlib.Path, script: str, *arguments: str, timeout: int = 400) -> None:
    result = subprocess.run(
        [str(python), str(ROOT / "e2e" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=tempfile.mkdtemp(),
        env={**os.environ, "HOME": tempfile.mkdtemp()},
    )
    test.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr[-6000:])
    sys.stderr.write("".join(result.stdout.splitlines()[-1:]) + "\n")


@unittest.skipUnless(MLFLOW.exists(), "mlflow is not here; `make peers` installs it")
class InferenceTest(unittest.TestCase):
    def test_trees_answer_as_their_own_libraries_do(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_trees.py", server.url)

    def test_onnx_models_answer_as_onnx_runtime_does(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_onnx.py", server.url)

    def test_what_needs_python_runs_in_processes_of_its_own(self) -> None:
        # The peer's own environment holds what the models require; building one from PyPI is tried by hand.
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={MLFLOW.parent.parent}\ninference.python-seconds=5\n")
        server = Server("--config", str(settings))
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_python.py", server.url)

    @unittest.skipUnless(TRITON.exists(), "tritonclient is not here; `make peers` installs it")
    def test_every_call_of_tritons_client(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_sample.py", server.url, "sample")
        run(self, TRITON, "inference_triton.py", server.url, server.grpc, "sample")

    @unittest.skipUnless(KSERVE.exists(), "kserve is not here; `make peers` installs it")
    def test_kserves_clients(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_sample.py", server.url, "sample")
        run(self, KSERVE, "inference_kserve.py", server.url, server.grpc, "sample")

    @unittest.skipUnless(MLSERVER.exists(), "mlserver is not here; `make peers` installs it")
    def test_mlservers_codecs_and_batch_command(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_sample.py", server.url, "sample")
        run(self, MLSERVER, "inference_mlserver.py", server.url, server.grpc, "sample")

    def test_no_call_fails_while_versions_change(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_swaps.py", server.url, "20", "1")


if __name__ == "__main__":
    unittest.main()
