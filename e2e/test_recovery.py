"""What the server does with a directory of an older version, with one that was moved, and with models that are gone."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest
import urllib.parse
import zipfile

from harness import LAUNCHER, PATIENCE, Server, command, free_port, postgres_schema, tabular_project, until

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
#: A directory that the server of commit abcccca made: a data set, a pipeline's run, a deployed model, a run with an artifact.
ARCHIVE = FIXTURES / "data-abcccca.tar.xz"
ANSWER = json.loads((FIXTURES / "data-abcccca.answer.json").read_text())
DEFAULT = "/api/tidemill/v1/projects/default"
MLFLOW = "/api/2.0/mlflow"
REQUEST = {
    "inputs": [
        {"name": "plan", "shape": [2], "datatype": "BYTES", "data": ["basic", "premium"]},
        {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [[25], [60]]},
        {"name": "support_calls", "shape": [2], "datatype": "INT64", "data": [6, 0]},
        {"name": "visits_per_week", "shape": [2], "datatype": "FP64", "data": [0.1, 9.0]},
    ]
}


def old_directory() -> pathlib.Path:
    """A fresh copy, in another place than the one that it was made in."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-old-"))
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    return place


class RemovedLockTest(unittest.TestCase):
    """Somebody has removed the file that keeps a second server away from a directory."""

    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(self.server.close)
        self.data = self.server.directory / "data"

    def test_a_server_that_runs_locks_the_directory_again(self) -> None:
        (self.data / "lock").unlink()
        until("it is locked again", (self.data / "lock").exists)
        second = subprocess.run(
            [str(LAUNCHER), "server", "--port", "0", "--grpc-port", "0", "--data-dir", str(self.data)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("is used by another server", second.stderr)
        self.assertEqual(self.server.get("/ready")[0], 200)

    def test_a_server_that_was_frozen_meanwhile_writes_nothing_more_and_ends(self) -> None:
        self.server.process.send_signal(signal.SIGSTOP)
        (self.data / "lock").unlink()
        second = Server(directory=self.server.directory)
        self.addCleanup(second.close)
        body = {"name": "of the second"}
        self.assertEqual(second.call("POST", f"{MLFLOW}/experiments/create", body)[0], 200)
        self.server.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.server.process.wait(PATIENCE), 1)
        self.assertIn("has been taken by another server", (self.server.directory / "server.log").read_text())
        self.assertEqual(second.get(f"{MLFLOW}/experiments/get-by-name?experiment_name=of%20the%20second")[0], 200)


class BrokenDeploymentTest(unittest.TestCase):
    def start(self, directory: pathlib.Path, *flags: str) -> Server:
        server = Server(*flags, directory=directory)
        self.addCleanup(server.close)
        return server

    def serving(self, server: Server) -> dict:
        status, view = server.get(f"{DEFAULT}/deployments/model")
        self.assertEqual(status, 200, view)
        return view["serving"]

    def test_a_missing_blob_breaks_one_deployment_until_it_is_back(self) -> None:
        directory = old_directory()
        base = directory / "data"
        with sqlite3.connect(base / "tidemill.db") as database:
            (digest,) = database.execute("SELECT folder_digest FROM version WHERE model = 'model'").fetchone()
        blob = base / "artifacts" / digest[:2] / digest[2:]
        blob.rename(directory / "aside")
        server = self.start(directory)
        serving = self.serving(server)
        self.assertEqual(serving["state"], "BROKEN")
        self.assertTrue(serving["reason"])
        status, answer = server.call("POST", "/v2/models/model/infer", REQUEST)
        self.assertEqual(status, 503, answer)
        self.assertIn(serving["reason"], json.dumps(answer, ensure_ascii=False))
        self.assertIn("broken: ", command("status", "--server", server.url).stdout)
        self.assertNotEqual(server.get("/v2/models/model/ready")[0], 200)
        self.assertEqual(server.call("POST", f"{MLFLOW}/experiments/create", {"name": "goes on"})[0], 200)
        (directory / "aside").rename(blob)
        until("it serves again by itself", lambda: self.serving(server)["state"] == "SERVING")
        self.assertEqual(server.call("POST", "/v2/models/model/infer", REQUEST)[1]["outputs"], ANSWER["outputs"])

    def test_a_deleted_version_breaks_its_deployment_and_deleting_it_is_the_way_out(self) -> None:
        directory = old_directory()
        with sqlite3.connect(directory / "data" / "tidemill.db") as database:
            database.execute("UPDATE version SET deleted = TRUE WHERE model = 'model'")
        server = self.start(directory)
        self.assertIn("version=1) not found", self.serving(server)["reason"])
        self.assertEqual(server.call("DELETE", f"{DEFAULT}/deployments/model")[0], 204)
        self.assertEqual(server.get(f"{DEFAULT}/deployments/model")[0], 404)
        self.assertEqual(server.call("POST", "/v2/models/model/infer", REQUEST)[0], 404)

    def test_what_is_in_use_is_neither_deleted_nor_renamed(self) -> None:
        server = self.start(old_directory())
        for method, path, body in (
            ("DELETE", "/model-versions/delete", {"name": "model", "version": "1"}),
            ("DELETE", "/registered-models/delete", {"name": "model"}),
            ("POST", "/registered-models/rename", {"name": "model", "new_name": "other"}),
        ):
            status, answer = server.call(method, MLFLOW + path, body)
            self.assertEqual((status, answer["error_code"]), (409, "RESOURCE_CONFLICT"), answer)
            self.assertIn("deployment 'model'", answer["message"])
        self.assertEqual(server.call("POST", "/v2/models/model/infer", REQUEST)[0], 200)
        self.assertEqual(server.call("DELETE", f"{DEFAULT}/deployments/model")[0], 204)
        self.assertEqual(server.call("DELETE", f"{MLFLOW}/registered-models/delete", {"name": "model"})[0], 200)
        server.kill()
        server.restart()
        self.assertEqual(server.get(f"{DEFAULT}/deployments")[1]["deployments"], [])


class UpgradeTest(unittest.TestCase):
    def test_a_directory_of_an_older_server_works_in_another_place(self) -> None:
        server = Server(directory=old_directory())
        self.addCleanup(server.close)
        self.check(server)
        run = command("run", "train", "--server", server.url, "--json")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_a_backup_of_a_working_server_comes_back_elsewhere_in_either_database(self) -> None:
        server = Server(directory=old_directory())
        self.addCleanup(server.close)
        self.check(server)
        place = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-backup-"))
        stop = threading.Event()
        writer = threading.Thread(target=self.write_until, args=(server, stop))
        writer.start()
        try:
            made = command("backup", str(place / "all.zip"), "--server", server.url)
        finally:
            stop.set()
            writer.join()
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual((place / "all.zip").stat().st_mode & 0o777, 0o600)
        server.close()
        databases = ["sqlite", *filter(None, [postgres_schema()])]
        for number, database in enumerate(databases):
            with self.subTest(database.split(":")[0]):
                elsewhere = place / str(number)
                elsewhere.mkdir()
                restored = command(
                    "restore", str(place / "all.zip"), "--data-dir", str(elsewhere / "data"), "--database", database
                )
                self.assertEqual(restored.returncode, 0, restored.stderr)
                self.assertEqual((elsewhere / "data").stat().st_mode & 0o777, 0o700)
                again = command("restore", str(place / "all.zip"), "--data-dir", str(elsewhere / "data"))
                self.assertIn("is not empty", again.stderr)
                other = Server("--database", database, directory=elsewhere)
                self.addCleanup(other.close)
                self.check(other)
                self.assertEqual(other.call("POST", f"{MLFLOW}/experiments/create", {"name": "after"})[0], 200)
                second = command("backup", str(place / f"{number}.zip"), "--server", other.url)
                self.assertEqual(second.returncode, 0, second.stderr)
                other.close()

    def test_a_damaged_backup_is_refused_and_leaves_nothing(self) -> None:
        server = Server(directory=old_directory())
        self.addCleanup(server.close)
        place = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-backup-"))
        self.assertEqual(command("backup", str(place / "all.zip"), "--server", server.url).returncode, 0)
        whole = (place / "all.zip").read_bytes()
        damaged = bytearray(whole)
        damaged[len(whole) // 2] ^= 1
        for name, content in (("cut.zip", whole[: len(whole) * 2 // 3]), ("damaged.zip", bytes(damaged)), ("text.zip", b"text")):
            with self.subTest(name):
                (place / name).write_bytes(content)
                refused = command("restore", str(place / name), "--data-dir", str(place / "new"))
                self.assertEqual(refused.returncode, 1)
                self.assertIn("cannot be used", refused.stderr)
                self.one_message(refused)
                self.assertFalse((place / "new").exists())

    def one_message(self, refused: subprocess.CompletedProcess) -> None:
        """Neither logs nor a stack trace."""
        self.assertEqual(refused.stdout, "")
        first, *more = refused.stderr.splitlines()
        self.assertTrue(first.startswith("tidemill: "), refused.stderr)
        self.assertLessEqual(len(more), 1, refused.stderr)

    def test_a_restore_says_in_one_message_what_is_wrong_with_its_target(self) -> None:
        server = Server(directory=old_directory())
        self.addCleanup(server.close)
        place = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-backup-"))
        archive = str(place / "all.zip")
        self.assertEqual(command("backup", archive, "--server", server.url).returncode, 0)
        (place / "full").mkdir()
        (place / "full" / "file").write_text("mine")
        for name, target, database in (
            ("full", "full", "sqlite"),
            ("away", "new", f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/nowhere"),
            ("no address", "new", "oracle://here"),
        ):
            with self.subTest(name):
                refused = command("restore", archive, "--data-dir", str(place / target), "--database", database)
                self.assertEqual(refused.returncode, 1)
                self.one_message(refused)
                self.assertEqual(list((place / "new").iterdir()) if (place / "new").exists() else [], [])
        self.assertEqual([path.name for path in (place / "full").iterdir()], ["file"])

    def test_a_backup_tells_of_blobs_that_the_server_lacks_and_restores_the_rest(self) -> None:
        directory = old_directory()
        with sqlite3.connect(directory / "data" / "tidemill.db") as database:
            (digest,) = database.execute("SELECT folder_digest FROM version WHERE model = 'model'").fetchone()
        (directory / "data" / "artifacts" / digest[:2] / digest[2:]).unlink()
        server = Server(directory=directory)
        self.addCleanup(server.close)
        place = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-backup-"))
        made = command("backup", str(place / "all.zip"), "--server", server.url)
        self.assertEqual(made.returncode, 8, made.stderr)
        self.assertIn("missingBlobs", made.stderr)
        with zipfile.ZipFile(place / "all.zip") as archive:
            self.assertIn(digest, json.loads(archive.read("manifest.json"))["missingBlobs"])
        restored = command("restore", str(place / "all.zip"), "--data-dir", str(place / "data"))
        self.assertEqual(restored.returncode, 8, restored.stderr)
        self.assertIn(digest, restored.stderr)
        secrets = place / "data" / "secrets.key"
        self.assertEqual(secrets.stat().st_mode & 0o7777, 0o600)

    def write_until(self, server: Server, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            server.call("POST", f"{MLFLOW}/experiments/create", {"name": f"meanwhile {number}"})

    def check(self, server: Server) -> None:
        """Everything that the old directory holds is there."""
        status, answer = server.call("POST", "/v2/models/model/infer", REQUEST)
        self.assertEqual((status, answer["outputs"]), (200, ANSWER["outputs"]))
        found = server.call(
            "POST", f"{MLFLOW}/runs/search", {"experiment_ids": ["2"], "filter": "attributes.run_name = 'kept run'"}
        )
        run = next(one for one in found[1]["runs"] if one["info"]["status"] == "FINISHED")
        self.assertEqual(run["data"]["params"], [{"key": "depth", "value": "6"}])
        uri = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        path = f"/api/2.0/mlflow-artifacts/artifacts/{uri}/notes/hello.txt"
        self.assertEqual(server.get(path), (200, "hello from abcccca\n"))
        status, rows = server.get(f"{DEFAULT}/data-sets/rows/versions/1/sample?limit=5")
        self.assertEqual((status, len(rows.get("rows", []))), (200, 5), rows)


class Outage:
    """Passes connections on to a database, and can be cut: connections break and new ones are refused."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = free_port()
        self.open: set[socket.socket] = set()
        self.closed = False
        self.restore()

    def restore(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
                there = socket.create_connection(self.target)
            except OSError:
                return
            self.open |= {here, there}
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            # Closing alone tells the other side nothing while the other thread still reads.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in list(self.open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.open.clear()


class OutageTest(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = postgres_schema()
        if not self.schema:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no PostgreSQL server")

    def test_a_second_directory_is_refused_and_the_same_one_is_taken_up_at_once(self) -> None:
        first = Server("--database", self.schema)
        self.addCleanup(first.close)
        other = tempfile.mkdtemp(prefix="tidemill-second-")
        flags = ("--port", "0", "--grpc-port", "0", "--data-dir", other, "--database", self.schema)
        second = command("server", *flags)
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertIn(str(first.directory / "data"), second.stderr)
        self.assertIn("a server is running", second.stderr)
        first.kill()
        first.restart()
        self.assertEqual(first.get("/ready")[0], 200)
        first.close()
        third = command("server", *flags)
        self.assertEqual(third.returncode, 1, third.stderr)
        self.assertIn("TAKE_OVER", third.stderr)

    def test_a_run_outlives_a_database_that_is_away_for_half_a_minute(self) -> None:
        address = urllib.parse.urlsplit(self.schema)
        outage = Outage(address.hostname, address.port or 5432)
        through = self.schema.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{outage.port}")
        server = Server("--database", through)
        self.addCleanup(server.close)
        folder = tabular_project()
        self.assertEqual(command("apply", "-f", str(folder), "--server", server.url).returncode, 0)
        status, started = server.call("POST", f"{DEFAULT}/pipelines/train/runs", {})
        self.assertLess(status, 300, started)
        run = started.get("run", started)["id"]
        until(
            "a step runs",
            lambda: any(step["state"] == "RUNNING" for step in server.get(f"{DEFAULT}/pipeline-runs/{run}")[1]["steps"]),
        )
        outage.cut()
        time.sleep(32)
        outage.restore()
        ended = until(
            "the run ends",
            lambda: (lambda answer: answer[0] == 200 and answer[1]["run"]["state"] not in ("RUNNING", "WAITING") and answer[1])(
                server.get(f"{DEFAULT}/pipeline-runs/{run}")
            ),
        )
        self.assertEqual(ended["run"]["state"], "SUCCEEDED", ended["run"])


if __name__ == "__main__":
    unittest.main()
