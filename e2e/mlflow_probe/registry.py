"""Registered models and their versions."""

from __future__ import annotations

import urllib.parse

from mlflow_scenarios import API, Story

from mlflow_probe.frame import message

# fmt: off


def probe(story: Story) -> None:
    models, versions = f"{API}/registered-models", f"{API}/model-versions"
    for body in ({}, {"name": ""}, {"name": " "}, {"name": "m1", "description": "d", "tags": [{"key": "a", "value": "b"}]}, {"name": "m1"}, {"name": "a:b"}, {"name": "m2"}, {"name": 5}, {"name": "n" * 300}, {"name": "%"}, {"name": "t", "tags": [{"key": "", "value": "x"}]}, {"name": "u", "tags": [{"value": "x"}]}, {"name": "v", "tags": "x"}):
        story.step("POST", f"{models}/create", body)
    for query in ("", "name=", "name=absent", "name=m1"):
        story.step("GET", f"{models}/get?{query}")
    for body in ({"name": "m1"}, {"name": "m1", "new_name": ""}, {"name": "absent", "new_name": "x"}, {"name": "m1", "new_name": "m2"}, {"name": "m1", "new_name": "a/b"}, {"name": "m1", "new_name": "m3"}, {"name": "m3", "new_name": "m1"}, {"name": "m1", "new_name": "m1"}):
        story.step("POST", f"{models}/rename", body)
    for body in ({}, {"name": "m1"}, {"name": "m1", "description": "new"}, {"name": "absent", "description": "x"}, {"name": "m1", "description": ""}, {"name": "m1", "description": 5}):
        story.step("PATCH", f"{models}/update", body)
    for body in ({}, {"name": "m1"}, {"name": "m1", "key": "k"}, {"name": "m1", "key": "k", "value": "v"}, {"name": "absent", "key": "k", "value": "v"}, {"name": "m1", "key": "k" * 251, "value": "v"}, {"name": "m1", "key": "k", "value": "v" * 100_001}, {"name": "m1", "key": "a#b", "value": "v"}, {"name": "m1", "key": "n", "value": 5}):
        story.step("POST", f"{models}/set-tag", body)
    for body in ({}, {"name": "m1"}, {"name": "m1", "key": "k"}, {"name": "m1", "key": "absent"}, {"name": "absent", "key": "k"}):
        story.step("DELETE", f"{models}/delete-tag", body)
    for body in ({}, {"name": "m1"}, {"name": "absent", "source": "s3://b/x"}, {"name": "m1", "source": ""}, {"name": "m1", "source": "s3://b/x", "description": "d", "tags": [{"key": "a", "value": "b"}]}, {"name": "m1", "source": "s3://b/../x"}, {"name": "m1", "source": "file:///etc/x"}, {"name": "m1", "source": "/etc/x"}, {"name": "m1", "source": "s3://b/x", "run_id": "absent"}, {"name": "m1", "source": "http://h/x#y"}, {"name": "m1", "source": "s3://b/x", "run_link": "http://x"}, {"name": "m1", "source": "models:/absent/1"}, {"name": "m1", "source": "runs:/absent/m"}, {"name": "m1", "source": "dbfs:/x"}):
        story.step("POST", f"{versions}/create", body)
    for query in ("", "name=m1", "name=m1&version=1", "name=m1&version=99", "name=m1&version=abc", "name=absent&version=1", "name=m1&version=-1", "name=m1&version=1.5"):
        story.step("GET", f"{versions}/get?{query}")
        story.step("GET", f"{versions}/get-download-uri?{query}")
    for body in ({}, {"name": "m1", "version": "1"}, {"name": "m1", "version": "1", "description": "x"}, {"name": "m1", "version": "99", "description": "x"}, {"name": "m1", "version": 1, "description": "y"}, {"name": "m1", "version": "abc", "description": "x"}):
        story.step("PATCH", f"{versions}/update", body)
    for stage in ("Staging", "production", "ARCHIVED", "None", "nonsense", "", 5):
        for more in ({"archive_existing_versions": False}, {"archive_existing_versions": True}, {}, {"archive_existing_versions": "x"}):
            story.step("POST", f"{versions}/transition-stage", {"name": "m1", "version": "1", "stage": stage, **more})
    for body in ({"name": "absent", "version": "1"}, {"name": "m1", "version": "99"}, {"version": "1"}):
        story.step("POST", f"{versions}/transition-stage", {"stage": "Staging", "archive_existing_versions": False, **body})
    for body in ({}, {"name": "m1"}, {"name": "m1", "stages": ["Staging"]}, {"name": "m1", "stages": ["nonsense"]}, {"name": "absent"}, {"name": "m1", "stages": ["None", "Staging"]}, {"name": "m1", "stages": "Staging"}):
        story.step("POST", f"{models}/get-latest-versions", body)
    for body in ({}, {"name": "m1", "version": "1"}, {"name": "m1", "version": "1", "key": "k"}, {"name": "m1", "version": "1", "key": "k", "value": "v"}, {"name": "m1", "version": "99", "key": "k", "value": "v"}, {"name": "m1", "version": "1", "key": "k" * 251, "value": "v"}, {"name": "m1", "version": "abc", "key": "k", "value": "v"}):
        story.step("POST", f"{versions}/set-tag", body)
        story.step("DELETE", f"{versions}/delete-tag", {key: value for key, value in body.items() if key != "value"})
    for body in ({}, {"name": "m1"}, {"name": "m1", "alias": "a"}, {"name": "m1", "alias": "a", "version": "1"}, {"name": "m1", "alias": "b", "version": "99"}, {"name": "absent", "alias": "a", "version": "1"}, {"name": "m1", "alias": "", "version": "1"}, {"name": "m1", "alias": "V1", "version": "1"}, {"name": "m1", "alias": "a b", "version": "1"}, {"name": "m1", "alias": "c", "version": "abc"}):
        story.step("POST", f"{models}/alias", body)
    for query in ("", "name=m1", "name=m1&alias=a", "name=m1&alias=absent", "name=absent&alias=a", "name=m1&alias="):
        story.step("GET", f"{models}/alias?{query}")
    for body in ({}, {"name": "m1", "alias": "a"}, {"name": "m1", "alias": "a"}, {"name": "absent", "alias": "a"}):
        story.step("DELETE", f"{models}/alias", body)
    for kind, path, texts in (
        ("models", f"{models}/search", ("name = 'm1'", "name LIKE 'm%'", "name ILIKE 'M%'", "tags.a = 'b'", "tag.a = 'b'", "nonsense = 'x'", "name = 5", "name > 'a'", "name", "name = 'm1' AND tags.a = 'b'", "name = 'a' OR name = 'b'", "tags.a IS NULL", "name IN ('m1')", "version = 1", "tags.k LIKE '%'", "`name` = 'm1'", "name = m1", "name='m1';")),
        ("versions", f"{versions}/search", ("name = 'm1'", "name LIKE 'm%'", "run_id = 'x'", "run_id IN ('x')", "run_id IN ()", "version_number > 0", "version_number = 'x'", "version_number LIKE '1'", "source_path = 's3://b/x'", "source_path LIKE 's3%'", "tags.a = 'b'", "current_stage = 'Staging'", "nonsense = 'x'", "name = 5", "name", "name IN ('m1')", "version = 1", "creation_timestamp > 0", "run_id IN ('x', 5)", "source = 'x'")),
    ):
        for text in texts:
            story.query(path, filter=text, max_results=3)
        for order in ("name", "name DESC", "timestamp", "last_updated_timestamp DESC", "version_number", "creation_timestamp", "nonsense", "name sideways", "", "name,"):
            answer = story.call("GET", f"{path}?" + urllib.parse.urlencode({"order_by": order}))
            story.tell(f"{kind} order {order}", [answer["status"], message(answer)])
        for most in ("0", "-1", "1001", "200001", "abc", "1"):
            story.query(path, max_results=most)
        story.query(path, page_token="zz")
    for body in ({}, {"name": "m1", "version": "99"}, {"name": "absent", "version": "1"}, {"name": "m1", "version": "1"}, {"name": "m1", "version": "1"}):
        story.step("DELETE", f"{versions}/delete", body)
    for body in ({}, {"name": "absent"}, {"name": "m1"}, {"name": "m1"}):
        story.step("DELETE", f"{models}/delete", body)
    for name in ("m2", "%", "n" * 300):
        story.call("DELETE", f"{models}/delete", {"name": name})
