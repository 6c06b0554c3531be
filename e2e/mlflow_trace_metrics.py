"""Measures the same traces through this server and MLflow's own, and compares every point.

Arguments: this server's address, and MLflow's.
"""

from __future__ import annotations

import itertools
import json
import random
import sys

from mlflow_scenarios import API, API3, Story, experiment, span

BEGAN = 1_700_000_000_000
USED = ("input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
RANGED = [{"aggregation_type": kind} for kind in ("AVG", "MIN", "MAX")]
SUMMED = [*RANGED, {"aggregation_type": "SUM"}]
PERCENTILES = [{"aggregation_type": "PERCENTILE", "percentile_value": value} for value in (0, 12.5, 50, 95, 99.9, 100)]
COUNT = [{"aggregation_type": "COUNT"}]
#: Of each view: metric, aggregations, dimensions.
MEASURES = {
    "TRACES": [
        ("trace_count", COUNT, ("trace_name", "trace_status")),
        ("session_count", COUNT, ()),
        ("latency", [*RANGED, *PERCENTILES], ("trace_name",)),
        *((used, [*SUMMED, *PERCENTILES], ("trace_name",)) for used in USED),
    ],
    "SPANS": [
        ("span_count", COUNT, ("span_name", "span_type", "span_status", "span_model_name", "span_model_provider")),
        ("latency", [*RANGED, *PERCENTILES], ("span_name", "span_status")),
        *(
            (f"{side}_cost", [*SUMMED, *PERCENTILES], ("span_model_name", "span_model_provider"))
            for side in ("input", "output", "total")
        ),
    ],
    "ASSESSMENTS": [
        ("assessment_count", COUNT, ("assessment_name", "assessment_value")),
        ("assessment_value", [*RANGED, *PERCENTILES], ("assessment_name",)),
    ],
}
FILTERS = {
    "TRACES": [
        *(["trace.status = 'OK'"], ["trace.tag.team = 'x'"], ["trace.tag.`mlflow.traceName` = 'ask'"]),
        *(["trace.metadata.`mlflow.trace.session` = 's1'"], ["trace.metadata.user = 'ada'", "trace.status = 'ERROR'"]),
    ],
    "SPANS": [["span.name = 'root'"], ["span.type = 'LLM'"], ["span.status = 'ERROR'", "trace.status = 'OK'"]],
    "ASSESSMENTS": [["assessment.name = 'good'"], ["assessment.type = 'expectation'"], ["trace.tag.team = 'x'"]],
}
REFUSED = [
    {"view_type": "TRACES", "metric_name": "span_count", "aggregations": COUNT},
    {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": [*RANGED, *COUNT]},
    {"view_type": "SPANS", "metric_name": "latency", "aggregations": COUNT},
    {"view_type": "SPANS", "metric_name": "latency", "aggregations": RANGED, "dimensions": ["span_type", "trace_name"]},
    {"view_type": "TRACES", "metric_name": "latency", "aggregations": RANGED, "time_interval_seconds": 60},
    {"metric_name": "latency", "aggregations": RANGED},
    {"view_type": "TRACES", "aggregations": RANGED},
    *(
        {"view_type": "TRACES", "metric_name": "latency", "aggregations": RANGED, "filters": [text]}
        for text in (
            *("span.name = 'x'", "assessment.name = 'x'", "trace.nonsense = 'x'", "trace.tag = 'x'", "trace.status.x = 'y'"),
            *("trace.status = 'OK' AND trace.status = 'OK'", "trace.status != 'OK'", "status = 'OK'"),
        )
    ),
]


def traces(story: Story, group: str) -> None:
    """Sixty traces with spans and judgements, the same on every server."""
    chosen = random.Random(11)
    for number in range(60):
        began = chosen.randrange(200_000)
        took = chosen.randrange(1, 9_000)
        root = {**span(f"t{number}", "root", mlflow__spanType="CHAIN"), "status": {"code": chosen.choice((0, 1, 2))}}
        spans = [root]
        for child in range(chosen.randrange(3)):
            cost = {"input_cost": chosen.randrange(100) / 64, "output_cost": chosen.randrange(100) / 64}
            told = {"mlflow__spanType": chosen.choice(("LLM", "TOOL")), "mlflow__llm__model": chosen.choice(("big", "small"))}
            if chosen.random() < 0.7:
                told["mlflow__llm__provider"] = "acme"
                told["mlflow__llm__cost"] = json.dumps({**cost, "total_cost": cost["input_cost"] + cost["output_cost"]})
            spans.append(span(f"t{number}", f"call{child}", "root", state=chosen.choice((0, 2)), **told))
        for one in spans:
            start = BEGAN + began + chosen.randrange(50)
            one["startTimeUnixNano"] = str(start * 10**6 + chosen.randrange(10**6))
            one["endTimeUnixNano"] = str((start + chosen.randrange(took)) * 10**6 + chosen.randrange(10**6))
        named = chosen.random() < 0.9
        body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
        # Here the root span names a trace that nobody names; a trace without spans has no name on either server.
        if named:
            assert story.call("POST", "/v1/traces", body, headers={"x-mlflow-experiment-id": group})["status"] == 200
        metadata = {"user": chosen.choice(("ada", "bob"))}
        if chosen.random() < 0.6:
            metadata["mlflow.trace.session"] = chosen.choice(("s1", "s2", "s3"))
        if chosen.random() < 0.8:
            metadata["mlflow.trace.tokenUsage"] = json.dumps(
                {used: chosen.randrange(900) for used in USED if chosen.random() < 0.8}
            )
        tags = {"team": chosen.choice(("x", "y"))}
        if named:
            tags["mlflow.traceName"] = chosen.choice(("ask", "tell", "Weigh"))
        identity = "tr-" + root["traceId"]
        info = {
            "trace_id": identity,
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": group}},
            "request_time": f"2023-11-14T22:{13 + (20_000 + began) // 60_000:02}:{(20_000 + began) % 60_000 / 1000:06.3f}Z",
            "execution_duration": f"{took / 1000}s",
            "state": chosen.choice(("OK", "ERROR")),
            "trace_metadata": metadata,
            "tags": tags,
        }
        made = story.call("POST", f"{API3}/traces", {"trace": {"trace_info": info}})
        assert made["status"] == 200, made
        for _ in range(chosen.randrange(3)):
            value = chosen.choice((True, False, "yes", " No ", "other", 0.5, 3, [1]))
            kind = chosen.choice(("feedback", "expectation"))
            said = (
                {"serialized_value": {"value": "[1]", "serialization_format": "JSON_FORMAT"}}
                if value == [1]
                else {"value": value}
            )
            judged = {"assessment_name": chosen.choice(("good", "bad")), "source": {"source_type": "HUMAN", "source_id": "a"}}
            if kind == "feedback" and value == [1]:
                said = {"value": value}
            judged[kind] = said
            added = story.call("POST", f"{API3}/traces/{identity}/assessments", {"assessment": judged})
            assert added["status"] == 200, added


def measure(story: Story) -> None:
    group = experiment(story, "measured")
    traces(story, group)
    path = f"{API3}/traces/metrics"
    window = {"start_time_ms": BEGAN + 20_000, "end_time_ms": BEGAN + 150_000}

    def ask(**fields: object) -> None:
        story.step("POST", path, {"experiment_ids": [group], **fields})

    for view, measures in MEASURES.items():
        for metric, aggregations, dimensions in measures:
            one = {"view_type": view, "metric_name": metric, "aggregations": aggregations}
            for count in range(min(len(dimensions), 2) + 1):
                for parts in itertools.combinations(dimensions, count):
                    ask(**one, dimensions=list(parts))
                    ask(**one, dimensions=list(parts), **window, time_interval_seconds=60)
            ask(**one, **window)
            ask(**one, start_time_ms=BEGAN + 100_000)
            ask(**one, end_time_ms=BEGAN + 100_000)
            ask(**one, end_time_ms=BEGAN - 1)
            for filters in [*FILTERS[view], *FILTERS["TRACES"]]:
                ask(**one, filters=filters, dimensions=list(dimensions[:1]))
    for body in REFUSED:
        ask(**body)
    story.step("POST", path, {"view_type": "TRACES", "metric_name": "latency", "aggregations": RANGED})
    # A trace that was linked to a run belongs to it.
    run = story.call("POST", f"{API}/runs/create", {"experiment_id": group})["answer"]["run"]["info"]["run_id"]
    story.known("LINKED", run)
    linked = ["tr-" + span(f"t{number}", "")["traceId"] for number in (1, 2, 3)]
    story.call("POST", f"{API}/traces/link-to-run", {"trace_ids": linked, "run_id": run})
    for text in (f"trace.metadata.`mlflow.sourceRun` = '{run}'", "trace.metadata.`mlflow.sourceRun` = 'absent'"):
        ask(view_type="TRACES", metric_name="trace_count", aggregations=COUNT, filters=[text])


def rounded(value: object) -> object:
    """Sums of doubles differ in their last digits by the order of what is summed."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def compare(ours: str, theirs: str) -> int:
    told = []
    for base in (ours, theirs):
        story = Story(base)
        measure(story)
        told.append(story.steps)
    differences = points = 0
    for (label, mine), (_, other) in zip(*told, strict=True):
        points += len(other.get("answer", {}).get("data_points", []))
        if rounded(mine) != rounded(other):
            differences += 1
            print(f"{label}\n   ours   {str(mine)[:600]}\n   theirs {str(other)[:600]}")
    print(f"{len(told[0])} queries of trace metrics with {points} points, {differences} answered differently")
    return differences


if __name__ == "__main__":
    sys.exit(1 if compare(sys.argv[1], sys.argv[2]) else 0)
