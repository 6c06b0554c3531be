"""Makes something of everything at a tracking address, or tells all of it in lines that can be compared.

Arguments: ``make`` or ``tell``, and the address.
"""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

import mlflow
import numpy
import pandas
from mlflow.entities import SpanEvent, ViewType

mlflow.set_tracking_uri(sys.argv[2])
client = mlflow.MlflowClient()


def make() -> None:
    from sklearn.linear_model import LogisticRegression

    experiment = client.create_experiment("sample", tags={"a": "b"})
    for number in range(3):
        with mlflow.start_run(experiment_id=experiment, run_name=f"r{number}"):
            mlflow.log_param("p", number)
            for step in range(50):
                mlflow.log_metric("loss", 1 / (step + 1 + number), step=step)
            mlflow.log_metric("nothing", float("nan"))
            mlflow.set_tag("t/x", "v")
            mlflow.log_text("hello " * (number + 1), "deep/a.txt")
            mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"a": [1]}), name="rows"), context="training")
    with mlflow.start_run(experiment_id=experiment, run_name="m"):
        model = LogisticRegression().fit([[0], [1]], [0, 1])
        mlflow.sklearn.log_model(model, name="model", registered_model_name="reg", input_example=numpy.array([[0.0]]))
    trace(experiment)
    client.set_registered_model_alias("reg", "champ", 1)
    client.set_model_version_tag("reg", "1", "k", "v")
    client.transition_model_version_stage("reg", "1", "Staging")
    client.delete_run(client.search_runs([experiment], "attributes.run_name = 'r0'")[0].info.run_id)


def trace(experiment: str) -> None:
    """A trace with two spans, a tag, and three judgements of which one replaces another."""
    mlflow.set_experiment(experiment_id=experiment)

    @mlflow.trace(name="ask", span_type="LLM", attributes={"depth": 3})
    def ask(question: str) -> dict[str, str]:
        mlflow.update_current_trace(tags={"team": "x"})
        with mlflow.start_span("look") as span:
            span.set_inputs({"q": question})
            span.add_event(SpanEvent("found", attributes={"k": "v"}))
        return {"answer": "ünï"}

    ask("why?")
    mlflow.flush_trace_async_logging()
    identity = mlflow.get_last_active_trace_id()
    first = mlflow.log_feedback(trace_id=identity, name="good", value=True, rationale="because")
    mlflow.log_expectation(trace_id=identity, name="expected", value={"a": [1]})
    mlflow.override_feedback(trace_id=identity, assessment_id=first.assessment_id, value=False)


def told_span(span: mlflow.entities.Span) -> list[object]:
    return [
        *(span.span_id, span.parent_id, span.name, span.start_time_ns, span.end_time_ns, span.inputs, span.outputs),
        *(str(span.status), sorted(span.attributes.items(), key=str), [[event.name, event.attributes] for event in span.events]),
    ]


def told_trace(one: mlflow.entities.Trace) -> list[object]:
    info = one.info
    own = ("mlflow.artifactLocation", "mlflow.trace.spansLocation", "mlflow.trace.infoFinalized")
    return [
        *(info.trace_id, info.state, info.request_time, info.execution_duration, info.request_preview, info.response_preview),
        {key: value for key, value in info.tags.items() if key not in own},
        {key: value for key, value in info.trace_metadata.items() if key not in own},
        sorted(
            [
                # Clients of a server are not told that an expectation is valid.
                *(said.assessment_id, said.name, said.value, said.rationale, said.valid is not False, said.overrides),
                *(said.create_time_ms, said.last_update_time_ms, str(said.source.source_type), said.source.source_id),
            ]
            for said in info.assessments
        ),
        [told_span(span) for span in one.data.spans],
    ]


def tell() -> None:
    experiment = client.get_experiment_by_name("sample")
    lines: list[object] = [("experiment", experiment.name, experiment.tags, experiment.creation_time)]
    runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
    for run in sorted(runs, key=lambda one: one.info.run_id):
        info = run.info
        tags = {key: value for key, value in run.data.tags.items() if key != "tidemill.imported"}
        inputs = [
            (one.dataset.name, one.dataset.digest, one.dataset.schema, [(tag.key, tag.value) for tag in one.tags])
            for one in run.inputs.dataset_inputs
        ]
        outputs = [one.model_id for one in run.outputs.model_outputs] if run.outputs else []
        lines.append(
            (info.run_id, info.run_name, info.status, info.lifecycle_stage, info.start_time, info.end_time, info.user_id)
        )
        lines.append((run.data.params, tags, inputs, outputs))
        for key in sorted(run.data.metrics):
            points = client.get_metric_history(info.run_id, key)
            lines.append((key, sorted((point.step, point.timestamp, str(point.value)) for point in points)))
        if info.lifecycle_stage == "active":
            lines.append(sorted(one.path for one in client.list_artifacts(info.run_id)))
    found = client.search_traces(experiment_ids=[experiment.experiment_id])
    assert len(found) == 1, found
    lines.extend(told_trace(one) for one in found)
    for version in client.search_model_versions("name = 'reg'"):
        lines.append(
            (version.name, int(version.version), version.current_stage, version.tags, version.creation_timestamp, version.run_id)
        )
    aliases = client.get_registered_model("reg").aliases
    lines.append({alias: int(version) for alias, version in aliases.items()})
    lines.append(mlflow.pyfunc.load_model("models:/reg@champ").predict(numpy.array([[0.9]])).tolist())
    for line in lines:
        print(json.dumps(line, default=str, sort_keys=True))


globals()[sys.argv[1]]()
