"""MLServer's codecs and its batch command, `mlserver infer`."""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import grpc
import numpy as np
import pandas as pd
from harness import PATIENCE
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.grpc import model_repository_pb2, model_repository_pb2_grpc
from mlserver.types import InferenceRequest, InferenceResponse

url, address, model = sys.argv[1:4]
VALUES = np.arange(18, dtype=np.float64).reshape(3, 6) / 7
FRAME = pd.DataFrame(VALUES, columns=[f"f{i}" for i in range(6)])


def infer(request: InferenceRequest) -> InferenceResponse:
    body = request.model_dump_json(exclude_none=True).encode()
    sent = urllib.request.Request(f"{url}/v2/models/{model}/infer", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent) as answer:
        return InferenceResponse.model_validate_json(answer.read())


framed = infer(PandasCodec.encode_request(FRAME, use_bytes=False))
expected = NumpyCodec.decode_output(framed.outputs[0]).ravel()
assert len(expected) == 3
matrix = InferenceRequest(inputs=[NumpyCodec.encode_input("input", VALUES)])
np.testing.assert_array_equal(NumpyCodec.decode_output(infer(matrix).outputs[0]).ravel(), expected)

work = pathlib.Path(tempfile.mkdtemp())
lines = [PandasCodec.encode_request(FRAME.iloc[[i]], use_bytes=False).model_dump_json(exclude_none=True) for i in range(3)]
(work / "in.txt").write_text("\n".join(lines * 20) + "\n")
command = pathlib.Path(sys.executable).with_name("mlserver")
flags = ("-u", url.removeprefix("http://"), "-m", model, "-i", str(work / "in.txt"), "-o", str(work / "out.txt"), "-w", "4")
result = subprocess.run([str(command), "infer", *flags], capture_output=True, text=True, timeout=PATIENCE)
assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
answers = [json.loads(line) for line in (work / "out.txt").read_text().splitlines()]
assert len(answers) == 60, len(answers)
for answer in answers:
    value = answer["outputs"][0]["data"][0]
    assert any(abs(value - one) < 1e-9 for one in expected), (answer, expected)
with grpc.insecure_channel(address) as channel:
    repository = model_repository_pb2_grpc.ModelRepositoryServiceStub(channel)
    index = repository.RepositoryIndex(model_repository_pb2.RepositoryIndexRequest())
    assert [(one.name, one.state) for one in index.models] == [(model, "READY")], index
    repository.RepositoryModelUnload(model_repository_pb2.RepositoryModelUnloadRequest(model_name=model))
    assert repository.RepositoryIndex(model_repository_pb2.RepositoryIndexRequest()).models[0].state == "UNAVAILABLE"
    repository.RepositoryModelLoad(model_repository_pb2.RepositoryModelLoadRequest(model_name=model))
    assert len(repository.RepositoryIndex(model_repository_pb2.RepositoryIndexRequest(ready=True)).models) == 1
print("mlserver's repository service, codecs and `mlserver infer` agree")
