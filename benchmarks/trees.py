"""Tree scoring: ours beside ONNX Runtime, LightGBM and XGBoost, on models of 100 trees; `make bench-trees`."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PEER = ROOT / ".cache" / "peers" / "mlflow" / "bin" / "python"
MODELS = ROOT / ".cache" / "benchmark-trees"

MAKE = r"""
import pathlib, sys
import lightgbm, numpy as np, xgboost
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
target = pathlib.Path(sys.argv[1]); target.mkdir(parents=True, exist_ok=True)
r = np.random.default_rng(1)
X = r.normal(size=(20000, 30)).astype(np.float32).astype(float)
y = X[:, 0] * X[:, 1] + np.sin(X[:, 2] * 2) + X[:, 3] + r.normal(scale=.2, size=len(X))
model = lightgbm.train({"objective": "regression", "num_leaves": 31, "verbosity": -1}, lightgbm.Dataset(X, y), 100)
model.save_model(str(target / "lightgbm.txt"))
onnx = convert_lightgbm(model, initial_types=[("X", FloatTensorType([None, 30]))], target_opset=15)
(target / "lightgbm.onnx").write_bytes(onnx.SerializeToString())
H = X.copy(); H[:, 25:] = r.integers(0, 12, size=(len(X), 5)); H[r.random(H.shape) < .1] = np.nan
z = y + np.where(np.isnan(H[:, 25]), 0, H[:, 25] % 3)
cats = lightgbm.train({"objective": "regression", "num_leaves": 31, "verbosity": -1},
    lightgbm.Dataset(H, z, categorical_feature=list(range(25, 30))), 100)
cats.save_model(str(target / "categorical.txt"))
# xgboost4j is a version behind, and reads no lists of base scores.
params = {"base_score": 0.5, "max_leaves": 31, "grow_policy": "lossguide", "tree_method": "hist"}
xgb = xgboost.train(params, xgboost.DMatrix(X, y), 100)
xgb.save_model(str(target / "xgboost.json"))
written = (target / "xgboost.json").read_text()
(target / "xgboost.json").write_text(written.replace('"base_score":"[5E-1]"', '"base_score":"5E-1"'))
np.savetxt(target / "rows.csv", X[:1000], delimiter=",", fmt="%.9g")
np.savetxt(target / "holes.csv", H[:1000], delimiter=",", fmt="%.9g")
"""


def main() -> None:
    subprocess.run([str(PEER), "-c", MAKE, str(MODELS)], check=True, cwd=MODELS.parent)
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(HERE / "java"), "package", "dependency:copy-dependencies", "-Dspotless.check.skip"],
        check=True,
    )
    target = HERE / "java" / "target"
    java = pathlib.Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    out = target / "jmh.json"
    paths = f"{target}/classes:{target}/libraries/*"
    arguments = [str(java), "--enable-native-access=ALL-UNNAMED", f"-Dmodels={MODELS}", "-cp", paths, "org.openjdk.jmh.Main"]
    subprocess.run([*arguments, "-rf", "json", "-rff", str(out), *sys.argv[1:]], check=True)
    results: dict[str, dict[str, float]] = {}
    for one in json.loads(out.read_text()):
        name = one["benchmark"].rsplit(".", 1)[1]
        results.setdefault(name, {})[one["params"]["rows"]] = round(one["primaryMetric"]["score"], 3)
    record = {
        "what": "microseconds a call of 1, 10 and 100 rows; 100 trees of 31 leaves, 30 features, one thread; JMH, average time",
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "budget": {"tidemillLightgbm": {"1": 1.0}, "tidemillMissingAndCategorical": {"1": 1.5}},
        "microseconds": results,
    }
    file = HERE / "results" / f"{record['date']}-trees.json"
    file.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


main()
