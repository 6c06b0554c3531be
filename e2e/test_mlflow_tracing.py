"""The real clients, from 2.22 to the newest, trace calls against this server and against MLflow's own, and find the same."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server
from mlflow_probe.frame import comparable
from test_mlflow import OLDEST, PYTHON, Peer

OLD = [ROOT / ".cache" / "peers" / name / "bin" / "python" for name in ("mlflow222", "mlflow31")]
#: Steps that come out otherwise, with the reason.
KNOWN = {
    "after setting": "MLflow cuts a trace's tag earlier than a run's",
    "no such trace": "MLflow tells its database's error",
    "page by a wrong token": "only the text of the refusal is another one",
    "find text LIKE '%What%'": "MLflow's parser takes the name for a word of SQL",
    "find trace_id LIKE 'tr-%'": "we find traces by this name too",
    "find trace.text RLIKE 'x'": "we find texts by regular expressions too",
    "find span.content = 'x'": "we compare whole spans too",
    "find span.attributes.label = 'n3'": "MLflow compares with the JSON of the whole span, which nothing equals",
    "find span.attributes.label LIKE 'n%'": "MLflow compares with the whole span, where a quote stands before the value",
    "find span.attributes.number = '3'": "MLflow compares with the JSON of the whole span, which nothing equals",
    "find feedback.rated = 0.5": "we compare numbers for equality too",
    "find expectation.e1 = 2": "we compare numbers for equality too",
    "find feedback.rated IN ('0.5')": "only the text of the refusal is another one",
    "find feedback.word ILIKE 'NO'": "MLflow compares with the quotes around the word",
}
#: Clients before 3.10 send an empty preview where there is nothing to show; we have no preview then.
EMPTY_PREVIEWS = {"call fails", "call half", "call events", "all of them"}


def told(python: pathlib.Path, address: str, *parts: str) -> list[tuple[str, object]]:
    """What one client finds at one server, step by step."""
    home = tempfile.mkdtemp(prefix="tidemill-tracing-")
    result = subprocess.run(
        [str(python), str(ROOT / "e2e" / "mlflow_tracing.py"), address, *parts],
        capture_output=True,
        text=True,
        timeout=PROGRAM_PATIENCE,
        cwd=home,
        env={**os.environ, "HOME": home, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    if result.returncode != 0:
        raise AssertionError(result.stderr[-4000:])
    lines = [line.split("\t", 1) for line in result.stdout.splitlines() if "\t" in line]
    return [(label, json.loads(value)) for label, value in lines]


@unittest.skipUnless(PYTHON.exists(), "mlflow is not here; `make peers` installs it")
class MlflowTracingTest(unittest.TestCase):
    def test_every_client_finds_what_it_finds_at_mlflows_own_server(self) -> None:
        clients = [python for python in (*OLD, OLDEST, PYTHON) if python.exists()]
        peer = Peer(self)
        server = Server()
        self.addCleanup(server.close)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            pairs = [(python, pool.submit(told, python, server.url), pool.submit(told, python, peer.url)) for python in clients]
            for python, ours, theirs in pairs:
                with self.subTest(client=python.parent.parent.name):
                    self.compare(python, ours.result(), theirs.result())

    def compare(self, python: pathlib.Path, ours: list[tuple[str, object]], theirs: list[tuple[str, object]]) -> None:
        self.assertEqual([label for label, _ in ours], [label for label, _ in theirs])
        self.assertGreater(len(ours), 80)
        known = {*KNOWN, *EMPTY_PREVIEWS} if python == OLDEST else {*KNOWN}
        wrong = [
            f"{label}\n   ours   {json.dumps(mine)[:1500]}\n   theirs {json.dumps(other)[:1500]}"
            for (label, mine), (_, other) in zip(ours, theirs, strict=True)
            if label not in known and comparable(mine) != comparable(other)
        ]
        print(f"{python.parent.parent.name}: {len(ours)} steps, {len(wrong)} not as known", file=sys.stderr)
        self.assertEqual(wrong, [], "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
