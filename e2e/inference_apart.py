"""Registers models that bring code along, and lets one that is trusted try what it must not.

Arguments: address, data directory.
"""

from __future__ import annotations

import pathlib
import socket
import sys
import tempfile
import urllib.request
import warnings

import mlflow
import mlflow.pyfunc.model
import pandas as pd
from harness import PATIENCE, until
from mlflow.models import infer_signature
from post import answered, post
from sklearn.linear_model import LinearRegression

warnings.simplefilter("ignore")
url, data = sys.argv[1], pathlib.Path(sys.argv[2])
mlflow.set_tracking_uri(url)
mlflow.set_experiment("apart")
signature = infer_signature(pd.DataFrame({"what": ["x"], "argument": ["y"]}))
linear = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
numbers = infer_signature(pd.DataFrame({"x": [1.0]}), pd.Series([1.0]))


def trust(name: str, **more: object) -> None:
    status, answer = post(f"{url}/api/tidemill/v1/projects/default/models/{name}/versions/1/trust", dict(more))
    assert status == 200 and answer["trusted"], answer


def held(name: str, body: dict, *reasons: str) -> None:
    """Refused in every way that leads to a prediction, and the version says why."""
    for path, sent in (
        (f"/v2/models/{name}/infer", body),
        (f"/v2/repository/models/{name}/load", {}),
        (f"/deployments/{name}/invocations", {"dataframe_records": [{"x": 1.0}]}),
    ):
        status, refusal = post(url + path, sent)
        assert status == 409 and f"models trust {name}/1" in str(refusal), (path, status, refusal)
        for reason in reasons:
            assert reason in str(refusal), (path, refusal)
    yaml = f"kind: Deployment\nname: {name}-live\nmodel: {name}\n"
    status, refusal = post(f"{url}/api/tidemill/v1/projects/default/definitions", {"files": {"deployment.yaml": yaml}})
    if status == 200:
        status, refusal = post(f"{url}/deployments/{name}-live/invocations", {"dataframe_records": [{"x": 1.0}]})
    assert status in (409, 503), (status, refusal)


row = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]}

# A module of its own, which a plain estimator brings along.
work = pathlib.Path(tempfile.mkdtemp())
mark = work / "ran"
module = work / "brought"
module.mkdir()
(module / "__init__.py").write_text(f"open({str(mark)!r}, 'w')\n")
with mlflow.start_run():
    mlflow.sklearn.log_model(
        linear,
        name="model",
        registered_model_name="brings",
        signature=numbers,
        code_paths=[str(module)],
        serialization_format="pickle",
    )
held("brings", row, "code")

# Requirements that run a setup.py from anywhere.
with mlflow.start_run():
    mlflow.sklearn.log_model(
        linear,
        name="model",
        registered_model_name="asks",
        signature=numbers,
        serialization_format="pickle",
        pip_requirements=["mlflow", "mine @ http://127.0.0.1:9/mine.tar.gz"],
    )
held("asks", row, "requirements.txt", "mine @")

# The same model without either is data.
with mlflow.start_run():
    mlflow.sklearn.log_model(
        linear, name="model", registered_model_name="plain", signature=numbers, serialization_format="pickle"
    )
status, answer = post(f"{url}/v2/models/plain/infer", row)
assert status == 200 and abs(answer["outputs"][0]["data"][0] - 1) < 1e-9, answer
assert not mark.exists()


class Spy(mlflow.pyfunc.PythonModel):
    """Tries what its input says, and tells what came of it."""

    def predict(self, context, model_input, params=None):
        import os
        import pathlib
        import socket
        import subprocess

        what, argument = model_input["what"].iloc[0], model_input["argument"].iloc[0]
        try:
            if what == "read":
                return ["read " + pathlib.Path(argument).open("rb").read(20).hex()]
            if what == "list":
                return [",".join(path.name for path in pathlib.Path(argument).iterdir())]
            if what == "write":
                pathlib.Path(argument).open("w").close()
                return ["written"]
            if what == "connect":
                host, port = argument.rsplit(":", 1)
                socket.create_connection((host, int(port)), timeout=PATIENCE).close()
                return ["connected"]
            if what == "environment":
                return [",".join(sorted(os.environ))]
            if what == "processes":
                return [",".join(path.name for path in pathlib.Path("/proc").iterdir() if path.name.isdigit())]
            if what == "kill":
                os.kill(int(argument), 9)
                return ["killed"]
            if what == "hold":
                # The interpreter's lock is held while an expression is matched, here for ever.
                import re

                return [str(re.match(r"(a+)+$", "a" * 64 + "b"))]
            if what == "fork":
                children = []
                try:
                    for _ in range(5000):
                        children.append(subprocess.Popen(["/bin/sleep", "60"]))
                finally:
                    for child in children:
                        child.kill()
                    for child in children:
                        child.wait()
                    count = len(children)
                return [f"forked {count}"]
        except BaseException as error:
            return [f"{type(error).__name__} {error}"]
        return ["nothing"]


with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", registered_model_name="spy", python_model=Spy(), signature=signature)
held("spy", row, "allow-list")
trust("spy")


def tries(what: str, argument: str = "") -> str:
    body = {
        "inputs": [
            {"name": "what", "shape": [1], "datatype": "BYTES", "data": [what]},
            {"name": "argument", "shape": [1], "datatype": "BYTES", "data": [argument]},
        ]
    }
    status, answer = post(f"{url}/v2/models/spy/infer", body)
    assert status == 200, answer
    return answer["outputs"][0]["data"][0]


for secret in ("server.json", "tidemill.db"):
    assert (data / secret).exists(), secret
    found = tries("read", str(data / secret))
    assert found.startswith(("FileNotFoundError", "PermissionError")), (secret, found)
assert tries("list", str(data)) == "python", tries("list", str(data))
others = tries("list", str(data / "python" / "models"))
assert others and "," not in others, others
assert tries("read", "/etc/shadow").startswith(("FileNotFoundError", "PermissionError"))
for place in (data / "python" / "x", "/usr/lib/x", "/etc/x"):
    assert "Error" in tries("write", str(place)), place
assert tries("write", "/tmp/x") == "written"
listening = socket.create_server(("127.0.0.1", 0))
assert "Error" in tries("connect", f"127.0.0.1:{listening.getsockname()[1]}")
assert "Error" in tries("connect", url.removeprefix("http://"))
seen = tries("environment")
assert not any(word in seen for word in ("TIDEMILL", "PIP_", "TOKEN", "PROXY", "proxy")), seen
assert len(tries("processes").split(",")) < 6
assert "ProcessLookupError" in tries("kill", "4194303")
forked = tries("fork")
assert "BlockingIOError" in forked or "OSError" in forked, forked
# Its neighbour and the server did not notice.
assert post(f"{url}/v2/models/plain/infer", row)[0] == 200
assert tries("nothing") == "nothing"

# With the network, if its trust says so.
trust("spy", network=True)
there = f"127.0.0.1:{listening.getsockname()[1]}"
until("it reaches the network", lambda: tries("connect", there) == "connected")
assert tries("read", str(data / "server.json")).startswith(("FileNotFoundError", "PermissionError"))
# Taken back, it answers nowhere any more: what was loaded is closed, deployments of it say why.
yaml = "kind: Deployment\nname: agent\nmodel: spy\n"
status, answer = post(f"{url}/api/tidemill/v1/projects/default/definitions", {"files": {"deployment.yaml": yaml}})
assert status == 200, answer
agent = f"{url}/api/tidemill/v1/projects/default/deployments/agent"
calls = {"dataframe_records": [{"what": "nothing", "argument": ""}]}
status, answer = post(f"{agent}/roll-back", {"version": 1})
assert status == 200, answer
answered(f"{url}/deployments/agent/invocations", calls)
request = urllib.request.Request(f"{url}/api/tidemill/v1/projects/default/models/spy/versions/1/trust", method="DELETE")
with urllib.request.urlopen(request) as answer:
    assert answer.status == 200


def is_held() -> bool:
    """Never answered again; why is told once that is tried anew."""
    status, answer = post(f"{url}/deployments/agent/invocations", calls)
    assert status == 503, (status, answer)
    return "held until somebody trusts its code" in str(answer)


until("the deployment says why", is_held)
for _ in range(3):
    assert is_held()
held("spy", row, "allow-list")
trust("spy")
answered(f"{url}/deployments/agent/invocations", calls)
print("code waits for trust; a trusted spy sees nothing of the server, reaches nothing and forks within its limit")
