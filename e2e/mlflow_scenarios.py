"""Walks the same stories through this server and MLflow's own, and compares every answer of every step, refusals word by word.

Arguments: this server's address, and MLflow's; then names of stories, all of them if there are none.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

from harness import PATIENCE

API = "/api/2.0/mlflow"
API3 = "/api/3.0/mlflow"
#: Fields whose values each server chooses for itself.
OWN_FIELDS = {
    *("artifact_uri", "artifact_location", "root_uri", "next_page_token", "workspace", "user_id", "model_id", "lifecycle_stage"),
    *("creation_timestamp", "last_updated_timestamp", "last_update_time", "creation_time", "create_time", "created_time"),
    *("create_time_ms", "last_update_time_ms", "deployment_job_id", "deployment_job_state", "created_by", "last_updated_by"),
    *("creation_timestamp_ms", "last_updated_timestamp_ms", "sqlstate", "error_class", "experiment_id"),
}


class Story:
    """One server's part of a story: sends requests, and keeps what was answered with that server's own ids taken out."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.steps: list[tuple[str, object]] = []
        self.ids: dict[str, str] = {}

    def known(self, name: str, value: str) -> str:
        """Notes an id that the server chose; later answers show its name instead."""
        if len(value) > 8:
            self.ids[value] = "$" + name
        return value

    def raw(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def call(self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None) -> dict:
        """Sends without keeping the answer."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        status, content = self.raw(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        try:
            answer = json.loads(content or b"null")
        except ValueError:
            answer = content[:200].decode(errors="replace")
        return {"status": status, "answer": answer}

    def step(self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None) -> dict:
        """Sends, and keeps the answer for the comparison."""
        result = self.call(method, path, body, headers=headers)
        shown = "" if body is None else str(body) if isinstance(body, bytes) else json.dumps(body)
        self.tell(f"{method} {path} {shown}"[:300].strip(), result)
        return result["answer"] if isinstance(result["answer"], dict) else {}

    def tell(self, label: str, value: object) -> None:
        """Keeps a value that the servers have to agree on."""
        self.steps.append((self._named(label), self._shape(value)))

    def query(self, address: str, **parameters: object) -> dict:
        return self.step("GET", f"{address}?{urllib.parse.urlencode(parameters, doseq=True)}")

    def _named(self, text: str) -> str:
        for value in sorted(self.ids, key=len, reverse=True):
            text = text.replace(value, self.ids[value])
        # Identifiers and digests that nobody asked for.
        text = re.sub(r"\b[0-9a-f]{32}\b", "(id)", text)
        return re.sub(r"\b[a-z]+-[a-z]+-\d{1,4}\b", "(invented)", text)

    def _shape(self, answer: object) -> object:
        if isinstance(answer, dict):
            shaped = {key: self._shape(value) for key, value in answer.items() if key not in OWN_FIELDS}
            return {key: value for key, value in shaped.items() if value not in (None, "", [], {})}
        if isinstance(answer, list):
            items = [self._shape(one) for one in answer]
            keyed = bool(items) and all(isinstance(one, dict) and "key" in one for one in items)
            return sorted(items, key=json.dumps) if keyed else items
        return self._named(answer) if isinstance(answer, str) else answer


def experiment(story: Story, name: str) -> str:
    made = story.call("POST", f"{API}/experiments/create", {"name": name})["answer"]["experiment_id"]
    return story.known("EXPERIMENT", made)


def run(story: Story, experiment_id: str, name: str = "RUN", **fields: object) -> str:
    made = story.call("POST", f"{API}/runs/create", {"experiment_id": experiment_id, "run_name": name, **fields})
    return story.known(name, made["answer"]["run"]["info"]["run_id"])


def what_is_missing(story: Story) -> None:
    """Runs and experiments are found by what they lack."""
    group = experiment(story, "missing")
    run(story, group, "R1", start_time=2, tags=[{"key": "team", "value": "a"}])
    second = run(story, group, "R2", start_time=1)
    story.call("POST", f"{API}/runs/log-parameter", {"run_id": second, "key": "depth", "value": "3"})
    for text in (
        *("tags.team IS NULL", "tags.team is not null", "params.depth IS NULL", "params.depth IS NOT NULL"),
        *("tags.team IS NULL AND params.depth = '3'", "metrics.m IS NULL", "attributes.run_name IS NULL", "dataset.name IS NULL"),
        "status IN ('RUNNING')",
    ):
        story.step("POST", f"{API}/runs/search", {"experiment_ids": [group], "filter": text})
    for text in ("name = 'missing' AND tags.team IS NULL", "tags.team IS NOT NULL"):
        story.step("POST", f"{API}/experiments/search", {"max_results": 5, "filter": text})


def the_latest_version(story: Story) -> None:
    """Every model has the alias `latest`, in whatever case, and nobody may set it."""
    models, versions = f"{API}/registered-models", f"{API}/model-versions"
    story.step("POST", f"{models}/create", {"name": "newest"})
    story.query(f"{models}/alias", name="newest", alias="latest")
    for number in range(3):
        story.step("POST", f"{versions}/create", {"name": "newest", "source": f"s3://bucket/{number}"})
    for alias in ("latest", "LATEST", "v2"):
        story.query(f"{models}/alias", name="newest", alias=alias)
    story.query(f"{models}/alias", name="absent", alias="latest")
    story.step("DELETE", f"{versions}/delete", {"name": "newest", "version": "3"})
    story.query(f"{models}/alias", name="newest", alias="latest")
    for alias in ("Latest", "a!", "a" * 256, "fine"):
        story.step("POST", f"{models}/alias", {"name": "newest", "alias": alias, "version": "1"})
    story.step("DELETE", f"{models}/alias", {"name": "absent", "alias": "fine"})


def copies(story: Story) -> None:
    """A version made from another one's name keeps that name as its source, and where the files are."""
    models, versions = f"{API}/registered-models", f"{API}/model-versions"
    for name in ("original", "copy"):
        story.step("POST", f"{models}/create", {"name": name})
    story.step("POST", f"{versions}/create", {"name": "original", "source": "s3://bucket/files"})
    story.step("POST", f"{models}/alias", {"name": "original", "alias": "good", "version": "1"})
    for source in ("models:/original/1", "models:/original@good", "models:/original/latest", "models:/copy/1"):
        story.step("POST", f"{versions}/create", {"name": "copy", "source": source})
    for source in ("models:/original/99", "models:/absent/1", "models:/original@absent"):
        story.step("POST", f"{versions}/create", {"name": "copy", "source": source})
    story.step("POST", f"{versions}/create", {"name": "copy", "source": "models:/original/1", "run_id": "0" * 32})
    story.step("DELETE", f"{versions}/delete", {"name": "original", "version": "1"})
    for version in (1, 2, 3, 4):
        story.query(f"{versions}/get-download-uri", name="copy", version=version)
    story.query(f"{versions}/search", filter="name = 'copy'", order_by="version_number ASC")
    for source in ("hf:/maker/model", "hf://maker/model", "oci://registry/model"):
        story.step("POST", f"{versions}/create", {"name": "copy", "source": source})


def the_registrys_words(story: Story) -> None:
    """Names, tags and orders are refused as MLflow refuses them."""
    models, versions = f"{API}/registered-models", f"{API}/model-versions"
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    for body in (
        {"name": "taken"},
        {"name": "taken"},
        {"name": "asked", "tags": prompt},
        {"name": "asked", "tags": prompt},
        {"name": "asked"},
        {"name": "taken", "tags": prompt},
        {"name": "a/b"},
        {"name": "new", "tags": [{"key": "k" * 251, "value": "v"}]},
        {"name": "new", "tags": [{"key": "k", "value": "v" * 100_001}]},
    ):
        story.step("POST", f"{models}/create", body)
    text = [*prompt, {"key": "mlflow.prompt.text", "value": "x" * 100_001}]
    story.step("POST", f"{versions}/create", {"name": "asked", "source": "prompt-template", "tags": text})
    for order in ("name sideways", "name ASC DESC", "name, name"):
        story.query(f"{models}/search", order_by=order, max_results=1)
        story.query(f"{versions}/search", order_by=order, max_results=1)
    for number in range(3):
        story.call("POST", f"{versions}/create", {"name": "taken", "source": f"s3://bucket/{number}"})
        time.sleep(0.01)
    story.call("PATCH", f"{versions}/update", {"name": "taken", "version": "1", "description": "changed last"})
    shown = story.call("GET", f"{versions}/search?{urllib.parse.urlencode({'filter': chr(39).join(('name = ', 'taken', ''))})}")
    story.tell("what was changed last comes first", [one["version"] for one in shown["answer"]["model_versions"]])


def the_batches_words(story: Story) -> None:
    """A refused entry of a batch is named by its place."""
    group = experiment(story, "words")
    one = run(story, group)
    point = {"key": "k", "value": 1, "timestamp": 1, "step": 0}
    many = [{"key": f"p{i}", "value": "1"} for i in range(101)]
    for body in (
        {"metrics": [point, {**point, "key": "a//b"}]},
        {"metrics": [point, {"key": "x", "value": 1}]},
        {"metrics": [{**point, "value": None}]},
        {"metrics": [{"value": 1, "timestamp": 1}]},
        {"metrics": [{**point, "key": "k" * 251}]},
        {"metrics": [{**point, "timestamp": -1}]},
        {"params": [{"key": "a", "value": "1"}, {"key": "b#", "value": "1"}]},
        {"params": [{"value": "1"}]},
        {"params": [{"key": "../p", "value": "1"}]},
        {"params": [{"key": "/p", "value": "1"}]},
        {"params": [{"key": ".", "value": "1"}]},
        {"params": [{"key": "p" * 251, "value": "1"}]},
        {"params": [{"key": "d", "value": "1"}, {"key": "d", "value": "2"}]},
        {"tags": [{"key": "t" * 251, "value": "1"}]},
        {"tags": [{"key": "a/./b", "value": "1"}]},
        {"tags": [{"value": "1"}]},
        {"metrics": [point] * 1001},
        {"params": many},
        {"tags": many},
        {"metrics": [point] * 901, "params": many[:100]},
    ):
        story.step("POST", f"{API}/runs/log-batch", {"run_id": one, **body})
    for key in ("a//b", "../a", "/a", ".", "k" * 251, "a#"):
        story.step("POST", f"{API}/runs/log-metric", {"run_id": one, **point, "key": key})
        story.step("POST", f"{API}/runs/log-parameter", {"run_id": one, "key": key, "value": "v"})
        story.step("POST", f"{API}/runs/set-tag", {"run_id": one, "key": key, "value": "v"})
        story.step("POST", f"{API}/experiments/set-experiment-tag", {"experiment_id": group, "key": key, "value": "v"})
    # What a client brings along when it starts a run is kept, whatever its name.
    tags = [{"key": "git#commit", "value": "1"}, {"key": "user@host", "value": "2"}]
    story.step("POST", f"{API}/runs/create", {"experiment_id": group, "run_name": "tagged", "start_time": 1, "tags": tags})


def curves(story: Story) -> None:
    """A curve is thinned to as many points as are asked for, its ends among them, though all have one step."""
    group = experiment(story, "curves")
    one = run(story, group)
    for name in ("stepless", "stepped"):
        points = [{"key": name, "value": i, "timestamp": 1000 + i, "step": i if name == "stepped" else 0} for i in range(1000)]
        story.call("POST", f"{API}/runs/log-batch", {"run_id": one, "metrics": points})
    path = f"{API}/metrics/get-history-bulk-interval"
    for name in ("stepless", "stepped"):
        for most in (1, 10, 320, 2500):
            found = story.call("GET", f"{path}?run_ids={one}&metric_key={name}&max_results={most}")["answer"]["metrics"]
            story.tell(f"{name} {most}", [len(found), found[-1]["timestamp"], most == 1 or found[0]["timestamp"]])
    for query in (
        *("", f"run_ids={one}", f"run_ids={one}&metric_key=stepped&max_results=0", "run_ids=absent&metric_key=m"),
        *(f"run_ids={one}&metric_key=m&max_results=2501", f"run_ids={one}&metric_key=m&start_step=1"),
        *(f"run_ids={one}&metric_key=m&start_step=5&end_step=1", "&".join([f"run_ids={one}"] * 101) + "&metric_key=m"),
    ):
        story.step("GET", f"{path}?{query}")
    story.query(f"{API}/metrics/get-history", run_id=one, metric_key="stepped", max_results=0)


def any_value(value: object) -> dict:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": any_value(one)} for key, one in value.items()]}}
    return {"stringValue": str(value)}


def span(
    trace: str, name: str, parent: str | None = None, *, state: int = 0, first: int = 0, last: int = 1, **attributes: object
) -> dict:
    """A span of OTLP's JSON; dots of attributes' names are written as double underscores."""
    began = 1_700_000_000_000_000_000

    def digits(text: str, count: int) -> str:
        return hashlib.sha256(text.encode()).hexdigest()[:count]

    told = {
        "traceId": digits(trace, 32),
        "spanId": digits(trace + name, 16),
        "name": name,
        "startTimeUnixNano": str(began + first * 10**9),
        "endTimeUnixNano": str(began + last * 10**9),
        "attributes": [{"key": key.replace("__", "."), "value": any_value(value)} for key, value in attributes.items()],
        "status": {"code": state},
    }
    return told if parent is None else {**told, "parentSpanId": digits(trace + parent, 16)}


def send_spans(story: Story, group: str, *spans: dict) -> None:
    story.step(
        "POST",
        "/v1/traces",
        {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]},
        headers={"x-mlflow-experiment-id": group},
    )


def tell_trace(story: Story, trace: str) -> None:
    """What a trace's spans have made of it; the name that we give it besides is left out."""
    identity = "tr-" + span(trace, "")["traceId"]
    told = story.call("GET", f"{API3}/traces/get?trace_id={identity}")["answer"]["trace"]
    info = told["trace_info"]
    translated = (
        "mlflow.spanType",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "mlflow.chat.tokenUsage",
        "mlflow.llm.model",
        "mlflow.llm.provider",
    )
    story.tell(
        f"trace {trace}",
        {
            "state": info["state"],
            "took": info.get("execution_duration"),
            "tokens": info.get("trace_metadata", {}).get("mlflow.trace.tokenUsage"),
            "spans kept": info["tags"].get("mlflow.trace.spansLocation"),
            "asked": info.get("request_preview", "").replace(" ", ""),
            "answered": info.get("response_preview", "").replace(" ", ""),
            "spans": {
                one["name"]: {entry["key"]: entry["value"] for entry in one.get("attributes", []) if entry["key"] in translated}
                for one in told["spans"]
            },
        },
    )


def conventions(story: Story) -> None:
    """What other makers' instrumentations say, is said in MLflow's attributes too, and summed over the trace."""
    group = experiment(story, "conventions")
    for name, attributes in {
        "genai": {
            "gen_ai__operation__name": "chat",
            "gen_ai__input__messages": '[{"role":"user"}]',
            "gen_ai__output__messages": "hello",
            "gen_ai__usage__input_tokens": 3,
            "gen_ai__usage__output_tokens": 4,
            "gen_ai__request__model": "m1",
            "gen_ai__provider__name": "acme",
        },
        "tool": {
            "gen_ai__operation__name": "execute_tool",
            "gen_ai__tool__call__arguments": {"a": 1},
            "gen_ai__tool__call__result": "[1, 2]",
        },
        "openinference": {
            "openinference__span__kind": "LLM",
            "input__value": '{"a": 1}',
            "output__value": "text",
            "llm__token_count__prompt": 5,
            "llm__token_count__completion": 6,
            "llm__token_count__total": 12,
            "llm__model_name": "m2",
        },
        "traceloop": {
            "traceloop__span__kind": "workflow",
            "traceloop__entity__input": '{"q":"x"}',
            "traceloop__entity__output": "out",
            "gen_ai__usage__prompt_tokens": "7",
            "gen_ai__usage__completion_tokens": "8",
            "llm__usage__total_tokens": 15,
        },
        "older": {"gen_ai__prompt__0__content": "p0", "gen_ai__completion__0__content": "c0", "gen_ai__system": "acme"},
        "own": {
            "mlflow__spanType": "TOOL",
            "openinference__span__kind": "LLM",
            "mlflow__spanInputs": {"x": 1},
            "input__value": "no",
        },
        "odd": {
            "openinference__span__kind": "WHAT",
            "input__value": "{}",
            "output__value": "",
            "llm__token_count__prompt": "abc",
        },
    }.items():
        send_spans(story, group, span(name, "root", **attributes))
        tell_trace(story, name)
    used = {"llm__token_count__prompt": 10, "llm__token_count__completion": 20}
    send_spans(
        story,
        group,
        span("sum", "root", last=9),
        span("sum", "a", "root", gen_ai__usage__input_tokens=1, gen_ai__usage__output_tokens=2),
    )
    send_spans(story, group, span("sum", "b", "root", **used))
    send_spans(story, group, span("sum", "c", "b", **used))
    tell_trace(story, "sum")


def late_spans(story: Story) -> None:
    """A trace follows its spans, in whatever order they come; what is no span is refused by its code."""
    group = experiment(story, "late")
    send_spans(story, group, span("late", "child", "root"))
    tell_trace(story, "late")
    send_spans(story, group, span("late", "root", state=2, last=5))
    tell_trace(story, "late")
    send_spans(story, group, span("late", "other", "root", first=-3, last=12))
    tell_trace(story, "late")
    headers = {"x-mlflow-experiment-id": group}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span("refused", "x")]}]}]}
    story.tell("no experiment", story.call("POST", "/v1/traces", body)["status"])
    for extra in ({"Content-Type": "text/plain"}, {"Content-Encoding": "br"}):
        story.step("POST", "/v1/traces", body, headers={**headers, **extra})
    for bad in (
        *({"resourceSpans": []}, {}, b"{bad", b"", {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}),
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x", "traceId": "zz", "spanId": "yy"}]}]}]},
    ):
        story.step("POST", "/v1/traces", bad, headers=headers)
    story.step("POST", "/v1/traces", b"\xff\xff\xff", headers={**headers, "Content-Type": "application/x-protobuf"})
    story.step("POST", "/v1/traces", body, headers={"x-mlflow-experiment-id": "99999"})


def trace_searches(story: Story) -> None:
    """Spans that came by OTLP are found by name, type, status and content."""
    group = experiment(story, "searches")
    asked = {"mlflow__spanType": "LLM", "mlflow__spanInputs": {"q": "Where is Paris?"}}
    send_spans(story, group, span("A", "alpha", state=1, **asked), span("A", "beta", "alpha", state=2, mlflow__spanType="TOOL"))
    send_spans(
        story, group, span("B", "gamma", first=5, last=6, openinference__span__kind="RETRIEVER", input__value="London calling")
    )
    send_spans(story, group, span("C", "delta_x", first=7, last=9, state=2))
    where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": group}}]
    for text in (
        *(
            "span.name = 'alpha'",
            "span.name LIKE 'al%'",
            "span.name ILIKE 'AL%'",
            "span.name RLIKE '^.*ta'",
            "span.name != 'alpha'",
        ),
        *("span.name IN ('alpha','gamma')", "span.name NOT IN ('alpha','beta')", "span.type = 'LLM'"),
        *("span.type LIKE '%OO%'", "span.status = 'ERROR'", "span.status = 'OK'", "span.content LIKE '%Paris%'"),
        *(
            "span.content ILIKE '%paris%'",
            "span.content LIKE '%London%'",
            "trace.text LIKE '%Paris%'",
            "trace.text ILIKE '%LONDON%'",
        ),
        *(
            "trace.status = 'ERROR'",
            "timestamp_ms > 1700000004000",
            "execution_time_ms > 1500",
            "span.name = 'beta' AND span.status = 'ERROR'",
        ),
    ):
        found = story.call("POST", f"{API3}/traces/search", {"locations": where, "filter": text})
        story.tell(f"search {text}", [found["status"], [one["trace_id"] for one in found["answer"].get("traces", [])]])


def assessments(story: Story) -> None:
    """Expected values that are no plain ones travel as JSON in a text."""
    group = experiment(story, "assessments")
    send_spans(story, group, span("judged", "root"))
    path = f"{API3}/traces/tr-{span('judged', '')['traceId']}/assessments"
    source = {"source_type": "HUMAN", "source_id": "me"}

    def add(**fields: object) -> None:
        story.step("POST", path, {"assessment": {"assessment_name": "said", "source": source, **fields}})

    add(feedback={"value": "good"}, rationale="because", metadata={"k": "v"})
    add(expectation={"value": ["a"]})
    for form in ("JSON_FORMAT", "XML"):
        add(expectation={"serialized_value": {"value": '["a"]', "serialization_format": form}})
    story.step("GET", f"{path}/a-absent")
    story.step("PATCH", f"{path}/a-absent", {"assessment": {"rationale": "x"}, "update_mask": "rationale"})


def webhooks(story: Story) -> None:
    """Names and addresses of receivers are refused in MLflow's words; no name is looked up here."""
    path = f"{API}/webhooks"
    events = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
    for name in ("a" * 64, "a b", "-a", "a-", "a/b", "ü"):
        story.step("POST", path, {"name": name, "url": "https://example.com/x", "events": events})
    for url in (" ", "https://"):
        story.step("POST", path, {"name": "hook", "url": url, "events": events})
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test")):
        story.step(
            method,
            f"{path}/nonexistent{rest}",
            None if method in ("GET", "DELETE") else {"name": "x"} if method == "PATCH" else {},
        )


STORIES: list[Callable[[Story], None]] = [
    *(what_is_missing, the_latest_version, copies, the_registrys_words, the_batches_words, curves),
    *(conventions, late_spans, trace_searches, assessments, webhooks),
]


def compare(ours: str, theirs: str, names: list[str]) -> int:
    differences = steps = 0
    for tell in STORIES:
        if names and tell.__name__ not in names:
            continue
        told = []
        for base in (ours, theirs):
            story = Story(base)
            tell(story)
            told.append(story.steps)
        steps += len(told[0])
        for (label, mine), (_, other) in zip(*told, strict=True):
            if mine != other:
                differences += 1
                print(f"{tell.__name__}: {label}\n   ours   {str(mine)[:600]}\n   theirs {str(other)[:600]}")
    print(f"{steps} steps of stories, {differences} answered differently")
    return differences


if __name__ == "__main__":
    sys.exit(1 if compare(sys.argv[1], sys.argv[2], sys.argv[3:]) else 0)
