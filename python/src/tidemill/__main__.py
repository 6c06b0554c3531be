"""``python -m tidemill replay [SERVER]``: sends the runs that wait on disk."""

from __future__ import annotations

import sys

from tidemill import TidemillError, replay


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] != "replay" or len(arguments) > 2:
        print("usage: python -m tidemill replay [SERVER]", file=sys.stderr)
        return 2
    try:
        sent = replay(arguments[1] if len(arguments) > 1 else None)
    except TidemillError as failure:
        print(f"tidemill: {failure}", file=sys.stderr)
        return 1
    for run in sent:
        print(run)
    print(f"{len(sent)} runs sent", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
