"""Webhooks. Their receiver is an address of the internet that nothing is sent to, since the probe makes no model and tests no webhook."""

from __future__ import annotations

from mlflow_scenarios import API, Story

PATH = f"{API}/webhooks"
CREATED = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
TAGGED = [{"entity": "MODEL_VERSION_TAG", "action": "SET"}]

# fmt: off
MADE: tuple[dict, ...] = (
    {}, {"name": ...}, {"url": ...}, {"events": ...}, {"events": []}, {"name": ""}, {"url": ""}, {"url": " "}, {"url": "ftp://8.8.8.8/x"}, {"url": "8.8.8.8"}, {"url": 5}, {"name": 5},
    {"events": [{"entity": "NONSENSE", "action": "CREATED"}]}, {"events": [{"entity": "MODEL_VERSION", "action": "NONSENSE"}]}, {"events": [{"entity": "REGISTERED_MODEL", "action": "DELETED"}]}, {"events": [{"entity": "MODEL_VERSION_TAG", "action": "CREATED"}]},
    {"events": [{}]}, {"events": "x"}, {"events": [*CREATED, *TAGGED]}, {"events": [{"entity": "PROMPT", "action": "CREATED"}]}, {"events": [*CREATED, *CREATED]},
    {"status": "NONSENSE"}, {"status": "DISABLED"}, {"status": ""}, {"description": "d", "secret": "s"}, {"description": 5},
    {"name": "a" * 63}, {"name": "a" * 64}, {"name": "a.b"}, {"name": "a_b"}, {"name": "1"}, {"name": "-a"}, {"name": "a-"}, {"name": "a b"}, {"name": "ä"}, {"name": " "}, {"name": "a\n"},
    {"url": "https://"}, {"url": "https:///x"}, {"url": "https://8.8.8.8:99999/x"}, {"url": "HTTPS://8.8.8.8/x"}, {"url": "https://user:word@8.8.8.8/x"}, {"url": "https://8.8.8.8/a b"}, {"url": "https://[x/"}, {"url": "//8.8.8.8/x"}, {"url": "https:8.8.8.8"},
    {"url": "https://127.0.0.1/x"}, {"url": "https://10.0.0.1/x"}, {"url": "https://169.254.169.254/x"}, {"url": "https://[::1]/x"}, {"url": "https://0177.0.0.1/x"}, {"url": "https://localhost/x"}, {"url": "https://2130706433/x"}, {"url": "https://[::ffff:10.0.0.1]/x"},
)
CHANGED: tuple[dict, ...] = (
    {}, {"name": "new"}, {"name": ""}, {"name": "a b"}, {"url": "https://1.1.1.1/y"}, {"url": ""}, {"url": "ftp://x"}, {"url": "https://10.0.0.1/"}, {"events": TAGGED}, {"events": []}, {"events": "x"}, {"events": [{"entity": "MODEL_VERSION", "action": "DELETED"}]},
    {"description": "new"}, {"description": ""}, {"secret": "t"}, {"status": "DISABLED"}, {"status": "ACTIVE"}, {"status": "NONSENSE"}, {"name": 5}, {"status": 5},
)
# fmt: on


def probe(story: Story) -> None:
    base = {"name": "hook", "url": "https://8.8.8.8/x", "events": CREATED}
    for fields in MADE:
        body = {key: value for key, value in {**base, **fields}.items() if value is not ...}
        answer = story.call("POST", PATH, body)
        hook = answer["answer"].get("webhook") if isinstance(answer["answer"], dict) else None
        told = answer["answer"] if hook is None else {key: value for key, value in hook.items() if key != "webhook_id"}
        story.tell(f"make {fields}", [answer["status"], told])
    made = [one["webhook_id"] for one in story.call("GET", PATH)["answer"]["webhooks"]]
    one = story.known("HOOK", story.call("POST", PATH, base)["answer"]["webhook"]["webhook_id"])
    for fields in CHANGED:
        story.step("PATCH", f"{PATH}/{one}", fields)
    story.step("GET", f"{PATH}/{one}")
    for most in ("0", "-1", "1", "1000", "1001", "abc"):
        answer = story.call("GET", f"{PATH}?max_results={most}")
        listed = len(answer["answer"].get("webhooks", []))
        # What one server refuses and the other makes is counted above.
        story.tell(f"list {most}", [answer["status"], min(listed, 10), answer["answer"].get("message")])
    for token in ("", "zz", "zzzz", "eyJvZmZzZXQiOiAwfQ==", "e30="):
        answer = story.call("GET", f"{PATH}?max_results=1&page_token={token}")
        story.tell(f"list from {token}", [answer["status"], answer["answer"].get("message")])
    for identity in ("absent", one, one):
        story.step("GET", f"{PATH}/{identity}")
        story.step("DELETE", f"{PATH}/{identity}")
        story.step("PATCH", f"{PATH}/{identity}", {"name": "x"})
    # Nothing may be sent to the receiver by what other subjects do.
    for identity in made:
        story.call("DELETE", f"{PATH}/{identity}")
    story.tell("none is left", story.call("GET", PATH)["answer"])
