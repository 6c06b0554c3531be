"""How calls fail."""

from __future__ import annotations


class TidemillError(Exception):
    """The server refused.

    Attributes:
        code: stable name of the refusal, such as ``NOT_FOUND``; programs may switch on it.
        field: what in the request caused it, if one thing did.
        remedy: what to do, if the server knows.
    """

    def __init__(self, code: str, message: str, field: str | None = None, remedy: str | None = None) -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.code = code
        self.field = field
        self.remedy = remedy


class ReplayError(TidemillError):
    """Some of the runs that wait on disk could not be sent; they wait on.

    Attributes:
        sent: ids of the runs that the server has now.
        failed: why each of the others was not sent, by id.
    """

    def __init__(self, sent: list[str], failed: dict[str, Exception]) -> None:
        first = next(iter(failed.values()))
        code = first.code if isinstance(first, TidemillError) else "FAILED_PRECONDITION"
        runs = "; ".join(f"{run}: {failure}" for run, failure in failed.items())
        super().__init__(code, f"{len(failed)} runs are not sent: {runs}")
        self.sent = sent
        self.failed = failed


class ServerUnavailable(TidemillError):  # noqa: N818 - it is a condition, not a mistake
    """The server does not answer; the same call may succeed later."""
