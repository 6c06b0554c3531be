"""Registers TensorFlow models, bare and by MLflow's flavor, and calls them. Argument: the server's address."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile
import urllib.request
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.simplefilter("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from mlflow.models import ModelSignature  # noqa: E402
from mlflow.types import Schema, TensorSpec  # noqa: E402
from post import answered, post  # noqa: E402

url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("tensorflow")
client = mlflow.MlflowClient()
work = pathlib.Path(tempfile.mkdtemp())


def call(path: str, body: dict) -> tuple[int, dict]:
    return post(url + path, body)


def register_folder(name: str, folder: pathlib.Path) -> None:
    """As it is, without an MLmodel file."""
    with mlflow.start_run() as run:
        client.log_artifacts(run.info.run_id, str(folder), name)
    client.create_registered_model(name)
    client.create_model_version(name, f"{run.info.artifact_uri}/{name}", run.info.run_id)


def trusted(name: str, body: dict) -> dict:
    """Refused first; answers once somebody has said that they trust it."""
    status, refusal = call(f"/v2/models/{name}/infer", body)
    assert status == 409 and f"models trust {name}/1" in refusal["error"], (status, refusal)
    assert call(f"/api/tidemill/v1/projects/default/models/{name}/versions/1/trust", {})[0] == 200
    return answered(f"{url}/v2/models/{name}/infer", body)


def tensor(name: str, datatype: str, values: np.ndarray) -> dict:
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": values.ravel().tolist()}


rows = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
keras = tf.keras.Sequential(
    [
        tf.keras.Input((4,), name="features"),
        tf.keras.layers.Dense(8, activation="tanh"),
        tf.keras.layers.Dense(3, activation="softmax"),
    ]
)
wanted = keras.predict(rows, verbose=0)

keras.export(work / "network", verbose=False)
register_folder("network", work / "network")
answer = trusted("network", {"inputs": [tensor("features", "FP32", rows)]})
assert answer["outputs"][0]["shape"] == [5, 3], answer
np.testing.assert_allclose(np.reshape(answer["outputs"][0]["data"], (5, 3)), wanted, rtol=1e-5, atol=1e-6)


class Greeter(tf.Module):
    """Two inputs of different kinds, and two outputs."""

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "name"), tf.TensorSpec([None], tf.int64, "age")],
    )
    def serve(self, name: tf.Tensor, age: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"greeting": tf.strings.join(["hello ", name]), "next": age + 1}


greeter = Greeter()
tf.saved_model.save(greeter, str(work / "greeter"), signatures=greeter.serve)
register_folder("greeter", work / "greeter")
answer = trusted(
    "greeter",
    {
        "inputs": [
            {"name": "name", "shape": [2], "datatype": "BYTES", "data": ["Åsa", "Bo"]},
            {"name": "age", "shape": [2], "datatype": "INT64", "data": [30, 9007199254740993]},
        ]
    },
)
outputs = {output["name"]: output["data"] for output in answer["outputs"]}
assert outputs == {"greeting": ["hello Åsa", "hello Bo"], "next": [31, 9007199254740994]}, outputs
status, metadata = 200, json.loads(urllib.request.urlopen(f"{url}/v2/models/greeter").read())
assert metadata["platform"] == "tensorflow_savedmodel", metadata
assert {one["name"]: one["datatype"] for one in metadata["inputs"]} == {"name": "BYTES", "age": "INT64"}, metadata

signature = ModelSignature(*(Schema([TensorSpec(np.dtype("float32"), (-1, width))]) for width in (4, 3)))
with mlflow.start_run():
    mlflow.tensorflow.log_model(keras, name="model", registered_model_name="keras", signature=signature)
answer = trusted("keras", {"inputs": [tensor("input", "FP32", rows)]})
np.testing.assert_allclose(np.reshape(answer["outputs"][0]["data"], (5, 3)), wanted, rtol=1e-5, atol=1e-6)
print("SavedModels and a Keras model of TensorFlow", tf.__version__, "answer as TensorFlow does")
