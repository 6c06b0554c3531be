"""A small typed client of Tidemill's own API and of its predictions."""

from __future__ import annotations

import datetime
import json
import math
import numbers
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

import httpx

from tidemill._errors import ServerUnavailable, TidemillError

Value = str | float | int | bool | None


@runtime_checkable
class Frame(Protocol):
    """A pandas data frame, as far as it is needed here."""

    columns: Any

    def to_dict(self, orient: Any) -> Any: ...


@dataclass(frozen=True)
class Answer:
    """Predictions, one for each row.

    Attributes:
        predictions: a number or text a row; for a classifier of two classes the probability of the second, of more a list of
            probabilities a row, in the order of ``classes``.
        prediction_ids: what labels refer to, one a row.
        version: the model version that answered.
        route: ``champion`` or ``challenger`` of a deployment, ``registered`` where no deployment has chosen the version.
        classes: the classes that probabilities are of; empty where the model predicts numbers or texts.
    """

    predictions: list[float] | list[str] | list[list[float]]
    prediction_ids: list[str]
    version: str
    route: str
    classes: list[str] = field(default_factory=list)


class Client:
    """Talks to one project of one server. Thread-safe; close it, or use it in a ``with`` statement.

    Args:
        server: such as ``http://127.0.0.1:8080``; ``$TIDEMILL_SERVER`` if not given.
        token: ``$TIDEMILL_TOKEN`` if not given; a server on loopback without users needs none.
        project: ``$TIDEMILL_PROJECT``, else ``default``.
        timeout: seconds that one call may take.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        token: str | None = None,
        project: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        address = server or os.environ.get("TIDEMILL_SERVER") or "http://127.0.0.1:8080"
        secret = token or os.environ.get("TIDEMILL_TOKEN")
        self.project = project or os.environ.get("TIDEMILL_PROJECT") or "default"
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = httpx.Client(base_url=address.rstrip("/"), headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def predict(
        self,
        model: str,
        rows: Sequence[Mapping[str, Value]] | Frame,
        *,
        version: str | int | None = None,
        request_id: str | None = None,
        event_time: str | datetime.datetime | None = None,
        entity: str | None = None,
    ) -> Answer:
        """Predicts rows given by column name; a column that a row lacks is missing.

        Args:
            rows: mappings from column to value, or a pandas data frame; numpy's and pandas' scalars stand for their values.
            model: a deployment, or a registered model whether deployed or not.
            version: number or alias that must answer; by default a deployment decides, and a model's newest version answers.
            request_id: sent again with the same id, a request is journalled once.
            event_time: when what the rows describe happened; now if not given. A datetime must know its time zone.
            entity: whom the rows are about; one entity keeps one route during a canary.

        Raises:
            TidemillError: with code ``NOT_FOUND`` for an unknown model, ``INVALID_ARGUMENT`` for rows that do not fit.
        """
        if isinstance(rows, Mapping):
            raise TidemillError("INVALID_ARGUMENT", "Rows are a list of mappings; put a single one into a list", "rows")
        rows = _records(rows)
        if not rows:
            raise TidemillError("INVALID_ARGUMENT", "There is no row to predict", "rows")
        parameters: dict[str, str] = {}
        if event_time is not None:
            parameters["event_time"] = _iso(event_time)
        if entity is not None:
            parameters["entity"] = entity
        name = model if self.project == "default" else f"{self.project}~{model}"
        which = "" if version is None else f"/versions/{quote(str(version), safe='')}"
        address = f"/v2/models/{quote(name, safe='~')}{which}"
        body: dict[str, Any] = {"inputs": self._inputs(rows, address), "parameters": parameters}
        if request_id is not None:
            body["id"] = request_id
        answer = self._call("POST", f"{address}/infer", body)
        output = answer["outputs"][0]
        data: list[float] = [float("nan") if value is None else value for value in output["data"]]
        shape = output["shape"]
        wide = [data[i : i + shape[1]] for i in range(0, len(data), shape[1])] if len(shape) > 1 else data
        ids = [answer["id"]] if len(rows) == 1 else [f"{answer['id']}.{i}" for i in range(len(rows))]
        told = answer["parameters"]
        return Answer(wide, ids, answer["model_version"], told["route"], json.loads(told.get("classes", "[]")))

    def _inputs(self, rows: Sequence[Mapping[str, Value]], address: str) -> list[dict[str, Any]]:
        """The rows as tensors. What a column of missing values would hold, only the model can tell."""
        columns = _columns(rows)
        texts: set[str] = set()
        if any(all(_missing(value) for value in values) for values in columns.values()):
            inputs = self._call("GET", address)["inputs"]
            texts = {column["name"] for column in inputs if column["datatype"] == "BYTES"}
        return [_tensor(name, values, name in texts) for name, values in columns.items()]

    def score(
        self,
        model: str,
        data: str,
        *,
        version: str | int | None = None,
        output: str | None = None,
        prefix: str = "",
        timeout: float = 3600.0,
    ) -> str:
        """Predicts every row of a data set version into a new version of another data set, and waits for it.

        Args:
            model: a registered model.
            data: a data set such as ``customers``, or a version of it such as ``customers@3``.
            version: number or alias of the model; the newest by default.
            output: the data set to write to; ``DATA-scored`` by default.
            prefix: begins the names of the columns that are added.
            timeout: seconds to wait; the scoring goes on after that.

        Returns:
            The data set version that was written, such as ``customers-scored@1``.

        Raises:
            TidemillError: if the server refuses, or the scoring fails or is not done in time.
        """
        body: dict[str, Any] = {"model": model, "data": data, "prefix": prefix}
        if version is not None:
            body["version"] = str(version)
        if output is not None:
            body["output"] = output
        run = self._project("POST", "/scorings", body)["id"]
        deadline = time.monotonic() + timeout
        pause = 0.05
        while True:
            view = self._project("GET", f"/pipeline-runs/{run}")
            state = view["run"]["state"]
            if state == "SUCCEEDED":
                return str(view["steps"][0]["outputs"]["version"])
            if state not in ("RUNNING", "CANCELLING"):
                raise TidemillError("FAILED_PRECONDITION", str(view["run"].get("error") or f"The scoring is {state}"))
            if time.monotonic() > deadline:
                raise TidemillError("UNAVAILABLE", f"The scoring {run} goes on; it was not done within {timeout} s")
            time.sleep(pause)
            pause = min(2.0, pause * 1.5)

    def label(self, deployment: str, labels: Mapping[str, Value]) -> dict[str, Any]:
        """Tells what really happened, by prediction id. Another value takes the place of the one that is there.

        Returns:
            How many were ``accepted``, ``corrected``, ``repeated`` and too ``late`` to count in a window, which ids are
            ``unknown``, whose predictions were ``lost``, and which labels were ``refused``, with the reason.
        """
        if not hasattr(labels, "items"):
            raise TidemillError("INVALID_ARGUMENT", "Labels are a mapping from prediction id to value", "labels")
        entries = [{"id": str(key), "value": _text(_scalar(value))} for key, value in labels.items()]
        return self._project("POST", f"/deployments/{quote(deployment, safe='')}/labels", {"labels": entries})

    def deployment(self, name: str) -> dict[str, Any]:
        """A deployment's champion, challenger and live statistics."""
        return self._project("GET", f"/deployments/{quote(name, safe='')}")

    def _project(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return self._call(method, f"/api/tidemill/v1/projects/{quote(self.project, safe='')}{path}", body)

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ServerUnavailable("UNAVAILABLE", f"{self._http.base_url} does not answer: {error}") from error
        if response.is_error:
            raise _refusal(response)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer


def _refusal(response: httpx.Response) -> TidemillError:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    message = str(problem.get("detail") or problem.get("error") or f"HTTP {response.status_code}")
    known = {404: "NOT_FOUND", 400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
    code = str(problem.get("code") or known.get(response.status_code, "INTERNAL"))
    kind = ServerUnavailable if response.status_code == 503 else TidemillError
    return kind(code, message, problem.get("field"), problem.get("remedy"))


def _iso(moment: str | datetime.datetime) -> str:
    if isinstance(moment, str):
        return moment
    if moment.tzinfo is None:
        raise TidemillError("INVALID_ARGUMENT", f"The time {moment} has no time zone", "event_time")
    return moment.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _columns(rows: Sequence[Mapping[str, Value]]) -> dict[str, list[Value]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [_scalar(row.get(name)) for row in rows] for name in names}


def _records(rows: Sequence[Mapping[str, Value]] | Frame) -> Sequence[Mapping[str, Value]]:
    if not isinstance(rows, Frame):
        return rows
    records = rows.to_dict("records")
    return [{str(name): _present(value) for name, value in record.items()} for record in records]


def _present(value: Any) -> Any:
    """Data frames tell any missing value as NaN, that of a text or a truth as well."""
    plain = _scalar(value)
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def _scalar(value: Any) -> Any:
    """The plain value of one of numpy's or pandas', neither of which has to be installed."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.item() if hasattr(value, "dtype") and hasattr(value, "item") else value


def _tensor(name: str, values: list[Value], text_if_missing: bool = False) -> dict[str, Any]:
    if text_if_missing and all(_missing(value) for value in values):
        return {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": [None] * len(values)}
    present = [value for value in values if value is not None]
    whole = len(present) == len(values)  # Truths and whole numbers have no way to be missing.
    if whole and all(isinstance(value, bool) for value in present):
        datatype = "BOOL"
    elif whole and all(isinstance(value, numbers.Integral) for value in present):
        datatype = "INT64"
    elif all(isinstance(value, numbers.Real) for value in present):
        datatype = "FP64"
    elif all(isinstance(value, str) for value in present):
        datatype = "BYTES"
    else:
        found = ", ".join(sorted({type(value).__name__ for value in present}))
        message = f"Column '{name}' holds {found}; a column is of numbers, of booleans or of texts"
        raise TidemillError("INVALID_ARGUMENT", message, name)
    if any(isinstance(value, float) and math.isinf(value) for value in present):
        raise TidemillError("INVALID_ARGUMENT", f"Column '{name}' holds an infinite number, which JSON cannot tell", name)
    data = [_plain(datatype, value) for value in values]
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": data}


_CONVERT: dict[str, Callable[[Any], Value]] = {"BOOL": bool, "INT64": int, "FP64": float, "BYTES": str}


def _missing(value: Value) -> bool:
    return value is None or value != value


def _plain(datatype: str, value: Value) -> Value:
    """Plain JSON for numpy's numbers too; a NaN is a missing value."""
    if _missing(value):
        return None
    return _CONVERT[datatype](value)
