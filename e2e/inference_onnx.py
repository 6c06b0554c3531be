"""Registers ONNX models with the real client and compares our answers with ONNX Runtime's own."""

from __future__ import annotations

import collections
import json
import sys
import urllib.error
import urllib.request
import warnings

import lightgbm
import mlflow
import numpy as np
import onnx
import onnxruntime
import pandas as pd
from mlflow.models import infer_signature
from onnx import TensorProto, helper, numpy_helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as LightgbmFloats
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("onnx")
chance = np.random.default_rng(5)
ROWS, FEATURES = 300, 5
names = [f"f{i}" for i in range(FEATURES)]
X = chance.normal(size=(ROWS, FEATURES)).round(2).astype(np.float32)
value = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + chance.normal(scale=0.1, size=ROWS)
binary = (value > 0).astype(int)
several = np.digitize(value, [-0.8, 0, 0.8])
words = np.array(["calm", "rough", "storm", "swell"])[several]
INPUT_TYPES = {"tensor(float)": ("FP32", np.float32), "tensor(double)": ("FP64", np.float64), "tensor(string)": ("BYTES", object)}


def call(model: str, inputs: list[dict]) -> dict:
    request = urllib.request.Request(
        f"{url}/v2/models/{model}/infer", json.dumps({"inputs": inputs}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def metadata(model: str) -> dict:
    with urllib.request.urlopen(f"{url}/v2/models/{model}") as answer:
        return json.loads(answer.read())


def platform(model: str) -> str:
    return metadata(model)["platform"]


def tensor(name: str, values: np.ndarray, datatype: str) -> dict:
    flat = [None if isinstance(v, float) and np.isnan(v) else v for v in values.ravel().tolist()]
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": flat}


def register(name: str, model: onnx.ModelProto, example: pd.DataFrame | None = None) -> None:
    signature = infer_signature(example) if example is not None else None
    with mlflow.start_run():
        mlflow.onnx.log_model(model, name="model", registered_model_name=name, signature=signature)


def expected(session: onnxruntime.InferenceSession, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    told = {}
    for output, result in zip(session.get_outputs(), session.run(None, feed), strict=True):
        if isinstance(result, list):
            result = np.array([[row[label] for label in sorted(row)] for row in result], dtype=np.float32)
        told[output.name] = np.asarray(result)
    return told


def compare(name: str, model: onnx.ModelProto, feed: dict[str, np.ndarray], runtime: str, by_names: bool = False) -> None:
    """Compares each output on all rows, and on single rows, which take another way through the server."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # Several add the trees of a forest in another order.
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    types = {one.name: INPUT_TYPES[one.type][0] for one in session.get_inputs()}
    for rows in (len(next(iter(feed.values()))), 1, 7):
        part = {key: values[:rows] for key, values in feed.items()}
        if by_names:
            matrix = next(iter(part.values()))
            inputs = [tensor(column, matrix[:, i], "FP32") for i, column in enumerate(names)][::-1]
        else:
            inputs = [tensor(key, values, types[key]) for key, values in part.items()]
        answer = {output["name"]: output for output in call(name, inputs)["outputs"]}
        for key, result in expected(session, part).items():
            got = answer[key]
            if result.dtype.kind in "OU":
                assert got["data"] == [str(v) for v in result.ravel()], (name, key, rows)
                continue
            values = np.array(got["data"], dtype=np.float64).reshape(got["shape"])
            np.testing.assert_allclose(
                values.ravel(), result.astype(np.float64).ravel(), rtol=2e-6, atol=2e-7, err_msg=f"{name} {key} {rows}"
            )
    assert platform(name) == runtime, (name, platform(name))


def trees() -> int:
    kinds = {
        "forest-value": (RandomForestRegressor(60, max_depth=6, random_state=1), value),
        "forest-values": (RandomForestRegressor(20, max_depth=5, random_state=1), np.c_[value, value**2]),
        "forest-binary": (RandomForestClassifier(60, max_depth=6, random_state=1), binary),
        "forest-classes": (RandomForestClassifier(60, random_state=1), several),
        "forest-words": (RandomForestClassifier(30, max_depth=6, random_state=1), words),
        "extra-classes": (ExtraTreesClassifier(30, random_state=1), several),
        "boosted-value": (GradientBoostingRegressor(n_estimators=90, random_state=1), value),
        "boosted-binary": (GradientBoostingClassifier(n_estimators=90, random_state=1), binary),
        "boosted-classes": (GradientBoostingClassifier(n_estimators=40, random_state=1), several),
        "tree-value": (DecisionTreeRegressor(random_state=1), value),
        "tree-classes": (DecisionTreeClassifier(random_state=1), several),
    }
    count = 0
    for name, (model, target) in kinds.items():
        model.fit(X, target)
        proto = to_onnx(model, X[:1], target_opset={"": 17, "ai.onnx.ml": 3})
        register(f"onnx-{name}", proto)
        compare(f"onnx-{name}", proto, {"X": X}, "tidemill_onnx_trees")
        count += 1
    for objective, target in {"regression": value, "binary": binary, "multiclass": several}.items():
        more = {"num_class": 4} if objective == "multiclass" else {}
        booster = lightgbm.train(
            {"objective": objective, "verbosity": -1, "seed": 1, "num_leaves": 15, **more}, lightgbm.Dataset(X, target), 40
        )
        proto = convert_lightgbm(booster, initial_types=[("X", LightgbmFloats([None, FEATURES]))], target_opset=15)
        register(f"onnx-lightgbm-{objective}", proto)
        holes = X.copy()
        holes[::7, 1] = np.nan
        compare(f"onnx-lightgbm-{objective}", proto, {"X": holes}, "tidemill_onnx_trees")
        count += 1
    model = RandomForestRegressor(20, max_depth=5, random_state=2).fit(X, value)
    proto = to_onnx(model, X[:1], target_opset={"": 17, "ai.onnx.ml": 3})
    register("onnx-named", proto, pd.DataFrame(X[:3], columns=names))
    compare("onnx-named", proto, {"X": X}, "tidemill_onnx_trees", by_names=True)
    return count + 1


def unified(forest: list, target_of: list[int], aggregate: int = 1, transform: int = 0, turned: bool = False) -> onnx.ModelProto:
    """Trees as the one operation of ai.onnx.ml 5, which no converter writes yet; nodes ask for more if they are turned."""
    lists: dict[str, list[int]] = collections.defaultdict(list)
    splits: list[float] = []
    weights: list[float] = []
    for tree, target in zip((one.tree_ for one in forest), target_of, strict=True):
        inner = [node for node in range(tree.node_count) if tree.children_left[node] >= 0]
        place = {node: len(splits) + i for i, node in enumerate(inner)}
        lists["tree_roots"].append(place[0])
        for node in inner:
            splits.append(tree.threshold[node])
            lists["nodes_featureids"].append(int(tree.feature[node]))
            lists["nodes_missing_value_tracks_true"].append(int(chance.integers(2)))
            children = [int(tree.children_left[node]), int(tree.children_right[node])]
            for side, child in zip(("true", "false"), children[::-1] if turned else children, strict=True):
                leaf = child not in place
                lists[f"nodes_{side}leafs"].append(int(leaf))
                lists[f"nodes_{side}nodeids"].append(len(weights) if leaf else place[child])
                if leaf:
                    weights.append(float(tree.value[child].ravel()[0]))
                    lists["leaf_targetids"].append(target)
    node = helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["Y"],
        domain="ai.onnx.ml",
        n_targets=max(target_of) + 1,
        aggregate_function=aggregate,
        post_transform=transform,
        nodes_splits=helper.make_tensor("splits", TensorProto.FLOAT, [len(splits)], splits),
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [len(splits)], [3 if turned else 0] * len(splits)),
        leaf_weights=helper.make_tensor("weights", TensorProto.FLOAT, [len(weights)], weights),
        **lists,
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, max(target_of) + 1])],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 5)], ir_version=9
    )


def unified_trees() -> int:
    forest = RandomForestRegressor(40, max_depth=6, random_state=3).fit(X, value).estimators_
    boosted = GradientBoostingClassifier(n_estimators=20, random_state=3).fit(X, several).estimators_
    classes = [target for _ in boosted for target in range(boosted.shape[1])]
    holes = X.copy()
    holes[::5, 2] = np.nan
    kinds = {
        "sum": unified(forest, [0] * len(forest)),
        "average": unified(forest, [0] * len(forest), aggregate=0, turned=True),
        "targets": unified(list(boosted.ravel()), classes),
        "softmax": unified(list(boosted.ravel()), classes, transform=1),
    }
    for name, proto in kinds.items():
        register(f"onnx-unified-{name}", proto)
        # What ONNX Runtime takes for a transform is another than ONNX's text says: it keeps those.
        runtime = "onnxruntime_onnx" if name == "softmax" else "tidemill_onnx_trees"
        compare(f"onnx-unified-{name}", proto, {"X": holes}, runtime)
    return len(kinds)


def others() -> int:
    kinds = {
        "linear": (LinearRegression(), value),
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), several),
        "network": (MLPClassifier((16, 8), max_iter=300, random_state=1), binary),
        "scaled-forest": (make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=1)), several),
        "bayes": (GaussianNB(), several),
    }
    for name, (model, target) in kinds.items():
        model.fit(X, target)
        for plain in (False, True):
            options = {"zipmap": False} if plain and name != "linear" else None
            proto = to_onnx(model, X[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3})
            label = f"onnx-{name}{'-plain' if plain else ''}"
            register(label, proto)
            compare(label, proto, {"X": X}, "onnxruntime_onnx")
            told = metadata(label).get("parameters", {}).get("classes", [])
            assert told == [str(one) for one in getattr(model, "classes_", [])], (label, told)
    proto = to_onnx(LinearRegression().fit(X, value), X[:1], target_opset={"": 17, "ai.onnx.ml": 3})
    register("onnx-linear-named", proto, pd.DataFrame(X[:3], columns=names))
    compare("onnx-linear-named", proto, {"X": X}, "onnxruntime_onnx", by_names=True)
    return 2 * len(kinds) + 1


def mixed_columns() -> None:
    """A pipeline of numbers and texts, each column an input of its own."""
    frame = pd.DataFrame({"age": X[:, 0], "income": X[:, 1], "sea": words})
    encode = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), ["sea"]), ("number", StandardScaler(), ["age", "income"])]
    )
    model = make_pipeline(encode, LogisticRegression()).fit(frame, binary)
    types = [
        ("age", FloatTensorType([None, 1])),
        ("income", FloatTensorType([None, 1])),
        ("sea", StringTensorType([None, 1])),
    ]
    proto = to_onnx(model, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3})
    register("onnx-mixed", proto, frame)
    feed = {column: frame[[column]].to_numpy(dtype=object if column == "sea" else np.float32) for column in frame}
    compare("onnx-mixed", proto, feed, "onnxruntime_onnx")
    rows = json.dumps({"dataframe_records": frame.head(3).to_dict("records")}).encode()
    request = urllib.request.Request(f"{url}/deployments/onnx-mixed/invocations", rows, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert len(json.loads(answer.read())["predictions"]) == 3


def graphs_of_other_kinds() -> None:
    """Images, a fixed batch, several types, weights in a file beside the model, and a graph that refuses a value."""
    weights = chance.normal(size=(3 * 8 * 8, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
        ],
        "image",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [2, 3, 8, 8])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [2, 4]),
            helper.make_tensor_value_info("best", TensorProto.INT64, [2]),
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    register("onnx-image", proto)
    images = chance.normal(size=(6, 3, 8, 8)).astype(np.float32)
    answer = {o["name"]: o for o in call("onnx-image", [tensor("image", images, "FP32")])["outputs"]}
    wanted = images.reshape(6, -1) @ weights
    np.testing.assert_allclose(np.array(answer["scores"]["data"]).reshape(6, 4), wanted, rtol=1e-4, atol=1e-4)
    assert answer["best"]["data"] == wanted.argmax(axis=1).tolist()
    try:
        call("onnx-image", [tensor("image", images[:3], "FP32")])
        raise AssertionError("three images fit a graph that takes two")
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400 and "multiple" in json.loads(refusal.read())["error"]

    vectors = chance.normal(size=(10, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["vectors"])],
        "embedding",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["rows", 3])],
        [numpy_helper.from_array(vectors, "table")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    register("onnx-embedding", proto)
    for _ in range(3):
        answer = call("onnx-embedding", [tensor("ids", np.array([3, 9]), "INT64")])["outputs"][0]
        np.testing.assert_allclose(np.array(answer["data"]).reshape(2, 3), vectors[[3, 9]])
        try:
            call("onnx-embedding", [tensor("ids", np.array([3, 99]), "INT64")])
            raise AssertionError("row 99 of 10 was found")
        except urllib.error.HTTPError as refusal:
            assert refusal.code == 400, refusal.code


def without_a_client_library() -> None:
    """What is no ONNX model is refused with a reason."""
    with mlflow.start_run():
        info = mlflow.onnx.log_model(
            to_onnx(LinearRegression().fit(X, value), X[:1], target_opset={"": 17, "ai.onnx.ml": 3}), name="model"
        )
    folder = mlflow.artifacts.download_artifacts(info.model_uri)
    path = next(p for p in __import__("pathlib").Path(folder).glob("*.onnx"))
    path.write_bytes(b"\x08\x07garbage")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(folder, "broken")
    client = mlflow.MlflowClient()
    client.create_registered_model("onnx-broken")
    client.create_model_version("onnx-broken", f"runs:/{run.info.run_id}/broken", run.info.run_id)
    try:
        call("onnx-broken", [tensor("X", X[:1], "FP32")])
        raise AssertionError("a broken model answered")
    except urllib.error.HTTPError as refusal:
        assert refusal.code in (400, 409, 412, 422), refusal.code
        assert "onnx-broken/1" in json.loads(refusal.read())["error"]


total = trees() + unified_trees() + others()
mixed_columns()
graphs_of_other_kinds()
without_a_client_library()
print(f"{total} ONNX models answer as ONNX Runtime does")
