"""Registers random XGBoost and LightGBM models with the real client and compares our answers with the libraries' own."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import urllib.error
import urllib.request
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("trees")
ROWS, FEATURES = 400, 6
chance = np.random.default_rng(11)
names = [f"f{i}" for i in range(FEATURES)]


def table(missing: bool) -> pd.DataFrame:
    frame = pd.DataFrame(chance.normal(size=(ROWS, FEATURES)).round(2), columns=names)
    if missing:
        frame = frame.mask(chance.random(frame.shape) < 0.15)
    frame.loc[:20, "f1"] = 0.0
    return frame


def infer(model: str, frame: pd.DataFrame, version: str = "") -> dict:
    inputs = []
    for column in frame:
        values = frame[column]
        if not pd.api.types.is_numeric_dtype(values):
            data, datatype = [None if pd.isna(v) else str(v) for v in values], "BYTES"
        else:
            data, datatype = [None if np.isnan(v) else float(v) for v in values], "FP64"
        inputs.append({"name": column, "shape": [len(values)], "datatype": datatype, "data": data})
    path = f"{url}/v2/models/{model}{version}/infer"
    request = urllib.request.Request(path, json.dumps({"inputs": inputs}).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            outputs = json.loads(answer.read())["outputs"]
    except urllib.error.HTTPError as refusal:
        raise AssertionError((model, refusal.read())) from refusal
    return {output["name"]: np.array(output["data"], dtype=float).reshape(output["shape"]) for output in outputs}


def register(flavor, model, name: str, frame: pd.DataFrame, predicted: np.ndarray, **more: object) -> None:
    signature = infer_signature(frame.astype({c: object for c in frame if frame[c].dtype.name == "category"}), predicted)
    with mlflow.start_run():
        flavor.log_model(model, name="model", registered_model_name=name, signature=signature, **more)


def platform(model: str) -> str:
    with urllib.request.urlopen(f"{url}/v2/models/{model}") as answer:
        return json.loads(answer.read())["platform"]


def label(kind: str, frame: pd.DataFrame) -> np.ndarray:
    signal = frame["f0"].fillna(0) + frame["f1"].fillna(0) * frame["f2"].fillna(0) + 0.3 * chance.normal(size=ROWS)
    if kind == "classes":
        return np.digitize(signal, [-0.7, 0.7])
    if kind == "binary":
        return (signal > 0).astype(int)
    if kind == "positive":
        return np.exp(signal / 2).to_numpy().round(3) + 0.01
    return signal.to_numpy()


def register_dump(model: lightgbm.Booster, name: str) -> None:
    """LightGBM's own JSON, a lone file without MLmodel."""
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "model.json").write_text(json.dumps(model.dump_model()))
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(folder), "dump")
    client = mlflow.MlflowClient()
    client.create_registered_model(name)
    client.create_model_version(name, f"runs:/{run.info.run_id}/dump", run.info.run_id)


compared = 0
XGBOOST = {
    "reg:squarederror": "real",
    "reg:absoluteerror": "real",
    "reg:pseudohubererror": "real",
    "reg:logistic": "binary",
    "binary:logistic": "binary",
    "binary:logitraw": "binary",
    "binary:hinge": "binary",
    "count:poisson": "positive",
    "reg:gamma": "positive",
    "reg:tweedie": "positive",
    "multi:softprob": "classes",
    "multi:softmax": "classes",
    "rank:pairwise": "binary",
}
for number, (objective, kind) in enumerate(XGBOOST.items()):
    frame = table(missing=number % 2 == 0)
    settings = {
        "objective": objective,
        "max_depth": int(chance.integers(2, 9)),
        "booster": "dart" if number % 5 == 3 else "gbtree",
        "rate_drop": 0.3,
        "eta": 0.3,
        "seed": number,
    }
    if kind == "classes":
        settings["num_class"] = 3
    if settings["booster"] == "gbtree":
        del settings["rate_drop"]
    data = xgboost.DMatrix(frame, label(kind, frame))
    if objective.startswith("rank"):
        data.set_group([100, 100, 200])
    model = xgboost.train(settings, data, 20)
    predicted = model.predict(xgboost.DMatrix(frame))
    name = "xgb-" + objective.replace(":", "-")
    register(mlflow.xgboost, model, name, frame, predicted, model_format=["ubj", "json"][number % 2])
    assert platform(name) == "tidemill_xgboost", platform(name)
    ours = infer(name, frame)["prediction"]
    np.testing.assert_allclose(ours, predicted, rtol=2e-6, atol=1e-7, err_msg=name)
    compared += 1

frame = table(missing=True)
classifier = xgboost.XGBClassifier(n_estimators=15, max_depth=4).fit(frame, label("classes", frame))
register(mlflow.xgboost, classifier, "xgb-classifier", frame, classifier.predict(frame))
answer = infer("xgb-classifier", frame)
np.testing.assert_array_equal(answer["prediction"], classifier.predict(frame))
np.testing.assert_allclose(answer["probabilities"], classifier.predict_proba(frame), rtol=2e-6, atol=1e-7)

# Training that stopped early: the scikit-learn interface predicts with the rounds up to the best, a Booster with all.
stopping = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.5, "early_stopping_rounds": 4, "random_state": 1}
for name, kind, model in (
    ("regressor", "real", xgboost.XGBRegressor(**stopping)),
    ("dart", "real", xgboost.XGBRegressor(booster="dart", rate_drop=0.3, **stopping)),
    ("binary", "binary", xgboost.XGBClassifier(**stopping)),
    ("classes", "classes", xgboost.XGBClassifier(num_parallel_tree=2, subsample=0.7, **stopping)),
):
    frame, other = table(missing=False), table(missing=False)
    model.fit(frame, label(kind, frame), eval_set=[(other, label(kind, other))], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds(), name
    for flavored, suffix in ((model, ""), (model.get_booster(), "-booster")):
        register(mlflow.xgboost, flavored, f"early-{name}{suffix}", frame, model.predict(frame))
        predicted = mlflow.pyfunc.load_model(f"models:/early-{name}{suffix}/1").predict(frame)
        answer = infer(f"early-{name}{suffix}", frame)
        np.testing.assert_allclose(answer["prediction"], predicted, rtol=2e-6, atol=1e-6, err_msg=name + suffix)
        if suffix == "" and kind != "real":
            np.testing.assert_allclose(answer["probabilities"], model.predict_proba(frame), rtol=2e-6, atol=1e-6)
        compared += 1

frame = table(missing=True)
frame["city"] = pd.Categorical(chance.choice(["oslo", "bergen", "tromso", "bodo", "hamar"], ROWS))
frame["size"] = pd.Categorical(chance.choice([f"s{i}" for i in range(40)], ROWS))
target = label("real", frame) + frame["city"].cat.codes.to_numpy() + np.sin(frame["size"].cat.codes.to_numpy())
regressor = xgboost.XGBRegressor(n_estimators=25, enable_categorical=True, max_cat_to_onehot=3, tree_method="hist")
regressor.fit(frame, target)
register(mlflow.xgboost, regressor, "xgb-categories", frame, regressor.predict(frame))
if platform("xgb-categories") == "tidemill_xgboost":
    np.testing.assert_allclose(infer("xgb-categories", frame)["prediction"], regressor.predict(frame), rtol=2e-6, atol=1e-6)
    compared += 1

LIGHTGBM = {
    "regression": "real",
    "regression_l1": "real",
    "huber": "real",
    "quantile": "real",
    "mape": "positive",
    "poisson": "positive",
    "gamma": "positive",
    "tweedie": "positive",
    "binary": "binary",
    "multiclass": "classes",
    "multiclassova": "classes",
    "cross_entropy": "binary",
    "cross_entropy_lambda": "binary",
    "lambdarank": "binary",
}
for number, (objective, kind) in enumerate(LIGHTGBM.items()):
    frame = table(missing=number % 2 == 0)
    settings = {
        "objective": objective,
        "num_leaves": [7, 31, 150][number % 3],
        "min_data_in_leaf": 2,
        "verbosity": -1,
        "seed": number,
        "zero_as_missing": number % 4 == 1,
        "use_missing": number % 5 != 4,
        "boosting": ["gbdt", "dart", "rf"][number % 3] if number > 5 else "gbdt",
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "sigmoid": 1.3,
    }
    if kind == "classes":
        settings["num_class"] = 3
    data = lightgbm.Dataset(frame, label(kind, frame), group=[100, 100, 200] if objective == "lambdarank" else None)
    model = lightgbm.train(settings, data, 20)
    predicted = model.predict(frame)
    name = "lgb-" + objective
    register(mlflow.lightgbm, model, name, frame, predicted)
    assert platform(name) == "tidemill_lightgbm", platform(name)
    np.testing.assert_allclose(infer(name, frame)["prediction"], predicted, rtol=1e-12, atol=1e-12, err_msg=name)
    register_dump(model, name + "-json")
    assert platform(name + "-json") == "tidemill_lightgbm"
    np.testing.assert_allclose(infer(name + "-json", frame)["prediction"], predicted, rtol=1e-12, atol=1e-12, err_msg=name)
    compared += 2

frame = table(missing=True)
frame["city"] = pd.Categorical(chance.choice(["oslo", "bergen", "tromso", "bodo", "hamar"], ROWS))
frame["size"] = pd.Categorical(chance.choice([f"s{i}" for i in range(90)], ROWS))
target = label("real", frame) + frame["city"].cat.codes.to_numpy() + np.sin(frame["size"].cat.codes.to_numpy())
model = lightgbm.train(
    {"objective": "regression", "verbosity": -1, "min_data_per_group": 1, "cat_smooth": 1, "max_cat_to_onehot": 2},
    lightgbm.Dataset(frame, target),
    30,
)
register(mlflow.lightgbm, model, "lgb-categories", frame, model.predict(frame))
np.testing.assert_allclose(infer("lgb-categories", frame)["prediction"], model.predict(frame), rtol=1e-12, atol=1e-12)
register_dump(model, "lgb-categories-json")
np.testing.assert_allclose(infer("lgb-categories-json", frame)["prediction"], model.predict(frame), rtol=1e-12, atol=1e-12)
strange = frame.assign(city="nowhere", size=None)
known = strange.assign(
    city=pd.Categorical(strange["city"], categories=frame["city"].cat.categories),
    size=pd.Categorical(strange["size"], categories=frame["size"].cat.categories),
)
np.testing.assert_allclose(infer("lgb-categories", strange)["prediction"], model.predict(known), rtol=1e-12, atol=1e-12)
print(f"{compared + 3} models answer as their own libraries do")
