"""What the mlflow client lacks, for a Tidemill server."""

from tidemill._capture import Captured, capture, captured
from tidemill._client import Answer, Client
from tidemill._errors import ReplayError, ServerUnavailable, TidemillError
from tidemill._run import Run, replay, start_run

__all__ = [
    "Answer",
    "Captured",
    "Client",
    "ReplayError",
    "Run",
    "ServerUnavailable",
    "TidemillError",
    "capture",
    "captured",
    "replay",
    "start_run",
]
