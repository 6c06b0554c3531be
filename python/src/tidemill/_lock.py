"""Who has a folder of the outbox for itself."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

FILE = "lock"
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}

if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _give(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class Lock:
    """An exclusive lock of a folder. It ends with its process, however that ends.

    A process that was forked has it too, until it ends itself: it may write to the same journal.

    Attributes:
        is_held: false where the disk knows no locks; nobody can tell then whether somebody uses the folder.
    """

    def __init__(self, place: Path) -> None:
        """
        Raises:
            BlockingIOError: another has it.
            OSError: the folder takes no file.
        """
        self._process = os.getpid()
        self._file = (place / FILE).open("ab")
        self.is_held = False
        try:
            _take(self._file)
            self.is_held = True
        except OSError as failure:
            if failure.errno in _BUSY:
                self._file.close()
                raise BlockingIOError(failure.errno, f"{place} is in use") from failure

    def release(self) -> None:
        """Gives it back; again, it does nothing. A forked process gives back its part alone."""
        if self._file.closed:
            return
        if self.is_held and os.getpid() == self._process:
            _give(self._file)
        self._file.close()
