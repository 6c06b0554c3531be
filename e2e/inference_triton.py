"""Every call of NVIDIA's own client, over HTTP (plain, compressed, binary, raw, asynchronous) and gRPC (unary, streamed)."""

import asyncio
import contextlib
import gzip
import json
import queue
import random
import resource
import socket
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http_client
import tritonclient.http.aio as http_aio
from harness import PATIENCE

url, address, model = sys.argv[1:4]
host = url.removeprefix("http://")
ROWS = 3
VALUES = np.arange(ROWS * 6, dtype=np.float64).reshape(ROWS, 6) / 3
VALUES[1, 2] = np.nan


def inputs(kind, binary=True, dtype="FP64"):
    array = VALUES.astype(np.float32 if dtype == "FP32" else np.float64)
    tensors = []
    for i in range(6):
        tensor = kind.InferInput(f"f{i}", [ROWS, 1], dtype)
        column = np.ascontiguousarray(array[:, i : i + 1])
        if kind is http_client:
            tensor.set_data_from_numpy(column, binary_data=binary)
        else:
            tensor.set_data_from_numpy(column)
        tensors.append(tensor)
    return tensors


http = http_client.InferenceServerClient(host)
assert http.is_server_live() and http.is_server_ready() and http.is_model_ready(model)
server = http.get_server_metadata()
assert "binary_tensor_data" in server["extensions"], server
metadata = http.get_model_metadata(model)
assert [tensor["name"] for tensor in metadata["inputs"]] == [f"f{i}" for i in range(6)], metadata
assert http.get_model_config(model)["input"][0]["data_type"] == "TYPE_FP64"
version = metadata["versions"][0]

expected = http.infer(model, inputs(http_client), request_id="one").as_numpy("prediction")
assert expected.shape == (ROWS,) and expected.dtype == np.float64, expected
plain = http.infer(
    model, inputs(http_client, binary=False), outputs=[http_client.InferRequestedOutput("prediction", binary_data=False)]
)
assert plain.get_response()["outputs"][0]["data"] == expected.tolist()
asked = [http_client.InferRequestedOutput("prediction", class_count=1)]
classes = http.infer(model, inputs(http_client), outputs=asked).as_numpy("prediction")
assert classes.tolist() == [[f"{value:f}:0".encode()] for value in expected], classes
assert "classification" in server["extensions"], server
mixed = inputs(http_client)[:3] + inputs(http_client, binary=False)[3:]
np.testing.assert_array_equal(http.infer(model, mixed).as_numpy("prediction"), expected)
for packed in ("gzip", "deflate"):
    answer = http.infer(model, inputs(http_client), request_compression_algorithm=packed, response_compression_algorithm=packed)
    np.testing.assert_array_equal(answer.as_numpy("prediction"), expected)
np.testing.assert_array_equal(http.infer(model, inputs(http_client), model_version=version).as_numpy("prediction"), expected)
single = http.infer(model, inputs(http_client, dtype="FP32")).as_numpy("prediction")
assert np.allclose(single, expected, rtol=0.5)
matrix = http_client.InferInput("anything", [ROWS, 6], "FP64")
matrix.set_data_from_numpy(VALUES)
np.testing.assert_array_equal(http.infer(model, [matrix]).as_numpy("prediction"), expected)
empty = http_client.InferInput("anything", [0, 6], "FP64")
empty.set_data_from_numpy(np.zeros((0, 6)))
assert http.infer(model, [empty]).as_numpy("prediction").shape == (0,)
waiting = [http.async_infer(model, inputs(http_client)) for _ in range(20)]
for one in waiting:
    np.testing.assert_array_equal(one.get_result().as_numpy("prediction"), expected)

index = {entry["name"]: entry for entry in http.get_model_repository_index()}
assert index[model]["state"] == "READY", index
http.unload_model(model)
assert not http.is_model_ready(model)
try:
    http.infer(model, inputs(http_client))
    raise AssertionError("an unloaded model answered")
except http_client.InferenceServerException as refusal:
    assert "unloaded" in refusal.message(), refusal
http.load_model(model)
assert http.is_model_ready(model)
figures = http.get_inference_statistics(model)["model_stats"][0]
assert figures["inference_stats"]["success"]["count"] >= 20 and figures["inference_count"] > 60, figures
assert http.get_inference_statistics()["model_stats"]

grpc = grpc_client.InferenceServerClient(address)
assert grpc.is_server_live() and grpc.is_server_ready() and grpc.is_model_ready(model)
assert grpc.get_model_config(model, as_json=True)["config"]["name"] == model
np.testing.assert_array_equal(grpc.infer(model, inputs(grpc_client)).as_numpy("prediction"), expected)
assert any(entry.name == model and entry.state == "READY" for entry in grpc.get_model_repository_index().models)
grpc.unload_model(model)
grpc.load_model(model)
assert int(grpc.get_inference_statistics(model, as_json=True)["model_stats"][0]["inference_stats"]["success"]["count"]) > 20
answers: queue.Queue = queue.Queue()
grpc.start_stream(callback=lambda result, error: answers.put((result, error)))
for number in range(5):
    grpc.async_stream_infer(model, inputs(grpc_client), request_id=str(number))
grpc.async_stream_infer("absent", inputs(grpc_client), request_id="wrong")
grpc.async_stream_infer(model, inputs(grpc_client), request_id="after")
got = [answers.get(timeout=PATIENCE) for _ in range(7)]
assert sum(error is None for _, error in got) == 6, got
assert any("unknown model" in str(error) for _, error in got if error), got
assert got[-1][0].get_response().id == "after"
grpc.stop_stream()
asked = [grpc_client.InferRequestedOutput("prediction", class_count=3)]
assert grpc.infer(model, inputs(grpc_client), outputs=asked).as_numpy("prediction").tolist() == classes.tolist()
called: queue.Queue = queue.Queue()
grpc.async_infer(model, inputs(grpc_client), callback=lambda result, error: called.put((result, error)))
np.testing.assert_array_equal(called.get(timeout=PATIENCE)[0].as_numpy("prediction"), expected)


async def asynchronous() -> None:
    async with http_aio.InferenceServerClient(host) as client:
        np.testing.assert_array_equal((await client.infer(model, inputs(http_client))).as_numpy("prediction"), expected)
    async with grpc_aio.InferenceServerClient(address) as client:
        np.testing.assert_array_equal((await client.infer(model, inputs(grpc_client))).as_numpy("prediction"), expected)


asyncio.run(asynchronous())


def post(body: bytes, **headers: str) -> tuple[int, dict]:
    request = urllib.request.Request(f"{url}/v2/models/{model}/infer", body, {k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            assert refusal.headers["Content-Type"] == "application/json", refusal.headers
            return refusal.code, json.loads(refusal.read())


def document(**changes: object) -> bytes:
    tensor = {"name": "f0", "shape": [1], "datatype": "FP64", "data": [1]}
    rest = [{"name": f"f{i}", "shape": [1], "datatype": "FP64", "data": [0.5]} for i in range(1, 6)]
    return json.dumps({"inputs": [{**tensor, **changes}, *rest]}).encode()


LENGTH = "Inference_Header_Content_Length"
WRONG = {
    "no JSON": (b"{", {}),
    "no object": (b"[1]", {}),
    "no inputs": (b"{}", {}),
    "nothing": (b"", {}),
    "two documents": (document() + b"{}", {}),
    "a name twice": (document(name="f1"), {}),
    "no name": (document(name=""), {}),
    "unknown datatype": (document(datatype="FP128"), {}),
    "text for a number": (document(data=["a"]), {}),
    "a fraction for a whole number": (document(datatype="INT64", data=[1.5]), {}),
    "too large for its datatype": (document(datatype="INT8", data=[300]), {}),
    "too large for 64 bits": (document(datatype="INT64", data=[2**70]), {}),
    "whole and not to be held by the input's FP64": (document(datatype="INT64", data=[2**62 + 1]), {}),
    "truth for a number": (document(data=[True]), {}),
    "object for a value": (document(data=[{"a": 1}]), {}),
    "negative size": (document(shape=[-1]), {}),
    "shape that overflows": (document(shape=[2**62, 2**62]), {}),
    "shape of fractions": (document(shape=[1.5]), {}),
    "no shape": (document(shape=[]), {}),
    "too few values": (document(shape=[2]), {}),
    "rows that differ": (document(shape=[2], data=[1, 2]), {}),
    "deep": (document(data=json.loads("[" * 40 + "1" + "]" * 40)), {}),
    "very deep": (b'{"inputs":' + b"[" * 5000, {}),
    "missing column": (json.dumps({"inputs": [{"name": "f0", "shape": [1], "datatype": "FP64", "data": [1]}]}).encode(), {}),
    "unknown columns": (json.dumps({"inputs": [{"name": "z", "shape": [1], "datatype": "FP64", "data": [1]}]}).encode(), {}),
    "unknown output": (document()[:-1] + b', "outputs": [{"name": "nothing"}]}', {}),
    "header no number": (document(), {LENGTH: "x"}),
    "header beyond the body": (document(), {LENGTH: "999999"}),
    "header negative": (document(), {LENGTH: "-1"}),
    "bytes after the last tensor": (document() + b"1234", {LENGTH: str(len(document()))}),
    "binary size beyond the body": (document(parameters={"binary_data_size": 80}), {}),
    "binary size negative": (document(parameters={"binary_data_size": -8}), {}),
    "raw for many inputs": (b"12345678", {LENGTH: "0"}),
    "not gzip": (document(), {"Content_Encoding": "gzip"}),
    "unknown packing": (document(), {"Content_Encoding": "br"}),
}
for what, (body, headers) in WRONG.items():
    status, answer = post(body, **headers)
    assert status in (400, 413) and answer["error"], (what, status, answer)
bomb = gzip.compress(b" " * (200 << 20))
assert post(bomb, Content_Encoding="gzip")[0] == 413

chance = random.Random(7)
connection = HTTPConnection(host)
good, binary = document(), document(data=None, parameters={"binary_data_size": 8}).replace(b'"data": null, ', b"")
for number in range(3000):
    whole = bytearray(good if number % 2 else binary + b"\0" * 8)
    for _ in range(chance.randrange(1, 6)):
        if chance.random() < 0.5:
            whole[chance.randrange(len(whole))] = chance.choice(b'{}[]",:0123456789-.eNtfn\\\x00\xff')
        else:
            at = chance.randrange(len(whole))
            del whole[at : at + chance.randrange(1, 9)]
    header = {} if number % 2 else {LENGTH.replace("_", "-"): str(chance.choice([len(binary), 0, len(whole), 17]))}
    path = chance.choice([f"/v2/models/{model}/infer", f"/deployments/{model}/invocations", f"/v1/models/{model}:predict"])
    connection.request("POST", path, bytes(whole), {"Content-Type": "application/json", **header})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status in (200, 400, 413), (answer.status, bytes(whole), content)
    assert answer.status == 200 or json.loads(content)["error"], content


def raw(content: bytes) -> bytes:
    """What comes back on a connection of its own; nothing if it is closed without an answer."""
    with socket.create_connection((host.split(":")[0], int(host.split(":")[1])), timeout=PATIENCE) as wire:
        with contextlib.suppress(OSError):
            wire.sendall(content)
            wire.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while part := wire.recv(65536):
                answer += part
        return answer


# Slow clients hold their own connections and nobody else's: there are more than the server has threads.
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
files = 4_000 if most == resource.RLIM_INFINITY else min(4_000, most)
resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
slow = []
for number in range(min(2_200, files - 500)):
    wire = socket.create_connection((host.split(":")[0], int(host.split(":")[1])), timeout=PATIENCE)
    head = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(good)}\r\n"
    wire.sendall((head if number % 2 else head + "\r\n" + good[:40].decode()).encode())
    slow.append(wire)
begun = time.monotonic()
for _ in range(300):
    assert post(good)[0] == 200
assert time.monotonic() - begun < PATIENCE
for wire in slow:
    wire.close()

# Heads of requests that nobody means: an error or a closed connection, never a failure of the server.
head = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(good)}\r\n"
for _ in range(600):
    whole = bytearray(head.encode() + f"{LENGTH.replace('_', '-')}: {len(good)}\r\nContent-Encoding: gzip\r\n\r\n".encode())
    for _change in range(chance.randrange(1, 4)):
        at = chance.randrange(len(whole))
        if chance.random() < 0.6:
            whole[at] = chance.choice(b" \r\n:;,%\x00\xff/?#AZ09")
        else:
            del whole[at : at + chance.randrange(1, 20)]
    answer = raw(bytes(whole) + good)
    status = int(answer[9:12]) if answer[:9] in (b"HTTP/1.1 ", b"HTTP/1.0 ") else 0
    assert status == 0 or 200 <= status < 500 or status in (501, 505), (bytes(whole), answer[:300])
for _ in range(3):
    many = head.encode() + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 200) for i in range(2000)) + b"\r\n"
    assert raw(many + good)[9:12] in (b"431", b"400", b""), "two thousand headers were taken"
assert post(good)[0] == 200
exact = json.loads(
    urllib.request.urlopen(
        urllib.request.Request(f"{url}/v2/models/{model}/infer", document(datatype="INT64", data=[2**62]))
    ).read()
)
assert exact["id"] and exact["parameters"]["route"] == "registered", exact
np.testing.assert_array_equal(http.infer(model, inputs(http_client)).as_numpy("prediction"), expected)
print(
    f"tritonclient's every call over HTTP and gRPC agrees; {len(WRONG) + 1} wrong requests are refused, "
    "3,000 random bodies and 600 random heads are answered or refused"
)
