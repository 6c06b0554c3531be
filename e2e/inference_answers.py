"""Compares the forms of our answers with what MLflow's own scoring server writes, and with what scikit-learn and LightGBM say."""

from __future__ import annotations

import io
import json
import sys
import urllib.request
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from mlflow.pyfunc.scoring_server import predictions_to_json
from post import answered, post
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("answers")
chance = np.random.default_rng(9)
frame = pd.DataFrame(chance.normal(size=(60, 2)).round(2), columns=["a", "b"])


def register(log, name: str, **more: object) -> None:
    with mlflow.start_run():
        log(name="model", registered_model_name=name, **more)


def waited(path: str, body: object) -> dict:
    """The answer, once the model is trusted and there."""
    return answered(url + path, body)


class Forms(mlflow.pyfunc.PythonModel):
    """Returns its rows in the form that is asked for."""

    def predict(self, context, model_input, params=None):
        form = (params or {}).get("form", "frame")
        value = model_input["a"] + 3
        return {
            "frame": lambda: pd.DataFrame({"out": value}),
            "frames": lambda: pd.DataFrame({"out": value, "twice": 2 * value, "text": ["x"] * len(value)}),
            "series": lambda: value,
            "unnamed": lambda: pd.Series(value.to_numpy()),
            "array": lambda: value.to_numpy(),
            "matrix": lambda: np.stack([value, value], axis=1),
            "list": lambda: value.tolist(),
            "texts": lambda: ["ü"] * len(value),
            "objects": lambda: [{"x": 1, "y": [1, 2]}] * len(value),
            "mapping": lambda: {"a": value.tolist(), "b": 4},
            "text": lambda: "one for all",
            "gaps": lambda: pd.DataFrame(
                {"out": [1.5, np.nan], "text": ["x", np.nan], "none": ["x", None], "far": [np.inf, -np.inf]}
            ),
            "gap": lambda: [None, np.nan],
        }[form]()


register(
    lambda **more: mlflow.pyfunc.log_model(python_model=Forms(), **more),
    "forms",
    signature=infer_signature(frame, params={"form": "frame"}),
)
trusted = post(f"{url}/api/tidemill/v1/projects/default/models/forms/versions/1/trust", {})
assert trusted[0] == 200, trusted
rows = {"columns": ["a", "b"], "data": frame.head(2).to_numpy().tolist()}
waited("/deployments/forms/invocations", {"dataframe_split": rows})
forms = ["frame", "frames", "series", "unnamed", "array", "matrix", "list", "texts", "objects", "mapping", "text", "gaps", "gap"]
for form in forms:
    theirs = io.StringIO()
    predictions_to_json(Forms().predict(None, frame.head(2), {"form": form}), theirs)
    ours = waited("/deployments/forms/invocations", {"dataframe_split": rows, "params": {"form": form}})
    # As text, since NaN, which both write, equals nothing.
    assert json.dumps(ours, sort_keys=True) == json.dumps(json.loads(theirs.getvalue()), sort_keys=True), (
        form,
        ours,
        theirs.getvalue(),
    )

# Names of classes, beside the probabilities and in the metadata.
texts = np.where(frame["a"] > 0, "yes", np.where(frame["b"] > 0, "maybe", "no"))
numbers = frame["a"].gt(0).astype(int) + frame["b"].gt(0)
columns = [{"name": c, "shape": [5], "datatype": "FP64", "data": frame[c].head(5).tolist()} for c in frame]
small = {"min_child_samples": 2, "verbosity": -1, "n_estimators": 5}
for name, flavor, model, target in (
    ("sklearn-texts", mlflow.sklearn, LogisticRegression(), texts),
    ("sklearn-two", mlflow.sklearn, LogisticRegression(), texts == "yes"),
    ("lightgbm-texts", mlflow.lightgbm, lightgbm.LGBMClassifier(**small), texts),
    ("lightgbm-numbers", mlflow.lightgbm, lightgbm.LGBMClassifier(**small), numbers * 1.0),
    ("xgboost-numbers", mlflow.xgboost, xgboost.XGBClassifier(n_estimators=5), numbers),
):
    model.fit(frame, target)
    more = {"serialization_format": "cloudpickle"} if flavor is mlflow.sklearn else {}
    register(
        lambda flavor=flavor, model=model, **more: flavor.log_model(model, **more),
        name,
        signature=infer_signature(frame, model.predict(frame)),
        **more,
    )
    asked = {"inputs": columns, "parameters": {"probabilities": True}}
    answer = waited(f"/v2/models/{name}/infer", asked)
    classes = [str(one) for one in model.classes_.tolist()]
    assert json.loads(answer["parameters"]["classes"]) == classes, (name, answer)
    shares = next(one for one in answer["outputs"] if one["name"] == "probabilities")
    np.testing.assert_allclose(shares["data"], model.predict_proba(frame.head(5)).ravel(), rtol=1e-5, atol=1e-6)
    with urllib.request.urlopen(f"{url}/v2/models/{name}") as metadata:
        assert json.loads(metadata.read())["parameters"]["classes"] == classes, name
    body = {"dataframe_split": {"columns": ["a", "b"], "data": frame.head(5).to_numpy().tolist()}}
    predicted = waited(f"/deployments/{name}/invocations", body)["predictions"]
    assert predicted == model.predict(frame.head(5)).tolist(), (name, predicted)

# An id that a request brings is that of its prediction.
for place, (path, body) in enumerate(
    (
        ("/deployments/xgboost-numbers/predict", {"a": 1.5, "b": 2.0}),
        ("/v1/models/xgboost-numbers:predict", {"instances": [{"a": 1.5, "b": 2.0}]}),
        ("/deployments/xgboost-numbers/invocations", {"dataframe_records": [{"a": 1.5, "b": 2.0}]}),
    )
):
    for header in ("Tidemill-Prediction-Id", "X-Request-Id"):
        sent = f"mine-{place}-{header}"
        request = urllib.request.Request(
            url + path, json.dumps(body).encode(), {"Content-Type": "application/json", header: sent}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Tidemill-Prediction-Id"] == sent, (path, answer.headers)

# No row is dropped, and half a character is refused on every route.
csv = b'a,b\n1.5,2\n"",\n4.0,1\n'
status, answer = post(f"{url}/deployments/xgboost-numbers/invocations", csv, "text/csv")
assert status == 200 and len(answer["predictions"]) == 3, answer
half = "a\ud800"
texts_of = {"name": "a", "shape": [1], "datatype": "BYTES", "data": [half]}
for path, body in (
    ("/v2/models/forms/infer", {"inputs": [texts_of]}),
    ("/v2/models/forms/infer", {"inputs": columns, "parameters": {"form": half}}),
    ("/v1/models/forms:predict", {"instances": [{"a": half, "b": 1}]}),
    ("/v1/models/forms:predict", {"inputs": {"a": [half]}}),
    ("/deployments/forms/predict", {"a": half, "b": 1}),
    ("/deployments/forms/invocations", {"dataframe_split": {"columns": ["a", "b"], "data": [[half, 1]]}}),
    ("/deployments/forms/invocations", {"dataframe_records": [{"a": half, "b": 1}]}),
    ("/deployments/forms/invocations", {"instances": [[half]]}),
    ("/deployments/forms/invocations", {"inputs": {half: [1]}}),
    ("/deployments/forms/invocations", {"dataframe_split": rows, "params": {"form": half}}),
):
    status, refusal = post(url + path, body)
    assert status == 400 and ("half a character" in refusal["error"] or "surrogate" in refusal["error"]), (path, body, refusal)
status, refusal = post(f"{url}/deployments/forms/invocations", b"a,b\n\xed\xa0\x80,1\n", "text/csv")
assert status == 400 and "UTF-8" in refusal["error"], refusal
print(f"{len(forms)} forms are MLflow's own; classes are named, ids kept, no row is dropped")
