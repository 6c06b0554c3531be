"""Registers one LightGBM model of six columns under the name that is given."""

import sys
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

warnings.simplefilter("ignore")
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("sample")
trees = int(sys.argv[3]) if len(sys.argv) > 3 else 20
columns = int(sys.argv[4]) if len(sys.argv) > 4 else 6
chance = np.random.default_rng(3)
frame = pd.DataFrame(chance.normal(size=(4000, columns)), columns=[f"f{i}" for i in range(columns)])
target = frame["f0"] * 3 + frame["f1"] * frame["f2"] + chance.normal(size=len(frame))
model = lightgbm.train({"objective": "regression", "num_leaves": 31, "verbosity": -1}, lightgbm.Dataset(frame, target), trees)
with mlflow.start_run():
    mlflow.lightgbm.log_model(
        model, name="model", registered_model_name=sys.argv[2], signature=infer_signature(frame, model.predict(frame))
    )
