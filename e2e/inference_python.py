"""Registers models that need Python with the real client, and calls them: right, wrong, dying and looping ones."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from harness import until
from mlflow.models import infer_signature
from post import answered, post
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("python")
chance = np.random.default_rng(5)


def call(path: str, body: object, kind: str = "application/json") -> tuple[int, dict]:
    return post(url + path, body, kind)


def register(log, name: str, **more: object) -> None:
    with mlflow.start_run():
        log(name="model", registered_model_name=name, **more)


# A pipeline with texts and numbers, whose answer is a text.
frame = pd.DataFrame(
    {
        "age": chance.integers(18, 90, 200),
        "income": chance.normal(50, 20, 200).round(1),
        "city": chance.choice(["oslo", "bergen", "bodo"], 200),
    }
)
target = np.where((frame["age"] > 50) ^ (frame["city"] == "oslo"), "yes", "no")
pipeline = make_pipeline(
    ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("numbers", StandardScaler(), ["age", "income"])]
    ),
    RandomForestClassifier(20, random_state=1),
).fit(frame, target)
register(
    lambda **more: mlflow.sklearn.log_model(pipeline, **more),
    "pipeline",
    signature=infer_signature(frame, pipeline.predict(frame)),
    serialization_format="cloudpickle",
)
records = frame.head(50).to_dict("records")
status, answer = call("/deployments/pipeline/invocations", {"dataframe_records": records})
assert status == 200, answer
assert answer["predictions"] == pipeline.predict(frame.head(50)).tolist()
split = {"columns": list(frame), "data": frame.head(5).to_numpy().tolist()}
assert call("/deployments/pipeline/invocations", {"dataframe_split": split})[1]["predictions"] == answer["predictions"][:5]
assert call("/v1/models/pipeline:predict", {"instances": records[:5]})[1]["predictions"] == answer["predictions"][:5]
csv = frame.head(5).to_csv(index=False).encode()
assert call("/deployments/pipeline/invocations", csv, "text/csv")[1]["predictions"] == answer["predictions"][:5]
one = call("/deployments/pipeline/predict", records[0])[1]
assert one == {
    "model": "pipeline",
    "version": 1,
    "route": "registered",
    "classes": ["no", "yes"],
    "predictions": answer["predictions"][:1],
}, one
status, refusal = call("/deployments/pipeline/invocations", {"dataframe_records": [{"age": 4}]})
assert status == 400 and "income" in refusal["error"], refusal
status, refusal = call("/deployments/pipeline/invocations", {"dataframe_records": records, "instances": []})
assert status == 400 and "exactly one" in refusal["error"], refusal

# Whatever a classifier answers as its class is compared with the labels: a text, a whole number, a truth.
api = f"{url}/api/tidemill/v1/projects/default"
watched = "kind: Monitor\nname: hourly\nwindow: PT24H\nlabel-delay: P2D\nevery: PT1H\n"
features = frame[["age", "income"]].astype(float)


def watch(name: str, model: object, wrong: list, right: list) -> None:
    """24 rows in a day, a quarter of which are labelled as another class than was answered."""
    register(
        lambda **more: mlflow.sklearn.log_model(model, **more),
        name,
        signature=infer_signature(features, model.predict(features)),
        serialization_format="cloudpickle",
    )
    answered(f"{url}/deployments/{name}/predict", features.iloc[0].to_dict())
    deployment = f"kind: Deployment\nname: {name}-watched\nmodel: {name}\nmonitor: hourly\n"
    status, answer = post(f"{api}/definitions", {"files": {"monitor.yaml": watched, f"{name}.yaml": deployment}})
    assert status == 200, answer
    status, answer = post(f"{api}/deployments/{name}-watched/roll-back", {"version": 1})
    assert status == 200, answer
    labels = []
    for hour in range(24):
        columns = [{"name": c, "shape": [1], "datatype": "FP64", "data": [features[c][hour]]} for c in features]
        parameters = {"event_time": f"2026-01-01T{hour:02}:30:00Z"}
        body = {"id": f"row-{hour}", "parameters": parameters, "inputs": columns}
        answered(f"{url}/v2/models/{name}-watched/infer", body)
        chosen = model.classes_.tolist().index(model.predict(features.iloc[[hour]])[0])
        labels.append({"id": f"row-{hour}", "value": (wrong if hour % 4 == 0 else right)[chosen]})
    status, answer = post(f"{api}/deployments/{name}-watched/labels", {"labels": labels})
    assert (status, answer.get("accepted")) == (200, 24), answer
    status, answer = post(f"{api}/deployments/{name}-watched/watermark", {"time": "2026-01-05T00:00:00Z"})
    assert status == 200, answer

    def window() -> dict | None:
        with urllib.request.urlopen(f"{api}/deployments/{name}-watched/windows") as told:
            return next(iter(json.load(told)["windows"]), None)

    until("the window is closed", lambda: window() is not None)
    closed = window()
    assert (closed["rows"], closed["labelled"], closed["error"]) == (24, 24, 0.25), closed


few = RandomForestClassifier(5, random_state=1)
old = frame["age"] > 50
watch("texts", few.fit(features, np.where(old, "yes", "no").astype(object)), ["yes", "no"], ["no", "yes"])
thirds = np.digitize(frame["age"], [40, 60]) + 1
watch("thirds", few.fit(features, thirds), [2.0, 3.0, 1.0], [1, "2", 3.0])
watch("truths", few.fit(features, old.to_numpy()), [True, "false"], [False, "True"])
# A classifier names its classes also where it has no probabilities to tell.
distant = make_pipeline(StandardScaler(), LinearSVC())
watch("margins", distant.fit(features, 100 * thirds), [200.0, 300.0, 100.0], [100, "200", 300.0])

# LightGBM's scikit-learn interface is saved as a pickle.
numbers = frame[["age", "income"]].astype(float)
regressor = lightgbm.LGBMRegressor(n_estimators=10, verbosity=-1).fit(numbers, numbers["income"] * 2)
register(
    lambda **more: mlflow.lightgbm.log_model(regressor, **more),
    "pickled-trees",
    signature=infer_signature(numbers, np.array([1.5])),
)
columns = [{"name": c, "shape": [200], "datatype": "FP64", "data": numbers[c].tolist()} for c in numbers]
status, answer = call("/v2/models/pickled-trees/infer", {"inputs": columns})
assert status == 200, answer
np.testing.assert_allclose(answer["outputs"][0]["data"], regressor.predict(numbers))

# A matrix in, a matrix out.
x = chance.normal(size=(30, 4))
linear = LinearRegression().fit(x, x @ chance.normal(size=(4, 2)))
register(lambda **more: mlflow.sklearn.log_model(linear, **more), "matrix", signature=infer_signature(x, linear.predict(x)))
tensor = {"name": "anything", "shape": [30, 4], "datatype": "FP64", "data": x.tolist()}
status, answer = call("/v2/models/matrix/infer", {"inputs": [tensor]})
assert status == 200, answer
assert answer["outputs"][0]["shape"] == [30, 2]
np.testing.assert_allclose(np.reshape(answer["outputs"][0]["data"], (30, 2)), linear.predict(x))


class Moody(mlflow.pyfunc.PythonModel):
    """Does what its input says."""

    def predict(self, context, model_input, params=None):
        import os
        import time

        print("a word between the frames")
        mood = str(model_input["mood"].iloc[0])
        if mood == "refuse":
            raise ValueError("not this one")
        if mood == "break":
            raise RuntimeError("a fault of mine")
        if mood == "exit":
            os._exit(7)
        if mood == "loop":
            time.sleep(600)
        if mood == "slow":
            time.sleep(1)
        if mood == "greedy":
            return [len(bytearray(1 << 36))]
        if mood == "many":
            return pd.DataFrame({"a": model_input["mood"].str.len(), "b": model_input["mood"]})
        return [f"{mood}!"] * len(model_input)


register(
    lambda **more: mlflow.pyfunc.log_model(python_model=Moody(), **more),
    "moody",
    signature=infer_signature(pd.DataFrame({"mood": ["glad"]})),
)


def words_of(*words: str) -> dict:
    return {"inputs": [{"name": "mood", "shape": [len(words)], "datatype": "BYTES", "data": words}]}


def mood(*words: str) -> tuple[int, dict]:
    return call("/v2/models/moody/infer", words_of(*words))


status, refusal = mood("glad")
assert status == 409 and "allow-list" in refusal["error"] and "models trust moody/1" in refusal["error"], refusal
trusted = call("/api/tidemill/v1/projects/default/models/moody/versions/1/trust", {})
assert trusted[0] == 200, trusted
answered(f"{url}/v2/models/moody/infer", words_of("glad"))
status, answer = mood("glad", "glad")
assert status == 200 and answer["outputs"][0]["data"] == ["glad!", "glad!"], answer
assert mood("refuse") == (400, {"error": "The model answered: ValueError: not this one"})
assert mood("break")[0] == 500
outputs = mood("many", "words")[1]["outputs"]
assert [(o["name"], o["data"]) for o in outputs] == [("a", [4, 5]), ("b", ["many", "words"])], outputs
status, refusal = mood("greedy")
assert status == 500 and "memory" in refusal["error"], refusal
status, refusal = mood("exit")
assert status == 500 and "code 7" in refusal["error"], refusal
assert mood("glad")[0] == 200
status, refusal = mood("loop")
assert status == 504 and sys.argv[2] + " s" in refusal["error"], (status, refusal)
assert mood("glad")[0] == 200
status, answer = call("/v2/models/pipeline/infer", {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["a"]}]})
assert status == 400 and "'age'" in answer["error"], answer
CALLERS = 320
statuses: list[int] = []
for _ in range(CALLERS):
    threading.Thread(target=lambda: statuses.append(mood("slow")[0]), daemon=True).start()
until("the waiting room of one model is full", lambda: statuses.count(503) >= 50)
assert call("/v2/models/matrix/infer", {"inputs": [tensor]})[0] == 200
assert len(statuses) < CALLERS, "another model was answered only when nobody waited for this one any more"
print("pickled, text, matrix and moody models answer; what dies or loops hurts its own caller alone")
