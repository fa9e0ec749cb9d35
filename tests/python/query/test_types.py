"""Every BigQuery type arrives with google-cloud-bigquery's types and values, in every library."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from google.cloud import bigquery

import streetlens as sl

EXTREMES = """
SELECT * FROM UNNEST([
  STRUCT(0 AS k, 9223372036854775807 AS i, 1.5 AS f, TRUE AS b, 'naïve "quoted" \\\\ 日本 🛑' AS s,
    b'\\x00\\xff bytes' AS y, NUMERIC '9999999999999999999999999999.999999999' AS n,
    DATE '9999-12-31' AS d, TIME '23:59:59.999999' AS t, DATETIME '9999-12-31 23:59:59.999999' AS m,
    TIMESTAMP '9999-12-31 23:59:59.999999+00' AS p),
  STRUCT(1, -9223372036854775808, -0.0, FALSE, '', b'', NUMERIC '-0.000000001', DATE '0001-01-01', TIME '00:00:00',
    DATETIME '0001-01-01 00:00:00', TIMESTAMP '0001-01-01 00:00:00+00'),
  STRUCT(2, 0, CAST('inf' AS FLOAT64), NULL, NULL, NULL, NUMERIC '0', NULL, NULL, NULL,
    TIMESTAMP '1969-12-31 23:59:59.999999+00'),
  STRUCT(3, NULL, CAST('nan' AS FLOAT64), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
]) ORDER BY k
"""
NESTED = """
SELECT 1 AS k, [1, 2, 3] AS integers, CAST([] AS ARRAY<STRING>) AS nothing,
  STRUCT(1 AS x, STRUCT('deep' AS z, [NUMERIC '1.5'] AS amounts) AS inner_) AS record,
  [STRUCT(DATE '2026-01-02' AS day, ['a', 'b'] AS tags), STRUCT(NULL, CAST([] AS ARRAY<STRING>))] AS records
UNION ALL SELECT 2, NULL, NULL, NULL, NULL ORDER BY k
"""
QUERIES = {
    "extremes": EXTREMES,
    "nested": NESTED,
    "bignumeric": "SELECT"
    " BIGNUMERIC '-57896044618658097711785492504343953926.34992332820282019728792003956564819968' AS lo,"
    " BIGNUMERIC '0.00000000000000000000000000000000000001' AS tiny, CAST(NULL AS BIGNUMERIC) AS none_",
    "json": """SELECT JSON '{"a": [1, null, "x"], "b": {"c": 1.5}}' AS j, CAST(NULL AS JSON) AS none_""",
    "geography": "SELECT ST_GEOGPOINT(-122.0838511, 37.3860517) AS g, CAST(NULL AS GEOGRAPHY) AS none_",
    "range": "SELECT RANGE<DATE> '[2026-01-01, 2026-02-01)' AS d, RANGE<DATE> '[UNBOUNDED, 2026-02-01)' AS open_,"
    " RANGE(TIMESTAMP '2026-01-01 00:00:00.000001+00', NULL) AS p, RANGE(DATETIME '2026-01-01 00:00:00', NULL) AS m",
    "instants": "SELECT TIMESTAMP_MICROS(k) AS p FROM UNNEST([0, 1, -1, 1700000000123457, 253402300799999999]) AS k",
    "empty": "SELECT 1 AS i, 'x' AS s, [1.5] AS a, STRUCT(DATE '2026-01-01' AS d) AS r LIMIT 0",
}


def comparable(table: pa.Table) -> pa.Table:
    """The table with every list's child named alike: producers differ there."""

    def normal(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_list(kind):
            return pa.list_(normal(kind.value_type))
        if pa.types.is_struct(kind):
            return pa.struct([field.with_type(normal(field.type)) for field in kind])
        return kind

    fields = [field.with_type(normal(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)).combine_chunks()


def same(ours: Any, theirs: Any) -> bool:
    """Equality in which NaN equals itself and the sign of a zero counts."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return (math.isnan(ours) and math.isnan(theirs)) or (
            ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs)
        )
    return bool(type(ours) is type(theirs) and ours == theirs)


@pytest.mark.parametrize("name", QUERIES)
def test_types_values_and_metadata_are_those_of_google_cloud_bigquery(
    client: sl.Client, google: bigquery.Client, name: str
) -> None:
    ours = comparable(client.query(QUERIES[name]).to_arrow())
    theirs = comparable(google.query(QUERIES[name]).result().to_arrow(create_bqstorage_client=False))
    assert [(field.name, field.type, field.nullable) for field in ours.schema] == [
        (field.name, field.type, field.nullable) for field in theirs.schema
    ]
    assert [field.metadata for field in ours.schema] == [field.metadata for field in theirs.schema]
    assert same(ours.to_pylist(), theirs.to_pylist())


def test_the_published_table_is_that_of_google_cloud_bigquery(
    client: sl.Client, google: bigquery.Client, observations: str
) -> None:
    sql = f"SELECT * FROM {observations} ORDER BY observation_id"
    ours = comparable(client.query(sql).to_arrow())
    theirs = comparable(google.query(sql).result().to_arrow(create_bqstorage_client=False))
    assert ours.num_rows == 60
    assert ours.equals(theirs, check_metadata=True)


def test_dictionaries_hold_the_python_values_of_each_type(client: sl.Client) -> None:
    row = client.query(EXTREMES).to_dicts()[0]
    assert row == {
        "k": 0,
        "i": 2**63 - 1,
        "f": 1.5,
        "b": True,
        "s": 'naïve "quoted" \\ 日本 🛑',
        "y": b"\x00\xff bytes",
        "n": Decimal("9999999999999999999999999999.999999999"),
        "d": dt.date(9999, 12, 31),
        "t": dt.time(23, 59, 59, 999999),
        "m": dt.datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - a DATETIME has no zone
        "p": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.timezone.utc),
    }


def test_dictionaries_are_what_pyarrow_makes_of_the_same_table(client: sl.Client) -> None:
    for name, sql in QUERIES.items():
        table = client.query(sql)
        assert same(table.to_dicts(), table.to_arrow().to_pylist()), name


def test_the_widest_bignumeric_keeps_its_77_digits(client: sl.Client) -> None:
    """google-cloud-bigquery cannot read it: it declares 76 digits, as Arrow allows at most."""
    widest = Decimal("-578960446186580977117854925043439539266.34992332820282019728792003956564819968")
    table = client.query(f"SELECT BIGNUMERIC '{widest}' AS n")
    assert table[0]["n"] == widest
    assert table.to_arrow()["n"][0].as_py() == widest


def test_an_interval_is_months_days_and_nanoseconds(client: sl.Client) -> None:
    """google-cloud-bigquery has no Arrow type for it over REST; the Storage Read API's is month_day_nano."""
    table = client.query("SELECT INTERVAL '1-2 3 4:5:6.789' YEAR TO SECOND AS i, INTERVAL -10 DAY AS days")
    assert table[0] == {"i": sl.Interval(14, 3, 14_706_789_000_000), "days": sl.Interval(0, -10, 0)}
    arrow = table.to_arrow()
    assert arrow.schema.field("i").type == pa.month_day_nano_interval()
    assert tuple(arrow["i"][0].as_py()) == (14, 3, 14_706_789_000_000)


def test_json_and_geography_are_their_texts(client: sl.Client) -> None:
    assert client.query("SELECT JSON '[1, 2]' AS j")[0]["j"] == "[1,2]"
    assert client.query(QUERIES["geography"])[0]["g"] == "POINT(-122.0838511 37.3860517)"


def test_a_range_is_its_two_ends_and_an_open_end_is_none(client: sl.Client) -> None:
    row = client.query(QUERIES["range"])[0]
    assert row["d"] == {"start": dt.date(2026, 1, 1), "end": dt.date(2026, 2, 1)}
    assert row["open_"]["start"] is None


def test_a_struct_without_field_names_gets_googles(client: sl.Client) -> None:
    table = client.query("SELECT (1, 'a') AS pair", transport="rest")
    assert table[0]["pair"] == {"_field_1": 1, "_field_2": "a"}


def test_a_null_array_is_an_empty_list(client: sl.Client) -> None:
    assert client.query(NESTED)[1] == {"k": 2, "integers": [], "nothing": [], "record": None, "records": []}


def test_pandas_gets_micros_and_not_a_single_lossy_object(client: sl.Client) -> None:
    frame = client.query(EXTREMES).to_pandas()
    assert str(frame["p"].dtype) == "datetime64[us, UTC]"
    assert frame["p"][0].year == 9999
    assert frame["n"][0] == Decimal("9999999999999999999999999999.999999999")
    assert frame["s"][0] == 'naïve "quoted" \\ 日本 🛑'


def test_options_of_to_pandas_go_to_pyarrow(client: sl.Client) -> None:
    import pandas as pd

    frame = client.query("SELECT 1 AS one").to_pandas(types_mapper=pd.ArrowDtype)
    assert isinstance(frame["one"].dtype, pd.ArrowDtype)


def test_polars_gets_typed_columns(client: sl.Client) -> None:
    frame = client.query(EXTREMES).to_polars()
    assert frame.schema["p"] == pl.Datetime("us", "UTC")
    assert frame.schema["n"] == pl.Decimal(38, 9)
    assert frame["i"].to_list() == [2**63 - 1, -(2**63), 0, None]
    nested = client.query(NESTED).to_polars()
    assert nested["records"][0].to_list()[0] == {"day": dt.date(2026, 1, 2), "tags": ["a", "b"]}


def test_polars_gets_what_it_has_no_type_for_as_text_and_struct(client: sl.Client) -> None:
    frame = client.query(
        "SELECT 1 AS k, BIGNUMERIC '-1.50' AS n, INTERVAL 3 DAY AS i, [STRUCT(BIGNUMERIC '0.1' AS n)] AS r"
        " UNION ALL SELECT 2, NULL, NULL, [] ORDER BY k"
    ).to_polars()
    assert frame["n"].to_list() == ["-1.5", None]
    assert frame["i"].to_list() == [{"months": 0, "days": 3, "nanoseconds": 0}, None]
    assert frame["r"].to_list() == [[{"n": "0.1"}], []]


def test_any_library_takes_the_capsule(client: sl.Client) -> None:
    table = client.query(NESTED)
    stream = pa.RecordBatchReader.from_stream(table)
    assert stream.schema == pa.schema(table)
    assert stream.read_all().num_rows == 2


def test_the_capsule_shares_the_memory(client: sl.Client) -> None:
    table = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS x")
    first, second = table.to_arrow(), table.to_arrow()
    assert first["x"].chunk(0).buffers()[1].address == second["x"].chunk(0).buffers()[1].address


def test_an_empty_result_keeps_its_columns_everywhere(client: sl.Client) -> None:
    table = client.query(QUERIES["empty"])
    assert (len(table), table.column_names) == (0, ["i", "s", "a", "r"])
    assert table.to_dicts() == []
    assert table.to_arrow().schema.field("a").type == pa.list_(pa.field("item", pa.float64()))
    assert list(table.to_pandas().columns) == ["i", "s", "a", "r"]
    assert table.to_polars().shape == (0, 4)
    assert table["i"] == []


def test_columns_and_rows_are_picked_by_name_and_number(client: sl.Client) -> None:
    table = client.query("SELECT x, x * x AS y FROM UNNEST([1, 2, 3]) AS x ORDER BY x")
    assert table["y"] == [1, 4, 9]
    assert (table[0], table[-1]) == ({"x": 1, "y": 1}, {"x": 3, "y": 9})
    assert [row["x"] for row in table] == [1, 2, 3]
    with pytest.raises(IndexError, match="row 3 of 3"):
        table[3]
    with pytest.raises(KeyError, match="nope"):
        table["nope"]


def test_the_schema_is_told_in_words(client: sl.Client) -> None:
    table = client.query("SELECT 1 AS i, [STRUCT('a' AS s)] AS r, CURRENT_TIMESTAMP() AS p, NUMERIC '1' AS n")
    assert table.schema == {
        "i": "int64",
        "r": "list<struct<s: string>>",
        "p": "timestamp[UTC]",
        "n": "decimal(38, 9)",
    }


def test_a_column_goes_to_numpy_by_the_capsule(client: sl.Client) -> None:
    column = client.query("SELECT x FROM UNNEST([1.5, 2.5]) AS x").to_arrow()["x"]
    assert np.asarray(column).tolist() == [1.5, 2.5]
