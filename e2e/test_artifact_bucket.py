"""A server that keeps its artifacts in a bucket: when its disk is lost, when the bucket is away, and where it is restored."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from harness import PATIENCE, ROOT, Server, command, free_port, is_there, postgres_schema, until
from test_recovery import ANSWER, REQUEST, old_directory

MOTO = ROOT / ".cache" / "peers" / "moto" / "bin" / "moto_server"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


class Way:
    """A way to a server of this machine on which, once it hangs, connections are taken and nothing is answered."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.hangs = False
        self.entrance = socket.create_server(("127.0.0.1", 0))
        self.port = self.entrance.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.entrance.accept()
            except OSError:
                return
            self.open.append(client)
            if not self.hangs:
                server = socket.create_connection(("127.0.0.1", self.target))
                self.open.append(server)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if self.hangs:
                    return
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.entrance.close()
        for one in self.open:
            one.close()


@unittest.skipUnless(MOTO.exists(), "no S3 server (moto); `make peers` installs it")
class ArtifactBucketTest(unittest.TestCase):
    def setUp(self) -> None:
        port = free_port()
        self.store = subprocess.Popen(
            [str(MOTO), "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.addCleanup(self.store.wait)
        self.addCleanup(self.store.kill)
        self.endpoint = f"http://127.0.0.1:{port}"
        until("moto makes a bucket", lambda: is_there(urllib.request.Request(f"{self.endpoint}/bucket", method="PUT")))
        self.directory = old_directory()

    def environment(self, place: str = "s3://bucket/team/artifacts") -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "TIDEMILL_ARTIFACTS_STORE": place,
        }

    def server(self, directory: pathlib.Path, environment: dict[str, str]) -> Server:
        server = Server(directory=directory, environment=environment)
        self.addCleanup(server.close)
        return server

    def objects(self, prefix: str = "team/artifacts/blobs/") -> int:
        with urllib.request.urlopen(f"{self.endpoint}/bucket?list-type=2&prefix={prefix}", timeout=PATIENCE) as answer:
            return answer.read().decode().count("<Key>")

    def predicts(self, server: Server) -> None:
        def answer():
            status, body = server.call("POST", "/v2/models/model/infer", REQUEST)
            return body if status == 200 else None

        self.assertEqual(until("the model answers", answer)["outputs"], ANSWER["outputs"])

    def send(self, server: Server, method: str, path: str, content: bytes | None = None) -> tuple[int, bytes, str | None]:
        request = urllib.request.Request(f"{server.url}{FILES}/{path}", data=content, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read(), None
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read(), refusal.headers.get("Retry-After")

    @staticmethod
    def local(directory: pathlib.Path) -> list[pathlib.Path]:
        return [file for file in (directory / "data" / "artifacts").rglob("*") if file.is_file()]

    def test_a_disk_that_is_lost_loses_no_artifact_and_a_collection_frees_the_bucket(self) -> None:
        kept = len(self.local(self.directory))
        self.assertGreater(kept, 0)
        server = self.server(self.directory, self.environment())
        until("what was on the disk is in the bucket", lambda: not self.local(self.directory))
        self.assertEqual(self.objects(), kept)
        self.predicts(server)
        self.assertEqual(self.send(server, "PUT", "1/notes.txt", b"kept in a bucket")[0], 200)
        self.assertEqual(self.objects(), kept + 1)

        server.close()
        shutil.rmtree(self.directory / "data" / "artifact-copies")
        server = self.server(self.directory, self.environment())
        self.predicts(server)
        self.assertEqual(self.send(server, "GET", "1/notes.txt")[1], b"kept in a bucket")

        self.assertEqual(self.send(server, "DELETE", "1/notes.txt")[0], 200)
        collect = "/api/tidemill/v1/collect"
        until("its blob is collected", lambda: server.call("POST", collect, {"graceHours": 0})[1]["blobs"] > 0)
        self.assertEqual(self.objects(), kept)
        self.assertEqual(self.objects("team/artifacts/aside/"), 0)
        self.predicts(server)

    def test_while_the_bucket_is_away_models_answer_and_what_needs_it_is_refused(self) -> None:
        server = self.server(self.directory, self.environment())
        until("what was on the disk is in the bucket", lambda: not self.local(self.directory))
        self.predicts(server)
        self.store.kill()
        status, refusal, again = self.send(server, "PUT", "1/notes.txt", b"nobody takes it")
        self.assertEqual(status, 503, refusal)
        self.assertIn(b"bucket", refusal)
        self.assertEqual(again, "5")
        self.predicts(server)
        until("/ready says so", lambda: "artifact-bucket" in str(server.get("/ready")[1]))
        self.assertEqual(server.get("/ready")[0], 200)
        away = [
            line for line in server.get("/metrics")[1].splitlines() if line.startswith("tidemill_artifacts_bucket_away_seconds")
        ]
        self.assertGreater(float(away[0].split()[-1]), 0)

        server.close()
        server = self.server(self.directory, self.environment())
        self.predicts(server)
        self.assertIn("does not answer", (self.directory / "server.log").read_text())

    def test_while_the_bucket_hangs_each_call_ends_and_neighbours_do_not_wait(self) -> None:
        way = Way(int(self.endpoint.rsplit(":", 1)[1]))
        self.addCleanup(way.close)
        environment = {**self.environment(), "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{way.port}"}
        server = self.server(self.directory, environment)
        until("what was on the disk is in the bucket", lambda: not self.local(self.directory))
        self.predicts(server)
        way.hangs = True
        ended: list[tuple[int, float]] = []

        def upload() -> None:
            begun = time.monotonic()
            ended.append((self.send(server, "PUT", "1/notes.txt", b"nobody takes it")[0], time.monotonic() - begun))

        uploads = [threading.Thread(target=upload) for _ in range(8)]
        for one in uploads:
            one.start()
        slowest = 0.0
        while any(one.is_alive() for one in uploads):
            begun = time.monotonic()
            self.assertEqual(server.call("POST", "/v2/models/model/infer", REQUEST)[0], 200)
            run = server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
            self.assertEqual(run[0], 200, run)
            slowest = max(slowest, time.monotonic() - begun)
        self.assertEqual([status for status, _ in ended], [503] * 8)
        self.assertLess(max(seconds for _, seconds in ended), 60)
        self.assertLess(slowest, 10, "neighbours wait for nobody")

    def test_a_second_server_on_the_bucket_is_refused_and_the_first_goes_on(self) -> None:
        server = self.server(self.directory, self.environment())
        until("what was on the disk is in the bucket", lambda: not self.local(self.directory))
        kept = self.objects()
        with self.assertRaisesRegex(AssertionError, "another database"):
            Server(environment=self.environment())
        self.assertEqual(self.objects(), kept)
        self.predicts(server)
        self.assertEqual(self.send(server, "PUT", "1/notes.txt", b"kept in a bucket")[0], 200)

    def test_a_bucket_that_is_not_there_or_not_this_servers_is_refused_at_the_start(self) -> None:
        for place, told in (("s3://nowhere/x", "nowhere"), ("s3://bucket/", "artifacts.store")):
            with self.assertRaisesRegex(AssertionError, told):
                Server(directory=self.directory, environment=self.environment(place))
        self.server(self.directory, self.environment()).close()
        with self.assertRaisesRegex(AssertionError, "are in s3://bucket/team/artifacts"):
            Server(directory=self.directory)
        with self.assertRaisesRegex(AssertionError, "another database"):
            Server(environment=self.environment())

    def test_an_empty_directory_on_a_database_that_has_a_bucket_is_refused_without_it(self) -> None:
        database = postgres_schema()
        if not database:
            self.skipTest("no PostgreSQL server")
        environment = {**self.environment(), "TIDEMILL_DATABASE": database}
        Server(environment=environment).close()
        with self.assertRaisesRegex(AssertionError, "are in s3://bucket/team/artifacts"):
            Server(environment={"TIDEMILL_DATABASE": database, "TIDEMILL_DATABASE_TAKE_OVER": "true"})

    def test_a_backup_has_what_is_in_the_bucket_and_is_restored_into_a_bucket_or_onto_a_disk(self) -> None:
        server = self.server(self.directory, self.environment())
        until("what was on the disk is in the bucket", lambda: not self.local(self.directory))
        kept = self.objects()
        backup = pathlib.Path(tempfile.mkdtemp()) / "all.zip"
        done = command("backup", str(backup), "--server", server.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        server.close()

        disk = pathlib.Path(tempfile.mkdtemp())
        done = command("restore", str(backup), "--data-dir", str(disk / "data"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.local(disk)), kept)
        self.predicts(self.server(disk, {}))

        # A part of the bucket that is in use is refused, and leaves directory and database as empty as they were.
        schema = postgres_schema()
        if schema:
            for place, code in (("s3://bucket/team/artifacts", 1), ("s3://bucket/elsewhere", 0)):
                environment = {**os.environ, **self.environment(place)}
                target = str(pathlib.Path(tempfile.mkdtemp()) / "data")
                done = command("restore", str(backup), "--data-dir", target, "--database", schema, env=environment)
                self.assertEqual(done.returncode, code, done.stderr)

        bucket = pathlib.Path(tempfile.mkdtemp())
        for place, code in (("s3://bucket/team/artifacts", 1), ("s3://bucket/restored", 0)):
            environment = {**os.environ, **self.environment(place)}
            done = command("restore", str(backup), "--data-dir", str(bucket / "data"), env=environment)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(self.local(bucket), [])
        self.assertEqual(self.objects("restored/blobs/"), kept)
        self.assertEqual(self.objects(), kept, "the first server's are as they were")
        server = self.server(bucket, self.environment("s3://bucket/restored"))
        self.predicts(server)
        server.close()
        # It is another database than the one that it was made of.
        (bucket / "data" / "artifact-copies" / "store").unlink()
        with self.assertRaisesRegex(AssertionError, "another database"):
            Server(directory=bucket, environment=self.environment())


if __name__ == "__main__":
    unittest.main()
