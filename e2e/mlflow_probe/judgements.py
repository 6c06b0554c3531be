"""Assessments of a trace."""

from __future__ import annotations

from mlflow_scenarios import API3, Story, experiment, send_spans, span

# fmt: off


def probe(story: Story) -> None:
    said(story)
    changed(story)


def said(story: Story) -> None:
    group = experiment(story, "judgements")
    send_spans(story, group, span("judged well", "root"))
    trace = "tr-" + span("judged well", "")["traceId"]
    path = f"{API3}/traces/{trace}/assessments"
    source = {"source_type": "HUMAN", "source_id": "me"}
    base = {"assessment_name": "good", "source": source, "feedback": {"value": True}}

    def add(**fields: object) -> str:
        body = {key: value for key, value in {**base, **fields}.items() if value is not ...}
        made = story.step("POST", path, {"assessment": body})
        return story.known("SAID", made.get("assessment", {}).get("assessment_id", "absent"))

    one = add()
    for fields in (
        *({"feedback": {"value": value}} for value in (True, 0.5, "yes", None, [1, "a"], {"k": 1}, "")),
        *({"feedback": ..., "expectation": {"value": value}} for value in (True, 2, "text", {"k": [1]})),
        {"feedback": ...}, {"assessment_name": ...}, {"assessment_name": ""}, {"source": ...}, {"source": {"source_type": "NONSENSE"}},
        {"source": {"source_type": "LLM_JUDGE"}}, {"rationale": "why"}, {"metadata": {"k": "v"}}, {"span_id": "abc"},
        {"feedback": {"error": {"error_code": "E", "error_message": "m"}}}, {"feedback": {}}, {"expectation": {"value": 1}},
        {"assessment_name": "n" * 251}, {"overrides": "a-absent"}, {"overrides": one}, {"valid": False}, {"trace_id": "other"},
        {"create_time": "nonsense"}, {"feedback": {"value": True, "nonsense": 1}}, {"nonsense": 1}, {"metadata": "text"},
    ):
        add(**fields)
    story.step("POST", path, {})
    story.step("POST", path, {"assessment": "text"})
    story.step("POST", f"{API3}/traces/tr-absent/assessments", {"assessment": base})
    for identity in (one, "a-absent"):
        story.step("GET", f"{path}/{identity}")
        story.step("GET", f"{API3}/traces/tr-absent/assessments/{identity}")
    change = {"trace_id": trace, "assessment_id": one}
    for fields, mask in (
        ({"rationale": "new"}, "rationale"), ({"assessment_name": "other"}, "assessment_name"), ({"assessment_name": "o"}, "assessmentName"),
        ({"feedback": {"value": 0.25}}, "feedback"), ({"metadata": {"m": "n"}}, "metadata"), ({"expectation": {"value": 1}}, "expectation"),
        ({"rationale": "x"}, ""), ({}, "rationale"), ({"valid": False}, "valid"), ({"rationale": "x"}, "nonsense"), ({"rationale": "x"}, None),
    ):
        body = {"assessment": {**change, **fields}}
        story.step("PATCH", f"{path}/{one}", body if mask is None else {**body, "update_mask": mask})
    story.step("PATCH", f"{path}/a-absent", {"assessment": {"rationale": "x"}, "update_mask": "rationale"})
    for identity in (one, one, "a-absent"):
        story.step("DELETE", f"{path}/{identity}")
    story.step("DELETE", f"{API3}/traces/tr-absent/assessments/{one}")


def changed(story: Story) -> None:
    group = experiment(story, "changed")
    send_spans(story, group, span("changed", "root"))
    path = f"{API3}/traces/tr-{span('changed', '')['traceId']}/assessments"
    source = {"source_type": "CODE", "source_id": "f"}

    def add(**fields: object) -> str:
        made = story.step("POST", path, {"assessment": {"assessment_name": "said", "source": source, **fields}})
        return story.known("SAID", made.get("assessment", {}).get("assessment_id", "absent"))

    one = add(feedback={"value": 1, "more": 2, "error": {"error_code": "E", "error_message": "m"}}, rationale="since", metadata={"a": "b"})
    add(expectation={"value": "x", "more": 2})
    two = add(feedback={"value": 2}, overrides=one)
    for fields, mask in (
        ({"rationale": "new"}, "rationale"), ({}, "rationale"), ({"feedback": {"value": 3, "more": 4}}, "feedback"), ({"metadata": {"c": "d"}}, "metadata"),
        ({"feedback": {"value": 5}, "rationale": "both", "metadata": {"a": "z"}}, "feedback,rationale,metadata"),
    ):
        story.step("PATCH", f"{path}/{one}", {"assessment": {"trace_id": "x", "assessment_id": one, **fields}, "update_mask": mask})
    story.step("DELETE", f"{path}/{two}")
    story.step("GET", f"{path}/{one}")
    for method in ("GET", "DELETE"):
        story.step(method, f"{API3}/traces/tr-absent/assessments/{one}")
