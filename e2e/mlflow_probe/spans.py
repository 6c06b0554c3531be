"""What spans say besides: where they were made, who talks, of which model; and what a list shows of it."""

from __future__ import annotations

import json

from mlflow_scenarios import API3, Story, experiment, send_spans, span, tell_trace

# fmt: off


def probe(story: Story) -> None:
    group = experiment(story, "told by spans")
    resource = {
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "replicas", "value": {"intValue": "3"}},
            {"key": "telemetry.sdk.name", "value": {"stringValue": "opentelemetry"}},
            {"key": "mlflow.trace.spansLocation", "value": {"stringValue": "elsewhere"}},
        ]
    }
    root = span("resource", "root", mlflow__traceTag__team="x", session__id="s1", user__id="ada")
    for spans in ([span("resource", "child", "root")], [root]):
        story.step(
            "POST",
            "/v1/traces",
            {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]},
            headers={"x-mlflow-experiment-id": group},
        )
    told = story.call("GET", f"{API3}/traces/{'tr-' + root['traceId']}")["answer"]["trace"]["trace_info"]
    tags = {key: value for key, value in told["tags"].items() if key not in ("mlflow.artifactLocation", "mlflow.traceName")}
    story.tell("tags and metadata", [tags, told["trace_metadata"]])
    chat = {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": [{"type": "text", "text": "hello?"}]}]}
    for name, asked, answered in (
        ("chat", json.dumps(chat), json.dumps({"choices": [{"message": {"role": "assistant", "content": "hello!"}}]})),
        ("responses", json.dumps({"input": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "model": "m3"}), json.dumps({"output": [{"role": "x", "content": [{"type": "output_text", "text": "c"}]}]})),
        ("agent", json.dumps({"request": chat}), '"text"'),
        ("other", json.dumps({"messages": [1, 2]}), "12"),
        ("long", "x" * 2000, json.dumps({"messages": [{"role": "user", "content": "y" * 2000}]})),
    ):
        send_spans(story, group, span(name, "root", mlflow__spanInputs=asked, mlflow__spanOutputs=answered))
        tell_trace(story, name)
    events = [
        {"name": "gen_ai.system.message", "timeUnixNano": "1700000000000000000", "attributes": [{"key": "content", "value": {"stringValue": "be kind"}}]},
        {"name": "gen_ai.user.message", "timeUnixNano": "1700000000000000000", "attributes": [{"key": "content", "value": {"stringValue": "hello?"}}]},
        {"name": "gen_ai.choice", "timeUnixNano": "1700000000000000000", "attributes": [{"key": "content", "value": {"stringValue": "hello!"}}]},
    ]
    send_spans(story, group, {**span("events", "root", gen_ai__operation__name="chat"), "events": events})
    tell_trace(story, "events")
    whole = [{"name": "gen_ai.content.prompt", "timeUnixNano": "1700000000000000000", "attributes": [{"key": "gen_ai.prompt", "value": {"stringValue": '{"q": "asked"}'}}]}]
    send_spans(story, group, {**span("prompt", "root"), "events": whole})
    tell_trace(story, "prompt")
    # Named more than once, and of which experiments.
    known = ["tr-" + span(name, "")["traceId"] for name in ("chat", "resource")]
    other = experiment(story, "of another experiment")
    for query in (
        f"trace_ids={known[0]}&trace_ids={known[1]}&trace_ids={known[1]}", f"trace_ids={known[0]}&experiment_ids={other}", f"trace_ids={known[0]}&experiment_ids={other}&experiment_ids={group}",
        "trace_ids=tr-absent",
    ):
        found = story.call("GET", f"{API3}/traces/batchGet?{query}")["answer"].get("traces", [])
        story.tell("batch", [[one["trace_info"]["trace_id"], len(one["spans"])] for one in found])
    for body in ({"trace_ids": known}, {"trace_ids": known, "experiment_ids": [other]}, {}, {"trace_ids": ["tr-absent"]}):
        found = story.call("POST", f"{API3}/traces/batchGetInfos", body)
        story.tell("batch of infos", [found["status"], [one["trace_id"] for one in found["answer"].get("trace_infos", [])]])
    for method in ("PATCH", "DELETE"):
        story.step(method, f"{API3}/traces/{known[0]}/tags", {"key": "mlflow.trace.spansLocation", "value": "x"})
