"""What a data scientist does with the real mlflow client, from first run to loaded model. Argument: the server's address."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import sys
import tempfile
import time

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import mlflow.data
import numpy
import pandas
from harness import PATIENCE
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()


def refused(code: str, call, *arguments, **named) -> str:
    try:
        call(*arguments, **named)
    except MlflowException as refusal:
        assert refusal.error_code == code, (refusal.error_code, code, str(refusal))
        return str(refusal)
    raise AssertionError(f"{call.__name__} was not refused")


def experiments() -> None:
    assert client.get_experiment("0").name == "Default"
    made = client.create_experiment("shop", tags={"team": "a"})
    assert client.get_experiment(made).tags == {"team": "a"}
    refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "shop")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "999999")
    refused("INVALID_PARAMETER_VALUE", client.get_experiment, "no-number")
    client.set_experiment_tag(made, "stage", "dev")
    client.rename_experiment(made, "store")
    assert client.get_experiment_by_name("shop") is None
    assert client.get_experiment_by_name("store").experiment_id == made
    for name in ("Alpha", "beta"):
        client.create_experiment(name)
    found = client.search_experiments(filter_string="name ILIKE 'A%'")
    assert [one.name for one in found] == ["Alpha"], found
    assert client.search_experiments(filter_string="name LIKE 'a%'") == []
    assert [one.name for one in client.search_experiments(filter_string="tags.stage = 'dev'")] == ["store"]
    ordered = client.search_experiments(order_by=["name ASC"], max_results=2)
    assert [one.name for one in ordered] == ["Alpha", "Default"], ordered
    following = client.search_experiments(order_by=["name ASC"], max_results=2, page_token=ordered.token)
    assert [one.name for one in following] == ["beta", "store"] and not following.token
    client.delete_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    assert "store" in [one.name for one in client.search_experiments(view_type=mlflow.entities.ViewType.DELETED_ONLY)]
    refused("INVALID_PARAMETER_VALUE", client.create_run, made)
    client.restore_experiment(made)


def runs() -> None:
    mlflow.set_experiment("runs")
    with mlflow.start_run(run_name="first", tags={"kind": "a"}) as outer:
        mlflow.log_param("depth", 4)
        mlflow.log_params({"rate": 0.1, "kind": "tree"})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "odd": math.nan})
        with mlflow.start_run(nested=True, run_name="child") as inner:
            mlflow.log_metric("loss", 0.05)
    run = client.get_run(outer.info.run_id)
    assert run.info.run_name == "first" and run.info.status == "FINISHED" and run.info.end_time
    assert run.data.params == {"depth": "4", "rate": "0.1", "kind": "tree"}, run.data.params
    assert run.data.metrics["loss"] == 0.2 and math.isnan(run.data.metrics["odd"])
    assert client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == outer.info.run_id
    history = client.get_metric_history(outer.info.run_id, "loss")
    assert [point.step for point in history] == [0, 1, 2, 3, 4]
    client.log_param(outer.info.run_id, "depth", 4)
    message = refused("INVALID_PARAMETER_VALUE", client.log_param, outer.info.run_id, "depth", 5)
    assert "Changing param values is not allowed" in message, message
    client.log_metric(outer.info.run_id, "top", math.inf)
    assert client.get_run(outer.info.run_id).data.metrics["top"] == sys.float_info.max
    client.set_tag(outer.info.run_id, "note", "x" * 20_000)
    assert len(client.get_run(outer.info.run_id).data.tags["note"]) == 8000
    client.delete_tag(outer.info.run_id, "note")
    refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, outer.info.run_id, "note")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
    client.update_run(outer.info.run_id, name="renamed")
    assert client.get_run(outer.info.run_id).data.tags["mlflow.runName"] == "renamed"
    client.delete_run(inner.info.run_id)
    assert [one.info.run_id for one in client.search_runs([run.info.experiment_id])] == [outer.info.run_id]
    refused("INVALID_PARAMETER_VALUE", client.log_metric, inner.info.run_id, "loss", 1)
    client.restore_run(inner.info.run_id)
    for bad in ("../up", "/abs", "a//b", "a\nb", "what?"):
        refused("INVALID_PARAMETER_VALUE", client.log_metric, outer.info.run_id, bad, 1)


def search() -> None:
    experiment = client.create_experiment("search")
    ids = []
    for i in range(6):
        run = client.create_run(
            experiment, start_time=1000 + i, run_name=f"run-{i}", tags={"parity": "even" if i % 2 == 0 else "odd"}
        )
        ids.append(run.info.run_id)
        client.log_param(run.info.run_id, "Depth", str(i))
        if i < 5:
            client.log_metric(run.info.run_id, "a b.c", math.nan if i == 3 else float(i))

    def names(text: str = "", order=None, **more) -> list[str]:
        return [run.info.run_name for run in client.search_runs([experiment], text, order_by=order, **more)]

    assert names() == [f"run-{i}" for i in (5, 4, 3, 2, 1, 0)], names()
    assert names("metrics.`a b.c` > 1") == ["run-4", "run-2"]
    assert names('metrics."a b.c" <= 1') == ["run-1", "run-0"]
    assert names("params.Depth = '2'") == ["run-2"]
    assert names("params.depth = '2'") == []
    assert names("params.Depth != '2' and tags.parity = 'even'") == ["run-4", "run-0"]
    assert names("tags.parity LIKE 'O%'") == []
    assert names("tags.parity ILIKE 'O%'") == ["run-5", "run-3", "run-1"]
    assert names("attributes.run_name = 'run-1'") == ["run-1"]
    assert names("run_name LIKE '%-3'") == ["run-3"]
    assert names("start_time >= 1004") == ["run-5", "run-4"]
    assert names("status = 'RUNNING'") == names()
    assert names(f"run_id IN ('{ids[0]}', '{ids[5]}')") == ["run-5", "run-0"]
    assert names(f"attribute.run_id NOT IN ('{ids[0]}')") == [f"run-{i}" for i in (5, 4, 3, 2, 1)]
    assert names(order=["metrics.`a b.c` DESC"]) == ["run-4", "run-2", "run-1", "run-0", "run-3", "run-5"]
    assert names(order=["metrics.`a b.c` ASC"]) == ["run-0", "run-1", "run-2", "run-4", "run-3", "run-5"]
    assert names(order=["tags.parity", "start_time ASC"]) == [f"run-{i}" for i in (0, 2, 4, 1, 3, 5)]
    first = client.search_runs([experiment], max_results=4)
    second = client.search_runs([experiment], max_results=4, page_token=first.token)
    assert len(first) == 4 and len(second) == 2 and not second.token
    for bad in (
        "params.Depth = 2",
        "metrics.x = 'a'",
        "nonsense.x = 'a'",
        "attributes.nope = 'a'",
        "params.a = 'b' OR params.c = 'd'",
        "params.a == 'b'",
        "params.a",
        "run_id IN ()",
        "status IN ('RUNNING')",
        "metrics.x = 1; DROP TABLE run",
        "params.a = 'b",
    ):
        refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], bad)
    refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], page_token="nonsense")
    refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], max_results=50_001)


def artifacts() -> None:
    mlflow.set_experiment("artifacts")
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "b.bin").write_bytes(os.urandom(3_000_000))
    (folder / "ü ñ.txt").write_text("héllo")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(folder), "all")
        mlflow.log_text("plain", "notes/a.txt")
        mlflow.log_dict({"a": 1}, "d.json")
    run_id = run.info.run_id
    assert sorted(entry.path for entry in client.list_artifacts(run_id)) == ["all", "d.json", "notes"]
    listed = {entry.path: entry.file_size for entry in client.list_artifacts(run_id, "all/deep/er")}
    assert listed == {"all/deep/er/b.bin": 3_000_000}, listed
    down = pathlib.Path(client.download_artifacts(run_id, "all"))
    assert (down / "deep/er/b.bin").read_bytes() == (folder / "deep/er/b.bin").read_bytes()
    assert (down / "ü ñ.txt").read_text() == "héllo"
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/d.json") == {"a": 1}


def models() -> None:
    mlflow.set_experiment("models")
    rows = pandas.DataFrame({"x": numpy.arange(50.0), "y": numpy.arange(50.0)[::-1]})
    target = (rows.x > 20).astype(int)
    with mlflow.start_run() as run:
        model = LogisticRegression(max_iter=500).fit(rows, target)
        mlflow.log_input(mlflow.data.from_pandas(rows, name="rows"), context="training")
        logged = mlflow.sklearn.log_model(
            model, name="classifier", input_example=rows.head(2), registered_model_name="Churn (v2)"
        )
        mlflow.log_metric("auc", 0.97, model_id=logged.model_id)
    full = client.get_run(run.info.run_id)
    assert full.inputs.dataset_inputs[0].dataset.name == "rows"
    assert full.outputs.model_outputs[0].model_id == logged.model_id
    found = mlflow.get_logged_model(logged.model_id)
    assert found.status.name == "READY" and {metric.key: metric.value for metric in found.metrics} == {"auc": 0.97}
    searched = mlflow.search_logged_models([full.info.experiment_id], filter_string="metrics.auc > 0.9", output_format="list")
    assert [one.model_id for one in searched] == [logged.model_id]
    assert mlflow.search_logged_models([full.info.experiment_id], filter_string="name = 'no'", output_format="list") == []
    byset = client.search_runs([full.info.experiment_id], "dataset.name = 'rows' AND dataset.context = 'training'")
    assert len(byset) == 1

    expected = model.predict(rows)
    client.set_registered_model_alias("Churn (v2)", "champion", 1)
    for uri in (
        logged.model_uri,
        f"runs:/{run.info.run_id}/classifier",
        "models:/Churn (v2)/1",
        "models:/Churn (v2)@champion",
        "models:/Churn (v2)/latest",
    ):
        assert (mlflow.pyfunc.load_model(uri).predict(rows) == expected).all(), uri
    again = mlflow.register_model(f"runs:/{run.info.run_id}/classifier", "Churn (v2)", tags={"by": "hand"})
    assert int(again.version) == 2 and client.get_model_version("Churn (v2)", "2").tags == {"by": "hand"}
    client.transition_model_version_stage("Churn (v2)", "1", "Production")
    client.transition_model_version_stage("Churn (v2)", "2", "Production", archive_existing_versions=True)
    assert client.get_model_version("Churn (v2)", "1").current_stage == "Archived"
    assert (mlflow.pyfunc.load_model("models:/Churn (v2)/Production").predict(rows) == expected).all()
    refused("INVALID_PARAMETER_VALUE", client.set_registered_model_alias, "Churn (v2)", "v1", 1)
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "Churn (v2)", "nobody")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "Churn (v2)", "99")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "absent")
    client.update_registered_model("Churn (v2)", "who leaves")
    client.set_registered_model_tag("Churn (v2)", "task", "classification")
    client.create_registered_model("other")
    assert [one.name for one in client.search_registered_models("tags.task = 'classification'")] == ["Churn (v2)"]
    assert [one.name for one in client.search_registered_models("name ILIKE 'churn%'")] == ["Churn (v2)"]
    versions = client.search_model_versions("name = 'Churn (v2)'", order_by=["version_number ASC"])
    assert [version.version for version in versions] in (["1", "2"], [1, 2]), versions
    assert len(client.search_model_versions(f"run_id = '{run.info.run_id}'")) == 2
    client.rename_registered_model("Churn (v2)", "churn")
    assert client.get_model_version_by_alias("churn", "champion").version in ("1", 1)
    client.delete_model_version("churn", "1")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "churn", "1")
    assert int(mlflow.register_model(logged.model_uri, "churn").version) == 3
    client.delete_registered_model("other")


def autologging() -> None:
    mlflow.set_experiment("autologging")
    mlflow.sklearn.autolog(log_datasets=True)
    rows = pandas.DataFrame({"x": numpy.arange(60.0), "y": numpy.arange(60.0) % 7})
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=500).fit(rows, (rows.x > 30).astype(int))
    mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id)
    assert data.data.params["max_iter"] == "500" and data.data.metrics["training_accuracy_score"] > 0.9
    assert data.inputs.dataset_inputs


def boosters() -> None:
    """Autologging of the two libraries for boosted trees; curves and models arrive."""
    import lightgbm
    import xgboost

    mlflow.set_experiment("boosters")
    rows = numpy.random.default_rng(1).normal(size=(200, 3))
    target = (rows[:, 0] > 0).astype(int)
    mlflow.xgboost.autolog()
    with mlflow.start_run() as run:
        xgboost.train(
            {"max_depth": 2, "objective": "binary:logistic"},
            xgboost.DMatrix(rows, target),
            5,
            evals=[(xgboost.DMatrix(rows, target), "train")],
        )
    mlflow.xgboost.autolog(disable=True)
    assert len(client.get_metric_history(run.info.run_id, "train-logloss")) == 5
    mlflow.lightgbm.autolog()
    with mlflow.start_run() as run:
        data = lightgbm.Dataset(rows, target)
        lightgbm.train({"objective": "binary", "verbose": -1}, data, 5, valid_sets=[data], valid_names=["train"])
    mlflow.lightgbm.autolog(disable=True)
    assert len(client.get_metric_history(run.info.run_id, "train-binary_logloss")) == 5
    model = mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/model")
    assert model.predict(rows[:2]).shape == (2,)


def traces() -> None:
    from mlflow.entities import AssessmentSource, Feedback

    experiment = mlflow.set_experiment("traces").experiment_id

    @mlflow.trace(span_type="LLM", attributes={"model": "x"})
    def ask(question: str) -> dict:
        with mlflow.start_span("inner", span_type="TOOL") as span:
            span.set_inputs({"q": question})
            span.set_outputs([1, 2])
            span.set_attribute("n", 3)
        return {"a": question.upper()}

    @mlflow.trace
    def fails() -> None:
        raise ValueError("no")

    def next_millisecond() -> None:
        # Traces are ordered by the millisecond in which they began; within one, any order is right.
        began = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == began:
            time.sleep(0.0005)

    ask("hi")
    next_millisecond()
    with contextlib.suppress(ValueError):
        fails()
    next_millisecond()
    with mlflow.start_run() as run:
        ask("in run")
    mlflow.flush_trace_async_logging()

    def found(text: str = "", **more) -> list:
        return mlflow.search_traces(experiment_ids=[experiment], filter_string=text, return_type="list", **more)

    every = found()
    assert [len(trace.data.spans) for trace in every] == [2, 1, 2], every
    trace = mlflow.get_trace(every[-1].info.trace_id)
    outer, inner = trace.data.spans
    assert (outer.name, outer.span_type, outer.inputs, outer.outputs) == (
        "ask",
        "LLM",
        {"q": "hi"} if "q" in outer.inputs else {"question": "hi"},
        {"a": "HI"},
    )
    assert inner.attributes["n"] == 3 and inner.parent_id == outer.span_id
    counts = {
        "trace.status = 'OK'": 2,
        "status = 'ERROR'": 1,
        "name = 'ask'": 2,
        "span.type = 'TOOL'": 2,
        "span.name LIKE 'inn%'": 2,
        "span.name RLIKE '^in+er$'": 2,
        "name RLIKE 's[kK]$'": 2,
        f"run_id = '{run.info.run_id}'": 1,
        "timestamp_ms > 0": 3,
        "trace.text LIKE '%IN RUN%'": 1,
        "tag.foo IS NULL": 3,
    }
    for text, count in counts.items():
        assert len(found(text)) == count, (text, len(found(text)))
    one = trace.info.trace_id
    mlflow.set_trace_tag(one, "k", "v")
    assert mlflow.get_trace(one).info.tags["k"] == "v"
    mlflow.delete_trace_tag(one, "k")
    judged = mlflow.log_feedback(trace_id=one, name="good", value=True, rationale="ok", source=AssessmentSource("HUMAN", "me"))
    mlflow.log_expectation(trace_id=one, name="expected", value={"x": [1]})
    mlflow.update_assessment(one, judged.assessment_id, Feedback(name="good", value=False))
    assert mlflow.get_assessment(one, judged.assessment_id).value is False
    mlflow.override_feedback(trace_id=one, assessment_id=judged.assessment_id, value=True)
    assert len(found("feedback.good = 'true'")) == 1
    client.link_traces_to_run([one], run.info.run_id)
    assert client.delete_traces(experiment, trace_ids=[one]) == 1
    assert len(found()) == 2


def evaluation() -> None:
    import mlflow.genai.datasets as data_sets

    experiment = mlflow.set_experiment("evaluation").experiment_id
    made = data_sets.create_dataset(name="qa", experiment_id=experiment, tags={"a": "b"})
    made.merge_records([{"inputs": {"q": "1"}, "expectations": {"a": "2"}}, {"inputs": {"q": "2"}}])
    made.merge_records([{"inputs": {"q": "1"}, "expectations": {"b": "3"}}])
    again = data_sets.get_dataset(dataset_id=made.dataset_id)
    rows = again.to_df()
    assert len(rows) == 2 and {"a": "2", "b": "3"} in list(rows["expectations"]), rows
    assert [one.name for one in data_sets.search_datasets(experiment_ids=[experiment])] == ["qa"]
    data_sets.set_dataset_tags(dataset_id=made.dataset_id, tags={"z": "y"})
    assert data_sets.get_dataset(dataset_id=made.dataset_id).tags["z"] == "y"
    data_sets.delete_dataset(dataset_id=made.dataset_id)
    assert data_sets.search_datasets(experiment_ids=[experiment]) == []


def transfers() -> None:
    """Uploads in parts and downloads by signed links, as clients do them where they are told to."""
    os.environ.update(
        MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true",
        MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE="1000000",
        MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE="5242880",
        MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true",
        MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE="1000000",
    )
    content = os.urandom(12_345_678)
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "big file.bin").write_bytes(content)
    mlflow.set_experiment("transfers")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(folder / "big file.bin"), "deep")
    down = client.download_artifacts(run.info.run_id, "deep/big file.bin", str(folder))
    assert pathlib.Path(down).read_bytes() == content


def webhooks() -> None:
    """A registry's events arrive, signed as MLflow signs them."""
    import base64
    import hashlib
    import hmac
    import http.server
    import json
    import queue
    import threading

    arrived: queue.Queue = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", int(os.environ["RECEIVER_PORT"])), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = client.create_webhook(
        "hook",
        f"http://127.0.0.1:{server.server_port}/",
        ["registered_model.created", "model_version_alias.created"],
        secret="s3cret",
    )
    assert client.test_webhook(made.webhook_id).success
    arrived.get(timeout=PATIENCE)
    client.create_registered_model("hooked", tags={"a": "b"}, description="d")
    headers, body = arrived.get(timeout=PATIENCE)
    told = json.loads(body)
    assert (told["entity"], told["action"], told["data"]["name"]) == ("registered_model", "created", "hooked"), told
    lower = {name.lower(): value for name, value in headers.items()}
    signed = f"{lower['x-mlflow-delivery-id']}.{lower['x-mlflow-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
    assert lower["x-mlflow-signature"] == expected
    client.update_webhook(made.webhook_id, name="renamed")
    assert [hook.name for hook in client.list_webhooks()] == ["renamed"]
    client.delete_webhook(made.webhook_id)


def prompts() -> None:
    made = mlflow.genai.register_prompt("greet", "Hello {{name}}", tags={"tone": "warm"})
    assert made.version == 1
    assert mlflow.genai.load_prompt("prompts:/greet/1").format(name="Ada") == "Hello Ada"
    assert "greet" not in [model.name for model in client.search_registered_models()]
    assert [prompt.name for prompt in mlflow.genai.search_prompts()] == ["greet"]


for part in sys.argv[2:] or [
    "experiments",
    "runs",
    "search",
    "artifacts",
    "models",
    "autologging",
    "boosters",
    "prompts",
    "traces",
    "evaluation",
    "transfers",
    "webhooks",
]:
    globals()[part]()
    print(part, "ok", flush=True)
print("mlflow", mlflow.__version__)
