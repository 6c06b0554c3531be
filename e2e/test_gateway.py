"""A gateway without a database, beside its control plane: both killed and restarted, REST and gRPC by real clients."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import PROGRAM_PATIENCE, ROOT, Server, command, tabular_project, until

ROWS = {
    "inputs": [
        {"name": "plan", "shape": [2], "datatype": "BYTES", "data": ["basic", "premium"]},
        {"name": "age", "shape": [2], "datatype": "INT64", "data": [25, 60]},
        {"name": "support_calls", "shape": [2], "datatype": "INT64", "data": [6, 0]},
        {"name": "visits_per_week", "shape": [2], "datatype": "FP64", "data": [0.1, 9.0]},
        {"name": "monthly_spend", "shape": [2], "datatype": "FP64", "data": [10.5, 40.0]},
    ]
}
PREDICTIONS = "/api/tidemill/v1/projects/default/deployments/model/predictions?limit=1000"


class GatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.control = Server()
        environment = {**os.environ, "TIDEMILL_SERVER": cls.control.url}
        folder = tabular_project()
        for arguments in (("apply", "-f", str(folder)), ("run", "train")):
            result = command(*arguments, env=environment)
            if result.returncode:
                raise AssertionError(result.stdout + result.stderr)
        cls.gateway = Server("--roles", "gateway", "--control", cls.control.url)
        until("the gateway serves the model", lambda: cls.gateway.get("/v2/models/model")[0] == 200)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.gateway.close()
        cls.control.close()

    def infer(self, server: Server, request_id: str):
        status, answer = server.call("POST", "/v2/models/model/infer", {"id": request_id, **ROWS})
        self.assertEqual(status, 200, answer)
        return answer["outputs"][0]["data"]

    def registered(self, name: str) -> dict:
        """Registers a model with MLflow's client; a request of one row for it."""
        mlflow = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
        if not mlflow.exists():
            self.skipTest("mlflow is not here; `make peers` installs it")
        sample = [str(mlflow), str(ROOT / "e2e" / "inference_sample.py"), self.control.url, name]
        result = subprocess.run(sample, capture_output=True, text=True, timeout=PROGRAM_PATIENCE, cwd=self.control.directory)
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        return {"inputs": [{"name": "row", "shape": [1, 6], "datatype": "FP64", "data": [0.5] * 6}]}

    def journalled(self) -> set[str]:
        return {row["id"] for row in self.control.get(PREDICTIONS)[1]["predictions"]}

    def test_it_answers_as_the_control_plane_does_and_its_predictions_are_journalled(self) -> None:
        self.assertEqual(self.infer(self.gateway, "a"), self.infer(self.control, "b"))
        until("the predictions are journalled", lambda: {"a.0", "a.1"} <= self.journalled())
        self.assertNotIn("total", self.control.get(PREDICTIONS)[1])
        self.assertGreaterEqual(self.control.get(PREDICTIONS + "&total=true")[1]["total"], 2)
        self.assertEqual(self.control.get(PREDICTIONS + "&total=many")[0], 400)

    def test_it_calls_registered_models_that_nobody_has_deployed(self) -> None:
        body = self.registered("undeployed")
        answers = [server.call("POST", "/v2/models/undeployed/versions/1/infer", body) for server in (self.control, self.gateway)]
        self.assertEqual([status for status, _ in answers], [200, 200], answers)
        self.assertEqual(answers[0][1]["outputs"], answers[1][1]["outputs"])
        names = {entry["name"] for entry in self.gateway.call("POST", "/v2/repository/index", {})[1]}
        self.assertLessEqual({"model", "undeployed"}, names)
        self.assertEqual(self.gateway.get("/v2/models/absent")[0], 404)

    def test_a_deployment_without_a_champion_is_answered_by_nothing_else(self) -> None:
        """A model is registered under the same name, whose newest version nobody has chosen."""
        folder = tempfile.mkdtemp()
        Path(folder, "model.yaml").write_text("kind: Deployment\nname: vacant\nmodel: vacant\n")
        environment = {**os.environ, "TIDEMILL_SERVER": self.control.url}
        body = self.registered("vacant")
        status, answer = self.gateway.call("POST", "/v2/models/vacant/infer", body)
        self.assertEqual((status, answer["parameters"]["route"]), (200, "registered"), answer)
        applied = command("apply", "-f", folder, env=environment)
        self.assertEqual(applied.returncode, 0, applied.stdout + applied.stderr)
        for server in (self.control, self.gateway):
            until("it refuses", lambda server=server: server.call("POST", "/v2/models/vacant/infer", body)[0] == 503)
            refused = server.call("POST", "/v2/models/vacant/infer", body)
            self.assertIn("has no champion yet", str(refused))
            self.assertEqual(server.get("/v2/models/vacant/ready")[0], 503)
            status, answer = server.call("POST", "/v2/models/vacant/versions/1/infer", body)
            self.assertEqual((status, answer["parameters"]["route"]), (200, "registered"), answer)
        self.gateway.kill()
        self.gateway.restart()
        self.assertEqual(self.gateway.call("POST", "/v2/models/vacant/infer", body)[0], 503)

    def test_it_has_nothing_but_inference(self) -> None:
        self.assertEqual(self.gateway.get("/api/tidemill/v1/projects")[0], 404)

    def test_it_serves_on_while_the_control_plane_is_dead(self) -> None:
        before = self.infer(self.gateway, "c")
        self.control.kill()
        try:
            self.assertEqual(self.infer(self.gateway, "d"), before)
        finally:
            self.control.restart()
        until("the predictions are journalled", lambda: {"d.0", "d.1"} <= self.journalled())

    def test_it_starts_while_the_control_plane_is_dead_but_lets_in_nobody_it_does_not_know(self) -> None:
        before = self.infer(self.gateway, "e")
        until("the predictions are journalled", lambda: "e.0" in self.journalled())
        self.control.kill()
        try:
            self.gateway.kill()
            self.gateway.restart()
            self.assertEqual(self.gateway.get("/ready"), (200, "OK"))
            self.assertEqual(self.gateway.get("/v2/models/model")[0], 503)
        finally:
            self.control.restart()
        # It is told of the control plane only when it asks again.
        body = {"id": "f", **ROWS}
        answered = until(
            "it serves again",
            lambda: (lambda told: told[0] == 200 and told[1])(self.gateway.call("POST", "/v2/models/model/infer", body)),
        )
        self.assertEqual(answered["outputs"][0]["data"], before)

    def test_grpc_and_rest_agree(self) -> None:
        python = ROOT / ".cache" / "peers" / "triton" / "bin" / "python"
        if not python.exists():
            self.skipTest("tritonclient is not here; `make peers` installs it")
        for server in (self.control, self.gateway):
            result = subprocess.run(
                [str(python), str(ROOT / "e2e" / "call_with_triton.py"), server.url, server.grpc],
                capture_output=True,
                text=True,
                timeout=PROGRAM_PATIENCE,
            )
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            sys.stderr.write(result.stdout)


class RolesTest(unittest.TestCase):
    def test_roles_that_make_no_sense_are_refused(self) -> None:
        alone = command("server", "--roles", "gateway", "--port", "0", "--grpc-port", "0")
        self.assertEqual(alone.returncode, 1)
        self.assertIn("--control", alone.stderr)
        both = command("server", "--roles", "gateway,worker", "--control", "http://127.0.0.1:1")
        self.assertEqual(both.returncode, 1)
        self.assertIn("only role is gateway", both.stderr)


if __name__ == "__main__":
    unittest.main()
