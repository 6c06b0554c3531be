"""Logged models."""

from __future__ import annotations

from mlflow_scenarios import API, Story, experiment, run

from mlflow_probe.frame import message

# fmt: off


def probe(story: Story) -> None:
    path = f"{API}/logged-models"
    group = experiment(story, "logged")
    one_run = run(story, group)
    made = "absent"
    for body in ({}, {"experiment_id": group}, {"experiment_id": group, "name": "lm"}, {"experiment_id": group, "name": "a/b"}, {"experiment_id": group, "name": ""}, {"experiment_id": "99999", "name": "x"}, {"experiment_id": group, "name": "p", "params": [{"key": "a", "value": "b"}], "tags": [{"key": "c", "value": "d"}], "model_type": "t", "source_run_id": one_run}, {"experiment_id": group, "name": "q", "source_run_id": "absent"}, {"experiment_id": group, "name": "r", "params": [{"key": "k" * 251, "value": "v"}]}, {"experiment_id": group, "name": "s", "tags": [{"key": "a#b", "value": "v"}]}, {"experiment_id": group, "name": 5}):
        answer = story.step("POST", path, body)
        if "model" in answer:
            made = story.known("LOGGED", answer["model"]["info"]["model_id"])
    for identity in (made, "m-absent"):
        story.step("GET", f"{path}/{identity}")
        for status in ("LOGGED_MODEL_READY", "READY", "NONSENSE", "", 2, "LOGGED_MODEL_PENDING"):
            story.step("PATCH", f"{path}/{identity}", {"model_id": identity, "status": status})
        story.step("PATCH", f"{path}/{identity}", {"model_id": identity})
        for tags in ([{"key": "k", "value": "v"}], [], [{"key": "", "value": "v"}], [{"key": "a#b", "value": "v"}], [{"key": "k" * 251, "value": "v"}], "x", [{"value": "v"}]):
            story.step("PATCH", f"{path}/{identity}/tags", {"model_id": identity, "tags": tags})
        for key in ("k", "absent"):
            story.step("DELETE", f"{path}/{identity}/tags/{key}")
        for params in ([{"key": "pp", "value": "v"}], [{"key": "pp", "value": "w"}], [{"key": "", "value": "v"}]):
            story.step("POST", f"{path}/{identity}/params", {"model_id": identity, "params": params})
    for text in ("name = 'lm'", "attributes.name = 'lm'", "name LIKE 'lm%'", "params.a = 'b'", "tags.c = 'd'", "metrics.m > 1", "metrics.m = 'x'", "status = 'READY'", "model_type = 't'", "source_run_id = 'x'", "nonsense = 'x'", "other.k = 'x'", "name", "name = 5", "creation_timestamp > 0", "creation_time > 0", "name IN ('lm')", "name NOT IN ('lm')", "model_id = 'm-x'"):
        answer = story.call("POST", f"{path}/search", {"experiment_ids": [group], "filter": text})
        told = sorted(one["info"]["name"] if len(one["info"]["name"]) < 3 else "(invented)" for one in answer["answer"].get("models", [])) if answer["status"] == 200 else answer["answer"]
        story.tell(f"search {text}", [answer["status"], told])
    for order in ([{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "metrics.m"}], [{"field_name": "nonsense"}], [{}], ["name"], [{"field_name": "creation_timestamp"}], [{"field_name": "metrics.m", "dataset_name": "d"}], [{"field_name": "name", "dataset_name": "d"}], [{"field_name": "metrics.m", "dataset_digest": "d"}]):
        answer = story.call("POST", f"{path}/search", {"experiment_ids": [group], "order_by": order})
        story.tell(f"order {order}", [answer["status"], message(answer)])
    for body in ({}, {"experiment_ids": [group], "max_results": 0}, {"experiment_ids": [group], "max_results": -1}, {"experiment_ids": [group], "max_results": 51}, {"experiment_ids": [group], "page_token": "zz"}, {"experiment_ids": ["abc"]}, {"experiment_ids": [group], "datasets": [{}]}):
        answer = story.call("POST", f"{path}/search", body)
        story.tell(f"search {body}", [answer["status"], message(answer)])
    for identity in (made, made, "m-absent"):
        story.step("DELETE", f"{path}/{identity}")
