"""Downloads the champion's model folder, opens it with the real mlflow and compares its predictions with the server's."""

import json
import pathlib
import sys
import tempfile
import urllib.request

import mlflow.pyfunc
import pandas

url, project = sys.argv[1:3]
base = f"{url}/api/tidemill/v1/projects/{project}"


def get(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read()


model = json.loads(get(f"{base}/models/bike-demand"))
champion = next(v for v in model["versions"] if v["version"] == model["aliases"]["champion"])
folder = pathlib.Path(tempfile.mkdtemp())
for entry in json.loads(get(f"{base}/folders/{champion['folder']}"))["files"]:
    path = folder / entry["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(get(f"{base}/folders/{champion['folder']}/{entry['path']}"))

rows = [row["features"] for row in json.loads(get(f"{base}/deployments/bikes/predictions?limit=100"))["predictions"]]
frame = pandas.DataFrame(rows)
types = {field["name"]: field["type"] for field in champion["signature"]["inputs"]}
frame = frame.astype({name: float for name in frame if types.get(name) == "double"})
theirs = mlflow.pyfunc.load_model(str(folder)).predict(frame[list(types)])

inputs = [
    {
        "name": name,
        "shape": [len(frame)],
        "datatype": "FP64" if kind == "double" else "BYTES",
        "data": frame[name].tolist(),
    }
    for name, kind in types.items()
]
request = urllib.request.Request(
    f"{url}/v2/models/{project}~bikes/versions/{champion['version']}/infer",
    data=json.dumps({"inputs": inputs}).encode(),
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    ours = json.loads(answer.read())["outputs"][0]["data"]

worst = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(ours, theirs, strict=True))
print(f"{len(ours)} rows, largest relative difference {worst:.2e}, mlflow {mlflow.__version__}")
sys.exit(0 if worst < 1e-6 else 1)
