"""Calls that nobody waits for, predictions that must not be lost, and a database that is away."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from harness import PATIENCE, PROGRAM_PATIENCE, ROOT, Server, command, postgres_schema, tabular_project, until

MLFLOW = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
TRITON = ROOT / ".cache" / "peers" / "triton" / "bin" / "python"
PREDICTIONS = "/api/tidemill/v1/projects/default/deployments/model/predictions?limit=5000"
# Seconds that a call takes which is not meant to end: as many as a process of a model may. Who waited for it would take no less.
LASTING = 55
# Seconds for which the database is away.
OUTAGE = 15
ROW = {
    "inputs": [
        {"name": "plan", "shape": [1], "datatype": "BYTES", "data": ["basic"]},
        {"name": "age", "shape": [1], "datatype": "INT64", "data": [25]},
        {"name": "support_calls", "shape": [1], "datatype": "INT64", "data": [6]},
        {"name": "visits_per_week", "shape": [1], "datatype": "FP64", "data": [0.1]},
        {"name": "monthly_spend", "shape": [1], "datatype": "FP64", "data": [10.5]},
    ]
}


def script(test: unittest.TestCase, python: pathlib.Path, *arguments: str) -> str:
    result = subprocess.run(
        [str(python), *arguments],
        capture_output=True,
        text=True,
        timeout=PROGRAM_PATIENCE,
        cwd=tempfile.mkdtemp(),
        env={**os.environ, "HOME": tempfile.mkdtemp(), "PYTHONPATH": str(ROOT / "e2e")},
    )
    test.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr[-6000:])
    return result.stdout


def trained(server: Server) -> None:
    environment = {**os.environ, "TIDEMILL_SERVER": server.url}
    for arguments in (("apply", "-f", str(tabular_project())), ("run", "train")):
        result = command(*arguments, env=environment)
        if result.returncode:
            raise AssertionError(result.stdout + result.stderr)


@unittest.skipUnless(MLFLOW.exists(), "mlflow is not here; `make peers` installs it")
class AbandonedCallsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={MLFLOW.parent.parent}\n")
        cls.server = Server("--config", str(settings))
        script(cls("slept"), MLFLOW, str(ROOT / "e2e" / "calls_models.py"), cls.server.url)
        started = time.monotonic()
        assert cls("slept").slept(0.01)[0] == 200
        # The process that an ended call was in is started again, and imports its libraries again, as this call's was.
        cls.soon = max(LASTING - 10, 2 * (time.monotonic() - started))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()

    def slept(self, seconds: float, **parameters: object):
        tensor = {"name": "seconds", "shape": [1], "datatype": "FP64", "data": [seconds]}
        return self.server.call("POST", "/v2/models/sleepy/infer", {"inputs": [tensor], "parameters": parameters})

    def abandoned(self, seconds: float) -> socket.socket:
        body = json.dumps({"inputs": [{"name": "seconds", "shape": [1], "datatype": "FP64", "data": [seconds]}]})
        connection = socket.create_connection(("127.0.0.1", self.server.port))
        connection.sendall(
            f"POST /v2/models/sleepy/infer HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return connection

    def test_calls_whose_callers_have_gone_hold_nobody_up(self) -> None:
        calls = [self.abandoned(LASTING) for _ in range(10)]
        time.sleep(0.5)
        for connection in calls:
            connection.close()
        started = time.monotonic()
        status, answer = self.slept(0.01)
        took = time.monotonic() - started
        self.assertEqual(status, 200, answer)
        sys.stderr.write(f"after ten abandoned calls of {LASTING} s the next took {took:.2f} s\n")
        self.assertLess(took, self.soon)

    def test_a_caller_who_stays_is_answered_and_may_send_the_next_request_before(self) -> None:
        with self.abandoned(0.5) as connection:
            body = json.dumps({"inputs": [{"name": "seconds", "shape": [1], "datatype": "FP64", "data": [0.25]}]})
            connection.sendall(
                f"POST /v2/models/sleepy/infer HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            connection.settimeout(PATIENCE)
            content = b""
            while part := connection.recv(65536):
                content += part
        self.assertEqual(content.count(b"HTTP/1.1 200"), 2, content)
        self.assertIn(b'"data":[0.5]', content)
        self.assertIn(b'"data":[0.25]', content)

    def test_a_time_out_in_the_request_ends_the_call(self) -> None:
        started = time.monotonic()
        status, answer = self.slept(LASTING, timeout=300_000)
        self.assertLess(time.monotonic() - started, self.soon)
        self.assertEqual(status, 504, answer)
        self.assertIn("300 ms", json.dumps(answer))
        status, answer = self.slept(0.01, timeout=PATIENCE * 1_000_000)
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.slept(0.01, timeout=-1)[0], 400)
        self.assertEqual(self.slept(0.01, timeout="soon")[0], 400)

    def test_parameters_reach_the_model_and_those_that_it_does_not_declare_are_refused(self) -> None:
        status, answer = self.server.call(
            "POST", "/deployments/told/invocations", {"inputs": [{"x": 1.0}], "params": {"scale": 4, "words": ["c"]}}
        )
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["predictions"], [{"scale": 4.0, "words": ["c"], "none": None, "nested": {"x": [1, [2, 3]]}}])
        self.assertEqual(
            self.server.call("POST", "/deployments/told/invocations", {"inputs": [{"x": 1.0}], "params": {"y": 1}})[0], 400
        )
        status, answer = self.server.call(
            "POST", "/deployments/told/invocations", {"inputs": [{"x": 1.0}], "params": {"scale": "wide"}}
        )
        self.assertEqual(status, 400, answer)
        self.assertIn("scale", json.dumps(answer))

    def test_answers_on_mlflows_route_are_mlflows(self) -> None:
        sys.stderr.write(
            script(self, MLFLOW, str(ROOT / "e2e" / "calls_differential.py"), self.server.url).splitlines()[-1] + "\n"
        )

    @unittest.skipUnless(TRITON.exists(), "tritonclient is not here; `make peers` installs it")
    def test_calls_over_grpc_end_with_their_deadline_and_when_they_are_cancelled(self) -> None:
        program = """
import sys, time
import numpy as np, tritonclient.grpc as grpc
client = grpc.InferenceServerClient(sys.argv[1])
lasting = float(sys.argv[2])
def tensor(seconds):
    given = grpc.InferInput('seconds', [1], 'FP64')
    given.set_data_from_numpy(np.array([seconds]))
    return [given]
ignored = lambda result, error: None
calls = [client.async_infer('sleepy', tensor(lasting), callback=ignored) for _ in range(5)]
calls += [client.async_infer('sleepy', tensor(lasting), callback=ignored, client_timeout=0.4) for _ in range(5)]
time.sleep(0.5)
for call in calls:
    call.cancel()
started = time.monotonic()
client.infer('sleepy', tensor(0.01))
print(time.monotonic() - started)
"""
        took = float(script(self, TRITON, "-c", program, self.server.grpc, str(LASTING)))
        sys.stderr.write(f"after ten calls over gRPC that ended the next took {took:.2f} s\n")
        self.assertLess(took, self.soon)


class JournalTest(unittest.TestCase):
    def load(self, server: Server, answered: set[str], stop: threading.Event, name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                if server.call("POST", "/v2/models/model/infer", {"id": f"{name}-{number}", **ROW})[0] == 200:
                    answered.add(f"{name}-{number}")
            except (OSError, ValueError):
                return

    def test_after_a_sudden_end_every_answered_prediction_is_journalled(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        trained(server)
        view = server.get("/api/tidemill/v1/projects/default/deployments/model")[1]
        self.assertIs(view["journal"]["durable"], True, view)
        answered: set[str] = set()
        for kill in range(3):
            stop = threading.Event()
            threads = [threading.Thread(target=self.load, args=(server, answered, stop, f"{kill}-{i}")) for i in range(6)]
            for thread in threads:
                thread.start()
            enough = len(answered) + 200
            until("predictions are answered", lambda enough=enough: len(answered) >= enough)
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            server.restart()
        status, received = server.call(
            "POST",
            "/api/tidemill/v1/projects/default/deployments/model/labels",
            {"labels": [{"id": one, "value": "yes"} for one in sorted(answered)]},
        )
        self.assertEqual(status, 200, received)
        self.assertEqual(received["unknown"], [])
        self.assertEqual(received["accepted"], len(answered))
        sys.stderr.write(f"{len(answered)} answered predictions, three sudden ends, none missing\n")

    def test_what_the_database_would_not_take_is_refused_before_it_is_answered(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        trained(server)
        for name, parameters in (("nul-\0", {}), ("far", {"event_time": "+999999999-01-01T00:00:00Z"})):
            status, answer = server.call("POST", "/v2/models/model/infer", {"id": name, "parameters": parameters, **ROW})
            self.assertEqual(status, 400, answer)
        self.assertEqual(server.call("POST", "/v2/models/model/infer", {"id": "good", **ROW})[0], 200)
        status, received = server.call(
            "POST",
            "/api/tidemill/v1/projects/default/deployments/model/labels",
            {"labels": [{"id": "good", "value": "yes"}]},
        )
        self.assertEqual((status, received["accepted"]), (200, 1), received)
        journal = server.get("/api/tidemill/v1/projects/default/deployments/model")[1]["journal"]
        self.assertEqual(journal, {"durable": True, "dropped": 0, "unreadableFiles": 0})

    def test_a_label_can_be_corrected_and_says_where_it_comes_too_late(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        trained(server)
        deployment = "/api/tidemill/v1/projects/default/deployments/model"

        def label(name: str, value: object) -> dict:
            status, received = server.call("POST", deployment + "/labels", {"labels": [{"id": name, "value": value}]})
            self.assertEqual(status, 200, received)
            return {key: count for key, count in received.items() if count}

        for name, day in ("old", 1), ("new", 9):
            parameters = {"event_time": f"2026-03-0{day}T12:00:00Z"}
            status, answer = server.call("POST", "/v2/models/model/infer", {"id": name, "parameters": parameters, **ROW})
            self.assertEqual(status, 200, answer)
            self.assertEqual(label(name, "yes"), {"accepted": 1})
        server.call("POST", deployment + "/watermark", {"time": "2026-03-09T13:00:00Z"})
        self.assertEqual(label("new", "yes"), {"repeated": 1})
        self.assertEqual(label("new", "no"), {"corrected": 1})
        self.assertEqual(label("old", "no"), {"corrected": 1, "late": 1})
        rows = server.get(PREDICTIONS)[1]["predictions"]
        self.assertEqual({row["id"]: row["label"] for row in rows}, {"old": "no", "new": "no"})
        self.assertEqual(len({row["championLoss"] for row in rows}), 1)
        refused = server.call("POST", deployment + "/labels", {"labels": [{"id": "new", "value": "perhaps"}]})
        self.assertEqual(refused[0], 400, refused[1])
        self.assertIn("'perhaps' is none of the classes", refused[1]["detail"])
        told = server.get(deployment + "/monitoring")[1]
        self.assertEqual(told["state"]["lateLabels"], 1)
        kinds = [obstacle["kind"] for obstacle in told["obstacles"]]
        self.assertIn("NO_RETRAINING", kinds)
        why = command("why", "model", "--server", server.url)
        self.assertEqual(why.returncode, 0, why.stderr)
        self.assertIn("wait  The policy has no 'retrain'", why.stdout)

    def told_apart(self, *flags: str) -> None:
        """Ids are told apart by what is asked under them, at once while the server remembers it, else in the journal."""
        server = Server(*flags)
        self.addCleanup(server.close)
        trained(server)
        deployment = "/api/tidemill/v1/projects/default/deployments/model"

        def infer(name: str, *rows: int) -> tuple[int, object]:
            inputs = [{**one, "shape": [len(rows)], "data": one["data"] * len(rows)} for one in ROW["inputs"]]
            inputs[1]["data"] = list(rows)
            return server.call("POST", "/v2/models/model/infer", {"id": name, "inputs": inputs})

        def label(*names: str) -> dict:
            labels = [{"id": one, "value": "yes"} for one in names]
            status, received = server.call("POST", deployment + "/labels", {"labels": labels})
            self.assertEqual(status, 200, received)
            return received

        self.assertEqual(infer("a", 25, 60, 41)[0], 200)
        status, refused = infer("a.1", 33)
        self.assertEqual(status, 409, refused)
        self.assertIn("'a.1'", refused["error"])
        self.assertEqual(infer("a", 25, 61, 41)[0], 409)
        self.assertEqual(infer("b.0", 33)[0], 200)
        self.assertEqual(infer("b", 34, 35)[0], 409)
        for _ in range(2):
            self.assertEqual(infer("a", 25, 60, 41)[0], 200)
            self.assertEqual(infer("a.1", 60)[0], 200)
        self.assertEqual(label("b.0")["accepted"], 1)
        self.assertEqual(server.get(deployment)[1]["journal"]["dropped"], 0)
        self.assertEqual(server.get(PREDICTIONS + "&total=true")[1]["total"], 4)
        server.kill()
        server.restart()
        self.assertEqual(infer("a.1", 60)[0], 200)
        self.assertEqual(label()["accepted"], 0)
        self.assertEqual(server.get(deployment)[1]["journal"]["dropped"], 0)
        self.assertEqual(infer("b", 34, 35)[0], 200)
        received = label("b.0", "b.1")
        self.assertEqual((received["accepted"], received["repeated"], received["lost"]), (1, 0, ["b.0"]), received)
        journal = server.get(deployment)[1]["journal"]
        self.assertEqual(journal["dropped"], 1, journal)
        self.assertIn("'b.0'", journal["dropReason"])
        self.assertIn("'b.0'", command("status", env={**os.environ, "TIDEMILL_SERVER": server.url}).stdout)
        server.kill()
        server.restart()
        # Also who has seen neither answer does not join a label that may be about the other.
        received = label("b.0", "a.0")
        self.assertEqual((received["accepted"], received["lost"], received["unknown"]), (1, ["b.0"], []), received)

    def test_an_id_stands_for_one_prediction(self) -> None:
        self.told_apart()

    def test_an_id_stands_for_one_prediction_on_postgres(self) -> None:
        address = postgres_schema()
        if not address:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server, or there is no psql to make a schema with")
        self.told_apart("--database", address)

    def test_a_damaged_file_is_told_where_people_look(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        trained(server)
        server.kill()
        folder = server.directory / "data" / "journal"
        # A frame whose checksum fits and that holds nothing that is a prediction: "[0]" is no list of predictions.
        content = b"[0]"
        head = len(content).to_bytes(4, "big") + crc32c(content).to_bytes(4, "big")
        (folder / "000000009999.journal").write_bytes(head + content)
        server.restart()
        until("a metric tells", lambda: "tidemill_predictions_journal_unreadable 1" in server.call("GET", "/metrics")[1])
        self.assertEqual([file.name for file in folder.glob("*.unreadable")], ["000000009999.journal.unreadable"])
        self.assertEqual(server.get("/api/tidemill/v1/server")[1]["journal"]["unreadableFiles"], 1)
        self.assertEqual(server.get("/api/tidemill/v1/projects/default/deployments/model")[1]["journal"]["unreadableFiles"], 1)
        status = command("status", env={**os.environ, "TIDEMILL_SERVER": server.url})
        self.assertIn("1 files of waiting predictions could not be read", status.stdout)
        self.assertEqual(server.call("POST", "/v2/models/model/infer", {"id": "after", **ROW})[0], 200)


def crc32c(content: bytes) -> int:
    """Castagnoli's polynomial, bit by bit."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Proxy:
    """Carries bytes to PostgreSQL until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.cut = threading.Event()
        self.pairs: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            if self.cut.is_set():
                client.close()
                continue
            server = socket.create_connection(self.target)
            self.pairs += [client, server]
            threading.Thread(target=self.carry, args=(client, server), daemon=True).start()

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    content = ready.recv(1 << 16)
                    if not content:
                        return
                    (server if ready is client else client).sendall(content)
        except (OSError, ValueError):
            return
        finally:
            client.close()
            server.close()

    def away(self) -> None:
        self.cut.set()
        for one in self.pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def back(self) -> None:
        self.cut.clear()

    def close(self) -> None:
        self.away()
        self.listening.close()


class DatabaseAwayTest(unittest.TestCase):
    def test_loaded_models_go_on_answering_those_who_were_known(self) -> None:
        address = postgres_schema()
        if address is None:
            self.skipTest("TIDEMILL_TEST_POSTGRES names no server")
        parts = urllib.parse.urlsplit(address)
        proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)
        self.addCleanup(proxy.close)
        credentials = parts.netloc.rpartition("@")[0]
        through = parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl()
        server = Server("--database", through)
        self.addCleanup(server.close)
        trained(server)
        self.assertEqual(server.call("POST", "/v2/models/model/infer", {"id": "before", **ROW})[0], 200)
        proxy.away()
        deadline = time.monotonic() + OUTAGE
        count, slowest = 0, 0.0
        while time.monotonic() < deadline:
            started = time.monotonic()
            status, answer = server.call("POST", "/v2/models/model/infer", {"id": f"away-{count}", **ROW})
            slowest = max(slowest, time.monotonic() - started)
            self.assertEqual(status, 200, answer)
            count += 1
            time.sleep(0.05)
        sys.stderr.write(f"{count} predictions without a database, the slowest took {slowest:.2f} s\n")
        proxy.back()
        wanted = {f"away-{i}" for i in range(count)} | {"before"}

        def journalled() -> bool:
            status, answer = server.get(PREDICTIONS)
            return status == 200 and wanted <= {row["id"] for row in answer["predictions"]}

        until("what was answered without the database reaches it", journalled)


if __name__ == "__main__":
    unittest.main()
