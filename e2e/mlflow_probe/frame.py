"""What every subject of the probe is run and compared with."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import importlib
import json
import pathlib
import pkgutil
import re

from mlflow_scenarios import Story

HERE = pathlib.Path(__file__).parent
KNOWN = HERE / "known_differences.txt"
#: Where MLflow prints a set of Python's, whose order is another one in every process: the set and what follows it is not compared.
ENDS = ("Valid keys are", "not one of", "Valid values are", "Valid entity types are", "Only the '{")
#: Fields that hold JSON as text, in whatever spacing.
JSON_FIELDS = ("tags", "schema", "profile", "records", "value")


def subjects() -> list[str]:
    """Names of the modules that probe something."""
    return sorted(one.name for one in pkgutil.iter_modules([str(HERE)]) if one.name not in ("frame", "__main__"))


def message(result: dict) -> object:
    """The text of a refusal; nothing for an answer."""
    return result["answer"].get("message") if isinstance(result["answer"], dict) else "no JSON"


def comparable(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: json.loads(one) if key in JSON_FIELDS and isinstance(one, str) and one[:1] in ("{", "[") else comparable(one)
            for key, one in value.items()
            if key != "digest"
        }
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if isinstance(value, str):
        for end in ENDS:
            value = value.split(end)[0]
    return value


class Probe(Story):
    """A story in which experiments' numbers, too short to be told from other numbers, are named where they stand alone."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.numbers: dict[str, str] = {}

    def known(self, name: str, value: str) -> str:
        if value.isdigit():
            self.numbers[value] = "$" + name
        return super().known(name, value)

    def _named(self, text: str) -> str:
        text = super()._named(text)
        for number, name in self.numbers.items():
            text = (
                name
                if text == number
                else re.sub(rf"""(["=]|\['|: '){number}(?=["'&]|$)""", lambda found, name=name: found[1] + name, text)
            )
        return text


@dataclasses.dataclass(frozen=True)
class Case:
    """One request and both servers' answers to it; ``label`` is the case's alone within its subject."""

    label: str
    ours: object
    theirs: object

    @property
    def alike(self) -> bool:
        return comparable(self.ours) == comparable(self.theirs)


def ask(base: str, subject: str) -> list[tuple[str, object]]:
    story = Probe(base)
    importlib.import_module(f"mlflow_probe.{subject}").probe(story)
    return story.steps


def cases(ours: str, theirs: str, subject: str) -> list[Case]:
    """Puts a subject's requests to both servers, one beside the other, each in the subject's order."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        mine, other = pool.map(lambda base: ask(base, subject), (ours, theirs))
    seen: collections.Counter[str] = collections.Counter()
    found = []
    for (label, answer), (_, reference) in zip(mine, other, strict=True):
        # Long runs of one letter stand for what is too long.
        short = re.sub(r"(\w)\1{20,}", lambda run: f"{run[1]}*{len(run[0])}", label)[:200].strip()
        seen[short] += 1
        found.append(Case(short if seen[short] == 1 else f"{short} (time {seen[short]})", answer, reference))
    return found


def known_differences() -> dict[str, dict[str, str]]:
    """The reason of every case that is known to differ, by subject and label."""
    known: dict[str, dict[str, str]] = collections.defaultdict(dict)
    reason = ""
    for line in KNOWN.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            continue
        if line.startswith("= "):
            reason = line[2:]
        elif line:
            subject, label = line.split(" ", 1)
            if not reason:
                raise ValueError(f"{KNOWN.name} gives no reason for: {line}")
            if label in known[subject]:
                raise ValueError(f"{KNOWN.name} has twice: {line}")
            known[subject][label] = reason
    return known


def judge(subject: str, found: list[Case]) -> tuple[list[str], str]:
    """What is not as it is known to be, and how many cases there were of which kind."""
    known = known_differences()[subject]
    labels = {case.label for case in found}
    wrong = [
        f"{subject} {case.label}\n   ours   {str(case.ours)[:700]}\n   theirs {str(case.theirs)[:700]}"
        for case in found
        if not case.alike and case.label not in known
    ]
    wrong += [
        f"{subject} {case.label}\n   is listed, and does not differ any more"
        for case in found
        if case.alike and case.label in known
    ]
    wrong += [f"{subject} {label}\n   is listed, and is asked no more" for label in known if label not in labels]
    alike = sum(case.alike for case in found)
    listed = sum(not case.alike and case.label in known for case in found)
    return wrong, f"{subject}: {len(found)} cases, {alike} answered alike, {listed} known to differ, {len(wrong)} not as known"
