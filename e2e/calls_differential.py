"""The same models served by `mlflow models serve` and by us on MLflow's own route: equal status and equal predictions."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from harness import PATIENCE, free_port, is_there, until
from mlflow.models import infer_signature
from post import post
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("differential")


class Forms(mlflow.pyfunc.PythonModel):
    """Answers in the form that its parameter names."""

    def predict(self, context, model_input, params=None):
        form = (params or {}).get("form", "dictionaries")
        n = len(model_input)
        return {
            "dictionaries": [{"x": 1, "none": None, "deep": {"y": [1, [2.5, "z"]]}}] * n,
            "ragged": [list(range(i + 1)) for i in range(n)],
            "none": [None, *[1.5] * (n - 1)],
            "texts": [None, *["a"] * (n - 1)],
            "matrix": [[1, 2]] * n,
            "numpy": np.arange(n) / 2,
            "frame": pd.DataFrame({"a": range(n), "b": ["x"] * n}),
        }[form]


chance = np.random.default_rng(3)
frame = pd.DataFrame({"a": chance.normal(size=90), "b": chance.normal(size=90)})
names = np.array(["cold", "mild", "warm"])[chance.integers(0, 3, 90)]
numbers = chance.integers(0, 3, 90)
scikit = LogisticRegression().fit(frame, names)
boosted = xgboost.XGBClassifier(n_estimators=5).fit(frame, numbers)
light = lightgbm.LGBMClassifier(n_estimators=5, verbosity=-1).fit(frame, numbers)
with mlflow.start_run():
    mlflow.pyfunc.log_model(
        name="forms",
        registered_model_name="forms",
        python_model=Forms(),
        signature=infer_signature(frame, params={"form": "dictionaries"}),
    )
    mlflow.sklearn.log_model(
        scikit,
        name="scikit",
        registered_model_name="scikit",
        signature=infer_signature(frame, scikit.predict(frame)),
        serialization_format="cloudpickle",
    )
    mlflow.xgboost.log_model(boosted, name="boosted", registered_model_name="boosted", signature=infer_signature(frame, numbers))
    mlflow.lightgbm.log_model(light, name="light", registered_model_name="light", signature=infer_signature(frame, numbers))
for name in ("forms", "scikit", "light"):
    status, answer = post(f"{url}/api/tidemill/v1/projects/default/models/{name}/versions/1/trust", {}, "application/json")
    assert status == 200, answer

rows = frame.head(4).to_dict("records")
requests: dict[str, list[dict]] = {
    "forms": [{"dataframe_records": rows}]
    + [{"dataframe_records": rows, "params": {"form": f}} for f in ("ragged", "none", "texts", "matrix", "numpy", "frame")]
    + [{"dataframe_records": rows, "params": {"form": 3}}],
    "scikit": [{"dataframe_records": rows}],
    "boosted": [{"dataframe_records": rows}],
    "light": [{"dataframe_records": rows}],
}
wrong = []
compared = 0
for name, bodies in requests.items():
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            f"models:/{name}/1",
            "-p",
            str(port),
            "--env-manager",
            "local",
            "-w",
            "1",
        ],
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": url,
            "PATH": str(pathlib.Path(sys.executable).parent) + ":" + os.environ["PATH"],
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("MLflow serves", lambda port=port: is_there(f"http://127.0.0.1:{port}/ping"))
        for body in bodies:
            theirs = post(f"http://127.0.0.1:{port}/invocations", body, "application/json")
            ours = post(f"{url}/deployments/{name}/invocations", body, "application/json")
            compared += 1
            same = theirs[0] == ours[0] and (theirs[0] != 200 or theirs[1]["predictions"] == ours[1]["predictions"])
            if not same:
                wrong.append((name, body.get("params"), theirs, ours))
    finally:
        server.terminate()
        server.wait(PATIENCE)
for one in wrong:
    print(json.dumps(one)[:600], file=sys.stderr)
assert not wrong, len(wrong)

# One parameter, whoever made the classifier.
for name, model in (("scikit", scikit), ("boosted", boosted), ("light", light)):
    status, answer = post(
        f"{url}/deployments/{name}/invocations",
        {"dataframe_records": rows, "params": {"probabilities": True}},
        "application/json",
    )
    assert status == 200, answer
    shares = [row["probabilities"] for row in answer["predictions"]]
    np.testing.assert_allclose(shares, model.predict_proba(frame.head(4)), rtol=2e-6, atol=1e-7)
    assert [row["prediction"] for row in answer["predictions"]] == model.predict(frame.head(4)).tolist(), answer
    columns = [{"name": c, "shape": [4], "datatype": "FP64", "data": frame[c].head(4).tolist()} for c in frame]
    status, answer = post(
        f"{url}/v2/models/{name}/infer", {"inputs": columns, "parameters": {"probabilities": True}}, "application/json"
    )
    assert status == 200, answer
    found = next(output for output in answer["outputs"] if output["name"] == "probabilities")
    np.testing.assert_allclose(np.reshape(found["data"], (4, 3)), shares, rtol=2e-6)
print(f"{compared} answers equal to MLflow's, probabilities of 3 libraries")
