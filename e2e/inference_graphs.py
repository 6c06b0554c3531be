"""Declares inference graphs of registered models, applies them with the command, and compares answers with numpy's."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier

warnings.simplefilter("ignore")
url, launcher = sys.argv[1], sys.argv[2]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("graphs")
chance = np.random.default_rng(9)
names = [f"f{i}" for i in range(4)]
frame = pd.DataFrame(chance.normal(size=(600, 4)), columns=names)
X32 = frame.to_numpy(dtype=np.float32)


def booster(seed: int) -> lightgbm.Booster:
    target = frame["f0"] * seed + np.sin(frame["f1"] * seed)
    params = {"objective": "regression", "verbosity": -1, "seed": seed, "num_leaves": 15}
    return lightgbm.train(params, lightgbm.Dataset(frame, target), 15)


boosters = {seed: booster(seed) for seed in (1, 2, 3)}
for seed, model in boosters.items():
    with mlflow.start_run():
        signature = infer_signature(frame, model.predict(frame))
        mlflow.lightgbm.log_model(model, name="model", registered_model_name=f"tide-{seed}", signature=signature)
mlflow.MlflowClient().set_registered_model_alias("tide-3", "best", "1")
rotation = PCA(4, random_state=1).fit(X32)
forest = {seed: RandomForestClassifier(15, max_depth=5, random_state=seed) for seed in (1, 2, 3)}
labels = np.digitize(frame["f0"] + frame["f1"], [-0.7, 0.7])
OPSET = {"": 17, "ai.onnx.ml": 3}
with mlflow.start_run():
    mlflow.onnx.log_model(to_onnx(rotation, X32[:1], target_opset=OPSET), name="model", registered_model_name="rotation")
for seed, model in forest.items():
    model.fit(X32 if seed < 3 else rotation.transform(X32), labels)
    proto = to_onnx(model, X32[:1], target_opset=OPSET, options={"zipmap": False})
    with mlflow.start_run():
        mlflow.onnx.log_model(proto, name="model", registered_model_name=f"forest-{seed}")

work = pathlib.Path(tempfile.mkdtemp())


def apply(name: str, graph: dict, fails: bool = False) -> str:
    for old in work.glob("*.yaml"):
        old.unlink()
    document = {"kind": "InferenceGraph", "name": name, "graph": graph}
    (work / f"{name}.yaml").write_text(json.dumps(document))  # JSON is YAML.
    done = subprocess.run([launcher, "apply", "-f", str(work), "--server", url], capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def infer(model: str, inputs: list[dict], version: str = "") -> dict:
    body = json.dumps({"inputs": inputs}).encode()
    request = urllib.request.Request(f"{url}/v2/models/{model}{version}/infer", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            parsed = json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return json.loads(refusal.read())
    return {one["name"]: np.array(one["data"]).reshape(one["shape"]) for one in parsed["outputs"]}


def columns(some: pd.DataFrame) -> list[dict]:
    inputs = []
    for name in some:
        text = not pd.api.types.is_numeric_dtype(some[name])
        inputs.append({"name": name, "shape": [len(some)], "datatype": "BYTES" if text else "FP64", "data": some[name].tolist()})
    return inputs


predicted = {seed: model.predict(frame) for seed, model in boosters.items()}

# A mean with weights, of references by version, by alias and by nothing.
apply("mean", {"ensemble": [{"model": "tide-1"}, {"model": "tide-2/1"}, {"model": "tide-3@best"}], "weights": [1, 2, 1]})
wanted = (predicted[1] + 2 * predicted[2] + predicted[3]) / 4
np.testing.assert_allclose(infer("mean", columns(frame))["prediction"], wanted, rtol=1e-12)
np.testing.assert_allclose(infer("mean", columns(frame[:1]))["prediction"], wanted[:1], rtol=1e-12)
for combine, function in {"median": np.median, "min": np.min, "max": np.max}.items():
    apply(combine, {"ensemble": [{"model": f"tide-{seed}"} for seed in (1, 2, 3)], "combine": combine})
    stacked = function(np.stack([predicted[1], predicted[2], predicted[3]]), axis=0)
    np.testing.assert_allclose(infer(combine, columns(frame))["prediction"], stacked, rtol=1e-12)
apply("side-by-side", {"ensemble": [{"model": "tide-1"}, {"model": "tide-2"}], "combine": "concat"})
both = infer("side-by-side", columns(frame))
np.testing.assert_allclose(both["tide-2.prediction"], predicted[2], rtol=1e-12)

# A switch by text, by number and for what is missing; rows keep their order and tell their route.
harbours = np.array(["north", "south", "west"])[chance.integers(0, 3, len(frame))]
branches = [
    {"name": "to the north", "when": {"column": "harbour", "equals": "north"}, "then": {"model": "tide-1"}},
    {"when": {"column": "f0", "below": 0}, "then": {"model": "tide-2"}},
    {"then": {"model": "tide-3@best"}},
]
apply("by-harbour", {"switch": branches})
answer = infer("by-harbour", columns(frame.assign(harbour=harbours.astype(object))))
assert "prediction" in answer, answer
north, low = harbours == "north", (frame["f0"] < 0).to_numpy()
wanted = np.where(north, predicted[1], np.where(low, predicted[2], predicted[3]))
np.testing.assert_allclose(answer["prediction"], wanted, rtol=1e-12)
routes = np.where(north, "to the north", np.where(low, "tide-2", "tide-3@best"))
assert (answer["route"] == routes).all()
apply("only-north", {"switch": branches[:1]})
refusal = infer("only-north", columns(frame.assign(harbour=harbours.astype(object))))
assert "fits no branch" in refusal["error"], refusal

# A split: the same row, the same way; shares as declared.
apply("split", {"split": [{"weight": 3, "to": {"model": "tide-1"}}, {"weight": 1, "to": {"model": "tide-2"}}]})
first, again = infer("split", columns(frame)), infer("split", columns(frame))
assert (first["route"] == again["route"]).all()
share = (first["route"] == "tide-1").mean()
assert 0.68 < share < 0.82, share
np.testing.assert_allclose(first["prediction"], np.where(first["route"] == "tide-1", predicted[1], predicted[2]), rtol=1e-12)

# A transformer before a model, and a vote of three, one of them with a transformer of its own.
matrix = [{"name": "X", "shape": list(X32.shape), "datatype": "FP32", "data": X32.ravel().astype(float).tolist()}]
apply("turned", {"sequence": [{"model": "rotation"}, {"model": "forest-3"}]})
turned = infer("turned", matrix)
wanted_turned = forest[3].predict(rotation.transform(X32))
assert (turned["label"] == wanted_turned).mean() > 0.99, (turned["label"] == wanted_turned).mean()
vote = [{"model": "forest-1"}, {"model": "forest-2"}, {"sequence": [{"model": "rotation"}, {"model": "forest-3"}]}]
apply("vote", {"ensemble": vote, "combine": "vote"})
said = np.stack([forest[1].predict(X32), forest[2].predict(X32), turned["label"]])
most = []
for one in said.T:
    counts = {label: (one == label).sum() for label in one}
    most.append(next(label for label in one if counts[label] == max(counts.values())))
assert (infer("vote", matrix)["label"] == np.array(most)).mean() > 0.99

# What is wrong is said when it is declared, and nothing is registered.
assert "no model 'nobody'" in apply("wrong", {"model": "nobody"}, fails=True)
assert "one of" in apply("wrong", {"modle": "tide-1"}, fails=True)
assert "weights" in apply("wrong", {"ensemble": [{"model": "tide-1"}], "weights": [1, 2]}, fails=True)
assert "own name" in apply("mean", {"model": "mean"}, fails=True)

# A graph is versioned as any model; the models of a version never change.
mlflow.MlflowClient().set_registered_model_alias("tide-3", "best", "1")
apply("mean", {"ensemble": [{"model": "tide-1"}, {"model": "tide-2"}]})
np.testing.assert_allclose(
    infer("mean", columns(frame), "/versions/2")["prediction"], (predicted[1] + predicted[2]) / 2, rtol=1e-12
)
wanted = (predicted[1] + 2 * predicted[2] + predicted[3]) / 4
np.testing.assert_allclose(infer("mean", columns(frame), "/versions/1")["prediction"], wanted, rtol=1e-12)

# A graph in a graph stands for its parts, as they are now.
nested = [{"when": {"column": "f0", "below": 0}, "then": {"model": "mean/1"}}, {"then": {"model": "split"}}]
apply("of-graphs", {"switch": nested})
apply("mean", {"ensemble": [{"model": "tide-3"}, {"model": "tide-3"}]})
answer = infer("of-graphs", columns(frame))
np.testing.assert_allclose(answer["prediction"], np.where(low, wanted, first["prediction"]), rtol=1e-12)
assert (answer["route"] == np.where(low, "mean/1", [f"split / {route}" for route in first["route"]])).all()
for level in range(6):
    inner = f"level-{level - 1}" if level else "mean"
    refusal = apply(f"level-{level}", {"ensemble": [{"model": inner}, {"model": inner}]}, fails=level == 5)
assert "more than 100 models" in refusal, refusal
with urllib.request.urlopen(f"{url}/v2/models/by-harbour") as told:
    metadata = json.loads(told.read())
assert metadata["platform"] == "tidemill_graph", metadata
assert {one["name"] for one in metadata["inputs"]} == {*names, "harbour"}, metadata
print("graphs answer as their parts do: ensembles, a switch, a split, a sequence, a vote")
