"""Traces calls with the real client, and tells what it then finds, one line a step: a label and JSON, ids and times taken out.

Argument: the server's address. The lines of one client against two servers have to be the same; what a client lacks it leaves out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import mlflow
from mlflow import MlflowClient

warnings.filterwarnings("ignore")
client = MlflowClient(sys.argv[1])
mlflow.set_tracking_uri(sys.argv[1])
RECENT = int(mlflow.__version__.split(".")[0]) >= 3
#: Clients since 3.6 have the server keep the spans, so that it can search in them.
SPANS_KEPT = tuple(int(part) for part in mlflow.__version__.split(".")[:2]) >= (3, 6)
#: What differs from call to call, or names the place where something is kept.
OWN = {
    *("mlflow.artifactLocation", "mlflow.trace.spansLocation", "mlflow.trace_schema.version", "mlflow.trace.sizeBytes"),
    *("mlflow.trace.sizeStats", "mlflow.source.name", "mlflow.user", "mlflow.trace.infoFinalized", "mlflow.traceRequestId"),
    "mlflow.experimentId",
    *("mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.source.git.repoURL", "mlflow.source.type"),
}
names: dict[str, str] = {}


def next_millisecond() -> None:
    """Traces are ordered by the millisecond in which they began; within one, any order is right."""
    began = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 <= began + 1:
        time.sleep(0.0005)


def known(value: str, name: str) -> str:
    names[str(value)] = f"${name}"
    return value


def experiment(name: str) -> str:
    """One that nobody has used yet."""
    return known(mlflow.set_experiment(f"{name} {mlflow.__version__} {time.time_ns()}").experiment_id, name)


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in sorted(value.items(), key=lambda item: str(item[0])) if key not in OWN}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, str):
        for text in sorted(names, key=len, reverse=True):
            value = value.replace(text, names[text]) if len(text) > 8 else value
        value = re.sub(r"\b(tr-|a-|d-|dr-)?[0-9a-f]{32}\b", "(id)", value)
        value = re.sub(r"\b[0-9a-f]{16}\b", "(span)", value)
        value = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "(id)", value)
        value = re.sub(r"0x[0-9a-f]+", "(place)", value)
        value = re.sub(r"http://127.0.0.1:\d+", "(server)", value)
        return re.sub(r'File \\?".*?\\?", line \d+', "(line)", value)
    return value if value is None or isinstance(value, (bool, int, float)) else plain(str(value))


def tell(label: str, ask: Callable[..., object], *values: object, **named: object) -> None:
    """One step, asked at once: what came of it, or the refusal."""
    try:
        told = plain(ask(*values, **named))
    except Exception as error:
        told = [type(error).__name__, plain(str(error))[:400]]
    print(f"{label}\t{json.dumps(told, sort_keys=True, default=str)}", flush=True)


def flush() -> None:
    if hasattr(mlflow, "flush_trace_async_logging"):
        with contextlib.suppress(Exception):
            mlflow.flush_trace_async_logging()


def shown_span(one) -> dict:
    return {
        "name": one.name,
        "type": one.span_type,
        "status": [str(one.status.status_code), one.status.description],
        "inputs": one.inputs,
        "outputs": one.outputs,
        "attributes": {key: value for key, value in one.attributes.items() if key not in OWN},
        "events": [
            [event.name, {key: value for key, value in event.attributes.items() if "stacktrace" not in key}]
            for event in one.events
        ],
        "root": one.parent_id is None,
        "ended": one.end_time_ns is not None and one.end_time_ns >= one.start_time_ns,
        "links": [str(link) for link in getattr(one, "links", None) or []],
    }


def shown_assessment(one) -> dict:
    return {
        "name": one.name,
        "feedback": one.feedback and [one.feedback.value, str(one.feedback.error)],
        "expectation": one.expectation and one.expectation.value,
        "source": [str(one.source.source_type), one.source.source_id],
        "rationale": one.rationale,
        "metadata": one.metadata,
        "span": one.span_id is not None,
        "valid": getattr(one, "valid", None),
        "overrides": getattr(one, "overrides", None) is not None,
    }


def shown_info(info) -> dict:
    told = {
        "status": str(info.status),
        "timed": isinstance(info.execution_time_ms, int) and info.timestamp_ms > 1_600_000_000_000,
        "tags": info.tags,
        "metadata": info.request_metadata,
        "experiment": names.get(str(info.experiment_id)),
    }
    if RECENT:
        told |= {
            "request preview": info.request_preview,
            "response preview": info.response_preview,
            "client's id": info.client_request_id,
            "assessments": sorted((shown_assessment(one) for one in info.assessments), key=json.dumps),
        }
    return told


def shown(trace) -> dict:
    spans = sorted(trace.data.spans, key=lambda one: one.start_time_ns)
    return {
        "info": shown_info(trace.info),
        "spans": [shown_span(one) for one in spans],
        "request": trace.data.request,
        "response": trace.data.response,
    }


def found(experiment: str, text: str = "", **more: object) -> list:
    if RECENT:
        return mlflow.search_traces(experiment_ids=[experiment], filter_string=text, return_type="list", **more)
    return list(client.search_traces([experiment], filter_string=text, **more))


def last(experiment: str):
    flush()
    return found(experiment, max_results=1)[0]


def identity(trace) -> str:
    return trace.info.trace_id if RECENT else trace.info.request_id


def calls() -> None:
    """Traced calls of every sort, each read back whole."""
    group = experiment("calls")

    @mlflow.trace(name="look up", span_type="RETRIEVER", attributes={"depth": 2, "list": [1, "a"], "none": None})
    def look(question: str, limit: int = 3) -> list:
        return [{"page_content": f"about {question}", "metadata": {"doc_uri": "x"}, "id": str(i)} for i in range(limit)]

    @mlflow.trace(span_type="CHAIN")
    def ask(question: str, *rest: object, **more: object) -> dict:
        with mlflow.start_span("think", span_type="TOOL") as span:
            span.set_inputs({"q": question, "ü": "日本語"})
            span.set_attributes({"n": 3, "deep": {"a": [1, {"b": None}]}, "ratio": 0.5, "yes": True, "number as text": "3"})
            span.set_outputs(look(question))
        return {"answer": question.upper(), "rest": list(rest), "more": more}

    @mlflow.trace
    def fails(depth: int) -> None:
        if depth:
            fails(depth - 1)
        raise ValueError(f"no {depth}")

    @mlflow.trace
    def catches() -> str:
        with contextlib.suppress(ValueError):
            fails(0)
        return "caught"

    @mlflow.trace
    async def later(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "later"

    def both() -> None:
        async def every() -> None:
            await asyncio.gather(later(0.001), later(0.001))

        asyncio.run(every())

    def streams() -> list:
        traced = mlflow.trace(stream, output_reducer="".join) if RECENT or hasattr(mlflow, "log_trace") else mlflow.trace(stream)
        return list(traced(3))

    def stream(count: int) -> Iterator[str]:
        for i in range(count):
            yield f"part {i};"

    def breaks() -> None:
        with mlflow.start_span("half") as span:
            span.set_inputs("text alone")
            span.set_status("ERROR")

    def events() -> None:
        from mlflow.entities import SpanEvent

        with mlflow.start_span("eventful", attributes={"a": "b"}) as span:
            span.add_event(SpanEvent("noticed", attributes={"k": "v", "n": 1}))
            span.set_outputs(None)

    def big() -> None:
        with mlflow.start_span("big") as span:
            span.set_inputs({"text": "x" * 5000})
            span.set_outputs("y" * 5000)

    def chats() -> None:
        with mlflow.start_span("chats", span_type="CHAT_MODEL") as span:
            span.set_inputs({"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello?"}]})
            span.set_outputs({"choices": [{"message": {"role": "assistant", "content": "hello!"}}]})
            span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})

    def odd() -> None:
        with mlflow.start_span("odd / name 'quoted' %") as span:
            span.set_inputs({"nan": float("nan"), "set": {1}, "bytes": b"\xff", "object": object(), "number": 2**70})
            span.set_outputs(float("inf"))

    for label, act in {
        "nested": lambda: ask("hi", 1, 2, other="x"), "fails": lambda: fails(1), "catches": catches, "async": both, "streams": streams,
        "half": breaks, "events": events, "big": big, "chats": chats, "odd": odd, "no output": lambda: mlflow.trace(lambda: None, name="nothing")(),
    }.items():  # fmt: skip
        next_millisecond()
        with contextlib.suppress(ValueError):
            act()
        tell(f"call {label}", lambda: shown(last(group)))
    tell("calls in order", lambda: [[shown_span(span)["name"] for span in trace.data.spans][:1] for trace in found(group)])

    def by_hand() -> dict:
        root = client.start_trace("by hand", inputs={"a": 1}, attributes={"k": "v"}, tags={"team": "x"}, experiment_id=group)
        of = root.trace_id if RECENT else root.request_id
        child = client.start_span("child", of, root.span_id, inputs={"b": 2})
        client.end_span(of, child.span_id, outputs={"c": 3}, attributes={"more": 1}, status="ERROR")
        client.end_trace(of, outputs={"d": 4}, status="OK")
        flush()
        return shown(client.get_trace(of))

    next_millisecond()
    tell("by hand", by_hand)
    tell("a trace that is not there", lambda: client.get_trace("tr-" + "0" * 32))


def words_on_traces() -> None:
    """Tags, metadata, sessions, runs; set while a call goes on and after it."""
    group = experiment("words")

    @mlflow.trace
    def tagged(**told: object) -> str:
        mlflow.update_current_trace(**told)
        return "done"

    changes: list[dict] = [{"tags": {"fruit": "apple", "empty": ""}}]
    if RECENT:
        changes += [
            {"tags": {"t": 1}, "metadata": {"mlflow.trace.session": "s1", "mlflow.trace.user": "ada", "own": "x"}},
            {"client_request_id": "req-1"},
            {"metadata": {"mlflow.trace.session": "s1"}},
        ]
        if SPANS_KEPT:
            changes += [{"request_preview": "asked", "response_preview": "answered"}, {"state": "ERROR"}]
    for number, told in enumerate(changes):
        next_millisecond()
        tell(f"told {number}", tagged, **told)
        tell(f"told {number} shown", lambda: shown(last(group))["info"])
    next_millisecond()
    with mlflow.start_run() as run:
        known(run.info.run_id, "RUN")
        tagged(tags={"in": "run"})
    tell("in a run", lambda: shown(last(group))["info"])
    tell(
        "of a run", lambda: len(found(group, run_id=run.info.run_id) if RECENT else found(group, f"run_id = '{run.info.run_id}'"))
    )
    one = identity(last(group))
    known(one, "ONE")
    for key, value in (
        ("k", "v"),
        ("k", "w"),
        ("a b", "ü"),
        ("x" * 250, "y"),
        ("x" * 251, "y"),
        ("long", "z" * 9000),
        ("n", 5),
        ("", "x"),
        ("a#b", "c"),
    ):
        tell(f"set {key[:9]}", client.set_trace_tag, one, key, value)
    tell("after setting", lambda: shown_info(client.get_trace(one).info)["tags"])
    for key in ("k", "k", "absent"):
        tell(f"delete {key}", client.delete_trace_tag, one, key)
    tell("no such trace", lambda: client.set_trace_tag("tr-absent", "k", "v"))
    if hasattr(client, "link_traces_to_run"):
        other = client.create_run(group)
        known(other.info.run_id, "OTHER")
        tell("link", lambda: client.link_traces_to_run([one], other.info.run_id))
        tell("linked", lambda: len(found(group, run_id=other.info.run_id)))


def searches() -> None:
    """Traces are found by what they say, in pages and in order."""
    group = experiment("searches")

    @mlflow.trace(name="deep", span_type="TOOL")
    def deep(number: int) -> int:
        if number % 3 == 2:
            raise ValueError("third")
        return number

    for number in range(9):
        next_millisecond()
        with (
            contextlib.suppress(ValueError),
            mlflow.start_span(
                f"ask {number % 2}", span_type="CHAIN", attributes={"number": number, "label": f"n{number}"}
            ) as span,
        ):
            span.set_inputs({"question": f"What is {number}?"})
            mlflow.update_current_trace(tags={"number": str(number), "odd": str(number % 2)})
            span.set_outputs(deep(number))
    flush()

    def numbers(text: str = "", **more: object) -> list:
        return [trace.info.tags.get("number") for trace in found(group, text, **more)]

    filters = [
        "status = 'OK'", "status = 'ERROR'", "status != 'OK'", "status IN ('OK', 'ERROR')", "name = 'ask 1'", "name != 'ask 1'", "name LIKE 'ask%'", "name ILIKE 'ASK 0'",
        "tags.number = '3'", "tag.number != '3'", "tags.`number` = '3'", "tags.number LIKE '%'", "tags.absent = 'x'", "tags.number = 3", "timestamp > 0", "timestamp_ms < 5",
        "execution_time < 100000", "timestamp > 0 AND tags.odd = '1'", "trace.status = 'OK'", "attributes.status = 'OK'", "metadata.absent = 'x'", "nonsense = 1", "status > 'OK'",
        "status = 'OK' OR status = 'ERROR'", "request_id = 'x'", "run_id = 'absent'",
    ]  # fmt: skip
    if SPANS_KEPT:
        filters += [
            "span.name = 'deep'", "span.name LIKE 'ask%'", "span.name RLIKE '^ask [01]$'", "span.type = 'TOOL'", "span.type IN ('TOOL', 'LLM')", "span.status = 'ERROR'",
            "span.name = 'deep' AND span.status = 'ERROR'", "span.name = 'deep' AND span.type = 'CHAIN'", "span.attributes.label = 'n3'", "span.attributes.label LIKE 'n%'",
            "span.attributes.label LIKE '%n3%'", "span.attributes.label ILIKE '%N3%'", "span.attributes.label RLIKE 'n[34]'", "span.attributes.label RLIKE '^n3$'", "span.attributes.number = '3'",
            "span.attributes.number LIKE '%3%'", "span.attributes.absent LIKE '%'", "span.content LIKE '%What is 3%'", "span.content ILIKE '%WHAT IS 3%'", "span.content = 'x'",
            "trace.text LIKE '%What is 4%'", "trace.text RLIKE 'x'", "text LIKE '%What%'", "span.nonsense = 'x'", "tags.number RLIKE '^[34]$'", "tags.number IS NULL",
            "metadata.`mlflow.trace.session` IS NULL", "client_request_id = 'x'", "end_time > 0", "span.name NOT IN ('deep')", "span.name != 'deep'", "trace_id LIKE 'tr-%'",
        ]  # fmt: skip
    for text in filters:
        tell(f"find {text}", numbers, text)
    for order in (
        "timestamp ASC",
        "timestamp DESC",
        "status ASC",
        "tags.odd DESC",
        "name ASC",
        "nonsense",
        "execution_time sideways",
    ):
        tell(f"order {order}", numbers, order_by=[order] if "timestamp" in order else [order, "timestamp ASC"])

    def pages(size: int, order: list[str]) -> list:
        told: list = []
        token = None
        while True:
            page = client.search_traces([group], max_results=size, order_by=order, page_token=token)
            told.append([trace.info.tags["number"] for trace in page])
            token = page.token
            if not token:
                return told

    for size in (1, 4, 9, 100):
        tell(f"pages of {size}", lambda: [page for page in pages(size, ["timestamp ASC"]) if page])  # noqa: B023
        tell(f"pages of {size} by tag", lambda: [page for page in pages(size, ["tags.odd ASC", "timestamp DESC"]) if page])  # noqa: B023
    for most in (0, -1, 501):
        tell(f"page of {most}", lambda: len(client.search_traces([group], max_results=most)))  # noqa: B023
    tell("page by a wrong token", lambda: len(client.search_traces([group], page_token="nonsense")))
    tell("no such experiment", lambda: len(client.search_traces(["99999"])))
    tell("as a table", lambda: sorted(mlflow.search_traces(experiment_ids=[group], max_results=2).columns))
    tell("as a table's rows", lambda: len(mlflow.search_traces(experiment_ids=[group])))
    ids = [identity(trace) for trace in found(group, order_by=["timestamp ASC"])]
    third = found(group, order_by=["timestamp ASC"])[2].info.timestamp_ms
    by = "trace_ids" if RECENT else "request_ids"
    tell("delete by id", lambda: client.delete_traces(group, **{by: [ids[8], "tr-absent"]}))
    tell("delete two of the old", lambda: client.delete_traces(group, max_timestamp_millis=third, max_traces=2))
    tell("what is left", numbers)
    tell("delete the old", lambda: client.delete_traces(group, max_timestamp_millis=third))
    tell("delete in no way", lambda: client.delete_traces(group))
    tell("delete in two ways", lambda: client.delete_traces(group, max_timestamp_millis=1, **{by: ["x"]}))
    tell("delete none", lambda: client.delete_traces(group, max_timestamp_millis=1, max_traces=0))
    tell("deleted is gone", lambda: client.get_trace(ids[8]))
    tell("what is left then", numbers)


def judgements() -> None:
    """What is said of traces, said otherwise, and taken back."""
    if not SPANS_KEPT:
        return
    from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback

    group = experiment("judgements")
    for number in range(3):
        next_millisecond()
        with mlflow.start_span("judged") as span:
            span.set_inputs({"q": number})
    flush()
    traces = found(group, order_by=["timestamp ASC"])
    one, two = identity(traces[0]), identity(traces[1])
    known(one, "ONE")
    known(two, "TWO")
    human = AssessmentSource("HUMAN", "ada")
    said: list = []

    def say(**told: object) -> dict:
        said.append(mlflow.log_feedback(trace_id=one, **told))
        return shown_assessment(said[-1])

    def expect(**told: object) -> dict:
        return shown_assessment(mlflow.log_expectation(trace_id=one, source=human, **told))

    for number, told in enumerate([
        {"name": "good", "value": True, "source": human, "rationale": "since"}, {"name": "rated", "value": 0.5, "metadata": {"k": "v"}}, {"name": "many", "value": {"a": [1, None]}},
        {"name": "list", "value": [1, 2]}, {"name": "word", "value": "yes"}, {"name": "failed", "error": AssessmentError("CODE", "text")}, {"name": "failed", "error": ValueError("x")},
        {"name": "judged", "value": 3, "source": AssessmentSource("LLM_JUDGE", "m")}, {"name": "of a span", "value": 1, "span_id": traces[0].data.spans[0].span_id}, {"value": "unnamed"}, {"name": "nothing"},
    ]):  # fmt: skip
        tell(f"feedback {number}", say, **told)
    for number, value in enumerate((True, 2, "text", ["a", 1], {"k": {"l": [None]}}, None, "")):
        tell(f"expectation {number}", expect, name=f"e{number}", value=value)
    tell("all of them", lambda: shown_info(client.get_trace(one).info))
    first = said[0].assessment_id
    tell("get", lambda: shown_assessment(mlflow.get_assessment(one, first)))
    for number, change in enumerate(
        (
            Feedback(name="good", value=False),
            Feedback(name="better", value="now", rationale="other", metadata={"m": "n"}),
            Expectation(name="good", value=1),
        )
    ):
        tell(f"update {number}", lambda: shown_assessment(mlflow.update_assessment(one, first, change)))  # noqa: B023
    tell(
        "override",
        lambda: shown_assessment(
            mlflow.override_feedback(trace_id=one, assessment_id=first, value=0.25, rationale="again", source=human)
        ),
    )
    tell("overridden", lambda: shown_assessment(mlflow.get_assessment(one, first)))
    tell("override nothing", lambda: mlflow.override_feedback(trace_id=one, assessment_id="a-absent", value=1))
    after = [each for each in client.get_trace(one).info.assessments if getattr(each, "overrides", None)]
    tell("take back", lambda: mlflow.delete_assessment(one, after[0].assessment_id))
    tell("valid again", lambda: shown_assessment(mlflow.get_assessment(one, first)))
    tell("take back what is gone", lambda: mlflow.delete_assessment(one, "a-absent"))
    tell("get what is gone", lambda: mlflow.get_assessment(one, "a-absent"))
    tell("of no trace", lambda: mlflow.log_feedback(trace_id="tr-absent", name="x", value=1))
    tell("get of no trace", lambda: mlflow.get_assessment("tr-absent", "a-x"))
    mlflow.log_feedback(trace_id=two, name="rated", value=0.9)
    mlflow.log_feedback(trace_id=two, name="word", value="no")
    for text in (
        "feedback.rated > 0.6", "feedback.rated <= 0.5", "feedback.rated = 0.5", "feedback.rated = '0.5'", "feedback.word = 'yes'", "feedback.word != 'yes'", "feedback.word LIKE '%e%'", "feedback.word ILIKE 'NO'",
        "feedback.rated IS NULL", "feedback.rated IS NOT NULL", "expectation.e1 = 2", "expectation.e2 = 'text'", "expectation.e0 = 'true'", "feedback.absent = 'x'", "feedback.many LIKE '%a%'", "expectation.e1 >= 2",
        "feedback.`of a span` > 0", "feedback.rated IN ('0.5')", "expectation.e3 LIKE '%a%'", "feedback.word RLIKE '^.?yes'",
    ):  # fmt: skip
        tell(f"find {text}", lambda: [identity(trace) for trace in found(group, text)])  # noqa: B023


def evaluations() -> None:
    """Evaluation runs with scorers that ask no model."""
    if not SPANS_KEPT:
        return
    from mlflow.genai import scorer

    group = experiment("evaluated")

    @scorer
    def exact(outputs: str, expectations: dict) -> bool:
        return outputs == expectations["answer"]

    @scorer
    def length(outputs: str) -> int:
        return len(outputs)

    @scorer
    def breaks(inputs: dict) -> bool:
        raise ValueError("no score")

    data = [
        {"inputs": {"question": text}, "expectations": {"answer": text.upper()}, "tags": {"row": text}}
        for text in ("a", "bb", "ccc")
    ]

    def predict(question: str) -> str:
        return question.upper() if question != "bb" else "wrong"

    def evaluate(rows: object, function: Callable | None) -> dict:
        result = mlflow.genai.evaluate(data=rows, predict_fn=function, scorers=[exact, length, breaks])
        known(result.run_id, "EVALUATION")
        flush()
        traces = found(group, f"run_id = '{result.run_id}'")
        return {
            "metrics": {key: value for key, value in result.metrics.items() if "latency" not in key},
            "traces": sorted(json.dumps(plain(shown_info(trace.info)), sort_keys=True) for trace in traces),
            "run": {key: value for key, value in client.get_run(result.run_id).data.metrics.items() if "latency" not in key},
        }

    tell("evaluate a function", lambda: evaluate(data, predict))
    tell("evaluate answers", lambda: evaluate([{**row, "outputs": "A"} for row in data], None))
    tell("evaluate traces", lambda: evaluate(mlflow.search_traces(experiment_ids=[group], max_results=2), None)["metrics"])
    import mlflow.genai.datasets as data_sets

    made = data_sets.create_dataset(name=f"kept {time.time_ns()}", experiment_id=group, tags={"a": "b"})
    known(made.dataset_id, "SET")
    tell(
        "records of traces",
        lambda: sorted(
            json.dumps(plain(row), sort_keys=True, default=str)
            for row in made.merge_records(found(group, max_results=3))
            .to_df()[["inputs", "expectations", "tags"]]
            .to_dict("records")
        ),
    )
    tell("more records", lambda: len(made.merge_records([{"inputs": {"n": number}} for number in range(120)]).to_df()))
    tell("evaluate a set", lambda: len(data_sets.get_dataset(dataset_id=made.dataset_id).to_df()))


if __name__ == "__main__":
    for part in (calls, words_on_traces, searches, judgements, evaluations):
        if not sys.argv[2:] or part.__name__ in sys.argv[2:]:
            part()
