"""Artifacts that clients keep at the operator's root, a folder or a bucket, and that the server reads beside them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, PROGRAM_PATIENCE, ROOT, Server, free_port, is_there, until

PYTHON = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
MOTO = ROOT / ".cache" / "peers" / "moto" / "bin" / "moto_server"
BUCKET = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}

CLIENT = """
import mlflow, pathlib, sys, warnings
warnings.simplefilter("ignore")
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("kept elsewhere")
import numpy as np
from sklearn.linear_model import LinearRegression
x = np.arange(20.0).reshape(10, 2)
with mlflow.start_run() as run:
    mlflow.log_text("plain text", "notes/a.txt")
    info = mlflow.sklearn.log_model(LinearRegression().fit(x, x.sum(axis=1)), name="model", input_example=x[:2])
version = mlflow.register_model(info.model_uri, "elsewhere")
assert abs(mlflow.pyfunc.load_model("models:/elsewhere/1").predict(x)[3] - x[3].sum()) < 1e-9
print(run.info.run_id, run.info.artifact_uri)
"""


@unittest.skipUnless(PYTHON.exists(), "mlflow is not here; `make peers` installs it")
class ArtifactRootsTest(unittest.TestCase):
    def client(self, server: Server, extra: dict[str, str]) -> tuple[str, str]:
        result = subprocess.run(
            [str(PYTHON), "-c", CLIENT, server.url],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
            cwd=tempfile.mkdtemp(),
            env={**os.environ, **extra, "HOME": tempfile.mkdtemp()},
        )
        self.assertEqual(result.returncode, 0, result.stderr[-4000:])
        run, uri = result.stdout.splitlines()[-1].split(" ", 1)
        return run, uri

    def get(self, url: str, body: dict | None = None) -> bytes:
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def check(self, server: Server, run: str) -> None:
        listed = json.loads(self.get(f"{server.url}/api/2.0/mlflow/artifacts/list?run_id={run}&path=notes"))
        self.assertEqual(listed["files"], [{"path": "notes/a.txt", "is_dir": False, "file_size": 10}])
        self.assertEqual(self.get(f"{server.url}/get-artifact?run_id={run}&path=notes/a.txt"), b"plain text")
        with self.assertRaises(urllib.error.HTTPError) as missing:
            self.get(f"{server.url}/get-artifact?run_id={run}&path=notes/b.txt")
        missing.exception.close()
        self.assertEqual(missing.exception.code, 404)
        # What was registered is a copy of our own: immutable, with digest and signature read.
        version = json.loads(self.get(f"{server.url}/api/tidemill/v1/projects/default/models/elsewhere/versions/1"))
        self.assertEqual(len(version["folder"]), 64)
        self.assertTrue(version["signature"]["inputs"])

    def refused(self, server: Server, location: str) -> None:
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get(f"{server.url}/api/2.0/mlflow/experiments/create", {"name": "theirs", "artifact_location": location})
        self.assertIn("lies in the root", refused.exception.read().decode())
        refused.exception.close()

    def test_a_folder(self) -> None:
        root = pathlib.Path(tempfile.mkdtemp()) / "artifacts"
        server = Server("--default-artifact-root", f"file://{root}")
        self.addCleanup(server.close)
        run, uri = self.client(server, {})
        self.assertTrue(uri.startswith(f"file://{root}/"), uri)
        self.check(server, run)
        self.refused(server, f"file://{root}/1")
        # Nobody reads another's files by naming them as the source of a version.
        self.get(f"{server.url}/api/2.0/mlflow/registered-models/create", {"name": "thief"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get(f"{server.url}/api/2.0/mlflow/model-versions/create", {"name": "thief", "source": uri})
        refused.exception.close()
        # Deleted for good, the files go with the run.
        self.get(f"{server.url}/api/2.0/mlflow/runs/delete", {"run_id": run})
        self.get(f"{server.url}/api/tidemill/v1/projects/default/purge", {"all": True})
        self.assertFalse((root / uri[len(f"file://{root}/") :] / "notes").exists())

    @unittest.skipUnless(MOTO.exists(), "no S3 server (moto); `make peers` installs it")
    def test_a_bucket(self) -> None:
        port = free_port()
        store = subprocess.Popen(
            [str(MOTO), "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.addCleanup(store.wait)
        self.addCleanup(store.kill)
        endpoint = f"http://127.0.0.1:{port}"
        until("moto makes a bucket", lambda: is_there(urllib.request.Request(f"{endpoint}/bucket", method="PUT")))
        where = {**BUCKET, "MLFLOW_S3_ENDPOINT_URL": endpoint}
        server = Server("--default-artifact-root", "s3://bucket/team", environment=where)
        self.addCleanup(server.close)
        run, uri = self.client(server, where)
        self.assertTrue(uri.startswith("s3://bucket/team/"), uri)
        self.check(server, run)
        self.refused(server, "s3://bucket/team/1/x")
        self.get(f"{server.url}/api/2.0/mlflow/registered-models/create", {"name": "thief"})
        self.get(f"{server.url}/api/2.0/mlflow/model-versions/create", {"name": "thief", "source": uri + "/notes"})
        theirs = json.loads(self.get(f"{server.url}/api/tidemill/v1/projects/default/models/thief/versions/1"))
        self.assertIsNone(theirs.get("folder"))


if __name__ == "__main__":
    unittest.main()
