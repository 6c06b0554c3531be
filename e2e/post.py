"""A plain call, for scripts that peers' interpreters run: they have the standard library alone in common."""

from __future__ import annotations

import json
import urllib.error
import urllib.request


def post(url: str, body: object, kind: str = "application/json", seconds: int = 120) -> tuple[int, dict]:
    """Status and parsed answer; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())
