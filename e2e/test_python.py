"""The Python package against a real server."""

from __future__ import annotations

import subprocess
import unittest

from harness import ROOT, Server, command, tabular_project

PYTHON = ROOT / ".cache" / "peers" / "sdk" / "bin" / "python"
SCRIPT = """
import sys, tidemill
client = tidemill.Client(sys.argv[1])
rows = [{"plan": "basic", "age": 25, "support_calls": 6}, {"plan": "premium", "age": 60, "visits_per_week": 9.0}]
answer = client.predict("model", rows, request_id="sdk", event_time="2026-02-01T00:00:00Z")
assert answer.prediction_ids == ["sdk.0", "sdk.1"] and answer.route == "champion", answer
assert answer.predictions[0] > answer.predictions[1], answer
told = client.label("model", {"sdk.0": "yes", "sdk.1": "no", "nobody": "no"})
assert told == {"accepted": 2, "repeated": 0, "unknown": ["nobody"]}, told
assert client.deployment("model")["deployment"]["champion"] == 1
try:
    client.predict("absent", rows)
except tidemill.TidemillError as refusal:
    assert refusal.code == "NOT_FOUND", refusal.code
else:
    raise AssertionError("an absent deployment answered")
"""


class PythonTest(unittest.TestCase):
    def test_predict_and_label(self) -> None:
        if not PYTHON.exists():
            self.skipTest("the package is not installed; `make peers` installs it")
        server = Server()
        self.addCleanup(server.close)
        folder = tabular_project()
        for arguments in (("apply", "-f", str(folder)), ("run", "train")):
            result = command(*arguments, "--server", server.url)
            self.assertEqual(result.returncode, 0, result.stderr)
        result = subprocess.run([str(PYTHON), "-c", SCRIPT, server.url], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
