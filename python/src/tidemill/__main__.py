"""``python -m tidemill replay [SERVER]``: sends the runs that wait on disk."""

from __future__ import annotations

import sys

from tidemill import ReplayError, replay


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] != "replay" or len(arguments) > 2:
        print("usage: python -m tidemill replay [SERVER]", file=sys.stderr)
        return 2
    failed: dict[str, Exception] = {}
    try:
        sent = replay(arguments[1] if len(arguments) > 1 else None)
    except ReplayError as failure:
        sent, failed = failure.sent, failure.failed
    for run in sent:
        print(run)
    for run, reason in failed.items():
        print(f"tidemill: {run} is not sent, and waits on: {reason}", file=sys.stderr)
    print(f"{len(sent)} runs sent, {len(failed)} not" if failed else f"{len(sent)} runs sent", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
