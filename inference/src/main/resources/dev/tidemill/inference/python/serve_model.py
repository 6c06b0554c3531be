"""Serves one model folder (MLflow's pyfunc, a TensorFlow SavedModel or a TorchScript file) to the process that started it, over its standard input and output.

A frame is two little-endian lengths of four bytes, a JSON document and bytes. The first frame out says what the model is; then each
frame in is a request with a number, and each has one frame out with the same number. A frame that says to end a call has none: it interrupts that call, which then
answers that it was ended. The end of the input ends this process.
"""

import base64
import ctypes
import datetime
import json
import os
import queue
import resource
import select
import signal
import struct
import sys
import threading
import warnings

PR_SET_PDEATHSIG = 1


def end_with_server():
    """Forks a process that ends this one when the server is gone; who holds the interpreter's lock would not hear of it."""
    model = os.getpid()
    if os.fork():
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    if os.getppid() == model:
        ended = select.poll()
        ended.register(0, 0)
        ended.poll()
        os.kill(model, signal.SIGKILL)
    os._exit(0)


end_with_server()
source = os.fdopen(os.dup(0), "rb")
sink = os.fdopen(os.dup(1), "wb")
# What the model prints must not get between the frames.
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
warnings.simplefilter("ignore")

limit = int(sys.argv[2]) << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
files = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
processes = int(os.environ.pop("TIDEMILL_PROCESSES", "0"))
if processes:
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))

import numpy as np  # noqa: E402

WIDE = {
    "BOOL": "?",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
NAMES = {np.dtype(code): name for name, code in WIDE.items()}


def send(document, *parts):
    text = json.dumps(document).encode()
    body = b"".join(parts)
    sink.write(struct.pack("<II", len(text), len(body)) + text + body)
    sink.flush()


def receive():
    head = source.read(8)
    if len(head) < 8:
        os._exit(0)
    text, body = struct.unpack("<II", head)
    return json.loads(source.read(text)), source.read(body)


def text_of(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def unpack(header, body):
    arrays, at = [], 0
    for tensor in header["inputs"]:
        part = body[at : at + tensor["length"]]
        at += tensor["length"]
        if tensor["datatype"] == "BYTES":
            values, inside = [], 0
            while inside < len(part):
                (length,) = struct.unpack_from("<I", part, inside)
                values.append(part[inside + 4 : inside + 4 + length])
                inside += 4 + length
            array = np.empty(len(values), dtype=object)
            array[:] = values
            for index in tensor.get("missing", ()):
                array[index] = None
            # Texts are texts, and what is no UTF-8 is bytes, whole.
            array[:] = [value if value is None else text_of(value) for value in array]
        else:
            array = np.frombuffer(part, WIDE[tensor["datatype"]])
        arrays.append((tensor["name"], array.reshape(tensor["shape"])))
    return arrays


# What stands in a column of objects that is not one of texts.
NESTED = (dict, list, tuple, bool, int, float, np.generic, np.ndarray)
BINARY = (bytes, bytearray)
# numpy's own of what is told as a text or as bytes.
TEXTUAL = (np.str_, np.bytes_, np.datetime64, np.timedelta64)


def plain(value):
    """What JSON has no form for, as MLflow's scoring server writes it; what that fails on, as text."""
    if isinstance(value, np.generic):
        value = value.item()
        # What Python has no type of its own for stays what it was.
        return str(value) if isinstance(value, np.generic) else value
    if isinstance(value, BINARY):
        return base64.encodebytes(value).decode()
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.model_dump() if hasattr(value, "model_dump") else text_form(value)


def text_form(value):
    if isinstance(value, np.datetime64):
        moment = value.item() if isinstance(value.item(), datetime.date) else np.datetime64(value, "us").item()
        # Python's own ends at microseconds.
        value = moment if moment is not None and np.datetime64(moment) == value else value
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def is_absent(value):
    """None, and what pandas puts in its place where that is no number: NA, NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def as_json(value):
    return json.dumps(None if is_absent(value) else value, default=plain).encode()


def bytes_of(value):
    if is_absent(value):
        return b""
    return bytes(value) if isinstance(value, BINARY) else text_form(value).encode()


def array_of(value):
    """The value as an array that has lost nothing: numpy makes texts of numbers beside texts, and cuts zeros off a text's end."""
    try:
        array = np.asarray(value)
        if not isinstance(value, np.ndarray) and (array.dtype.kind in "SU" or mixes_truths(array, value)):
            array = np.asarray(value, dtype=object)
    except ValueError:
        # Lists of different lengths.
        array = np.empty(len(value), dtype=object)
        for index, one in enumerate(value):
            array[index] = one
    return array


def mixes_truths(array, value):
    """Whether truths beside numbers have become numbers."""
    return array.dtype.kind in "iuf" and isinstance(value, (list, tuple)) and bool in map(type, value)


def pack(name, value):
    array = array_of(value)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.dtype in NAMES or array.dtype.newbyteorder("<") in NAMES:
        datatype = NAMES.get(array.dtype) or NAMES[array.dtype.newbyteorder("<")]
        content = np.ascontiguousarray(array, WIDE[datatype]).tobytes()
        return {"name": name, "datatype": datatype, "shape": list(array.shape), "length": len(content)}, content
    # Elements stay numpy's own of a time, which has more digits than Python's.
    flat = list(array.ravel())
    nested = any((isinstance(one, NESTED) and not isinstance(one, TEXTUAL)) or hasattr(one, "model_dump") for one in flat)
    texts = [as_json(one) if nested else bytes_of(one) for one in flat]
    content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    head = {"name": name, "datatype": "BYTES", "shape": list(array.shape), "length": len(content)}
    if nested:
        return {**head, "json": True}, content
    missing = [i for i, one in enumerate(flat) if is_absent(one)]
    there = len(flat) - len(missing)
    if there and there == sum(isinstance(one, BINARY) for one in flat):
        head["binary"] = True
    return {**head, "missing": missing} if missing else head, content


def outputs(result, names):
    import pandas as pd

    if isinstance(result, pd.DataFrame):
        return [placed(pack(str(column), result[column].to_numpy()), "frame", str(column)) for column in result]
    if isinstance(result, dict) and result:
        return [placed(pack(str(name), value), "mapping", str(name), is_lone(value)) for name, value in result.items()]
    name = names[0] if len(names) == 1 and names[0] else "prediction"
    if isinstance(result, pd.Series):
        return [placed(pack(name, result.to_numpy()), "frame", "0" if result.name is None else str(result.name))]
    value = result.to_numpy() if hasattr(result, "to_numpy") else result
    if hasattr(value, "toarray"):
        value = value.toarray()
    return [placed(pack(name, value), "none", name, is_lone(value))]


def is_lone(value):
    """Whether it is a value alone: no list and no array, but a mapping is one."""
    return not isinstance(value, (list, tuple)) and array_of(value).ndim == 0


def placed(packed, container, label, lone=False):
    """Says what the output was part of, which MLflow's scoring protocol tells apart."""
    head, content = packed
    return {**head, "place": {"in": container, "label": label, "lone": lone}}, content


COLUMN = {"long": "int64", "integer": "int32", "float": "float32", "double": "float64", "boolean": "bool"}


def model_input(arrays, schema):
    import pandas as pd

    if schema is not None and schema.is_tensor_spec():
        if len(schema.inputs) == 1 and not schema.inputs[0].name:
            return arrays[0][1].astype(schema.inputs[0].type, copy=False)
        types = {spec.name: spec.type for spec in schema.inputs}
        return {name: array.astype(types.get(name, array.dtype), copy=False) for name, array in arrays}
    types = {spec.name: str(spec.type.name) for spec in schema.inputs} if schema is not None else {}
    frame = {}
    for name, array in arrays:
        wanted = types.get(name, "")
        flat = array.reshape(len(array)) if array.ndim == 2 and array.shape[1] == 1 else array
        if flat.ndim > 1:
            if len(arrays) == 1:
                return pd.DataFrame(flat)
            flat = list(flat)
        elif wanted in COLUMN and not (flat.dtype.kind == "f" and np.isnan(flat).any()):
            flat = flat.astype(COLUMN[wanted])
        elif wanted == "datetime":
            flat = pd.to_datetime(flat)
        elif wanted == "binary":
            flat = np.array([value.encode() if isinstance(value, str) else value for value in flat], dtype=object)
        elif wanted == "string" and any(isinstance(value, bytes) for value in flat):
            raise ValueError(f"column {name!r} is of texts, and holds bytes that are no UTF-8")
        frame[name] = flat
    return pd.DataFrame(frame)


def pyfunc(folder):
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(folder)
    schema = model.metadata.get_input_schema()
    told = model.metadata.get_output_schema()
    names = [spec.name for spec in told.inputs] if told is not None and hasattr(told, "inputs") else []

    parameters = declared(getattr(model.metadata.signature, "params", None))
    raw = raw_model(model)
    probabilities = hasattr(raw, "predict_proba") and all(one["name"] != "probabilities" for one in parameters)
    if probabilities:
        parameters.append({"name": "probabilities", "type": "boolean", "list": False})

    def predict(arrays, given):
        wanted = given.pop("probabilities", False) if probabilities else False
        # Old versions of MLflow know no params.
        more = {"params": given} if given else {}
        rows = model_input(arrays, schema)
        answer = outputs(model.predict(rows, **more), names)
        return [*answer, pack("probabilities", raw.predict_proba(rows))] if wanted else answer

    asked = (getattr(model.metadata, "flavors", None) or {}).get("python_function", {}).get("predict_fn", "predict")
    chooses = asked == "predict" and hasattr(raw, "predict") and not tells_several(raw)
    named = chooses or (probabilities and asked in SHARES)
    return predict, {"parameters": parameters, "classes": class_names(raw) if named else []}


# Models within models; deeper ones are not looked into.
DEEPEST = 20

# What a classifier answers by, beside its class, that is largest for the class that it chooses.
SHARES = ("predict", "predict_proba", "predict_log_proba")


def tells_several(raw):
    """Whether a row has several classes at once, so that the answer is none of them."""
    try:
        parts = list(inward(raw))
        kinds = [str(getattr(getattr(part, "_label_binarizer", None), "y_type_", "")) for part in parts]
        return any(getattr(part, "multilabel_", False) for part in parts) or any(kind.startswith("multilabel") for kind in kinds)
    except Exception:  # noqa: BLE001 - as of its classes
        return False


def class_names(raw):
    """Names of a classifier's classes in the order of its probabilities; none where it has several of them to tell."""
    for part in inward(raw):
        try:
            classes = np.asarray(part.classes_)
        except Exception:  # noqa: BLE001 - a property of the model's own, which may fail as it likes
            continue
        return [str(name) for name in classes.tolist()] if classes.ndim == 1 else []
    return []


def inward(raw):
    """The model, and what answers within it, however deep: a search over a pipeline has one in one."""
    for _ in range(DEEPEST):
        if raw is None:
            return
        yield raw
        raw = last_step(raw)


def last_step(raw):
    """The estimator that a pipeline ends with, or that a search has chosen; none of any other model."""
    try:
        steps = getattr(raw, "steps", None)
        return steps[-1][1] if steps else getattr(raw, "best_estimator_", None)
    except Exception:  # noqa: BLE001 - as of its classes
        return None


def raw_model(model):
    """The library's own model; none where MLflow does not give it."""
    try:
        return model.get_raw_model()
    except (AttributeError, NotImplementedError):
        return None


def declared(schema):
    """What a signature says of its params; of an object's inside only MLflow itself knows."""
    known = ("boolean", "integer", "long", "float", "double", "string", "datetime")
    parameters = []
    for param in schema.params if schema is not None else ():
        kind = getattr(param.dtype, "name", "")
        parameters.append({"name": param.name, "type": kind if kind in known else "any", "list": param.shape is not None})
    return parameters


def described(name, dtype, shape):
    sizes = [-1 if size is None else int(size) for size in shape] or [-1]
    return {"name": name, "datatype": NAMES.get(np.dtype(dtype), "BYTES"), "shape": [-1, *sizes[1:]]}


def fitted(arrays, specs):
    """Arrays by the model's names; a lone one of another name is the lone input."""
    given = dict(arrays)
    if len(specs) == 1 and len(arrays) == 1:
        given = {next(iter(specs)): arrays[0][1]}
    missing = [name for name in specs if name not in given]
    if missing:
        raise ValueError(f"inputs {missing} are missing")
    return {name: given[name] for name in specs}


def saved_model(folder):
    import tensorflow as tf

    loaded = tf.saved_model.load(folder)
    signatures = loaded.signatures
    if not signatures:
        raise ValueError("the SavedModel has no signature; save it with signatures=")
    call = signatures["serving_default"] if "serving_default" in signatures else signatures[sorted(signatures)[0]]
    specs = call.structured_input_signature[1]
    told = {
        "inputs": [described(name, spec.dtype.as_numpy_dtype, spec.shape) for name, spec in sorted(specs.items())],
        "outputs": [
            described(name, spec.dtype.as_numpy_dtype, spec.shape) for name, spec in sorted(call.structured_outputs.items())
        ],
    }

    def predict(arrays, _parameters):
        given = fitted(arrays, specs)
        answer = call(**{name: tf.constant(array, specs[name].dtype) for name, array in given.items()})
        return [pack(name, value.numpy()) for name, value in sorted(answer.items())]

    return predict, told


def torchscript(folder):
    import pathlib

    import torch

    torch.set_num_threads(1)
    file = next(path for path in pathlib.Path(folder).rglob("*") if path.suffix in (".pt", ".torchscript"))
    model = torch.jit.load(str(file), map_location="cpu").eval()

    def predict(arrays, _parameters):
        with torch.no_grad():
            answer = model(*[torch.from_numpy(np.array(array)) for _, array in arrays])
        if isinstance(answer, dict):
            return [pack(name, value.numpy()) for name, value in answer.items()]
        several = answer if isinstance(answer, (tuple, list)) else [answer]
        names = ["prediction"] if len(several) == 1 else [f"output-{i}" for i in range(len(several))]
        return [pack(name, value.numpy()) for name, value in zip(names, several)]  # noqa: B905 - Python 3.9

    return predict, {}


FORMS = {"pyfunc": pyfunc, "savedmodel": saved_model, "torchscript": torchscript}
try:
    predict, told = FORMS[sys.argv[3]](sys.argv[1])
except BaseException as error:  # noqa: BLE001
    send({"failed": f"{type(error).__name__}: {error}"[:4000]})
    os._exit(1)
send({"ready": True, **told})
BAD_INPUT = (ValueError, TypeError, KeyError, IndexError, OverflowError)


class Ended(BaseException):
    """Nobody waits for the answer any more."""


requests = queue.SimpleQueue()
# The call that is answered now, and those that came to be ended: only ever a call that was sent before.
running, ended = None, set()


def interrupt(_signal, _frame):
    global running
    if running in ended:
        # Raised once; what the model makes of it is its answer.
        running = None
        raise Ended


def read_requests():
    while True:
        header, body = receive()
        if "end" in header:
            ended.add(header["end"])
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        else:
            requests.put((header, body))


def answered(header, body):
    global running
    try:
        running = header["call"]
        if running in ended:
            raise Ended
        return predict(unpack(header, body), header.get("parameters", {}))
    finally:
        # From here on nothing is interrupted, so that the frame of the answer is whole.
        running = None


signal.signal(signal.SIGUSR1, interrupt)
threading.Thread(target=read_requests, daemon=True).start()
while True:
    header, body = requests.get()
    parts = []
    try:
        answer = answered(header, body)
        document, parts = {"outputs": [head for head, _ in answer]}, [content for _, content in answer]
    except Ended:
        document = {"failed": "the call was ended", "kind": "ended"}
    except MemoryError:
        document = {"failed": "the model asked for more memory than it may have", "kind": "memory"}
    except Exception as error:  # noqa: BLE001
        bad = isinstance(error, BAD_INPUT) or type(error).__name__ == "MlflowException"
        document = {"failed": f"{type(error).__name__}: {error}"[:4000], "kind": "input" if bad else "model"}
    ended.clear()
    send(document | {"call": header["call"]}, *parts)
