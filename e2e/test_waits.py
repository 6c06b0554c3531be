"""No test measures the machine it runs on: waits are generous, and a bound on time is wide or relative to what was measured."""

from __future__ import annotations

import ast
import pathlib
import unittest

from harness import ROOT

#: What is measured is not held against fewer seconds than these.
LEAST_BOUND = 10
#: What is waited for gets no fewer seconds than these; `harness.PATIENCE` is what it should get.
LEAST_WAIT = 60
CLOCKS = {"monotonic", "perf_counter", "time"}
WAITING = {"wait", "join", "settimeout"}
COMPARING = {"assertLess", "assertLessEqual", "assertGreater", "assertGreaterEqual"}


def number(node: ast.AST) -> float | None:
    """The value of a literal; none for anything that has a name, which says why it is what it is."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) in (int, float) else None


def named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and named(node.func) in CLOCKS and not node.args


def is_elapsed(node: ast.AST, elapsed: set[str]) -> bool:
    """Whether this is a clock's reading minus another, or the name of one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return is_clock(node.left)
    return isinstance(node, ast.Name) and node.id in elapsed


def hasty(source: str) -> list[tuple[int, str]]:
    """Lines that would fail on a slow machine, each with the reason."""
    tree = ast.parse(source)
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and is_elapsed(node.value, set())]
    elapsed = {named(target) for node in assigned for target in node.targets}
    found = []

    def bounded(line: int, *sides: ast.AST) -> None:
        for side in sides:
            bound = number(side)
            if bound is not None and bound < LEAST_BOUND and any(is_elapsed(other, elapsed) for other in sides):
                found.append((line, f"what was measured is held against {bound} s"))

    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            bounded(node.lineno, node.left, *node.comparators)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and is_clock(node.left):
            seconds = number(node.right)
            if seconds is not None and seconds < LEAST_WAIT:
                found.append((node.lineno, f"a wait ends after {seconds} s"))
        elif isinstance(node, ast.Call):
            if named(node.func) in COMPARING:
                bounded(node.lineno, *node.args[:2])
            given = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
            given += node.args[:1] if named(node.func) in WAITING else []
            seconds = [value for value in map(number, given) if value is not None and value < LEAST_WAIT]
            found += [(node.lineno, f"{named(node.func)}() gives up after {value} s") for value in seconds]
    return found


class WaitsTest(unittest.TestCase):
    def test_no_test_fails_for_a_slow_machine(self) -> None:
        here = pathlib.Path(__file__).resolve().parent
        files = [*here.glob("*.py"), here / "soak" / "fuzz.py", *(ROOT / "python" / "tests").glob("*.py")]
        self.assertGreater(len(files), 50)
        found = [f"{file.name}:{line}: {why}" for file in files for line, why in hasty(file.read_text(encoding="utf-8"))]
        self.assertEqual(found, [], "a test that waits for a condition takes harness.PATIENCE for it:\n" + "\n".join(found))

    def test_what_is_hasty_is_found(self) -> None:
        for wrong in (
            "assert time.monotonic() - began < 2",
            "took = time.perf_counter() - began\nassert took < 2",
            "took = monotonic() - began\nself.assertLess(took, 5)",
            "deadline = time.monotonic() + 20",
            "urlopen(url, timeout=5)",
            "process.wait(20)",
            "wire.settimeout(0.5)",
        ):
            self.assertEqual(len(hasty(wrong)), 1, wrong)
        for right in (
            "assert time.monotonic() - began < PATIENCE",
            "assert time.monotonic() - began < 10 * measured",
            "assert count < 2",
            "self.assertLess(count, 5)",
            "deadline = time.monotonic() + PATIENCE",
            "', '.join(names)",
            "time.sleep(1)",
        ):
            self.assertEqual(hasty(right), [], right)


if __name__ == "__main__":
    unittest.main()
