"""The client against a server that is not there, and its encoding of rows. e2e/test_python.py drives it against a real one."""

from __future__ import annotations

import datetime
import math
import unittest
from typing import Any

import tidemill
from tidemill._client import _columns, _iso, _records, _scalar, _tensor


def _tensors(rows: list[dict[str, str | float | int | bool | None]]) -> list[dict[str, Any]]:
    return [_tensor(name, values) for name, values in _columns(rows).items()]


class ClientTest(unittest.TestCase):
    def test_an_absent_server_is_told_apart_from_a_refusal(self) -> None:
        with tidemill.Client("http://127.0.0.1:9") as client, self.assertRaises(tidemill.ServerUnavailable):
            client.deployment("bikes")

    def test_columns_get_the_narrowest_datatype_that_holds_them(self) -> None:
        rows: list[dict[str, str | float | int | bool | None]] = [
            {"a": 1, "b": 1, "c": "x", "d": True},
            {"a": 2, "b": 0.5, "c": None, "e": math.nan},
        ]
        tensors = {tensor["name"]: tensor for tensor in _tensors(rows)}
        self.assertEqual(
            {name: tensor["datatype"] for name, tensor in tensors.items()},
            {"a": "INT64", "b": "FP64", "c": "BYTES", "d": "FP64", "e": "FP64"},
        )
        self.assertEqual(tensors["c"]["data"], ["x", None])
        self.assertEqual(tensors["d"]["data"], [1.0, None])
        self.assertEqual(tensors["e"]["data"], [None, None])
        self.assertEqual(_tensors([{"d": True}, {"d": False}])[0]["datatype"], "BOOL")
        self.assertEqual(_tensors([{"a": 1}, {"a": None}])[0]["datatype"], "FP64")

    def test_text_and_numbers_do_not_mix(self) -> None:
        with self.assertRaisesRegex(tidemill.TidemillError, "'a' holds int, str"):
            _tensors([{"a": 1}, {"a": "x"}])

    def test_a_column_of_missing_values_is_what_the_model_takes(self) -> None:
        self.assertEqual(_tensor("note", [None, math.nan], text_if_missing=True)["datatype"], "BYTES")
        self.assertEqual(_tensor("note", [None, math.nan], text_if_missing=True)["data"], [None, None])
        self.assertEqual(_tensor("note", ["x", None], text_if_missing=True)["data"], ["x", None])
        self.assertEqual(_tensor("age", [None, None])["datatype"], "FP64")

    def test_what_json_cannot_tell_and_what_is_no_list_is_refused(self) -> None:
        with self.assertRaisesRegex(tidemill.TidemillError, "'a' holds an infinite number"):
            _tensors([{"a": 1.5}, {"a": -math.inf}])
        with (
            tidemill.Client("http://127.0.0.1:9") as client,
            self.assertRaisesRegex(tidemill.TidemillError, "put a single one into a list"),
        ):
            client.predict("m", {"a": 1})  # type: ignore[arg-type]

    def test_scalars_and_frames_of_other_libraries_stand_for_their_values(self) -> None:
        class Scalar:
            dtype = "bool"

            def item(self) -> bool:
                return True

        class NAType:
            pass

        class Rows:
            columns = ("vip", 7, "note")

            def to_dict(self, orient: str) -> list[dict[Any, Any]]:
                assert orient == "records"
                return [{"vip": Scalar(), 7: 1, "note": "a"}, {"vip": NAType(), 7: 2, "note": math.nan}]

        columns = _columns(_records(Rows()))
        self.assertEqual(columns, {"vip": [True, None], "7": [1, 2], "note": ["a", None]})
        self.assertEqual(_tensor("note", columns["note"])["datatype"], "BYTES")
        self.assertEqual(_tensor("vip", [_scalar(Scalar())])["datatype"], "BOOL")

    def test_labels_are_a_mapping(self) -> None:
        with tidemill.Client("http://127.0.0.1:1") as client, self.assertRaises(tidemill.TidemillError) as refused:
            client.label("eta", [{"id": "a", "value": 1}])  # type: ignore[arg-type]
        self.assertIn("mapping", str(refused.exception))

    def test_times_need_a_zone(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=2))
        self.assertEqual(_iso(datetime.datetime(2011, 4, 1, 10, tzinfo=zone)), "2011-04-01T08:00:00Z")
        with self.assertRaisesRegex(tidemill.TidemillError, "no time zone"):
            _iso(datetime.datetime(2011, 4, 1, 10))


if __name__ == "__main__":
    unittest.main()
