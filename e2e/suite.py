"""Every end-to-end test, some files side by side: most of their time they wait.

    python3 e2e/suite.py [--together N] [FILE ...]

A file's output is printed as a whole once it has ended. At the end: how long each took, what was skipped and why, what failed.
Exit code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent

# The longest first, so that none is left to run alone at the end.
TOGETHER = [
    "test_loop",
    "test_inference",
    "test_mlflow",
    "test_recovery",
    "test_tutorials",
    "test_calls",
    "test_import",
    "test_command_line",
    "test_tracking",
    "test_mlflow_probe",
    "test_mlflow_tracing",
    "test_scoring",
    "test_fuzz",
    "test_python",
    "test_gateway",
    "test_artifact_roots",
    "test_artifact_bucket",
    "test_tls",
    "test_java_client",
    "test_sign_in",
    "test_waits",
]

# What they measure or exhaust is the machine's, so that others would disturb them or be disturbed.
ALONE = ["test_limits", "test_pressure", "test_disk_full"]


def run(name: str) -> tuple[str, float, int, str]:
    """Name, seconds, exit code and output of one file."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", name], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seconds = time.monotonic() - began
    print(f"\n=== {name}: {seconds:.0f} s\n{done.stdout}", flush=True)
    return name, seconds, done.returncode, done.stdout


def unlisted() -> list[str]:
    """Files that would never run."""
    return sorted({file.stem for file in HERE.glob("test_*.py")} - {*TOGETHER, *ALONE})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--together", type=int, default=2, help="files that run at a time")
    parser.add_argument("files", nargs="*", help="names such as test_loop; every file if none is named")
    options = parser.parse_args()
    if unlisted():
        print(f"not in the lists of {pathlib.Path(__file__).name}: {', '.join(unlisted())}", file=sys.stderr)
        return 1
    chosen = options.files or [*TOGETHER, *ALONE]
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.together) as pool:
        results = list(pool.map(run, [name for name in chosen if name not in ALONE]))
    results += [run(name) for name in chosen if name in ALONE]
    skipped: collections.Counter[str] = collections.Counter()
    print("\n=== all files")
    for name, seconds, code, output in results:
        print(f"{'ok' if code == 0 else 'FAILED':7}{seconds:6.0f} s  {name}")
        skipped.update(re.findall(r"skipped [\"'](.*)[\"']$", output, re.MULTILINE))
    for reason, count in skipped.items():
        print(f"skipped {count}: {reason}")
    print(f"{len(results)} files in {time.monotonic() - began:.0f} s")
    return 1 if any(code for _, _, code, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
