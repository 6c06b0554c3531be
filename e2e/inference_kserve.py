"""KServe's own clients: V2 and V1 over REST, V2 over gRPC."""

import asyncio
import json
import sys
import urllib.request

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

url, address, model = sys.argv[1:4]
VALUES = np.arange(12, dtype=np.float64).reshape(2, 6) / 7


def request(binary: bool) -> InferRequest:
    tensor = InferInput("input-0", [2, 6], "FP64")
    tensor.set_data_from_numpy(VALUES, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[tensor], request_id="r1")


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, model)
    first = await client.infer(url, request(binary=False), model_name=model)
    assert first.id == "r1" and first.model_name == model, first
    expected = first.outputs[0].as_numpy()
    assert expected.shape == (2,)
    second = await client.infer(url, request(binary=True), model_name=model)
    np.testing.assert_array_equal(second.outputs[0].as_numpy(), expected)
    try:
        await client.infer(url, request(binary=False), model_name="absent")
        raise AssertionError("an absent model answered")
    except Exception as refusal:
        assert "unknown model" in str(refusal), repr(refusal)
    old = InferenceRESTClient(RESTConfig(protocol="v1", retries=1))
    assert await old.is_model_ready(url, model)
    answer = await old.infer(url, {"instances": VALUES.tolist()}, model_name=model)
    np.testing.assert_allclose(answer["predictions"], expected)
    grpc = InferenceGRPCClient(address)
    assert await grpc.is_server_live() and await grpc.is_server_ready() and await grpc.is_model_ready(model)
    np.testing.assert_array_equal((await grpc.infer(request(binary=True))).outputs[0].as_numpy(), expected)
    np.testing.assert_array_equal((await grpc.infer(request(binary=False))).outputs[0].as_numpy(), expected)
    body = json.dumps({"inputs": {f"f{i}": VALUES[:, i].tolist() for i in range(6)}}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/models/{model}:predict", body)) as response:
        np.testing.assert_allclose(json.loads(response.read())["predictions"], expected)
    print("kserve's clients over V1, V2 and gRPC agree")


asyncio.run(main())
