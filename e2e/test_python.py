"""The Python package against a real server."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest

from harness import PATIENCE, PROGRAM_PATIENCE, ROOT, Server, command, tabular_project

PYTHON = ROOT / ".cache" / "peers" / "sdk" / "bin" / "python"
SCRIPT = """
import sys, tidemill
client = tidemill.Client(sys.argv[1])
rows = [
    {"plan": "basic", "age": 25, "support_calls": 6, "monthly_spend": 10.5},
    {"plan": "premium", "age": 60, "visits_per_week": 9.0},
]
answer = client.predict("model", rows, request_id="sdk", event_time="2026-02-01T00:00:00Z")
assert answer.prediction_ids == ["sdk.0", "sdk.1"] and answer.route == "champion", answer
assert answer.predictions[0] > answer.predictions[1], answer
told = client.label("model", {"sdk.0": "yes", "sdk.1": "no", "nobody": "no"})
counts = {"accepted": 2, "corrected": 0, "repeated": 0, "unknown": ["nobody"], "lost": [], "late": 0, "refused": []}
assert told == counts, told
assert client.deployment("model")["deployment"]["champion"] == 1
scored = client.score("model", "features", prefix="p_")
assert scored == "features-scored@1", scored
try:
    client.score("model", "nothing")
except tidemill.TidemillError as refusal:
    assert refusal.code == "NOT_FOUND", refusal.code
try:
    client.predict("absent", rows)
except tidemill.TidemillError as refusal:
    assert refusal.code == "NOT_FOUND", refusal.code
else:
    raise AssertionError("an absent deployment answered")
"""

OFFLINE = """
import sys, tidemill
with tidemill.start_run("away", name="first", params={"depth": 3}, patience=0.2, server=sys.argv[1]) as run:
    for step in range(2500):
        run.log_metric("loss", 1 / (step + 1), step)
    run.log_metric("odd", float("nan"))
    run.log_text("hello", "notes/a.txt")
    run.set_tags({"k": "v"})
print(run.id)
"""


class PythonTest(unittest.TestCase):
    @unittest.skipUnless(PYTHON.exists(), "the package is not installed; `make peers` installs it")
    def test_a_run_made_while_the_server_was_away_is_there_afterwards(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        outbox = tempfile.mkdtemp()
        env = {**os.environ, "TIDEMILL_OUTBOX": outbox}
        server.kill()
        made = subprocess.run(
            [str(PYTHON), "-c", OFFLINE, server.url], capture_output=True, text=True, timeout=PROGRAM_PATIENCE, env=env
        )
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("waits in", made.stderr)
        run = made.stdout.strip()
        server.restart()
        for _ in range(2):
            sent = subprocess.run(
                [str(PYTHON), "-m", "tidemill", "replay"], capture_output=True, text=True, timeout=PROGRAM_PATIENCE, env=env
            )
            self.assertEqual(sent.returncode, 0, sent.stderr)
        told = server.get(f"/api/tidemill/v1/projects/default/runs/{run}")[1]
        self.assertEqual(
            (told["name"], told["status"], told["params"]["depth"], told["tags"]["k"]), ("first", "FINISHED", "3", "v")
        )
        points = server.get(f"/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss")[1]["metrics"]
        self.assertEqual([point["step"] for point in points], list(range(2500)))
        self.assertEqual(server.get(f"/api/tidemill/v1/projects/default/runs/{run}/files/notes/a.txt")[1], "hello")
        recipe = server.get(f"/api/tidemill/v1/projects/default/runs/{run}/recipe")[1]
        self.assertEqual(recipe["environment"], "reproduce/requirements.lock")
        # With the server there nothing waits.
        live = subprocess.run(
            [str(PYTHON), "-c", OFFLINE.replace("0.2", str(PATIENCE)), server.url],
            capture_output=True,
            text=True,
            timeout=PROGRAM_PATIENCE,
            env=env,
        )
        self.assertEqual((live.returncode, live.stderr), (0, ""))
        self.assertEqual(server.get(f"/api/tidemill/v1/projects/default/runs/{live.stdout.strip()}")[1]["status"], "FINISHED")

    def test_predict_and_label(self) -> None:
        if not PYTHON.exists():
            self.skipTest("the package is not installed; `make peers` installs it")
        server = Server()
        self.addCleanup(server.close)
        folder = tabular_project()
        for arguments in (("apply", "-f", str(folder)), ("run", "train")):
            result = command(*arguments, "--server", server.url)
            self.assertEqual(result.returncode, 0, result.stderr)
        result = subprocess.run([str(PYTHON), "-c", SCRIPT, server.url], capture_output=True, text=True, timeout=PROGRAM_PATIENCE)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
