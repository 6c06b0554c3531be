"""Opens a Tidemill tree model for ``mlflow.pyfunc``: encodes the named columns as in training, then asks XGBoost."""

import json
import pathlib

import numpy as np
import xgboost


class TidemillModel:
    """A tabular tree model. ``predict`` takes a pandas DataFrame with the model's columns, in any order."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        encoding = json.loads((folder / "tidemill" / "encoding.json").read_text())
        self.columns = encoding["columns"]
        self.classes = encoding["classes"]
        self.booster = xgboost.Booster()
        self.booster.load_model(folder / "model.json")

    def _encode(self, frame):
        table = np.full((len(frame), len(self.columns)), np.nan, dtype=np.float32)
        for index, column in enumerate(self.columns):
            if column["name"] not in frame:
                continue
            values = frame[column["name"]]
            if "categories" in column:
                codes = {text: code for code, text in enumerate(column["categories"])}
                table[:, index] = [codes.get(value, np.nan) for value in values]
            else:
                table[:, index] = values.astype("float64").astype("float32")
        return table

    def predict(self, frame, params=None):
        """One number a row for a regression or a binary classifier, else one for each class."""
        return self.booster.predict(xgboost.DMatrix(self._encode(frame)))


def _load_pyfunc(path):
    return TidemillModel(path)
