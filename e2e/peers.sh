#!/usr/bin/env bash
# Installs the Python peers that tests and benchmarks compare with, one virtual environment each, below .cache/peers.
# One that is there and whose modules can be found stays as it is. uv installs them: ten environments share most of their packages.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=.cache/peers

# A company's mirror and certificates are told to pip; uv knows them by other names.
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
export UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"

# peer NAME MODULES PACKAGE...: the environment NAME, in which MODULES (comma between two) can be found.
peer() {
  local at="$peers/$1" modules="$2"
  shift 2
  # Found, not imported: that would take seconds each time.
  "$at/bin/python" -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, '$modules'.split(','))))" 2>/dev/null && return
  if [ ! -x $peers/uv/bin/uv ]; then
    python3 -m venv $peers/uv
    $peers/uv/bin/pip install -q 'uv>=0.9'
  fi
  $peers/uv/bin/uv venv -q --clear --seed -p "$(command -v python3)" "$at"
  # Compiled now: tests with deadlines start these programs.
  $peers/uv/bin/uv pip install -q --compile-bytecode -p "$at/bin/python" "$@"
}

peer mlflow mlflow,sklearn,xgboost,lightgbm,boto3,onnx,onnxruntime,skl2onnx,onnxmltools \
  mlflow scikit-learn xgboost-cpu lightgbm boto3 onnx onnxruntime skl2onnx onnxmltools
peer mlflow36 mlflow mlflow==3.6.0
peer mlflow222 mlflow,pandas mlflow-skinny==2.22.5 pandas setuptools 'opentelemetry-sdk<1.32'
peer mlflow31 mlflow,pandas mlflow-skinny==3.1.4 pandas setuptools 'opentelemetry-sdk<1.32'
peer moto moto 'moto[s3,server]'
peer triton tritonclient,gevent,aiohttp 'tritonclient[grpc,http]' numpy
peer kserve kserve kserve
peer mlserver mlserver,mlserver_lightgbm,lightgbm mlserver mlserver-lightgbm lightgbm
peer tensorflow tensorflow,mlflow,pandas tensorflow-cpu mlflow-skinny pandas
peer sdk tidemill,mypy,ruff -e python ruff==0.14.5 mypy==1.18.2
