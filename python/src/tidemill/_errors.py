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


class ServerUnavailable(TidemillError):  # noqa: N818 - it is a condition, not a mistake
    """The server does not answer; the same call may succeed later."""
