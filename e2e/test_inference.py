"""Models of every kind called with real clients, and compared with the libraries that made them."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server, until

MLFLOW = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
KSERVE = ROOT / ".cache" / "peers" / "kserve" / "bin" / "python"
MLSERVER = ROOT / ".cache" / "peers" / "mlserver" / "bin" / "python"
TENSORFLOW = ROOT / ".cache" / "peers" / "tensorflow" / "bin" / "python"
TRITON = ROOT / ".cache" / "peers" / "triton" / "bin" / "python"


def run(test: unittest.TestCase, python: pathlib.Path, script: str, *arguments: str, timeout: int = PROGRAM_PATIENCE) -> None:
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


def path_without(program: str) -> str:
    """A folder with links to all programs of the path but one."""
    folder = pathlib.Path(tempfile.mkdtemp())
    for place in os.environ["PATH"].split(os.pathsep):
        for found in pathlib.Path(place).iterdir() if pathlib.Path(place).is_dir() else ():
            if found.name != program and not (folder / found.name).is_symlink():
                (folder / found.name).symlink_to(found)
    return str(folder)


def ended(server: Server, body: dict) -> None:
    """Calls the spy until the connection breaks."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        server.call("POST", "/v2/models/spy/infer", body)


def processor_seconds(argument: str) -> list[float]:
    """Processor time of each process that has this in its command line."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and argument.encode() in (process / "cmdline").read_bytes():
                user, system = (process / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
                found.append((int(user) + int(system)) / os.sysconf("SC_CLK_TCK"))
    return found


class Receiver:
    """Writes every CloudEvent that it gets to a file, a line each; refuses them while a file NAME.fail exists."""

    def __init__(self, file: pathlib.Path) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                failing = pathlib.Path(str(file) + ".fail").exists()
                if not failing:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    with file.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps({"headers": headers, "body": json.loads(body)}) + "\n")
                self.send_response(500 if failing else 202)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


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

    def test_graphs_answer_as_their_parts_do(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_graphs.py", server.url, str(ROOT / "tidemill"))

    def test_requests_and_answers_are_logged(self) -> None:
        work = pathlib.Path(tempfile.mkdtemp())
        receiver = Receiver(work / "events")
        self.addCleanup(receiver.close)
        settings = work / "settings"
        settings.write_text(f"payloads.sink={receiver.url}\npayloads.parquet=true\npayloads.log=true\npayloads.file-seconds=2\n")
        server = Server("--config", str(settings))
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_sample.py", server.url, "sample")
        run(self, MLFLOW, "inference_payloads.py", server.url, str(server.directory / "data" / "payloads"), str(work / "events"))

        def logged() -> list[str]:
            return [line for line in (server.directory / "server.log").read_text().splitlines() if " LogSink " in line]

        until("every request is logged", lambda: len(logged()) >= 241)
        lines = logged()
        self.assertEqual(len(lines), 241)
        self.assertIn("default~sample request-0-ü of 2 rows by local with sample/1 (registered):", lines[0])
        self.assertEqual(sum("refused: " in line for line in lines), 1)

    def test_code_waits_for_trust_and_runs_apart(self) -> None:
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={MLFLOW.parent.parent}\ninference.python-isolation=required\n")
        for isolator, path in (("bubblewrap", os.environ["PATH"]), ("unshare", path_without("bwrap"))):
            with self.subTest(isolator):
                server = Server("--config", str(settings), environment={"PATH": path})
                self.addCleanup(server.close)
                self.assertEqual(server.get("/ready"), (200, "OK"))
                self.assertIn(isolator, server.get("/api/tidemill/v1/server")[1]["pythonIsolation"])
                run(self, MLFLOW, "inference_apart.py", server.url, str(server.directory / "data"))
                self.ends_with_its_server(server)

    def ends_with_its_server(self, server: Server) -> None:
        """A model that holds the interpreter does not outlive a server that is killed."""
        inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": ["hold"]} for name in ("what", "argument")]
        threading.Thread(target=lambda: ended(server, {"inputs": inputs}), daemon=True).start()
        models = str(server.directory / "data" / "python" / "models")
        until("the model runs", lambda: any(seconds > 1 for seconds in processor_seconds(models)))
        server.kill()
        until("its processes are gone", lambda: not processor_seconds(models))

    def test_what_needs_python_runs_in_processes_of_its_own(self) -> None:
        # The peer's own environment holds what the models require; building one from PyPI is tried by hand.
        seconds = 15  # one call is meant to take longer; first calls of a model, which import libraries, must not
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={MLFLOW.parent.parent}\ninference.python-seconds={seconds}\n")
        server = Server("--config", str(settings))
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_python.py", server.url, str(seconds))
        models = server.directory / "data" / "python" / "models"
        self.assertNotEqual(list(models.iterdir()), [])
        server.close()
        # Their files were unpacked for them alone.
        self.assertEqual(list(models.iterdir()), [])

    def test_answers_have_the_form_of_mlflows_server(self) -> None:
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={MLFLOW.parent.parent}\n")
        server = Server("--config", str(settings))
        self.addCleanup(server.close)
        run(self, MLFLOW, "inference_answers.py", server.url)

    @unittest.skipUnless(TENSORFLOW.exists(), "TensorFlow is not here; `make peers` installs it")
    def test_tensorflows_models(self) -> None:
        settings = pathlib.Path(tempfile.mkdtemp()) / "settings"
        settings.write_text(f"inference.python-environment={TENSORFLOW.parent.parent}\n")
        server = Server("--config", str(settings))
        self.addCleanup(server.close)
        run(self, TENSORFLOW, "inference_tensorflow.py", server.url)

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
