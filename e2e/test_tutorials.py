"""The tutorials in docs/, run block by block as a reader would, in an empty home with a server of their own.

A block of Python, YAML or SQL whose first line is a comment with a path is saved there; a block of ``bash`` is run, ``tidemill
server`` in the background; a block of ``text`` is what the command before it prints: its lines must come in this order, but for
numbers with a point, ids and times. Other blocks are not run.
"""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import PATIENCE, PROGRAM_PATIENCE, ROOT, free_port, is_there

# Prints what the commands answer instead of comparing it, to write a page anew.
SHOWN = bool(os.environ.get("TIDEMILL_TUTORIAL_PRINT"))
MLFLOW = ROOT / ".cache" / "peers" / "mlflow" / "bin"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|--) (\S+)\n")
VARIABLE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|-?\d+\.\d+(?:e-?\d+)?|p99 \d+ us")


def shape(line: str) -> str:
    """A line without what differs between two runs."""
    return " ".join(VARIABLE.sub("*", line).split())


class Reader:
    """Somebody who follows a page in a home of his own."""

    def __init__(self, page: str, path: str) -> None:
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-tutorial-"))
        self.page = (ROOT / "docs" / page).read_text()
        self.port = free_port()
        self.servers: list[subprocess.Popen] = []
        self.variables = self.home / ".variables"
        kept = {name: os.environ[name] for name in ("JAVA_HOME", "TIDEMILL_JAVA_HOME", "TMPDIR", "LANG") if name in os.environ}
        self.environment = kept | {"HOME": str(self.home), "PATH": path, "XDG_DATA_HOME": str(self.home / ".local" / "share")}
        self.environment["TIDEMILL_GRPC_PORT"] = "0"
        self.variables.write_text("")

    def follow(self) -> None:
        output = ""
        for language, block in BLOCK.findall(self.page):
            named = FILE.match(block)
            if language in ("python", "yaml", "sql"):
                assert named, f"this block has no name: {block}"
                file = self.home / named[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block)
            elif language == "bash":
                command = block.replace("8080", str(self.port))
                output = self.serve(command) if command.startswith("tidemill server") else self.run(command)
            elif language == "text" and not SHOWN:
                self.compare(block, output)

    def serve(self, command: str) -> str:
        with (self.home / "server.log").open("a") as log:
            started = subprocess.Popen(
                shlex.split(command), cwd=self.home, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.servers.append(started)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.servers[-1].poll() is None, (self.home / "server.log").read_text()
            if is_there(f"http://127.0.0.1:{self.port}/ready"):
                return ""
            time.sleep(0.1)
        raise AssertionError("the server did not become ready")

    def run(self, block: str) -> str:
        script = f"set -euo pipefail; . {self.variables}\n{block}\nexport -p > {self.variables}\n"
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=PROGRAM_PATIENCE
        )
        if SHOWN:
            print(f"$ {block}{done.stdout}[{time.monotonic() - began:.1f} s]", file=sys.stderr, flush=True)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @staticmethod
    def compare(expected: str, output: str) -> None:
        printed = iter([shape(line) for line in output.splitlines()])
        for line in expected.splitlines():
            if line.strip() not in ("", "..."):
                assert shape(line) in printed, f"'{line}' is not, or not in this order, in:\n{output}"

    def close(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(PATIENCE)


class TutorialsTest(unittest.TestCase):
    def follow(self, page: str, *first: pathlib.Path) -> None:
        reader = Reader(page, os.pathsep.join([*map(str, first), str(ROOT), os.environ["PATH"]]))
        self.addCleanup(reader.close)
        reader.follow()

    def test_from_a_csv_file_to_a_promotion(self) -> None:
        self.follow("tutorial-csv.md")

    @unittest.skipUnless(MLFLOW.exists(), "no MLflow peer (make peers)")
    def test_from_a_training_script_with_mlflow_to_a_promotion(self) -> None:
        self.follow("tutorial-mlflow.md", MLFLOW)


if __name__ == "__main__":
    unittest.main()
