"""A plain call, for scripts that peers' interpreters run: they have the standard library alone in common."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from harness import PATIENCE


def post(url: str, body: object, kind: str = "application/json", seconds: float = PATIENCE) -> tuple[int, dict]:
    """Status and parsed answer; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def answered(url: str, body: object, wanted: int = 200) -> dict:
    """The answer once it has the status that is wanted: a model that is new, trusted or loaded again takes its time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status, answer = post(url, body)
        if status == wanted:
            return answer
        assert time.monotonic() < deadline, (url, status, answer)
        time.sleep(0.2)
