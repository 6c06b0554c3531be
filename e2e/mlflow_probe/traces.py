"""Traces as clients tell them, with and without spans, and those of clients before 3.0."""

from __future__ import annotations

from mlflow_scenarios import API, API3, Story, experiment, run

from mlflow_probe.frame import message

# fmt: off


def probe(story: Story) -> None:
    told(story)
    older(story)


def told(story: Story) -> None:
    group = experiment(story, "traced")
    where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": group}}
    # Where MLflow keeps what we refuse, so that it is not found among the others.
    apart = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": story.known("APART", experiment(story, "traced apart"))}}
    base = {"trace_id": "tr-probe", "trace_location": where, "request_time": "2026-01-01T00:00:00Z", "execution_duration": "1.5s", "state": "OK"}

    def put(**fields: object) -> None:
        story.step("POST", f"{API3}/traces", {"trace": {"trace_info": {key: value for key, value in {**base, **fields}.items() if value is not ...}}})

    for fields in (
        {}, {"tags": {"k": "v"}, "trace_metadata": {"m": "n"}}, {"trace_id": "tr-1", "tags": {"k": "v" * 9000}}, {"trace_id": "tr-2", "request_preview": "p"},
        {"trace_id": "tr-3", "client_request_id": "c"}, {"trace_id": "tr-4", "state": "NONSENSE", "trace_location": apart}, {"trace_id": "tr-5", "state": ...},
        {"trace_id": "tr-6", "execution_duration": ...}, {"trace_id": "tr-7", "request_time": "nonsense", "trace_location": apart}, {"trace_id": "tr-8", "execution_duration": "x", "trace_location": apart},
    ):
        put(**fields)
    story.step("POST", f"{API3}/traces", {})
    for identity in ("tr-probe", "tr-absent"):
        story.step("GET", f"{API3}/traces/{identity}")
        story.step("GET", f"{API3}/traces/get?trace_id={identity}")
        story.step("GET", f"{API3}/traces/batchGet?trace_ids={identity}")
        story.step("GET", f"{API}/traces/{identity}/info")
        for body in ({"key": "k", "value": "v2"}, {"key": "new", "value": ""}, {"key": "", "value": "x"}, {"value": "x"}, {"key": "a#b", "value": "x"}, {"key": "k" * 251, "value": "x"}, {"key": "l", "value": "v" * 9000}):
            story.step("PATCH", f"{API3}/traces/{identity}/tags", body)
            story.step("PATCH", f"{API}/traces/{identity}/tags", body)
        for key in ("new", "absent", ""):
            story.step("DELETE", f"{API3}/traces/{identity}/tags", {"key": key})
            story.step("DELETE", f"{API}/traces/{identity}/tags", {"key": key})
    for text in (
        "", "status = 'OK'", "state = 'OK'", "trace.status = 'OK'", "attributes.status = 'OK'", "tags.k = 'v2'", "tag.k != 'v2'", "metadata.m = 'n'",
        "request_metadata.m = 'n'", "timestamp > 5", "timestamp = 'x'", "execution_time > 1000", "execution_time_ms < 1000", "client_request_id = 'c'",
        "nonsense = 'x'", "other.k = 'x'", "status > 'OK'", "status", "a = 'b' OR c = 'd'", "status LIKE 'O%'", "request_id = 'tr-1'", "trace_id = 'tr-1'",
        "request_id IN ('tr-1', 'tr-2')", "name = 'x'", "span.nonsense = 'x'", "feedback.good = 'x'", "expectation.e > 1", "tags.`k` = 'v2'",
        "tags.k IS NULL", "tags.k IS NOT NULL", "metadata.m IS NULL", "tags.k > 'a'", "tags.k = 5", "run_id = 'x'", "prompt = 'x'", "prompt = 'x/1'", "end_time > 5",
    ):
        answer = story.call("POST", f"{API3}/traces/search", {"locations": [where], "filter": text})
        found = answer["answer"]
        told = [one["trace_id"] for one in found.get("traces", [])] if answer["status"] == 200 else found
        story.tell(f"search {text}", [answer["status"], sorted(told) if isinstance(told, list) else told])
    for order in ("timestamp", "timestamp_ms DESC", "request_id ASC", "status", "nonsense", "timestamp sideways", "tags.k", "execution_time DESC", "span.name"):
        answer = story.call("POST", f"{API3}/traces/search", {"locations": [where], "order_by": [order]})
        story.tell(f"order {order}", [answer["status"], message(answer)])
    for body in ({"max_results": 0}, {"max_results": -1}, {"max_results": 501}, {"max_results": 1}, {"page_token": "zz"}, {"locations": []}):
        story.step("POST", f"{API3}/traces/search", {"locations": [where], "order_by": ["request_id"], **body})
    story.step("POST", f"{API3}/traces/search", {})
    for body in (
        {}, {"experiment_id": group}, {"experiment_id": group, "max_timestamp_millis": 1, "request_ids": ["a"]}, {"experiment_id": group, "max_traces": 0, "max_timestamp_millis": 1},
        {"experiment_id": group, "max_traces": 1, "request_ids": ["a"]}, {"experiment_id": group, "request_ids": ["tr-absent"]}, {"experiment_id": group, "request_ids": ["tr-1", "tr-2"]},
        {"experiment_id": "99999", "request_ids": ["tr-3"]}, {"request_ids": ["tr-3"]}, {"experiment_id": group, "max_timestamp_millis": 99, "max_traces": 5},
    ):
        story.step("POST", f"{API3}/traces/delete-traces", body)
        story.step("POST", f"{API}/traces/delete-traces", body)
    one = run(story, group)
    for body in ({"trace_ids": ["tr-3"], "run_id": one}, {"trace_ids": ["x"] * 101, "run_id": one}, {"run_id": one}, {"trace_ids": ["tr-3"]}, {"trace_ids": ["tr-3"], "run_id": "absent"}, {"trace_ids": [], "run_id": one}):
        story.step("POST", f"{API}/traces/link-to-run", body)
    # As clients before 3.0 tell a trace.
    for body in ({}, {"experiment_id": group}, {"experiment_id": group, "timestamp_ms": 5}, {"experiment_id": "99999", "timestamp_ms": 5}):
        made = story.step("POST", f"{API}/traces", body)
        story.known("OLD", made.get("trace_info", {}).get("request_id", "absent"))
    identity = made.get("trace_info", {}).get("request_id", "absent")
    for body in ({}, {"timestamp_ms": 9}, {"timestamp_ms": 9, "status": "OK"}, {"timestamp_ms": 9, "status": "NONSENSE"}):
        story.step("PATCH", f"{API}/traces/{identity}", body)
    for query in (f"experiment_ids={group}&max_results=2", "", "experiment_ids=99999", f"experiment_ids={group}&filter=nonsense"):
        story.step("GET", f"{API}/traces?{query}")


def older(story: Story) -> None:
    group = experiment(story, "old")
    tags = [{"key": "mlflow.traceName", "value": "asked"}, {"key": "k", "value": "v"}]
    for number in range(5):
        began = {"experiment_id": group, "timestamp_ms": 1000 + number, "tags": tags, "request_metadata": [{"key": "m", "value": "n"}]}
        made = story.call("POST", f"{API}/traces", began)["answer"]["trace_info"]
        identity = made["request_id"]
        story.tell("began", {key: value for key, value in made.items() if key not in ("request_id", "experiment_id", "tags")})
        ended = {"timestamp_ms": 1100, "status": "ERROR" if number else "OK", "tags": [{"key": "k", "value": "w"}], "request_metadata": [{"key": "o", "value": "p"}]}
        told = story.call("PATCH", f"{API}/traces/{identity}", ended)["answer"]["trace_info"]
        story.tell("ended", {key: value for key, value in told.items() if key not in ("request_id", "experiment_id", "tags")})
        story.tell("tags", sorted(tag["value"] for tag in told["tags"] if tag["key"] in ("k", "mlflow.traceName")))
    shown = story.call("GET", f"{API}/traces?experiment_ids={group}&max_results=3&order_by=timestamp_ms%20ASC")["answer"]
    story.tell("found", [one["timestamp_ms"] for one in shown["traces"]])
    for body in (
        {"experiment_id": group, "max_timestamp_millis": 1002, "max_traces": 2}, {"experiment_id": group, "max_timestamp_millis": 1003}, {"experiment_id": "99999", "max_timestamp_millis": 1003},
        {"experiment_id": "99999", "request_ids": ["x"]}, {"experiment_id": group, "max_timestamp_millis": 9999, "max_traces": 100},
    ):
        story.step("POST", f"{API3}/traces/delete-traces", body)
    story.step("GET", f"{API}/traces?max_results=1")
    story.step("POST", f"{API3}/traces/search", {"filter": "status = 'OK'"})
    where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": group}}]
    story.step("POST", f"{API3}/traces/search", {"locations": where, "max_results": 501})
    story.step("POST", f"{API3}/traces/search", {"locations": where, "order_by": ["span.name"]})
    story.step("POST", f"{API}/traces/link-to-run", {"run_id": run(story, group)})
    story.step("DELETE", f"{API3}/traces/tr-absent/tags", {"key": "k"})
