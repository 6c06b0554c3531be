"""Calls a deployment with NVIDIA's own client, over HTTP in JSON and over gRPC, and compares the answers."""

import json
import sys
import urllib.request

import numpy
import tritonclient.grpc as triton

url, address = sys.argv[1:3]
client = triton.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("model")
metadata = client.get_model_metadata("model")
assert {tensor.name for tensor in metadata.inputs} >= {"plan", "age"}, metadata
assert client.get_server_metadata().name == "tidemill"

columns = {
    "plan": ("BYTES", numpy.array(["basic", "premium"], dtype=object)),
    "age": ("INT64", numpy.array([25, 60])),
    "support_calls": ("INT64", numpy.array([6, 0])),
    "visits_per_week": ("FP64", numpy.array([0.1, 9.0])),
    "monthly_spend": ("FP64", numpy.array([10.5, 40.0])),
}
inputs = []
for name, (datatype, values) in columns.items():
    tensor = triton.InferInput(name, [2], datatype)
    tensor.set_data_from_numpy(values)
    inputs.append(tensor)
answer = client.infer("model", inputs, request_id="over-grpc")
assert answer.get_response().id == "over-grpc"
ours = answer.as_numpy("prediction").tolist()

body = {
    "inputs": [
        {"name": name, "shape": [2], "datatype": datatype, "data": values.tolist()}
        for name, (datatype, values) in columns.items()
    ]
}
request = urllib.request.Request(f"{url}/v2/models/model/infer", json.dumps(body).encode(), {"Content-Type": "application/json"})
with urllib.request.urlopen(request) as response:
    rest = json.loads(response.read())["outputs"][0]["data"]
assert ours == rest, (ours, rest)

try:
    client.infer("absent", inputs)
except triton.InferenceServerException as refusal:
    assert "NOT_FOUND" in refusal.status(), refusal
else:
    raise AssertionError("an absent model answered")
print(f"tritonclient over gRPC and REST agree: {ours}")
