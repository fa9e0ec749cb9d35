"""Every type of BigQuery's arrives as such, from its own tables and from other libraries."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import streetlens as sl
from load.conftest import Rows
from streetlens.options import LoadMode

TYPED = """
    SELECT 1 AS id, 'é' AS text, 1.5 AS number, TRUE AS flag, b'\\x00\\xff' AS bytes, DATE '2025-02-28' AS day,
      TIME '23:59:59.999999' AS time, DATETIME '2025-01-01T00:00:00.000001' AS local,
      TIMESTAMP '2025-01-01 00:00:00.000001+00' AS moment, NUMERIC '-1.000000001' AS exact,
      BIGNUMERIC '1.00000000000000000000000000000000000001' AS wide, ST_GEOGPOINT(-122.5, 37.25) AS place,
      JSON '{"a": [1, 2.5, null]}' AS raw, [1, 2] AS numbers, STRUCT('x' AS name, [TRUE] AS flags) AS record,
      [STRUCT(1 AS n, JSON '{"b": 1}' AS raw), STRUCT(2, NULL)] AS records
    UNION ALL
    SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, [], NULL, []
"""
SCALARS = "id, text, number, flag, bytes, day, time, local, moment, exact, place, numbers, record"


@pytest.mark.parametrize("columns", ["*", SCALARS])
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_what_a_query_gives_arrives_as_such(client: sl.Client, dataset: str, mode: Any, columns: str) -> None:
    given = client.query(f"SELECT {columns} FROM ({TYPED}) ORDER BY id")
    key = "id" if mode == "upsert" else None
    client.load(given, f"{dataset}.typed", mode=mode, key=key)
    kept = client.query(f"SELECT * FROM {dataset}.typed ORDER BY id")
    assert kept.schema == given.schema
    assert kept.to_dicts() == given.to_dicts()
    # The table itself has the types, not only what a query makes of it.
    types = client.query(
        f"SELECT column_name, data_type FROM {dataset}.INFORMATION_SCHEMA.COLUMNS"
    ).to_dicts()
    by_name = {row["column_name"]: row["data_type"] for row in types}
    assert (by_name["place"], by_name["moment"], by_name["local"]) == ("GEOGRAPHY", "TIMESTAMP", "DATETIME")
    if columns == "*":
        assert (by_name["raw"], by_name["wide"]) == ("JSON", "BIGNUMERIC")
        assert by_name["records"] == "ARRAY<STRUCT<n INT64, raw JSON>>"


def test_text_becomes_what_the_table_has(client: sl.Client, dataset: str) -> None:
    client.query(f"CREATE TABLE {dataset}.places (id INT64, place GEOGRAPHY, raw JSON)")
    client.load([{"id": 1, "place": "POINT(1 2)", "raw": '{"a": 1}'}], f"{dataset}.places")
    found = client.query(f"SELECT ST_X(place) AS x, INT64(raw.a) AS a FROM {dataset}.places").to_dicts()
    assert found == [{"x": 1.0, "a": 1}]


def test_what_other_libraries_make_arrives(client: sl.Client, dataset: str, rows: Rows) -> None:
    moment = dt.datetime(2025, 1, 1, 12, 0, 0, 123456, tzinfo=dt.timezone.utc)
    table = pa.table(
        {
            "id": pa.array([1], pa.uint8()),
            "kind": pa.array(["stop"]).dictionary_encode(),
            "large": pa.array(["x"], pa.large_string()),
            "half": pa.array([0.5], pa.float32()),
            "moment": pa.array([moment], pa.timestamp("ms", tz="America/New_York")),
            "local": pa.array([moment.replace(tzinfo=None)], pa.timestamp("ns")),
            "price": pa.array([Decimal("1.25")], pa.decimal128(5, 2)),
            "fixed": pa.array([[1, 2]], pa.list_(pa.int16(), 2)),
            "view": pa.array([["a"]], pa.large_list(pa.string_view())),
        }
    )
    client.load(table, f"{dataset}.kinds")
    assert rows(f"{dataset}.kinds") == [
        {
            "id": 1,
            "kind": "stop",
            "large": "x",
            "half": 0.5,
            "moment": moment.replace(microsecond=123000),
            "local": moment.replace(tzinfo=None),
            "price": Decimal("1.250000000"),
            "fixed": [1, 2],
            "view": ["a"],
        }
    ]


def test_categories_of_polars_are_texts(client: sl.Client, dataset: str, rows: Rows) -> None:
    frame = pl.DataFrame({"id": [1, 2], "kind": pl.Series(["a", None], dtype=pl.Categorical)})
    client.load(frame, f"{dataset}.kinds")
    assert rows(f"{dataset}.kinds") == [{"id": 1, "kind": "a"}, {"id": 2, "kind": None}]


def test_sliced_and_empty_batches_keep_every_row(client: sl.Client, dataset: str, rows: Rows) -> None:
    whole = pa.table({"id": list(range(100)), "l": [[number] * (number % 3) for number in range(100)]})
    parts = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 0), whole.slice(7, 60), whole.slice(67)])
    client.load(parts, f"{dataset}.numbers")
    assert rows(f"{dataset}.numbers") == whole.to_pylist()


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_fields_of_a_struct_go_by_their_names(
    client: sl.Client, dataset: str, rows: Rows, mode: LoadMode
) -> None:
    place = "STRUCT<latitude FLOAT64, longitude FLOAT64>"
    client.query(f"CREATE TABLE {dataset}.places (id INT64, place {place}, raw JSON)")
    given = [{"id": 1, "place": {"longitude": -122.0, "latitude": 37.0}, "raw": "{}"}]
    key = "id" if mode == "upsert" else None
    client.load(given, f"{dataset}.places", mode=mode, key=key)
    assert [row["place"] for row in rows(f"{dataset}.places")] == [{"latitude": 37.0, "longitude": -122.0}]
