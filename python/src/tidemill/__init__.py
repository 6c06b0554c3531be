"""What the mlflow client lacks, for a Tidemill server."""

from tidemill._client import Answer, Client
from tidemill._errors import ServerUnavailable, TidemillError

__all__ = ["Answer", "Client", "ServerUnavailable", "TidemillError"]
