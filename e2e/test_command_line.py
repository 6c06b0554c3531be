"""The command line and what it does with bad input, against a real server."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from harness import LAUNCHER, PATIENCE, Server, command, tabular_project, until

DEFAULT = "/api/tidemill/v1/projects/default"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/health", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class CommandLineTest(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()

    def tidemill(self, *arguments: str, expect: int = 0) -> str:
        result = command(*arguments, "--server", self.server.url)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result.stdout if expect == 0 else result.stderr

    def test_a_csv_and_a_target_become_a_served_model(self) -> None:
        folder = tabular_project()
        self.assertIn("created Pipeline/train", self.tidemill("apply", "-f", str(folder)))
        self.assertIn("unchanged Pipeline/train", self.tidemill("apply", "-f", str(folder)))
        run = json.loads(self.tidemill("run", "train", "--json"))
        self.assertEqual(run["run"]["state"], "SUCCEEDED")
        status, model = self.server.get("/v2/models/model")
        self.assertEqual(status, 200)
        names = [tensor["name"] for tensor in model["inputs"]]
        self.assertEqual(sorted(names), ["age", "monthly_spend", "plan", "support_calls", "visits_per_week"])
        body = {
            "inputs": [
                {"name": "plan", "shape": [2], "datatype": "BYTES", "data": ["basic", "premium"]},
                {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [[25], [60]]},
                {"name": "support_calls", "shape": [2], "datatype": "INT64", "data": [6, 0]},
                {"name": "visits_per_week", "shape": [2], "datatype": "FP64", "data": [0.1, 9.0]},
            ]
        }
        # No row of the data lacks it, so that the model has not learned what to make of one that does.
        status, answer = self.server.call("POST", "/v2/models/model/infer", body)
        self.assertEqual(status, 400, answer)
        self.assertIn("'monthly_spend' is missing", answer["error"])
        body["inputs"].append({"name": "monthly_spend", "shape": [2], "datatype": "FP64", "data": [10.5, 40.0]})
        status, answer = self.server.call("POST", "/v2/models/model/infer", body)
        self.assertEqual(status, 200, answer)
        risky, loyal = answer["outputs"][0]["data"]
        self.assertGreater(risky, 0.5)
        self.assertLess(loyal, 0.5)
        self.assertIn("champion v1", self.tidemill("status"))
        version = json.loads(self.tidemill("models", "show", "model", "1", "--json"))
        told = [version["signature"]["inputs"], version["files"]["signature"]["inputs"]]
        self.assertEqual([[column.get("optional") for column in side] for side in told], [[False] * 5] * 2)
        self.assertEqual((version["held"], version["files"]["remarks"]), ([], []))
        self.assertIn("data only", self.tidemill("models", "show", "model"))
        row = {"plan": "basic", "age": 25, "support_calls": 6, "visits_per_week": 0.1, "monthly_spend": 10.5}
        for changed, expected in ({"plan": None}, 200), ({"age": None}, 200), ({"age": True}, 400):
            status, answer = self.server.call("POST", "/v1/models/model:predict", {"instances": [row | changed]})
            self.assertEqual(status, expected, answer)
        self.assertIn("'age' holds true or false", answer["error"])
        self.assertIn("rows passed every check", self.tidemill("logs", run["run"]["id"], "--step", "import"))
        self.assertIn("rows passed every check", self.tidemill("logs", run["run"]["id"], "-f", "--step", "import"))

    def test_projects_are_made_and_listed(self) -> None:
        self.assertIn("--project bakery", self.tidemill("projects", "create", "bakery", "--description", "bread"))
        self.assertRegex(self.tidemill("projects", "list"), "bakery .* bread")
        names = [one["name"] for one in json.loads(self.tidemill("projects", "list", "--json"))["projects"]]
        self.assertLessEqual({"default", "bakery"}, set(names))
        self.assertIn("already", self.tidemill("projects", "create", "bakery", expect=5))
        self.assertIn("'No Name'", self.tidemill("projects", "create", "No Name", expect=1))
        self.assertIn("none yet", self.tidemill("status", "--project", "bakery"))

    def test_what_is_misspelt_in_settings_is_named(self) -> None:
        settings = {"TIDEMILL_RETENTION_DELETED_DAYS": "abc", "TIDEMILL_HTTP_PORTS": "1", "TIDEMILL_LOG_FORMAT": "xml"}
        result = command("server", "--port", "70000", env={**os.environ, **settings})
        self.assertEqual(result.returncode, 1, result.stderr)
        for told in (
            "http.port: '70000' is not a whole number from 0 to 65535 (from flag)",
            "retention.deleted-days: 'abc' is not a whole number from 0 to 999999 (from environment)",
            "log.format: 'xml' is none of text, json (from environment)",
            "TIDEMILL_HTTP_PORTS sets nothing; did you mean TIDEMILL_HTTP_PORT?",
        ):
            self.assertIn(told, result.stderr)

    def test_rows_with_labels_and_empty_columns_are_replayed(self) -> None:
        """The mapping reads the label's column, and a column that is empty throughout: both are missing values."""
        self.tidemill("projects", "create", "replayed")
        folder = tabular_project()
        rows = (folder / "data" / "data.csv").read_text().splitlines()
        (folder / "data" / "data.csv").write_text("\n".join([rows[0] + ",note", *(row + "," for row in rows[1:])]) + "\n")
        dataset = next(path for path in folder.glob("*.yaml") if "kind: DataSet" in path.read_text())
        sql = "SELECT * REPLACE (lower(churned) AS churned) FROM source"
        (folder / "sql" / "rows.sql").write_text(sql + "\n")
        text = dataset.read_text().replace("{file: data/data.csv}", "{file: data/data.csv, sql: sql/rows.sql}")
        dataset.write_text(text + "  note: {type: double}\n")
        self.tidemill("apply", "-f", str(folder), "-p", "replayed")
        self.tidemill("run", "train", "-p", "replayed")
        last = rows[-3:]
        start = min(row.split(",")[0] for row in last)
        recorded = folder / "recorded.csv"
        recorded.write_text("\n".join([rows[0] + ",note", *(row + "," for row in last)]) + "\n")
        from_ = start if start.endswith("Z") else start + "Z"
        arguments = ("--deployment", "model", "--view", "features", "--label", "churned", "--from", from_)
        self.tidemill("replay", str(recorded), *arguments, "-p", "replayed")
        predictions = self.server.get("/api/tidemill/v1/projects/replayed/deployments/model/predictions")[1]["predictions"]
        self.assertEqual(len(predictions), 3)

    def test_a_demo_that_is_ended_ends_its_server(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ready = pathlib.Path(folder, "data", "server.json")
            arguments = [str(LAUNCHER), "demo", "--directory", folder, "--port", "0"]
            with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
                try:
                    until("the demo's server is ready", ready.exists)
                    url = json.loads(ready.read_text())["url"]
                    demo.terminate()
                    demo.wait(PATIENCE)
                finally:
                    demo.kill()
            until("its server is gone", lambda: not _answers(url))

    def test_init_tells_what_it_made(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-init-")) / "shop"
        made = command("init", str(folder), "--json")
        self.assertEqual(json.loads(made.stdout), {"folder": str(folder), "template": "tabular"})
        self.assertTrue(list(folder.glob("*.yaml")))

    def test_a_data_directory_that_cannot_be_written_is_refused(self) -> None:
        directory = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-read-only-"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(directory)]
        if os.getuid() == 0:
            # Root writes where the mode forbids it, but not on a disk that is mounted for reading.
            if subprocess.run(mount, capture_output=True).returncode != 0:
                self.skipTest("a read-only disk cannot be mounted here")
            self.addCleanup(subprocess.run, ["umount", str(directory)])
        else:
            directory.chmod(0o500)
        for data in (directory, directory / "below"):
            result = command("server", "--port", "0", "--grpc-port", "0", "--data-dir", str(data))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("cannot be written", result.stderr)
            self.assertIn("--data-dir", result.stderr)
            self.assertNotIn("Exception", result.stderr)

    def test_bad_csv_files_are_refused_and_leave_nothing(self) -> None:
        header = "signed_up,plan,age,visits_per_week,support_calls,monthly_spend,churned\n"
        good = "2026-01-01T00:10:00,basic,30,1.0,0,12.0,no\n"
        cases = {
            "no column 'plan'; did you mean 'plann'?": (header.replace("plan", "plann") + good).encode(),
            "row 3 has 3 fields, the header 7": (header + good + "2026-01-01T00:20:00,basic,30\n").encode(),
            "not UTF-8 text (line 3)": (header + good).encode() + b"2026-01-01T00:20:00,ba\xffsic,30,1,0,1,no\n",
            "is empty": b"",
            "has a header but no rows": header.encode(),
            "'thirty' in column 'age' is not of type long": (header + good.replace("30", "thirty")).encode(),
            "'age' is above 120": (header + good.replace("30", "300")).encode(),
            "'churned' is none of": (header + good.replace(",no", ",maybe")).encode(),
            "'plan' is missing": (header + good.replace("basic", "")).encode(),
        }
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "bad-csv"})
        for message, content in cases.items():
            with self.subTest(message):
                folder = tabular_project()
                (folder / "data" / "data.csv").write_bytes(content)
                self.tidemill("apply", "-f", str(folder), "-p", "bad-csv")
                error = self.tidemill("run", "train", "-p", "bad-csv", expect=1)
                self.assertIn(message, error)
                _, view = self.server.get("/api/tidemill/v1/projects/bad-csv/data-sets/rows")
                self.assertEqual(view["versions"], [])

    def test_gzipped_data_is_read_too(self) -> None:
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "zipped"})
        folder = tabular_project()
        data = folder / "data" / "data.csv"
        data.write_bytes(gzip.compress(data.read_bytes()))
        self.tidemill("apply", "-f", str(folder), "-p", "zipped")
        self.tidemill("run", "train", "-p", "zipped")

    def test_users_sql_reaches_no_file(self) -> None:
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "sql"})
        folder = tabular_project()
        for sql, reason in {
            "SELECT * FROM read_csv('/etc/passwd')": "does not run",
            "SELECT * FROM source; COPY source TO '/tmp/tidemill-stolen.csv'": "is not one query",
            "SELECT * FROM read_text('/etc/hostname')": "does not run",
        }.items():
            with self.subTest(sql):
                (folder / "sql" / "features.sql").write_text(sql)
                self.assertIn(reason, self.tidemill("apply", "-f", str(folder), "-p", "sql", expect=1))
                self.assertFalse(pathlib.Path("/tmp/tidemill-stolen.csv").exists())

    def test_definitions_with_mistakes_name_the_place(self) -> None:
        folder = tabular_project()
        (folder / "daily.yaml").write_text("kind: Monitor\nname: daily\nwindos: P1D\n")
        error = self.tidemill("apply", "-f", str(folder), expect=1)
        self.assertIn("daily.yaml:3:1: unknown key 'windos'; did you mean 'window'?", error)

    def test_columns_are_checked_when_applied_and_what_is_left_out_is_told(self) -> None:
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "columns"})
        folder = tabular_project()
        pipeline = (folder / "train.yaml").read_text()
        (folder / "train.yaml").write_text(pipeline.replace("target: churned", "target: churnd", 1))
        error = self.tidemill("apply", "-f", str(folder), "-p", "columns", expect=1)
        self.assertRegex(error, "train.yaml: step '[a-z-]+': The data has no column 'churnd'")
        self.assertIn("did you mean 'churned'?", error)
        (folder / "train.yaml").write_text(pipeline)
        features = folder / "sql" / "features.sql"
        features.write_text(re.sub("(?i)^select", "SELECT signed_up AS renewed,", features.read_text(), flags=re.M))
        self.tidemill("apply", "-f", str(folder), "-p", "columns")
        self.tidemill("run", "train", "-p", "columns")
        runs = self.server.get("/api/tidemill/v1/projects/columns/runs?limit=100")[1]["runs"]
        self.assertTrue(runs)
        for run in runs:
            self.assertRegex(run["tags"]["tidemill.columns_left_out"], "^renewed: a date or time that is not the event time")

    def test_exit_codes_and_suggestions(self) -> None:
        self.assertIn("no pipeline 'nothing'", self.tidemill("run", "nothing", expect=3))
        self.assertIn("no project 'nowhere'", self.tidemill("status", "-p", "nowhere", expect=3))
        self.assertEqual(command("stats").returncode, 2)
        self.assertIn("Did you mean", command("stats").stderr)
        lost = command("status", "--server", "http://127.0.0.1:1")
        self.assertEqual(lost.returncode, 1)
        self.assertIn("no server answers there", lost.stderr)
        for words in (("predict", "model", "--data", "absent.csv"), ("backup", "absent/all.zip")):
            absent = command(*words, "--server", self.server.url)
            self.assertEqual((absent.returncode, absent.stdout), (3, ""), absent.stderr)
            self.assertIn("There is no file or folder absent", absent.stderr)
            self.assertNotIn("\tat ", absent.stderr)
        with tempfile.NamedTemporaryFile(suffix=".zip") as kept:
            refused = command("backup", kept.name, "--server", self.server.url)
            self.assertEqual(refused.returncode, 5, refused.stderr)
            self.assertIn("--force", refused.stderr)
            self.assertEqual(pathlib.Path(kept.name).stat().st_size, 0)
        self.assertIn("tidemill 0.", command("version").stdout)
        self.assertIn("_complete_tidemill", command("generate-completion").stdout)
        folder = tabular_project()
        self.assertEqual(command("init", str(folder)).returncode, 5)

    def test_webhooks_are_made_listed_and_deleted(self) -> None:
        address = "http://203.0.113.7:9/hook"
        made = json.loads(self.tidemill("webhooks", "create", address, "--events", "deployment.,model.", "--json"))
        self.assertTrue(made["secret"])
        listed = self.tidemill("webhooks", "list")
        self.assertRegex(listed, made["id"] + r" +http://203\.0\.113\.7:9/hook +deployment\.,model\. +0 +0 +active")
        self.assertNotIn(made["secret"], self.tidemill("webhooks", "list", "--json"))
        self.tidemill("webhooks", "delete", made["id"])
        self.assertEqual(json.loads(self.tidemill("webhooks", "list", "--json"))["webhooks"], [])
        self.assertIn(made["id"], self.tidemill("webhooks", "delete", made["id"], expect=3))
        self.assertIn("internal", self.tidemill("webhooks", "create", "http://127.0.0.1:1/", expect=1))

    def test_events_are_listed_by_type_and_for_all_projects(self) -> None:
        self.tidemill("projects", "create", "audited")
        self.assertRegex(
            self.tidemill("events", "list", "--project", "audited"), r"audited +project\.created +project/audited +local"
        )
        made = [
            json.loads(line)
            for line in self.tidemill(
                "events", "list", "--all-projects", "--type", "dev.tidemill.project.", "--all", "--json"
            ).splitlines()
        ]
        self.assertIn("project/audited", [event["subject"] for event in made])
        self.assertIn("are of no project", self.tidemill("events", "list", "--type", "user.", expect=1))
        self.assertIn("model.renamed", self.tidemill("events", "list", "--type", "model.renamd", expect=1))
        self.assertIn(
            "are of no project", self.tidemill("webhooks", "create", "http://203.0.113.7:9/", "--events", "user.", expect=1)
        )
        self.assertEqual(self.tidemill("events", "list", "--type", "external.", "--project", "audited"), "")

    def test_refusals_are_listed(self) -> None:
        # Anybody may ask a server on loopback without users; a token that is none is refused.
        request = urllib.request.Request(
            self.server.url + "/api/tidemill/v1/projects", headers={"Authorization": "Bearer tdm_no"}
        )
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        self.assertEqual(refused.exception.code, 401)
        line = r"unknown +127\.0\.0\.1 +GET /api/tidemill/v1/projects +UNAUTHENTICATED +1"
        deadline = time.monotonic() + PATIENCE
        listed = self.tidemill("events", "refusals", "--code", "UNAUTHENTICATED")
        while not re.search(line, listed) and time.monotonic() < deadline:
            time.sleep(0.1)
            listed = self.tidemill("events", "refusals", "--code", "UNAUTHENTICATED")
        self.assertRegex(listed, line)

    def test_dry_run_shows_the_difference(self) -> None:
        self.server.call("POST", "/api/tidemill/v1/projects", {"name": "dry"})
        folder = tabular_project()
        self.tidemill("apply", "-f", str(folder), "-p", "dry")
        (folder / "daily.yaml").write_text((folder / "daily.yaml").read_text().replace("window: P1D", "window: P2D"))
        shown = self.tidemill("apply", "-f", str(folder), "-p", "dry", "--dry-run")
        self.assertIn("+window: P2D", shown)
        again = self.tidemill("apply", "-f", str(folder), "-p", "dry", "--dry-run")
        self.assertEqual(shown, again)


if __name__ == "__main__":
    unittest.main(verbosity=2)
