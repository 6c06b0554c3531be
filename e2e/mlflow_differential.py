"""Sends the same raw requests, most of them bad, to this server and to MLflow's own, and compares how they are answered.

Arguments: this server's address, and MLflow's. What is known to differ, is listed in mlflow_known_differences.txt.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE

KNOWN = pathlib.Path(__file__).with_name("mlflow_known_differences.txt")

Request = tuple[str, str, object]


def send(base: str, method: str, path: str, body: object) -> tuple[int, object]:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            content, status = answer.read(), answer.status
    except urllib.error.HTTPError as refusal:
        content, status = refusal.read(), refusal.code
    try:
        return status, json.loads(content or b"null")
    except ValueError:
        return status, content[:200].decode(errors="replace")


def prepare(base: str) -> dict[str, str]:
    api = "/api/2.0/mlflow"
    experiment = send(base, "POST", f"{api}/experiments/create", {"name": "differential"})[1]["experiment_id"]
    made = [
        send(base, "POST", f"{api}/runs/create", {"experiment_id": experiment, "start_time": 1000 + i, "run_name": f"r{i}"})[1]
        for i in range(3)
    ]
    runs = [one["run"]["info"]["run_id"] for one in made]
    for i, run in enumerate(runs):
        batch = {
            "run_id": run,
            "metrics": [{"key": "m", "value": i, "timestamp": 5, "step": s} for s in range(3)],
            "params": [{"key": "p", "value": f"v{i}"}],
            "tags": [{"key": "t", "value": "x"}],
        }
        assert send(base, "POST", f"{api}/runs/log-batch", batch)[0] == 200
    send(base, "POST", f"{api}/registered-models/create", {"name": "model", "tags": [{"key": "a", "value": "b"}]})
    send(base, "POST", f"{api}/model-versions/create", {"name": "model", "source": f"runs:/{runs[0]}/m", "run_id": runs[0]})
    logged = send(base, "POST", f"{api}/logged-models", {"experiment_id": experiment, "name": "lm"})[1]
    side = send(base, "POST", f"{api}/experiments/create", {"name": "side"})[1]["experiment_id"]
    scratch = send(base, "POST", f"{api}/runs/create", {"experiment_id": side})[1]["run"]["info"]["run_id"]
    send(base, "POST", f"{api}/runs/log-parameter", {"run_id": scratch, "key": "p", "value": "v0"})
    deleted = send(base, "POST", f"{api}/runs/create", {"experiment_id": experiment})[1]["run"]["info"]["run_id"]
    send(base, "POST", f"{api}/runs/delete", {"run_id": deleted})
    return {
        "EXP": experiment,
        "RUN": runs[0],
        "RUN2": runs[1],
        "GONE": deleted,
        "SIDE": side,
        "SCRATCH": scratch,
        "LM": logged["model"]["info"]["model_id"],
    }


# fmt: off
def requests() -> list[Request]:
    run, api = "$SCRATCH", "/api/2.0/mlflow"
    long = "x" * 10_000
    metric = {"run_id": run, "key": "k", "value": 1.0, "timestamp": 1, "step": 0}
    cases: list[Request] = []

    def post(path: str, *bodies: object) -> None:
        cases.extend(("POST", api + path, body) for body in bodies)

    def get(path: str, *queries: str) -> None:
        cases.extend(("GET", f"{api}{path}?{query}", None) for query in queries)

    post("/experiments/create", {}, {"name": ""}, {"name": 5}, {"name": "differential"}, {"name": "e" * 600}, {"name": "  "})
    post("/experiments/create", {"name": "loc", "artifact_location": "file:///a/../../etc"}, {"name": "f", "artifact_location": "s3://b/#x"})
    get("/experiments/get", "", "experiment_id=", "experiment_id=12345", "experiment_id=abc", "experiment_id=$EXP")
    get("/experiments/get-by-name", "", "experiment_name=", "experiment_name=nope")
    post("/experiments/search", {}, {"max_results": 0}, {"max_results": -1}, {"max_results": 50_001}, {"max_results": "x"})
    post("/experiments/search", {"max_results": 10, "filter": "bad"}, {"max_results": 10, "filter": "name = 5"})
    post("/experiments/search", {"max_results": 10, "order_by": ["nope"]}, {"max_results": 10, "page_token": "###"})
    post("/experiments/search", {"max_results": 10, "view_type": "WRONG"}, {"max_results": 10, "filter": "attribute.name = 'differential'"})
    post("/experiments/set-experiment-tag", {}, {"experiment_id": "$EXP"}, {"experiment_id": "$EXP", "key": "k", "value": "v"})
    post("/experiments/set-experiment-tag", {"experiment_id": "$EXP", "key": "k", "value": "x" * 6000}, {"experiment_id": "77", "key": "k", "value": "v"})
    post("/experiments/delete", {}, {"experiment_id": "99"}, {"experiment_id": None})
    post("/experiments/restore", {"experiment_id": "$EXP"}, {"experiment_id": "98"})
    post("/experiments/update", {}, {"experiment_id": "$EXP"}, {"experiment_id": "$EXP", "new_name": "Default"}, {"experiment_id": "$EXP", "new_name": 1})

    post("/runs/create", {"experiment_id": "999"}, {"experiment_id": "$SIDE", "start_time": "abc"}, {"experiment_id": 5.5})
    post("/runs/create", {"experiment_id": "$SIDE", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]})
    post("/runs/create", {"experiment_id": "$SIDE", "tags": "abc"}, {"experiment_id": "$SIDE", "tags": [{"key": "a" * 300, "value": "v"}]})
    get("/runs/get", "", "run_id=", "run_id=abc", "run_id=$RUN", "run_uuid=$RUN")
    post("/runs/update", {}, {"run_id": "nope", "status": "FINISHED"}, {"run_id": run, "status": "NOPE"}, {"run_id": run, "end_time": "x"})
    post("/runs/delete", {}, {"run_id": "nope"}, {"run_id": "$GONE"})
    post("/runs/restore", {}, {"run_id": "nope"}, {"run_id": run})

    for field in ("run_id", "key", "value", "timestamp"):
        post("/runs/log-metric", {name: value for name, value in metric.items() if name != field})
    for field, value in (
        ("value", "abc"), ("value", None), ("value", True), ("value", "NaN"), ("value", "Infinity"), ("timestamp", "x"), ("timestamp", -5),
        ("timestamp", 1.5), ("step", "x"), ("step", None), ("step", 1.5), ("key", ""), ("key", 5), ("key", "../a"), ("key", "a//b"), ("key", "/a"),
        ("key", "a" * 251), ("key", "a?b"), ("key", "a:b c/d-e_f.g"), ("key", "ünï"), ("run_id", "nope"), ("run_id", "$GONE"), ("run_id", 5),
    ):
        post("/runs/log-metric", {**metric, field: value})
    post("/runs/log-parameter", {}, {"run_id": run}, {"run_id": run, "key": ""}, {"run_id": run, "key": "p", "value": "v0"})
    post("/runs/log-parameter", {"run_id": run, "key": "p", "value": "other"}, {"run_id": run, "key": "long", "value": long})
    post("/runs/log-parameter", {"run_id": run, "key": "num", "value": 5}, {"run_id": run, "key": "empty", "value": ""})
    post("/runs/log-parameter", {"run_id": run, "key": "a" * 251, "value": "v"}, {"run_id": "$GONE", "key": "q", "value": "v"})
    post("/runs/set-tag", {}, {"run_id": run}, {"run_id": run, "key": "t"}, {"run_id": run, "key": "t", "value": long}, {"run_id": run, "key": "a/../b", "value": "v"})
    post("/runs/delete-tag", {}, {"run_id": run}, {"run_id": run, "key": "absent"})
    point = {"key": "b", "value": 1, "timestamp": 1, "step": 0}
    post(
        "/runs/log-batch",
        {},
        {"run_id": run},
        {"run_id": run, "metrics": [{**point, "step": i} for i in range(1001)]},
        {"run_id": run, "params": [{"key": f"q{i}", "value": "v"} for i in range(101)]},
        {"run_id": run, "tags": [{"key": f"q{i}", "value": "v"} for i in range(101)]},
        {"run_id": run, "metrics": [{**point, "step": i} for i in range(950)], "tags": [{"key": f"t{i}", "value": "v"} for i in range(60)]},
        {"run_id": run, "params": [{"key": "d", "value": "1"}, {"key": "d", "value": "2"}]},
        {"run_id": run, "params": [{"key": "p", "value": "changed"}]},
        {"run_id": run, "params": [{"key": "p", "value": "changed"}, {"key": "new", "value": "1"}]},
        {"run_id": run, "metrics": "abc"},
        {"run_id": run, "metrics": [5]},
        {"run_id": run, "metrics": [{"key": "b"}]},
        {"run_id": run, "metrics": [{**point, "value": "abc"}]},
        {"run_id": run, "metrics": [{**point, "timestamp": None}]},
        {"run_id": run, "metrics": [{**point, "key": ""}]},
        {"run_id": run, "params": [{"key": None, "value": "x"}]},
        {"run_id": run, "tags": [{"key": "ok", "value": None}]},
        {"run_id": "$GONE", "tags": [{"key": "ok", "value": "v"}]},
        {"run_id": run, "tags": [{"key": "big", "value": "y" * 1_100_000}]},
    )
    dataset = {"name": "n", "digest": "d", "source_type": "s", "source": "{}"}
    post("/runs/log-inputs", {}, {"run_id": run}, {"run_id": run, "datasets": [{"dataset": dataset}]}, {"run_id": run, "datasets": "abc"})
    post("/runs/log-inputs", {"run_id": run, "datasets": [{"dataset": {**dataset, "name": "n" * 501}}]}, {"run_id": run, "datasets": [{"dataset": {**dataset, "digest": "d" * 37}}]})
    get("/metrics/get-history", "", "run_id=$RUN", "run_id=$RUN&metric_key=m", "run_id=$RUN&metric_key=m&max_results=2", "run_id=$RUN&metric_key=absent", "run_id=nope&metric_key=m")
    get("/metrics/get-history", "run_id=$RUN&metric_key=m&max_results=2&page_token=%23")
    get("/metrics/get-history-bulk-interval", "", "metric_key=m", "run_ids=$RUN&metric_key=m", "run_ids=$RUN&run_ids=$RUN2&metric_key=m&start_step=0&end_step=1", "run_ids=$RUN&metric_key=m&start_step=2&end_step=1", "run_ids=$RUN&metric_key=m&max_results=0", "run_ids=$RUN&metric_key=m&max_results=9999", "run_ids=$RUN&metric_key=m&start_step=1")
    get("/artifacts/list", "", "run_id=$RUN", "run_id=$RUN&path=..", "run_id=$RUN&path=/etc", "run_id=$RUN&path=a%252F..%252F..", "run_id=nope", "run_id=$RUN&path=absent")

    exp = ["$EXP"]
    for text in (
        "metrics.m > 1", "metrics.m >= '1'", "metrics.m LIKE 1", "params.p = 'v1'", "params.p > 'v1'", "params.p = v1", "params.p ILIKE 'V%'", "tags.t = 'x'", "tag.t != 'x'",
        "attribute.status = 'RUNNING'", "attributes.start_time > 1000", "attributes.start_time > 'a'", "start_time = 1001", "run_name = 'r1'", "run_name LIKE 'r%'", "nope.a = 'b'",
        "attribute.nope = 'b'", "params.p = 'a' OR params.p = 'b'", "params.p = 'a' AND", "AND params.p = 'a'", "params.p == 'a'", "params.p", "'params.p' = 'a'", "params.`p` = 'v2'",
        'params."p" = "v2"', "`params.p` = 'v2'", "metrics.m = 1 AND params.p = 'v1' AND tags.t = 'x'", "run_id IN ('a','b')", "run_id IN ()", "run_id IN ('a'", "run_id NOT IN ('$RUN')",
        "run_id IN ('$RUN')", "status IN ('RUNNING')", "metrics.m = 1; SELECT 1", "(metrics.m = 1)", "metrics.m BETWEEN 1 AND 2", "dataset.name = 'n'", "dataset.nope = 'n'", "datasets.digest IN ('d','e')",
        "params.p = 'it''s'", "metrics.m = NaN", "metrics.m = -1e3", "metrics.m != 1", "user_id = ''", "artifact_uri LIKE '%'", "created > 1000", "`Run Name` = 'r1'", "end_time > 0", "tags.a.b.c = 'x'", "  ", "metrics.m > 1 and metrics.m < 5",
    ):
        post("/runs/search", {"experiment_ids": exp, "filter": text})
    post("/runs/search", {}, {"experiment_ids": []}, {"experiment_ids": "abc"}, {"experiment_ids": exp, "max_results": 0}, {"experiment_ids": exp, "max_results": 50_001})
    post("/runs/search", {"experiment_ids": exp, "max_results": "abc"}, {"experiment_ids": exp, "run_view_type": "NOPE"}, {"experiment_ids": exp, "run_view_type": "DELETED_ONLY"}, {"experiment_ids": exp, "max_results": 2})
    for order in (["metrics.m DESC"], ["metrics.m"], ["params.p ASC", "start_time DESC"], ["nope"], ["attribute.nope"], ["metrics.m DESC", "metrics.m ASC"], ["metrics.m sideways"], ["run_name"], ["tags.`t` DESC"], [""], ["start_time"], ["end_time DESC"]):
        post("/runs/search", {"experiment_ids": exp, "order_by": order})
    post("/runs/search", {"experiment_ids": exp, "page_token": "abc"}, {"experiment_ids": ["no-number"]}, {"experiment_ids": exp, "filter": 5}, b"{not json", b"[]", b'"{}"', {"unknown": 1, "experiment_ids": exp})

    post("/registered-models/create", {}, {"name": ""}, {"name": "model"}, {"name": 5}, {"name": "a/b"}, {"name": "a:b"}, {"name": "tagged", "tags": [{"key": "k", "value": "v"}]})
    get("/registered-models/get", "", "name=", "name=absent", "name=model")
    get("/registered-models/search", "", "max_results=0", "max_results=1001", "max_results=x", "filter=bad", "filter=" + urllib.parse.quote("name = 'model'"), "filter=" + urllib.parse.quote("name ILIKE 'MOD%'"), "filter=" + urllib.parse.quote("tags.a = 'b'"), "filter=" + urllib.parse.quote("name > 'a'"), "order_by=nope", "order_by=name%20DESC", "page_token=%23", "order_by=timestamp", "order_by=last_updated_timestamp%20ASC&order_by=name")
    cases.extend([
        ("PATCH", f"{api}/registered-models/update", {"name": "absent", "description": "d"}), ("PATCH", f"{api}/registered-models/update", {"name": "model", "description": "d"}),
        ("PATCH", f"{api}/registered-models/update", {}), ("DELETE", f"{api}/registered-models/delete", {"name": "absent"}), ("DELETE", f"{api}/registered-models/delete", {}),
        ("DELETE", f"{api}/registered-models/delete-tag", {"name": "model", "key": "absent"}), ("DELETE", f"{api}/registered-models/alias", {"name": "model", "alias": "absent"}),
        ("PATCH", f"{api}/model-versions/update", {"name": "model", "version": "1", "description": "d"}), ("PATCH", f"{api}/model-versions/update", {"name": "model", "version": "x"}),
        ("DELETE", f"{api}/model-versions/delete", {"name": "model", "version": "77"}), ("DELETE", f"{api}/model-versions/delete-tag", {"name": "model", "version": "1", "key": "absent"}),
        ("GET", f"{api}/logged-models/$LM", None), ("GET", f"{api}/logged-models/m-absent", None), ("PATCH", f"{api}/logged-models/$LM", {}), ("PATCH", f"{api}/logged-models/$LM", {"status": "NOPE"}),
        ("PATCH", f"{api}/logged-models/$LM", {"status": "LOGGED_MODEL_READY"}), ("PATCH", f"{api}/logged-models/$LM/tags", {"tags": [{"key": "a", "value": "b"}]}), ("DELETE", f"{api}/logged-models/$LM/tags/absent", None),
        ("DELETE", f"{api}/logged-models/$LM/tags/a", None), ("DELETE", f"{api}/logged-models/m-absent", None), ("GET", "/health", None), ("PUT", f"{api}/runs/create", {}), ("GET", f"{api}/nothing/here", None),
    ])
    post("/registered-models/rename", {}, {"name": "model"}, {"name": "absent", "new_name": "x"}, {"name": "tagged", "new_name": "model"}, {"name": "tagged", "new_name": "retagged"})
    post("/registered-models/set-tag", {}, {"name": "model"}, {"name": "absent", "key": "k", "value": "v"}, {"name": "model", "key": "k", "value": "v"}, {"name": "model", "key": "k" * 251, "value": "v"})
    post("/registered-models/alias", {}, {"name": "model", "alias": "a"}, {"name": "model", "alias": "a", "version": "9"}, {"name": "model", "alias": "latest", "version": "1"}, {"name": "model", "alias": "v12", "version": "1"}, {"name": "model", "alias": "ok", "version": "1"}, {"name": "model", "alias": "a b", "version": "1"}, {"name": "model", "alias": "a" * 256, "version": "1"}, {"name": "model", "alias": "a/../b", "version": "1"})
    get("/registered-models/alias", "", "name=model&alias=absent", "name=model&alias=ok", "name=absent&alias=ok")
    post("/registered-models/get-latest-versions", {}, {"name": "absent"}, {"name": "model"}, {"name": "model", "stages": ["Nope"]}, {"name": "model", "stages": ["production"]})
    source = {"name": "model"}
    for value in ("/etc/passwd", "file:///etc/passwd", "../x", "mlflow-artifacts:/1/../2", "s3://b/../x", "s3://bucket/key", "models:/m-absent", "http://host/../x", "runs:/x/%2e%2e/y", "mlflow-artifacts:/a%252f..%252fb", ""):
        post("/model-versions/create", {**source, "source": value})
    post("/model-versions/create", {}, {"name": "absent", "source": "s3://b/k"}, {**source, "source": "s3://b/k", "tags": [{"key": "k", "value": "v"}], "description": "d", "run_link": "http://l"})
    get("/model-versions/get", "", "name=model", "name=model&version=1", "name=model&version=99", "name=model&version=x", "name=absent&version=1")
    get("/model-versions/get-download-uri", "", "name=model&version=2", "name=model&version=99")
    get("/model-versions/search", "", "max_results=0", "max_results=200001", "filter=" + urllib.parse.quote("name = 'model'"), "filter=" + urllib.parse.quote("version_number > 1"), "filter=" + urllib.parse.quote("version_number = 'a'"), "filter=bad", "filter=" + urllib.parse.quote("run_id IN ('$RUN')"), "filter=" + urllib.parse.quote("run_id IN ()"), "order_by=version_number%20DESC", "order_by=nope", "filter=" + urllib.parse.quote("source_path LIKE 's3%'"), "filter=" + urllib.parse.quote("name LIKE 'm%' AND tags.k = 'v'"))
    post("/model-versions/transition-stage", {}, {"name": "model", "version": "1"}, {"name": "model", "version": "1", "stage": "Nope"}, {"name": "model", "version": "1", "stage": "staging", "archive_existing_versions": False}, {"name": "model", "version": "1", "stage": "None", "archive_existing_versions": True}, {"name": "model", "version": "1", "stage": "Production", "archive_existing_versions": "x"}, {"name": "model", "version": "99", "stage": "Staging", "archive_existing_versions": False})
    post("/model-versions/set-tag", {}, {"name": "model", "version": "1"}, {"name": "model", "version": "1", "key": "k", "value": "v"}, {"name": "model", "version": "9", "key": "k", "value": "v"})
    post("/logged-models", {}, {"experiment_id": "$EXP", "name": "a/b"}, {"experiment_id": "$EXP", "name": ""}, {"experiment_id": "999", "name": "x"}, {"experiment_id": "$EXP", "name": "x", "params": [{"key": "k", "value": "v"}], "tags": [{"key": "t", "value": "v"}], "model_type": "agent"})
    for text in ("", "name = 'lm'", "metrics.a > 1", "params.k = 'v'", "tags.t = 'v'", "nope.a = 'b'", "name > 'a'", "creation_timestamp > 1", "status = 'READY'", "name LIKE 'l%'", "name IN ('lm','x')", "model_type = 'agent'", "bad"):
        post("/logged-models/search", {"experiment_ids": exp, "filter": text})
    post("/logged-models/search", {}, {"experiment_ids": exp, "max_results": 0}, {"experiment_ids": exp, "order_by": [{"field_name": "nope"}]}, {"experiment_ids": exp, "order_by": [{"field_name": "metrics.a", "ascending": False}]}, {"experiment_ids": exp, "order_by": [{"field_name": "name", "dataset_digest": "d"}]}, {"experiment_ids": exp, "page_token": "x"}, {"experiment_ids": exp, "max_results": 1})
    artifacts = "/api/2.0/mlflow-artifacts/artifacts"
    for path in ("a/../../b", "%2e%2e/b", "a%2F..%2F..%2Fb", "a%5C..%5Cb", "%252e%252e/b", "//b", "a%23b", "file:%2F%2Fx", "C:%5Cx", "fine/x.txt"):
        cases.append(("PUT", f"{artifacts}/{path}", b"x"))
        cases.append(("GET", f"{artifacts}/{path}", None))
    for query in ("", "?path=fine", "?path=..", "?path=%2Fetc", "?path=a%252f..%252f..", "?path=absent", "?path=fine%2Fx.txt"):
        cases.append(("GET", artifacts + query, None))
    cases.append(("DELETE", f"{artifacts}/fine", None))
    return cases


# fmt: on


def fill(value: object, names: dict[str, str]) -> object:
    if isinstance(value, str):
        for name in sorted(names, key=len, reverse=True):
            value = value.replace("$" + name, names[name]).replace("%24" + name, names[name])
        return value
    if isinstance(value, list):
        return [fill(one, names) for one in value]
    if isinstance(value, dict):
        return {key: fill(one, names) for key, one in value.items()}
    return value


def shape(answer: object, names: dict[str, str]) -> object:
    """The answer without what differs from server to server: ids, times, names that were invented, empty fields."""
    ids = {value: "$" + name for name, value in names.items()}
    if isinstance(answer, dict):
        kept = {}
        for key, value in answer.items():
            if "time" in key or key in (
                "artifact_uri",
                "artifact_location",
                "user_id",
                "run_link",
                "root_uri",
                "next_page_token",
                "model_id",
                "run_id",
                "run_uuid",
                "workspace",
            ):
                continue
            inner = shape(value, names)
            if isinstance(inner, str) and re.fullmatch(r"[a-z]+-[a-z]+-\d+", inner):
                inner = "(invented)"
            if inner not in (None, "", [], {}):
                kept[key] = inner
        return kept
    if isinstance(answer, list):
        items = [shape(one, names) for one in answer]
        return sorted(items, key=json.dumps) if items and isinstance(items[0], dict) and "key" in items[0] else items
    if isinstance(answer, str):
        for value, name in ids.items():
            answer = answer.replace(value, name) if len(value) > 8 else name if answer == value else answer
    return answer


def compare(ours: str, theirs: str) -> int:
    names = {base: prepare(base) for base in (ours, theirs)}
    known = (
        {line.strip() for line in KNOWN.read_text().splitlines() if line and not line.startswith("#")}
        if KNOWN.exists()
        else set()
    )
    differences = 0
    allowed = 0
    for method, path, body in requests():
        answers = []
        for base in (ours, theirs):
            filled = body if isinstance(body, bytes) else fill(body, names[base])
            status, answer = send(base, method, str(fill(path, names[base])), filled)
            code = answer.get("error_code") if isinstance(answer, dict) else None
            content = shape(answer, names[base]) if status == 200 and isinstance(answer, dict) else None
            answers.append((status, code, content, answer.get("message") if isinstance(answer, dict) else answer))
        if answers[0][:3] != answers[1][:3]:
            label = f"{method} {path} {body if isinstance(body, bytes) else json.dumps(body)}"[:120].strip()
            if label in known:
                allowed += 1
                continue
            differences += 1
            print(f"{label}\n   ours   {str(answers[0])[:420]}\n   theirs {str(answers[1])[:420]}")
    print(f"{len(requests())} requests, {allowed} answered differently as known, {differences} otherwise")
    return differences


if __name__ == "__main__":
    sys.exit(1 if compare(sys.argv[1], sys.argv[2]) else 0)
