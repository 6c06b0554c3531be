"""The same models served by `mlflow models serve` and by us on MLflow's own route: equal status and equal predictions."""

from __future__ import annotations

import datetime
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
        return self.forms(len(model_input))[(params or {}).get("form", "dictionaries")]

    @staticmethod
    def forms(n):
        return {
            "dictionaries": [{"x": 1, "none": None, "deep": {"y": [1, [2.5, "z"]]}}] * n,
            "ragged": [list(range(i + 1)) for i in range(n)],
            "none": [None, *[1.5] * (n - 1)],
            "texts": [None, *["a"] * (n - 1)],
            "matrix": [[1, 2]] * n,
            "numpy": np.arange(n) / 2,
            "frame": pd.DataFrame({"a": range(n), "b": ["x"] * n}),
            "mapping of values": {"a": 1, "b": "s", "n": None, "t": True, "f": 2.5},
            "mapping of mappings": {"a": {"x": 1}, "b": {"y": {"z": [None, 1]}}, "c": {}},
            "mapping of arrays": {"a": np.array([1, 2]), "b": np.arange(4).reshape(2, 2), "c": np.float32(0.5), "d": np.int64(5)},
            "mapping of lists": {"a": [{"x": 1}, {"x": 2}], "b": [{"x": 1}], "c": [None], "d": [[1], [2, 3]], "e": []},
            "mapping of bytes": {"a": b"ab", "b": [b"ab", b"\xff\x00"], "c": {"d": b"ab"}},
            "empty mapping": {},
            "empty list": [],
            "different mappings": [{"a": 1}, {"b": 2}],
            "mixed list": [1, "a", None, b"ab", True, 2.5],
            "tuple": (1, 2),
            "lone none": None,
            "lone text": "text",
            "lone bytes": b"ab",
            "lone number": 2.5,
            "lone truth": True,
            "bytes": [b"ab", b"\xff\xfe", b"", b"a" * 100],
            "ends in zeros": ["a\0", "b"],
            "bytes that end in zeros": [b"a\0", b"b"],
            "array of bytes": np.array([[b"ab", b"c"]]),
            "bytes and none": [b"ab", None],
            "frame of bytes": pd.DataFrame({"a": [b"ab"] * n}),
            "series of bytes": pd.Series([b"ab"] * n, name="q"),
            "nested numpy": [{"a": np.float32(0.1), "b": np.arange(2), "c": np.int64(3), "d": np.bool_(True)}],
            "nested bytes": [[b"ab"], {"a": b"ab", "b": bytearray(b"cd")}],
            "nested times": [
                {"a": datetime.datetime(2026, 1, 1, 10), "b": pd.Timestamp("2026-01-01"), "c": datetime.date(2026, 1, 2)}
            ],
            "times": [datetime.datetime(2026, 1, 1, 10)],
            "frame of times": pd.DataFrame({"t": pd.to_datetime(["2026-01-01 10:00"] * n)}),
            "frame of objects": pd.DataFrame({"o": [{"x": None}] * n, "l": [[1, None]] * n}),
            "frame of categories": pd.DataFrame({"c": pd.Categorical(["u"] * n)}),
            "frame of one none": pd.DataFrame({"c": [None] * n}),
            "empty frame": pd.DataFrame({"a": []}),
            "series": pd.Series([1, 2], name="q"),
            "unnamed series": pd.Series([1, 2]),
            "large whole numbers": [2**53 + 1, 2**63 - 1],
            "not finite": [float("nan"), {"a": float("inf")}],
        }


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
    + [{"dataframe_records": rows, "params": {"form": form}} for form in (*Forms.forms(1), 3)],
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
            # As texts: in Python True is 1 is 1.0, and NaN is not itself.
            told = [json.dumps(answer["predictions"], sort_keys=True) for status, answer in (theirs, ours) if status == 200]
            if theirs[0] != ours[0] or len(set(told)) > 1:
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
