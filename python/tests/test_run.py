"""Runs while no server is there: everything waits on disk, nothing is raised. e2e/test_python.py replays to a real one."""

from __future__ import annotations

import contextlib
import errno
import http.server
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import typing
import unittest
import unittest.mock

import tidemill
from tidemill import _lock, _outbox, _run
from tidemill.__main__ import main
from tidemill._capture import _without_secret

PATIENCE = 120
# A training that logs a point for every line that it reads, and ends with what it reads.
TRAINING = """
import sys, tidemill
with tidemill.start_run(capture=False, patience=float(sys.argv[1])) as run:
    print(run.id, flush=True)
    for step, _ in enumerate(sys.stdin):
        run.log_metric("loss", 1.0, step)
"""


class RunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.place = pathlib.Path(tempfile.mkdtemp())
        before = dict(os.environ)
        os.environ.update(TIDEMILL_OUTBOX=str(self.place), TIDEMILL_SERVER="http://127.0.0.1:9")
        self.addCleanup(os.environ.update, before)
        self.addCleanup(os.environ.clear)

    def entries(self, run: tidemill.Run) -> list[dict[str, object]]:
        return [json.loads(line) for line in (run.waiting / "journal.jsonl").read_text().splitlines()]

    def test_a_training_goes_on_without_a_server(self) -> None:
        with tidemill.start_run("lost", params={"depth": 3}, patience=0.1) as run:
            run.log_metric("loss", float("nan"), step=2)
            run.log_text("hello", "notes/a.txt")
        kinds = [entry["kind"] for entry in self.entries(run)]
        self.assertEqual(kinds[0], "start")
        self.assertEqual(kinds[-1], "end")
        self.assertIn("metric", kinds)
        self.assertEqual([entry["value"] for entry in self.entries(run) if entry["kind"] == "metric"], ["NaN"])
        with self.assertRaises(tidemill.ReplayError) as left:
            tidemill.replay()
        self.assertEqual(left.exception.sent, [])
        self.assertIsInstance(left.exception.failed[run.id], tidemill.ServerUnavailable)
        self.assertTrue(run.waiting.exists(), "what was not sent stays")

    def test_a_failed_training_is_told_as_failed(self) -> None:
        with self.assertRaises(ValueError), tidemill.start_run(patience=0.1, capture=False) as run:
            raise ValueError("no")
        self.assertEqual(self.entries(run)[-1]["status"], "FAILED")

    def test_a_file_is_kept_as_it_was(self) -> None:
        file = self.place / "model.bin"
        file.write_bytes(b"first")
        with tidemill.start_run(patience=0.1, capture=False) as run:
            run.log_artifact(file, "models")
            file.write_bytes(b"second")
        entry = next(entry for entry in self.entries(run) if entry["kind"] == "file")
        self.assertEqual(entry["path"], "models/model.bin")
        self.assertEqual((run.waiting / "files" / str(entry["name"])).read_bytes(), b"first")


class FakeServer(http.server.ThreadingHTTPServer):
    """Takes what a run tells; refuses params named ``bad`` and metrics named ``bad``, as the real one refuses odd names."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []
        self.status = 0
        self.refused = ""
        super().__init__(("127.0.0.1", 0), FakeHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def batches(self, field: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for path, body in self.told:
            if path.endswith("/runs/log-batch"):
                found.extend(typing.cast("list[dict[str, object]]", body.get(field, [])))
        return found


class FakeHandler(http.server.BaseHTTPRequestHandler):
    server: FakeServer

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(body) if body.startswith(b"{") else {}
        odd = any(one["key"] == "bad" for field in ("metrics", "params") for one in told.get(field, []))
        status = self.server.status or (400 if odd else 200)
        if self.server.refused and self.server.refused in self.path:
            status = 403
        if status == 200:
            self.server.told.append((self.path, told))
        text = json.dumps({"artifacts": "mlflow-artifacts:/0/r/artifacts", "message": "an odd name"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_POST = do_GET = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class SendTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = FakeServer()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        before = dict(os.environ)
        os.environ.update(TIDEMILL_OUTBOX=tempfile.mkdtemp(), TIDEMILL_SERVER=self.server.url)
        self.addCleanup(os.environ.update, before)
        self.addCleanup(os.environ.clear)

    def until(self, what: str, holds: typing.Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def test_logging_goes_through_the_doors_of_logging_and_each_line_is_read_once(self) -> None:
        seen: list[tuple[str, bytes]] = []
        real = _outbox._entry

        def reading(line: bytes) -> dict[str, typing.Any] | None:
            seen.append((threading.current_thread().name, line))
            return real(line)

        with (
            unittest.mock.patch.object(_outbox, "_entry", reading),
            tidemill.start_run(params={"depth": 3}, capture=False, patience=PATIENCE) as run,
        ):
            for step in range(2500):
                run.log_metric("loss", 1.0, step)
            self.until("points are sent beside the training", lambda: len(self.server.batches("metrics")) == 2500)
            run.log_metric("loss", 1.0, 2500)
        self.assertFalse(run.waiting.exists())
        self.assertEqual([point["step"] for point in self.server.batches("metrics")], list(range(2501)))
        self.assertFalse([path for path, _ in self.server.told if "/import/" in path])
        self.assertEqual(len([path for path, _ in self.server.told if path.endswith(f"/runs/{run.id}")]), 1)
        # Runs of other tests may still be waiting for their servers, and read theirs again.
        own = [line for name, line in seen if name == f"tidemill-{run.id[:8]}"]
        self.assertGreater(len(own), 2500)
        self.assertEqual(len(own), len(set(own)), "no line of the journal is read twice")

    def test_what_is_refused_is_kept_with_its_reason_and_the_rest_is_sent(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), tidemill.start_run(capture=False, patience=PATIENCE) as run:
            run.log_params({"a": 1, "bad": 2, "b": 3})
            for step in range(100):
                run.log_metric("bad" if step == 40 else "loss", 1.0, step)
        self.assertEqual({param["key"] for param in self.server.batches("params")}, {"a", "b"})
        self.assertEqual(len(self.server.batches("metrics")), 99)
        self.assertEqual(self.server.told[-1][1]["status"], "FINISHED")
        refused = [json.loads(line) for line in (run.waiting / "refused.jsonl").read_text().splitlines()]
        self.assertEqual([one["reason"] for one in refused], ["an odd name", "an odd name"])
        self.assertIn("refused.jsonl", said.getvalue())
        self.assertEqual(tidemill.replay(), [], "nothing waits")

    def test_what_fails_unexpectedly_is_said_and_tried_again(self) -> None:
        said = io.StringIO()
        real = _outbox.Sender.send
        failures = iter([RuntimeError("unforeseen"), SystemExit("a thread is ended"), ValueError("again")])
        mine = _outbox.folder()

        def failing(sender: _outbox.Sender) -> bool:
            # Runs of other tests may still be waiting for their servers; what fails here is this one's.
            failure = next(failures, None) if sender._place.parent == mine else None
            if failure is not None:
                raise failure
            return real(sender)

        with (
            contextlib.redirect_stderr(said),
            unittest.mock.patch.object(_outbox.Sender, "send", failing),
            unittest.mock.patch.object(_run, "_PAUSE", 0.01),
            tidemill.start_run(capture=False, patience=PATIENCE) as run,
        ):
            self.until("the thread is gone", lambda: not run._thread.is_alive())
            run.log_metric("loss", 1.0)
            self.until("another thread sends", lambda: len(self.server.batches("metrics")) == 1)
        self.assertFalse(run.waiting.exists())
        self.assertIn("unforeseen", said.getvalue())

    def test_a_right_that_is_given_later_lets_the_rest_through(self) -> None:
        self.server.status = 403
        said = io.StringIO()
        with (
            contextlib.redirect_stderr(said),
            unittest.mock.patch.object(_run, "_PAUSE", 0.01),
            tidemill.start_run(capture=False, patience=PATIENCE) as run,
        ):
            run.log_metric("loss", 1.0)
            self.until("the refusal is known", lambda: run.error is not None)
            self.server.status = 0
        self.assertEqual(len(self.server.batches("metrics")), 1)
        self.assertIn("an odd name", said.getvalue())

    def test_a_full_disk_ends_no_training_and_harms_no_later_line(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), tidemill.start_run(capture=False, patience=PATIENCE) as run:
            file = run._journal._file
            full = unittest.mock.Mock()
            full.write.side_effect = [3, OSError(28, "No space left on device"), OSError(28, "No space left on device")]

            def some(line: bytes) -> int:
                count = full.write(line)
                file.write(line[:count])
                return int(count)

            run._journal._file = unittest.mock.Mock(write=some)
            run.log_metric("lost", 1.0)
            run.log_metric("lost", 1.0)
            run._journal._file = file
            run.log_metric("kept", 1.0)
        self.assertEqual([point["key"] for point in self.server.batches("metrics")], ["kept"])
        self.assertIn("No space left", said.getvalue())
        self.assertIn("2 entries", said.getvalue())

    def waiting(self, name: str, text: bytes) -> pathlib.Path:
        """A journal that a process which was killed has left."""
        place = pathlib.Path(os.environ["TIDEMILL_OUTBOX"]) / name
        place.mkdir(parents=True)
        (place / "address").write_text(f"{self.server.url}\ndefault\n")
        (place / "journal.jsonl").write_bytes(text)
        return place

    def start(self, name: str) -> bytes:
        told = {"kind": "start", "run_id": name, "experiment": "e", "name": name, "user": "u", "time": 0, "tags": {}}
        return json.dumps(told).encode() + b"\n"

    def test_a_run_killed_in_the_middle_of_a_line_is_told_as_killed(self) -> None:
        point = json.dumps({"kind": "metric", "key": "loss", "value": 1.0, "timestamp": 1, "step": 0}).encode()
        for length in (1, len(point) // 2, len(point)):
            name = f"torn{length}"
            place = self.waiting(name, self.start(name) + point + b"\n" + point[:length])
            self.assertEqual(tidemill.replay(), [name])
            path, last = self.server.told[-1]
            self.assertTrue(path.endswith("/runs/update"), path)
            self.assertEqual((last["run_id"], last["status"]), (name, "KILLED"))
            self.assertFalse((place / "journal.jsonl").exists())

    def test_what_was_not_sent_to_its_end_stays(self) -> None:
        place = self.waiting("kept", self.start("kept"))
        with unittest.mock.patch.object(_outbox.Sender, "send", lambda _: False):
            self.assertEqual(tidemill.replay(), [])
        self.assertTrue((place / "journal.jsonl").exists(), "nobody has its end")
        self.assertEqual(tidemill.replay(), ["kept"])

    def test_a_journal_whose_first_line_is_torn_stays_and_hinders_no_other(self) -> None:
        empty = self.waiting("a-empty", b"")
        torn = self.waiting("b-torn", self.start("b-torn")[:20])
        self.waiting("c-whole", self.start("c-whole"))
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(tidemill.replay(), ["c-whole"])
            self.assertEqual(tidemill.replay(), [], "again, it is the same")
        self.assertEqual((torn / "journal.jsonl").read_bytes(), self.start("b-torn")[:20], "as it was")
        self.assertEqual((empty / "journal.jsonl").read_bytes(), b"")
        self.assertIn("b-torn", said.getvalue())

    def training(self) -> tuple[subprocess.Popen[str], str]:
        """A process that logs to a run, and the run's id."""
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(PATIENCE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def go_on(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    def ends(self) -> list[tuple[object, object]]:
        return [(told["run_id"], told["status"]) for path, told in self.server.told if path.endswith("/runs/update")]

    def test_a_run_that_goes_on_is_left_to_its_process(self) -> None:
        process, run = self.training()
        place = _outbox.folder() / run
        self.go_on(process)
        self.until("it is logged", lambda: (place / "journal.jsonl").read_bytes().count(b"\n") == 2)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(tidemill.replay(), [])
        self.assertIn(f"{run} goes on", said.getvalue())
        self.assertTrue((place / "journal.jsonl").exists())
        self.go_on(process)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual([point["step"] for point in self.server.batches("metrics")], [0, 1])
        self.assertEqual(self.ends(), [(run, "FINISHED")])
        self.assertFalse(place.exists())

    def test_a_run_whose_process_was_killed_is_replayed(self) -> None:
        self.server.status = 503
        process, run = self.training()
        self.go_on(process)
        self.until("it is logged", lambda: (_outbox.folder() / run / "journal.jsonl").read_bytes().count(b"\n") == 2)
        process.kill()
        process.wait(PATIENCE)
        self.server.status = 0
        self.assertEqual(tidemill.replay(), [run])
        self.assertEqual([point["step"] for point in self.server.batches("metrics")], [0])
        self.assertEqual(self.ends(), [(run, "KILLED")])
        self.assertEqual(list(_outbox.folder().iterdir()), [])

    def test_a_forked_process_holds_the_lock_and_does_not_give_it_back_for_all(self) -> None:
        place = _outbox.folder()
        lock = _lock.Lock(place)
        child = os.fork()
        if child == 0:
            lock.release()
            os._exit(0)
        os.waitpid(child, 0)
        with self.assertRaises(BlockingIOError):
            _lock.Lock(place)
        lock.release()
        _lock.Lock(place).release()

    def test_where_the_disk_has_no_locks_only_what_has_ended_goes(self) -> None:
        end = json.dumps({"kind": "end", "status": "FINISHED", "time": 1}).encode() + b"\n"
        ended = self.waiting("ended", self.start("ended") + end)
        unknown = self.waiting("unknown", self.start("unknown"))
        said = io.StringIO()
        none = OSError(errno.ENOSYS, "Function not implemented")
        with contextlib.redirect_stderr(said), unittest.mock.patch.object(_lock, "_take", side_effect=none):
            self.assertEqual(tidemill.replay(), ["ended"])
        self.assertEqual(self.ends(), [("ended", "FINISHED")])
        self.assertFalse(ended.exists())
        self.assertEqual((unknown / "journal.jsonl").read_bytes(), self.start("unknown"))
        self.assertIn("has no locks", said.getvalue())

    def test_a_run_that_is_refused_hinders_no_other(self) -> None:
        self.server.refused = "b-refused"
        names = ("a-first", "b-refused", "c-damaged", "d-elsewhere", "e-elsewhere", "f-last")
        places = {name: self.waiting(name, self.start(name)) for name in names}
        (places["c-damaged"] / "address").write_text("")
        for name in ("d-elsewhere", "e-elsewhere"):
            (places[name] / "address").write_text("http://127.0.0.1:9\ndefault\n")
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            self.assertEqual(main(["replay"]), 1)
        self.assertEqual(out.getvalue().split(), ["a-first", "f-last"])
        self.assertRegex(said.getvalue(), r"b-refused is not sent, and waits on: an odd name\n")
        self.assertRegex(said.getvalue(), r"e-elsewhere is not sent, and waits on: http://127.0.0.1:9 does not answer")
        self.assertIn("2 runs sent, 4 not\n", said.getvalue())
        self.assertEqual([name for name, place in places.items() if (place / "journal.jsonl").exists()], list(names[1:-1]))
        self.server.refused = ""
        for name in names[2:-1]:
            (places[name] / "address").write_text(f"{self.server.url}\ndefault\n")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            self.assertEqual(main(["replay"]), 0)
        self.assertEqual(out.getvalue().split(), ["a-first", "f-last", *names[1:-1]])

    def test_a_note_that_was_lost_has_all_sent_again(self) -> None:
        point = json.dumps({"kind": "metric", "key": "loss", "value": 1.0, "timestamp": 1, "step": 0}).encode() + b"\n"
        for number, note in enumerate((b"", b"\0\0\0", b"\xff", b"-3", b"999999")):
            name = f"noted{number}"
            place = self.waiting(name, self.start(name) + point)
            (place / "sent").write_bytes(note)
            self.assertEqual(tidemill.replay(), [name])
            self.assertEqual(len(self.server.batches("metrics")), number + 1)


class CaptureTest(unittest.TestCase):
    def test_code_changes_and_libraries_are_captured(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp())

        def git(*arguments: str) -> None:
            command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
            subprocess.run(command, check=True, capture_output=True)

        git("init", "-q")
        (folder / "train.py").write_text("x = 1\n")
        git("add", ".")
        git("commit", "-qm", "first")
        (folder / "train.py").write_text("x = 2\n")
        facts = tidemill.captured(folder)
        self.assertEqual(len(facts.tags["mlflow.source.git.commit"]), 40)
        self.assertIn("+x = 2", facts.files["reproduce/uncommitted.diff"])
        self.assertIn("httpx==", facts.files["reproduce/requirements.lock"])
        self.assertTrue(facts.tags["tidemill.hardware.cores"].isdigit())

    def test_no_secret_of_an_address_is_kept(self) -> None:
        self.assertEqual(_without_secret("https://user:token@host/x.git"), "https://host/x.git")
        self.assertEqual(_without_secret("git@host:x.git"), "git@host:x.git")


if __name__ == "__main__":
    unittest.main()
