"""Evaluation data sets: their tags, experiments and records."""

from __future__ import annotations

import json

from mlflow_scenarios import API3, Story, experiment

from mlflow_probe.frame import message

#: Names of sets that either server makes.
BOTH = ("first", "lazy", "listed", "long", "plain", " ")

# fmt: off


def probe(story: Story) -> None:
    path = f"{API3}/datasets"
    group, other = experiment(story, "sets"), story.known("OTHER", experiment(story, "other sets"))

    def make(**fields: object) -> str:
        made = story.step("POST", f"{path}/create", fields)
        return story.known("SET", made.get("dataset", {}).get("dataset_id", "absent"))

    tags = json.dumps({"mlflow.user": "ada", "team": "a"})
    one = make(name="first", experiment_ids=[group], tags=tags)
    for fields in (
        {}, {"name": ""}, {"name": " "}, {"name": "n" * 256}, {"name": "first"}, {"name": 5}, {"name": "x", "tags": "no json"},
        {"name": "lazy", "experiment_ids": ["99999"]}, {"name": "odd", "experiment_ids": ["abc"]}, {"name": "plain"},
        {"name": "listed", "experiment_ids": [group, other]}, {"name": "typed", "experiment_ids": "abc"},
    ):
        make(**fields)
    for update in ({"team": "b", "more": "c"}, {"team": None}, {"number": 1234567, "yes": True}, {"": "x"}, {"a b": "c"}):
        story.step("PATCH", f"{path}/{one}/tags", {"tags": json.dumps(update)})
        story.step("GET", f"{path}/{one}")
    story.step("PATCH", f"{path}/{make(name='long')}/tags", {"tags": json.dumps({"k" * 300: "v"})})
    for body in ({}, {"tags": ""}, {"tags": "no json"}, {"tags": "[]"}, {"tags": 5}):
        story.step("PATCH", f"{path}/{one}/tags", body)
    story.step("PATCH", f"{path}/d-absent/tags", {"tags": "{}"})
    for key in ("more", "more", "absent"):
        story.step("DELETE", f"{path}/{one}/tags/{key}")
    story.step("DELETE", f"{path}/d-absent/tags/k")
    for verb in ("add-experiments", "remove-experiments"):
        for ids in ([other], [other], ["99999"], [], ["abc"], [group, other]):
            story.step("POST", f"{path}/{one}/{verb}", {"experiment_ids": ids})
            story.step("GET", f"{path}/{one}/experiment-ids")
        story.step("POST", f"{path}/d-absent/{verb}", {"experiment_ids": [group]})
        story.step("POST", f"{path}/{one}/{verb}", {})
    for rows in (
        [{"inputs": {"q": "a"}, "expectations": {"e": 1}}], [{"inputs": {"q": "a"}, "expectations": {"f": 2}, "tags": {"t": "x"}}],
        [{"inputs": {"q": "b"}}, {"inputs": {"q": "b"}}], [], [{"inputs": {}}], [{}], [{"inputs": "text"}], [{"inputs": None}],
        [{"inputs": {"q": "c"}, "outputs": {"o": 1}}, {"inputs": {"q": "c"}, "outputs": {"o": 2}}],
        [{"inputs": {"q": "d"}, "source": {"source_type": "HUMAN", "source_data": {"user": "x"}}}],
        [{"inputs": {"q": "e"}, "source": {"source_type": "NONSENSE"}}],
    ):
        story.step("POST", f"{path}/{one}/records", {"records": json.dumps(rows)})
    for body in ({}, {"records": ""}, {"records": "no json"}, {"records": "{}"}, {"records": []}):
        story.step("POST", f"{path}/{one}/records", body)
    story.step("POST", f"{path}/d-absent/records", {"records": "[]"})
    for query in ("", "max_results=1", "max_results=0", "max_results=-1", "page_token=zz"):
        answer = story.call("GET", f"{path}/{one}/records?{query}")
        rows = json.loads(answer["answer"].get("records", "[]")) if answer["status"] == 200 else []
        told = sorted(json.dumps(row.get("inputs")) for row in rows) if isinstance(rows, list) and "max" not in query else len(rows)
        story.tell(f"records {query}", [answer["status"], told])
    story.step("GET", f"{path}/d-absent/records")
    for body in ({}, {"dataset_record_ids": []}, {"dataset_record_ids": ["dr-absent"]}):
        story.step("DELETE", f"{path}/{one}/records", body)
    for text in (
        "name = 'first'", "name LIKE 'fi%'", "name ILIKE 'FI%'", "name != 'first'", "name IN ('first')", "tags.team = 'b'", "created_by = 'ada'",
        "created_time > 0", "last_update_time > 0", "nonsense = 'x'", "name > 'a'", "name = 5", "tags.team > 'a'", "name", "a OR b", "created_time > 'x'",
    ):
        answer = story.call("POST", f"{path}/search", {"filter_string": text, "max_results": 50})
        found = answer["answer"]
        told = sorted(one["name"] for one in found.get("datasets", []) if one["name"] in BOTH) if answer["status"] == 200 else found
        story.tell(f"search {text}", [answer["status"], told])
    for order in ("name", "name DESC", "created_time ASC", "nonsense", "name sideways", "created_by", "tags.team"):
        answer = story.call("POST", f"{path}/search", {"order_by": [order], "max_results": 50})
        found = answer["answer"]
        told = [one["name"] for one in found.get("datasets", []) if one["name"] in BOTH] if answer["status"] == 200 and "name" in order else message(answer)
        story.tell(f"order {order}", [answer["status"], told])
    for body in ({"max_results": 0}, {"max_results": -1}, {"max_results": 1001}, {"max_results": 50001}, {"page_token": "zz"}, {"experiment_ids": ["abc"]}):
        story.step("POST", f"{path}/search", body)
    for identity in ("d-absent", one, one):
        story.step("GET", f"{path}/{identity}")
        story.step("DELETE", f"{path}/{identity}")
    for left in story.call("POST", f"{path}/search", {"max_results": 50})["answer"]["datasets"]:
        story.call("DELETE", f"{path}/{left['dataset_id']}")
