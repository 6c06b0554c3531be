"""Searches for runs and experiments."""

from __future__ import annotations

from mlflow_scenarios import API, Story, experiment, run

from mlflow_probe.frame import message

# fmt: off


def probe(story: Story) -> None:
    group = experiment(story, "run probes")
    one = run(story, group, "A", start_time=1, tags=[{"key": "t", "value": "x"}])
    story.call("POST", f"{API}/runs/log-batch", {"run_id": one, "metrics": [{"key": "m", "value": 1, "timestamp": 1}], "params": [{"key": "p", "value": "1"}]})
    run(story, group, "B", start_time=2)
    for text in ("metrics.m > 0", "metrics.m = 'x'", "metrics.m LIKE '1'", "params.p = '1'", "params.p = 1", "params.p > '1'", "params.p IN ('1')", "tags.t = 'x'", "tags.t = \"x\"", "tags.`t` = 'x'", "tags.\"t\" = 'x'", "tags.t ILIKE 'X'", "attributes.status = 'RUNNING'", "status = 'RUNNING'", "attribute.run_name = 'A'", "run_name = 'A'", "`run name` = 'A'", "run_id IN ('a')", "run_id NOT IN ('a')", "start_time > 1", "start_time = 'x'", "end_time > 1", "artifact_uri LIKE '%x%'", "user_id = 'x'", "nonsense = 'x'", "attributes.nonsense = 'x'", "other.k = 'x'", "metrics.m", "metrics.m > ", "> 5", "a OR b", "metrics.m > 0 AND", "AND", "metrics.m > 0;", "(metrics.m > 0)", "metrics.m >= 1e-3", "metrics.m != NaN", "dataset.name = 'x'", "datasets.digest = 'x'", "dataset.context = 'x'", "dataset.nonsense = 'x'", "metric.m > 0", "parameters.p = '1'", "params.p = 'x''y'", "metrics.'m' > 0", "tags.t BETWEEN 'a' AND 'b'", "NOT status = 'x'", "lifecycle_stage = 'active'", "tags.t = x", "inputs.x = '1'"):
        answer = story.call("POST", f"{API}/runs/search", {"experiment_ids": [group], "filter": text})
        told = sorted(one["info"]["run_name"] for one in answer["answer"].get("runs", [])) if answer["status"] == 200 else answer["answer"]
        story.tell(f"search {text}", [answer["status"], told])
    for order in ("metrics.m", "metrics.m DESC", "params.p", "tags.t", "start_time", "attributes.start_time DESC", "status", "nonsense", "metrics.m sideways", "metrics.m ASC DESC", "", "attributes.nonsense", "m", "run_name", "`run name`", "end_time", "duration", "metrics.`m` ASC", "metrics.m, params.p", "dataset.name", "created"):
        answer = story.call("POST", f"{API}/runs/search", {"experiment_ids": [group], "order_by": [order]})
        told = [one["info"]["run_name"] for one in answer["answer"].get("runs", [])] if answer["status"] == 200 else answer["answer"]
        story.tell(f"order {order}", [answer["status"], told])
    for fields in ({"max_results": 0}, {"max_results": -1}, {"max_results": 50001}, {"max_results": "x"}, {"run_view_type": "NONSENSE"}, {"run_view_type": "DELETED_ONLY"}, {"run_view_type": "ALL"}, {"page_token": "zz"}, {"experiment_ids": ["99999"]}, {"experiment_ids": ["abc"]}, {"experiment_ids": group}, {"filter": 5}, {"order_by": "metrics.m"}):
        answer = story.call("POST", f"{API}/runs/search", {"experiment_ids": [group], **fields})
        story.tell(f"search {fields}", [answer["status"], message(answer), len(answer["answer"].get("runs", [])) if answer["status"] == 200 else 0])
    for text in ("name = 'run probes'", "name LIKE 'run%'", "name ILIKE 'RUN%'", "tags.a = 'b'", "creation_time > 0", "last_update_time > 0", "nonsense = 'x'", "name > 'a'", "name = 5", "name", "attribute.name = 'run probes'", "experiment_id = '99999'", "lifecycle_stage = 'active'", "tags.a IS NULL AND name = 'run probes'", "name = 'a' OR name = 'b'", "name IN ('a')", "params.a = 'b'", "creation_time = 'x'"):
        answer = story.call("POST", f"{API}/experiments/search", {"max_results": 1000, "filter": text})
        told = "run probes" in [one["name"] for one in answer["answer"].get("experiments", [])] if answer["status"] == 200 else answer["answer"]
        story.tell(f"experiments {text}", [answer["status"], told])
    for order in ("name", "name DESC", "experiment_id", "creation_time", "last_update_time DESC", "nonsense", "name sideways", "", "name ASC DESC", "tags.a", "attribute.name"):
        answer = story.call("POST", f"{API}/experiments/search", {"max_results": 2, "order_by": [order]})
        story.tell(f"experiments order {order}", [answer["status"], message(answer)])
