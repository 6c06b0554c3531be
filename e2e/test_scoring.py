"""A data set scored in a batch: the same predictions as one by one, also when the server is killed on the way."""

from __future__ import annotations

import csv
import datetime
import json
import pathlib
import subprocess
import time
import unittest

from harness import LAUNCHER, PATIENCE, PROGRAM_PATIENCE, Server, command, tabular_project, until

ROWS = 300_000
#: Seconds for which the command waits for a server that is away.
WAITS_FOR_SERVER = 30
ADDED = """
kind: DataSet
name: customers
source: {file: data/customers.csv}
time: signed_up
key: [signed_up]
columns:
  signed_up: {type: timestamp, required: true}
  plan: {type: text}
  age: {type: long}
  visits_per_week: {type: double}
  support_calls: {type: long}
  monthly_spend: {type: double}
"""
PIPELINE = """
kind: Pipeline
name: bring
steps:
  - name: import
    uses: dataset.import
    with: {data-set: customers}
"""


def grow(project: pathlib.Path) -> list[dict]:
    """Many customers made of the template's few, some with missing values; returns some of them as a client sends them."""
    with (project / "data" / "data.csv").open(encoding="utf-8") as source:
        few = list(csv.DictReader(source))
    fields = ["signed_up", "plan", "age", "visits_per_week", "support_calls", "monthly_spend"]
    start = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
    kept = []
    with (project / "data" / "customers.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(fields)
        for i in range(ROWS):
            row = few[(i * 7) % len(few)]
            moment = (start + datetime.timedelta(minutes=i)).strftime("%Y-%m-%dT%H:%M:%SZ")
            age = "" if i % 11 == 0 else row["age"]
            writer.writerow([moment, row["plan"], age, row["visits_per_week"], row["support_calls"], row["monthly_spend"]])
            if i < 500:
                kept.append(
                    {
                        "plan": row["plan"],
                        "age": int(age) if age else None,
                        "visits_per_week": float(row["visits_per_week"]),
                        "support_calls": int(row["support_calls"]),
                        "monthly_spend": float(row["monthly_spend"]),
                    }
                )
    return kept


class ScoringTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(self.server.close)

    def run_cli(self, *arguments: str) -> subprocess.CompletedProcess:
        return command(*arguments, "--server", self.server.url)

    def killed_on_the_way(self, output: str) -> tuple[int, str]:
        """How many parts were scored when the server was killed, and what the step said in the end."""
        named = () if output == "customers-scored" else ("--output", output)  # the first is what it is called by itself
        scoring = subprocess.Popen(
            [str(LAUNCHER), "score", "model", "--data", "customers", *named, "--json", "--server", self.server.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(scoring.kill)

        def parts() -> int:
            return len(list((self.server.directory / "data" / "scoring").glob("*/scores-*.json")))

        deadline = time.monotonic() + PATIENCE
        while not parts() and time.monotonic() < deadline and scoring.poll() is None:
            time.sleep(0.005)
        before = parts()
        self.server.kill()
        killed = time.monotonic()
        self.server.restart()
        away = time.monotonic() - killed
        out, errors = scoring.communicate(timeout=PROGRAM_PATIENCE)
        if away < WAITS_FOR_SERVER / 2:
            self.assertEqual(scoring.returncode, 0, errors)
            self.assertEqual(json.loads(out)["run"]["state"], "SUCCEEDED")
        run = f"/api/tidemill/v1/projects/default/pipeline-runs/{errors.split('/pipelines/runs/')[1].split()[0]}"
        # Also when the command waits no longer, the run goes on.
        ended = until(
            "the run ends",
            lambda: (lambda view: view["state"] not in ("RUNNING", "WAITING") and view)(self.server.get(run)[1]["run"]),
        )
        self.assertEqual(ended["state"], "SUCCEEDED", ended)
        return before, self.server.get(run + "/steps/score/log")[1]["text"]

    def test_scored_rows_and_a_server_that_is_killed_on_the_way(self) -> None:
        project = tabular_project()
        some = grow(project)
        (project / "customers.yaml").write_text(ADDED)
        (project / "bring.yaml").write_text(PIPELINE)
        for step in (("apply", "-f", str(project)), ("run", "train"), ("run", "bring")):
            result = self.run_cli(*step)
            self.assertEqual(result.returncode, 0, result.stderr)

        refused = self.run_cli("score", "model", "--data", "customers", "--output", "features")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("another origin", refused.stderr)
        refused = self.run_cli("score", "nothing", "--data", "customers")
        self.assertIn("nothing", refused.stderr)

        scratch = self.server.directory / "data" / "scoring"
        # Where this process gets no time of the processor, the scoring may be over before it is seen.
        for output in ("customers-scored", "customers-scored-2", "customers-scored-3"):
            parts, log = self.killed_on_the_way(output)
            if 0 < parts < ROWS / 10_000:
                break
        self.assertGreater(parts, 0, "nothing was scored before the server was killed")
        self.assertLess(parts, ROWS / 10_000, "everything was scored before the server was killed")
        self.assertIn("Going on with what an earlier attempt has done", log)

        data_set = f"/api/tidemill/v1/projects/default/data-sets/{output}"
        status, scored = self.server.get(data_set)
        self.assertEqual(status, 200)
        version = scored["versions"][0]
        self.assertEqual(version["rows"], ROWS)
        self.assertEqual(version["sources"], ["customers@1", "model/model/1"])
        self.assertEqual(scored["definition"]["time"], "signed_up")
        self.assertEqual(list(scratch.iterdir()), [], "what was under way is cleared away")

        sample = self.server.get(f"{data_set}/versions/1/sample?limit=500")[1]
        status, answer = self.server.call("POST", "/deployments/model/predict", some)
        self.assertEqual(status, 200, answer)
        one_by_one = answer["predictions"]
        for row, prediction, sent in zip(sample["rows"], one_by_one, some, strict=True):
            self.assertEqual(row.get("age"), sent["age"])
            wanted = prediction if isinstance(prediction, float) else next(iter(prediction.values()))
            self.assertAlmostEqual(row["prediction"], wanted, places=12)

        further = ("--output", output, "--of", "1", "--prefix", "second_", "--json")
        again = self.run_cli("score", "model", "--data", "customers@1", *further)
        self.assertEqual(again.returncode, 0, again.stderr)
        versions = self.server.get(data_set)[1]["versions"]
        self.assertEqual(len(versions), 2)
        self.assertIn("second_prediction", [column["name"] for column in versions[0]["columns"] + versions[1]["columns"]])


if __name__ == "__main__":
    unittest.main()
