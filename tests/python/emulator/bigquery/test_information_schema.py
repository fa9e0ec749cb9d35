"""INFORMATION_SCHEMA by data set and by region: options, storage, tables and data sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.bigquery.conftest import Sql
from streetlens.emulator.bigquery.errors import BigQueryError


@pytest.fixture(autouse=True)
def _described(sql: Sql) -> Iterator[None]:
    options = "description='a \"text\"', labels=[('k', 'v')], expiration_timestamp=TIMESTAMP '2100-01-01'"
    sql.outcome("CREATE SCHEMA described OPTIONS(location='europe-west9')")
    sql.outcome(f"CREATE TABLE described.t (a INT64) OPTIONS({options})")
    sql.outcome("INSERT described.t VALUES (1), (2)")
    yield
    sql.outcome("DROP SCHEMA described CASCADE")


def test_options_are_shown_as_literals(sql: Sql) -> None:
    columns = "table_name, option_name, option_type, option_value"
    assert sql.rows(f"SELECT {columns} FROM described.INFORMATION_SCHEMA.TABLE_OPTIONS ORDER BY 2") == [
        ("t", "description", "STRING", '"a \\"text\\""'),
        ("t", "expiration_timestamp", "TIMESTAMP", 'TIMESTAMP "2100-01-01T00:00:00.000Z"'),
        ("t", "labels", "ARRAY<STRUCT<STRING, STRING>>", '[STRUCT("k", "v")]'),
    ]


def test_a_region_shows_the_tables_of_its_data_sets(sql: Sql) -> None:
    region = "`region-europe-west9`.INFORMATION_SCHEMA"
    assert sql.rows(f"SELECT table_schema, table_name FROM {region}.TABLES") == [("described", "t")]
    assert sql.rows(f"SELECT schema_name FROM {region}.SCHEMATA") == [("described",)]
    assert sql.rows(f"SELECT column_name FROM {region}.COLUMNS") == [("a",)]
    named = "`streetlens-demo`.`region-europe-west9`.INFORMATION_SCHEMA.TABLES"
    assert sql.rows(f"SELECT table_name FROM {named}") == [("t",)]


def test_storage_tells_rows_and_bytes_of_own_tables(sql: Sql) -> None:
    columns = "table_schema, table_name, total_rows, total_logical_bytes, deleted"
    found = sql.rows(f"SELECT {columns} FROM `region-europe-west9`.INFORMATION_SCHEMA.TABLE_STORAGE")
    assert found == [("described", "t", 2, 16, False)]
    linked = (
        "SELECT COUNT(*) FROM `region-us`.INFORMATION_SCHEMA.TABLE_STORAGE WHERE table_schema = 'imagery'"
    )
    assert sql.rows(linked) == [(0,)]


def test_storage_is_shown_by_region_only(sql: Sql) -> None:
    with pytest.raises(BigQueryError, match="must be qualified with a region"):
        sql.outcome("SELECT * FROM described.INFORMATION_SCHEMA.TABLE_STORAGE")
