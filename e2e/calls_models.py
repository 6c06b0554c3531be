"""Registers a model that sleeps as long as it is told, and one with parameters, with the real client."""

from __future__ import annotations

import sys
import warnings

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from post import post

warnings.simplefilter("ignore")
url = sys.argv[1]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("calls")


class Sleepy(mlflow.pyfunc.PythonModel):
    """Sleeps, then answers for how long."""

    def predict(self, context, model_input, params=None):
        import time

        time.sleep(float(model_input["seconds"].iloc[0]))
        return model_input["seconds"].to_numpy()


class Told(mlflow.pyfunc.PythonModel):
    """Answers its parameters in many forms."""

    def predict(self, context, model_input, params=None):
        return [{"scale": params["scale"], "words": params["words"], "none": None, "nested": {"x": [1, [2, 3]]}}] * len(
            model_input
        )


def register(name: str, model: mlflow.pyfunc.PythonModel, signature: object) -> None:
    with mlflow.start_run():
        mlflow.pyfunc.log_model(name="model", registered_model_name=name, python_model=model, signature=signature)
    status, answer = post(f"{url}/api/tidemill/v1/projects/default/models/{name}/versions/1/trust", {}, "application/json")
    assert status == 200, answer


register("sleepy", Sleepy(), infer_signature(pd.DataFrame({"seconds": [0.5]}), pd.Series([0.5])))
register("told", Told(), infer_signature(pd.DataFrame({"x": [1.0]}), params={"scale": 1.5, "words": ["a", "b"]}))
