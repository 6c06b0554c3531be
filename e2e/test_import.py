"""What MLflow knew is known here afterwards, and the other way round: a folder, a database, a live server."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server, command, tabular_project
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
        artifacts = ("--artifacts", str(self.work / "artifacts"))
        for taken in ("1 runs", "0 runs"):
            result = command("import", str(database), "--server", self.server.url, *artifacts)
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


class OwnModelsTest(unittest.TestCase):
    """Every kind of version comes along from one of our own servers, by a folder and by an address, with the very same files."""

    def setUp(self) -> None:
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-import-"))
        self.addCleanup(shutil.rmtree, self.work, True)
        self.first = self.server()
        self.project = tabular_project()
        for arguments in ("apply", "-f", str(self.project)), ("run", "train"):
            result = command(*arguments, "--server", self.first.url)
            self.assertEqual(result.returncode, 0, result.stderr)

    def server(self) -> Server:
        server = Server()
        self.addCleanup(server.close)
        return server

    def mlflow(self, path: str, body: dict) -> dict:
        status, answer = self.first.call("POST", f"/api/2.0/mlflow/{path}", body)
        self.assertEqual(status, 200, answer)
        return answer

    def upload(self, uri: str, content: str) -> None:
        path = uri.removeprefix("mlflow-artifacts:").lstrip("/")
        status, answer = self.first.call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", content)
        self.assertEqual(status, 200, answer)

    def versions_of_all_kinds(self) -> None:
        """Beside that of the pipeline: a copy, by digest, of a run that has changed since, of a logged model, and a prompt."""
        trained = self.first.get("/api/tidemill/v1/projects/default/models/model")[1]["versions"][0]
        self.mlflow("model-versions/create", {"name": "model", "source": "models:/model/1"})
        run = self.mlflow("runs/create", {"experiment_id": "0"})["run"]["info"]
        self.upload(f"{run['artifact_uri']}/model/weights", "of the version")
        logged = self.mlflow("logged-models", {"experiment_id": "0", "name": "logged"})["model"]["info"]
        self.upload(f"{logged['artifact_uri']}/weights", "logged")
        for name, version in {
            "twin": {"source": f"mlflow-artifacts:/folders/{trained['folder']}"},
            "of-run": {"source": f"runs:/{run['run_id']}/model", "run_id": run["run_id"]},
            "of-logged": {"source": f"models:/{logged['model_id']}", "model_id": logged["model_id"]},
        }.items():
            self.mlflow("registered-models/create", {"name": name})
            self.mlflow("model-versions/create", {"name": name, **version})
        self.upload(f"{run['artifact_uri']}/model/weights", "of a later day")
        prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        self.mlflow("registered-models/create", {"name": "greet", "tags": prompt})
        text = [{"key": "mlflow.prompt.text", "value": "Hello"}]
        self.mlflow("model-versions/create", {"name": "greet", "source": "dummy-source", "tags": prompt + text})
        self.mlflow("registered-models/alias", {"name": "model", "alias": "best", "version": "1"})

    def told(self, server: Server) -> tuple[dict, dict]:
        folders, aliases = {}, {}
        for name in ("model", "twin", "of-run", "of-logged", "greet"):
            status, model = server.get(f"/api/tidemill/v1/projects/default/models/{name}")
            self.assertEqual(status, 200, model)
            aliases[name] = model["aliases"]
            for version in model["versions"]:
                folders[name, version["version"]] = version.get("folder")
        return folders, aliases

    def predictions(self, server: Server) -> str:
        with (self.project / "data" / "data.csv").open(newline="") as data:
            rows = [{name: row[name] for name in row if name not in ("signed_up", "churned")} for row in csv.DictReader(data)]
        inputs = self.work / "inputs.csv"
        with inputs.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        result = command("predict", "model", "--of", "best", "--data", str(inputs), "--server", server.url)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(result.stdout.splitlines()), 100)
        return result.stdout

    def test_versions_come_along_with_their_own_files(self) -> None:
        self.versions_of_all_kinds()
        folders, aliases = self.told(self.first)
        self.assertEqual([key for key, folder in folders.items() if folder is None], [("greet", 1)])
        predictions = self.predictions(self.first)
        written, taken = self.work / "out", self.work / "elsewhere"
        result = command("export", str(written), "--server", self.first.url)
        self.assertEqual(result.returncode, 0, result.stderr)
        written.rename(taken)
        for source in str(taken), self.first.url:
            server = self.server()
            for versions in len(folders), 0:
                result = command("import", source, "--server", server.url)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"{versions} versions\n", result.stdout)
            self.assertEqual(self.told(server), (folders, aliases))
            self.assertEqual(self.predictions(server), predictions)
            kept = server.get("/api/2.0/mlflow-artifacts/artifacts?path=imports")[1]
            self.assertEqual(kept.get("files", []), [], "what was only on its way is let go of")

    def test_without_artifacts_versions_come_along_and_their_files_are_named(self) -> None:
        written = self.work / "out"
        result = command("export", str(written), "--no-artifacts", "--server", self.first.url)
        self.assertEqual(result.returncode, 0, result.stderr)
        server = self.server()
        result = command("import", str(written), "--server", server.url)
        self.assertEqual(result.returncode, 8, result.stderr)
        self.assertIn("model 'model', version 1: its files stay at mlflow-artifacts:/folders/", result.stderr)
        versions = server.get("/api/tidemill/v1/projects/default/models/model")[1]["versions"]
        self.assertEqual([one.get("folder") for one in versions], [None])


if __name__ == "__main__":
    unittest.main()
