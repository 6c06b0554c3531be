"""A server that speaks TLS alone, to clients that check its certificate."""

from __future__ import annotations

import http.client
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from harness import LAUNCHER, PATIENCE, PROGRAM_PATIENCE, ROOT, command, free_port

TRITON = ROOT / ".cache" / "peers" / "triton" / "bin" / "python"
MLFLOW = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"


def certificate(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tidemill"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@unittest.skipUnless(shutil.which("openssl"), "openssl is not here; TLS is not tried")
class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-tls-"))
        cls.certificate, key = certificate(cls.folder)
        cls.port = free_port()
        cls.url = f"https://127.0.0.1:{cls.port}"
        cls.log = (cls.folder / "server.log").open("w", encoding="utf-8")
        flags = ["--port", str(cls.port), "--grpc-port", "0", "--data-dir", str(cls.folder / "data")]
        cls.process = subprocess.Popen(
            [str(LAUNCHER), "server", *flags, "--tls-certificate", str(cls.certificate), "--tls-key", str(key)],
            stdout=cls.log,
            stderr=cls.log,
        )
        cls.trusting = ssl.create_default_context(cafile=str(cls.certificate))
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{cls.url}/health", timeout=PATIENCE, context=cls.trusting).close()
                return
            except OSError:
                if cls.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((cls.folder / "server.log").read_text()[-2000:]) from None
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.terminate()
        cls.process.wait(PATIENCE)
        cls.log.close()

    def test_a_client_that_does_not_know_the_certificate_refuses_it(self) -> None:
        with self.assertRaises(urllib.error.URLError) as refusal:
            urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", str(refusal.exception))

    def test_nothing_is_answered_without_tls(self) -> None:
        with self.assertRaises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=PATIENCE).read()

    def test_old_protocols_are_refused(self) -> None:
        old = ssl.create_default_context(cafile=str(self.certificate))
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE, context=old).close()
        with self.assertWarns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE, context=old)

    def test_the_command_line_checks_and_believes_the_authority_it_is_given(self) -> None:
        wary = command("runs", "list", "--server", self.url)
        self.assertEqual(1, wary.returncode, wary.stderr)
        self.assertIn("--ca-certificate", wary.stderr)
        told = command("runs", "list", "--json", "--server", self.url, "--ca-certificate", str(self.certificate))
        self.assertEqual(0, told.returncode, told.stderr)
        self.assertIn("runs", json.loads(told.stdout))
        broken = command("runs", "list", "--server", self.url, "--ca-certificate", str(self.folder / "server.log"))
        self.assertEqual(2, broken.returncode, broken.stderr)

    def test_the_python_client_believes_what_the_environment_names(self) -> None:
        sdk = ROOT / ".cache" / "peers" / "sdk" / "bin" / "python"
        if not sdk.exists():
            self.skipTest("the Python package is not installed (make peers)")
        code = "import tidemill, sys; run = tidemill.start_run('tls', server=sys.argv[1]); run.log_metric('loss', 0.5); run.end()"
        environment = {"SSL_CERT_FILE": str(self.certificate), "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        result = subprocess.run(
            [str(sdk), "-c", code, self.url], env=environment, capture_output=True, text=True, timeout=PROGRAM_PATIENCE
        )
        self.assertEqual(0, result.returncode, result.stderr)
        listed = command("runs", "list", "--json", "--server", self.url, "--ca-certificate", str(self.certificate))
        self.assertIn('"loss":0.5', listed.stdout, result.stderr)

    def test_mlflow_logs_over_tls(self) -> None:
        if not MLFLOW.exists():
            self.skipTest("no MLflow peer (make peers)")
        code = (
            "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]); "
            "run = mlflow.start_run(); mlflow.log_metric('loss', 0.25); mlflow.end_run(); "
            "print(mlflow.get_run(run.info.run_id).data.metrics['loss'])"
        )
        environment = {
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(self.certificate),
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
        }
        result = subprocess.run(
            [str(MLFLOW), "-c", code, self.url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
            cwd=self.folder,
        )
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("0.25", result.stdout)

    def test_grpc_speaks_tls_too(self) -> None:
        if not TRITON.exists():
            self.skipTest("no Triton client (make peers)")
        address = json.loads((self.folder / "data" / "server.json").read_text())["grpc"]
        code = (
            "import sys, tritonclient.grpc as g; "
            "c = g.InferenceServerClient(sys.argv[1], ssl=True, root_certificates=sys.argv[2]); print(c.is_server_live())"
        )
        result = subprocess.run(
            [str(TRITON), "-c", code, address, str(self.certificate)], capture_output=True, text=True, timeout=PROGRAM_PATIENCE
        )
        self.assertEqual("True", result.stdout.strip(), result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
