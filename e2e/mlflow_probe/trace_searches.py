"""One span matches all that is asked of spans; what is said of a session is said of all of its traces."""

from __future__ import annotations

from mlflow_scenarios import API, API3, Story, experiment, send_spans, span

# fmt: off


def probe(story: Story) -> None:
    group, other = experiment(story, "sessions"), experiment(story, "sessions elsewhere")
    for name, session, where in (("S1", "one", group), ("S2", "one", group), ("S3", "two", group), ("S4", "one", other)):
        send_spans(
            story,
            where,
            span(name, "ask", state=1, session__id=session, mlflow__spanType="LLM"),
            span(name, "look", "ask", state=2, mlflow__spanType="TOOL"),
        )

    def judge(trace: str, name: str, value: object, **metadata: str) -> None:
        source = {"source_type": "HUMAN", "source_id": "me"}
        said = {"assessment_name": name, "source": source, "feedback": {"value": value}, "metadata": metadata}
        story.step("POST", f"{API3}/traces/tr-{span(trace, '')['traceId']}/assessments", {"assessment": said})

    judge("S1", "calm", True, **{"mlflow.trace.session": "one"})
    judge("S2", "short", 0.5)
    judge("S3", "calm", False, **{"mlflow.trace.session": "two"})
    prompts = f"{API}/traces/link-prompts"
    first = "tr-" + span("S1", "")["traceId"]
    for versions in ([{"name": "greet", "version": "1"}], [{"name": "greet", "version": "2"}], [{"name": "greet", "version": "1"}], []):
        story.step("POST", prompts, {"trace_id": first, "prompt_versions": versions})
    story.step("POST", prompts, {"trace_id": first})
    story.step("POST", prompts, {"trace_id": "tr-absent", "prompt_versions": [{"name": "greet", "version": "1"}]})
    for text in (
        "span.name = 'look' AND span.status = 'ERROR'", "span.name = 'look' AND span.status = 'OK'", "span.type = 'LLM' AND span.name LIKE 'lo%'", "span.type = 'LLM' AND span.name != 'look'",
        "feedback.calm = 'true'", "feedback.calm = 'false'", "feedback.calm IS NULL", "feedback.calm IS NOT NULL", "feedback.short > 0.1", "feedback.short IS NULL", "issue.id = 'x'",
        "prompt = 'greet/1'", "prompt = 'greet/2'", "prompt = 'greet/3'", "prompt = 'greet'", "prompt = 'a/b/1'", "prompt LIKE 'greet/1'", "metadata.`mlflow.trace.session` = 'one'", "end_time_ms > 1",
    ):
        for groups in ([group], [group, other]):
            where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": one}} for one in groups]
            found = story.call("POST", f"{API3}/traces/search", {"locations": where, "filter": text})
            answer = found["answer"]
            refused = str(answer.get("message")).split("Supported attributes")[0]
            told = [one["trace_id"] for one in answer.get("traces", [])] if found["status"] == 200 else refused
            story.tell(f"search {len(groups)} {text}", [found["status"], told])
