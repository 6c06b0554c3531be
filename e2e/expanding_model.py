"""Registers a model that answers each number with 1024: a few bytes of a request make many of an answer."""

from __future__ import annotations

import sys
import warnings

import mlflow
import numpy as np
from onnx import TensorProto, helper, numpy_helper

warnings.simplefilter("ignore")
url, name = sys.argv[1:3]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("expanding")
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "row"], ["y"])],
    name,
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1024])],
    [numpy_helper.from_array(np.arange(1024, dtype=np.float32).reshape(1, 1024), "row")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
with mlflow.start_run():
    mlflow.onnx.log_model(model, name="model", registered_model_name=name)
