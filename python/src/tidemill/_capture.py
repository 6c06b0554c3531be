"""What is needed to make a run again: code, changes that are not committed, libraries, hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

DIFF = "reproduce/uncommitted.diff"
LOCK = "reproduce/requirements.lock"
_LONGEST_DIFF = 10_000_000
_SECONDS = 10


@dataclass(frozen=True)
class Captured:
    """Facts about this process, as they are kept with a run.

    Attributes:
        tags: names and values; those that MLflow knows under MLflow's names.
        files: texts by path among the run's artifacts.
    """

    tags: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)


def captured(folder: str | os.PathLike[str] | None = None) -> Captured:
    """Looks at this process. Nothing that is missing is an error: what cannot be told is left out.

    Args:
        folder: where the code is; the main program's folder, else the current one, if not given.
    """
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    place = Path(folder) if folder else Path(program).resolve().parent if program else Path.cwd()
    tags = {"tidemill.hardware." + name: value for name, value in _hardware().items() if value}
    files = {LOCK: _lock()}
    if program:
        tags["mlflow.source.name"] = os.path.relpath(program, _git(place, "rev-parse", "--show-toplevel") or place)
    commit = _git(place, "rev-parse", "HEAD")
    if commit:
        tags["mlflow.source.git.commit"] = commit
        branch = _git(place, "rev-parse", "--abbrev-ref", "HEAD")
        if branch and branch != "HEAD":
            tags["mlflow.source.git.branch"] = branch
        remote = _git(place, "remote", "get-url", "origin")
        if remote:
            tags["mlflow.source.git.repoURL"] = _without_secret(remote)
        diff = _git(place, "diff", "HEAD", "--binary", strip=False)
        if diff and len(diff) <= _LONGEST_DIFF:
            files[DIFF] = diff
    return Captured(tags, files)


def capture(folder: str | os.PathLike[str] | None = None) -> Captured:
    """Keeps with mlflow's active run what is needed to make it again; call it once, after ``mlflow.start_run``.

    Returns:
        what was kept.

    Raises:
        RuntimeError: if no run of mlflow's is active.
    """
    import mlflow  # only here: the package itself does not need it

    if mlflow.active_run() is None:
        raise RuntimeError("No run is active: call tidemill.capture() inside `with mlflow.start_run():`")
    facts = captured(folder)
    mlflow.set_tags(facts.tags)
    for path, text in facts.files.items():
        mlflow.log_text(text, path)
    return facts


def _git(folder: Path, *arguments: str, strip: bool = True) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        result = subprocess.run(
            [git, "-C", str(folder), *arguments], capture_output=True, timeout=_SECONDS, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    text = result.stdout.decode("utf-8", errors="replace")
    return text.strip() if strip else text


def _without_secret(address: str) -> str:
    """An address without the password or token that may stand in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _lock() -> str:
    names = {
        f"{distribution.metadata['Name']}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
        if distribution.metadata["Name"]
    }
    return "\n".join(sorted(names, key=str.lower)) + "\n"


def _hardware() -> dict[str, str]:
    return {
        "os": platform.platform(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "cores": str(os.cpu_count() or ""),
        "memory": _memory(),
        "gpu": _gpu(),
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, ValueError, OSError):
        return ""


def _gpu() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        command = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(line.strip() for line in result.stdout.splitlines() if line.strip())
