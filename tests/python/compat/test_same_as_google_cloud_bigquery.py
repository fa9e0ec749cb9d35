"""The same query through google-cloud-bigquery and through the drop-in gives the same rows and frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as google_bigquery

from compat.conftest import TABLE
from streetlens.compat import bigquery
from streetlens.emulator import Emulator

OBSERVATIONS = f"SELECT * FROM {TABLE} ORDER BY observation_id"
EVERY_TYPE = """
    SELECT 1 AS a_int, 1.5 AS a_float, TRUE AS a_bool, 'x' AS a_text, b'\\x00\\xff' AS some_bytes,
      NUMERIC '1.25' AS a_numeric, BIGNUMERIC '-1.5' AS a_bignumeric, DATE '2026-01-02' AS a_date,
      TIME '03:04:05.000006' AS a_time, DATETIME '2026-01-02 03:04:05' AS a_datetime,
      TIMESTAMP '2026-01-02 03:04:05.123456+02' AS a_timestamp, JSON '{"a": [1, null]}' AS a_json,
      ST_GEOGPOINT(-122, 37) AS a_place, RANGE(DATE '2026-01-01', NULL) AS a_range,
      [1, 2] AS some_ints, CAST([] AS ARRAY<STRING>) AS no_texts, CAST(NULL AS INT64) AS a_null,
      STRUCT(JSON 'true' AS flag, [STRUCT(1 AS x)] AS points) AS a_struct,
      INTERVAL '-1-2 3 4:5:6.000007' YEAR TO SECOND AS an_interval
"""


@pytest.fixture
def original(served: Emulator) -> Iterator[Any]:
    with google_bigquery.Client(
        project=served.world.project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": served.url},
    ) as client:
        yield client


@pytest.fixture
def ours(served: Emulator) -> bigquery.Client:
    return bigquery.Client(
        project=served.world.project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": served.url},
    )


def typed(value: Any) -> Any:
    """The value with the type at every level, so that 1 and 1.0 and True differ."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), value


@pytest.mark.parametrize("sql", [OBSERVATIONS, EVERY_TYPE])
def test_rows_have_the_same_names_values_and_types(original: Any, ours: bigquery.Client, sql: str) -> None:
    expected = [typed(dict(row)) for row in original.query(sql).result()]
    found = [typed(dict(row)) for row in ours.query(sql).result()]
    assert expected
    assert found == expected


def test_times_are_aware_and_in_utc(original: Any, ours: bigquery.Client) -> None:
    times = [row["capture_time"] for row in ours.query(OBSERVATIONS)]
    assert times == [row["capture_time"] for row in original.query(OBSERVATIONS)]
    assert all(isinstance(time, datetime) and time.tzinfo is timezone.utc for time in times)


def test_nested_structs_are_dictionaries(ours: bigquery.Client) -> None:
    row = next(iter(ours.query(OBSERVATIONS)))
    assert set(row["bbox"]) == {"lo", "hi"}
    assert isinstance(row["bbox"]["lo"]["x"], float)


def test_an_observation_prints_the_same(original: Any, ours: bigquery.Client) -> None:
    assert [str(dict(row)) for row in ours.query(OBSERVATIONS)] == [
        str(dict(row)) for row in original.query(OBSERVATIONS)
    ]


@pytest.mark.filterwarnings(
    "ignore:Retrieving DataFrames via google-cloud-bigquery:PendingDeprecationWarning"
)
def test_frames_have_the_same_types_and_values(original: Any, ours: bigquery.Client) -> None:
    expected = original.query(OBSERVATIONS).to_dataframe(create_bqstorage_client=False)
    found = ours.query(OBSERVATIONS).to_dataframe(create_bqstorage_client=False)
    assert list(found.dtypes.items()) == list(expected.dtypes.items())
    assert repr(found.to_dict("list")) == repr(expected.to_dict("list"))


def test_columns_are_described_the_same(original: Any, ours: bigquery.Client) -> None:
    def described(fields: Any) -> list[Any]:
        return [(field.name, field.field_type, described(field.fields)) for field in fields]

    assert described(ours.query(OBSERVATIONS).result().schema) == described(
        original.query(OBSERVATIONS).result().schema
    )


@pytest.mark.parametrize("sql", ["SELECT nope", "SELECT 1 FROM `streetlens-demo.nowhere.nothing`", "SELEC 1"])
def test_a_refused_query_says_the_same(original: Any, ours: bigquery.Client, sql: str) -> None:
    said = original.query(sql).exception().errors[0]["message"]
    assert said in str(ours.query(sql).exception())
