"""Rows come over several ways, and are the same rows whichever way they come."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import pyarrow as pa
import pytest

import streetlens as sl
from streetlens.emulator import Emulator

Transport = Literal["auto", "arrow", "storage", "rest"]

EVERY_TYPE = """
    SELECT n, n / 3 AS share, CAST(n AS NUMERIC) / 7 AS exact, CAST(n AS BIGNUMERIC) / 7 AS more_exact,
        n > 5 AS is_late,
        CONCAT('<', CAST(n AS STRING), '> é 🛑') AS text, CAST(CONCAT('b', CAST(n AS STRING)) AS BYTES) AS bytes,
        DATE_ADD(DATE '0001-01-01', INTERVAL n * 100000 DAY) AS day, TIME(1, 2, MOD(n, 60)) AS clock,
        DATETIME '2026-11-22 01:02:03.000004' AS moment, TIMESTAMP_MICROS(-62135596800000000 + n) AS instant,
        ST_GEOGPOINT(n, n / 2) AS place, JSON '{"a": [1, 2]}' AS document,
        STRUCT(n AS a, [STRUCT(n AS b, CAST(NULL AS STRING) AS c)] AS d) AS nested,
        GENERATE_ARRAY(1, MOD(n, 3)) AS several, IF(n > 5, NULL, n) AS sometimes, CAST(NULL AS FLOAT64) AS never
    FROM UNNEST(GENERATE_ARRAY(1, 20)) AS n ORDER BY n"""
MANY_ROWS = (
    "SELECT n, REPEAT(CAST(n AS STRING), 50) AS text FROM UNNEST(GENERATE_ARRAY(1, 10000)) AS n ORDER BY n"
)


def arrow(client: sl.Client, sql: str, **options: Any) -> pa.Table:
    return client.query(sql, **options).to_arrow().combine_chunks()


@pytest.mark.parametrize("transport", ["auto", "arrow", "storage"])
@pytest.mark.parametrize("page_size", [None, 7])
def test_every_way_gives_the_same_types_and_values(
    client: sl.Client, transport: Transport, page_size: int | None
) -> None:
    expected = arrow(client, EVERY_TYPE, transport="rest")
    table = arrow(client, EVERY_TYPE, transport=transport, page_size=page_size)
    assert table.schema.equals(expected.schema, check_metadata=True)
    assert table.equals(expected)


@pytest.mark.parametrize(
    ("transport", "page_size", "route"),
    [("auto", None, "arrow"), ("auto", 7, "storage"), ("storage", None, "storage"), ("rest", 7, "json")],
)
def test_the_statistics_tell_which_way_rows_came(
    client: sl.Client, transport: Transport, page_size: int | None, route: str
) -> None:
    assert client.query(EVERY_TYPE, transport=transport, page_size=page_size).stats.route == route


@pytest.mark.parametrize("transport", ["auto", "arrow", "storage", "rest"])
def test_no_rows_are_an_empty_table_of_the_same_columns(client: sl.Client, transport: Transport) -> None:
    table = client.query(f"SELECT * FROM ({EVERY_TYPE}) WHERE FALSE", transport=transport)
    assert (len(table), table.schema) == (0, client.query(EVERY_TYPE).schema)


def test_rows_in_any_order_are_all_there_once(client: sl.Client, emulator: Emulator) -> None:
    sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 150000)) AS n"
    table = client.query(sql, ordered=False, page_size=1000)
    assert sorted(table["n"]) == list(range(1, 150_001))
    assert any(entry.path.endswith("/CreateReadSession") for entry in emulator.requests)


def test_a_slow_query_comes_over_the_same_ways(client: sl.Client) -> None:
    table = client.query(f"{MANY_ROWS} /* emulator: run for 1.5 seconds */")
    assert (table["n"], table.stats.route) == (list(range(1, 10_001)), "storage")


def test_a_server_that_ignores_arrow_is_read_as_json(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("arrow_ignored", service="bigquery")
    table = client.query(EVERY_TYPE)
    assert (len(table), table.stats.route) == (20, "json")


def test_a_server_that_ignores_arrow_is_no_success_where_nothing_else_is_wanted(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("arrow_ignored", service="bigquery")
    with pytest.raises(sl.QueryError, match="answered with JSON") as caught:
        client.query(EVERY_TYPE, transport="arrow")
    assert "auto" in (caught.value.hint or "")


def test_a_result_that_is_told_to_be_empty_and_has_rows_is_read(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("arrow_not_inlined", service="bigquery")
    assert client.query(EVERY_TYPE)["n"] == list(range(1, 21))


def test_what_bigquery_has_no_arrow_for_comes_as_json_with_a_warning(client: sl.Client) -> None:
    with pytest.warns(UserWarning, match="came as JSON"):
        table = client.query("SELECT (1, 'a') AS pair")
    assert (table.to_dicts(), table.stats.route) == ([{"pair": {"_field_1": 1, "_field_2": "a"}}], "json")


@pytest.mark.parametrize("fault", ["403", "404", "html"])
@pytest.mark.parametrize("messages", [0, 2])
def test_without_the_storage_api_the_rest_comes_as_pages(
    client: sl.Client, emulator: Emulator, fault: str, messages: int
) -> None:
    emulator.faults.add(fault, service="bigquery_storage", messages=messages)
    with pytest.warns(UserWarning, match="Storage Read API cannot be used"):
        table = client.query(MANY_ROWS, page_size=2000)
    assert (table["n"], table.stats.route) == (list(range(1, 10_001)), "json")


def test_one_warning_is_enough_and_the_storage_api_is_not_asked_again(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("403", service="bigquery_storage")
    with pytest.warns(UserWarning, match="readSessionUser"):
        client.query(MANY_ROWS, page_size=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(client.query(MANY_ROWS, page_size=2000)) == 10_000
    assert len(emulator.requests.of("bigquery_storage")) == 1


@pytest.mark.parametrize("transport", ["arrow", "storage"])
def test_a_way_that_was_asked_for_by_name_is_not_replaced(
    client: sl.Client, emulator: Emulator, transport: Transport
) -> None:
    emulator.faults.add("403", service="bigquery_storage")
    with pytest.raises(sl.PermissionDenied):
        client.query(MANY_ROWS, page_size=2000, transport=transport)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("503", {"messages": 1}),
        ("500", {"messages": 1, "message": "received RST_STREAM"}),
        ("rst_stream", {"messages": 1}),
        ("429", {"messages": 1, "retry_delay": 0.1}),
        ("cut_body", {"bytes": 100}),
        ("reset", {"bytes": 5_000}),
        ("cut_body", {"bytes": 20_000}),
        ("reset", {"bytes": 60_001}),
    ],
)
def test_a_stream_that_breaks_goes_on_where_it_broke(
    client: sl.Client, emulator: Emulator, fault: str, options: dict[str, Any]
) -> None:
    emulator.faults.add(fault, service="bigquery_storage", times=2, **options)
    table = client.query(MANY_ROWS, page_size=500)
    assert (table["n"], table.stats.route) == (list(range(1, 10_001)), "storage")


@pytest.mark.parametrize("service", ["bigquery", "bigquery_storage"])
def test_arrow_that_is_damaged_is_an_error_and_never_a_table(
    client: sl.Client, emulator: Emulator, service: Any
) -> None:
    emulator.faults.add("arrow_malformed", service=service)
    with pytest.raises(sl.MalformedResponse) as caught:
        client.query(MANY_ROWS, page_size=500)
    assert caught.value.job_id


def test_streams_that_may_not_be_read_are_replaced_by_pages(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery_storage", match="ReadRows")
    sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 120000)) AS n"
    with pytest.warns(UserWarning, match="Storage Read API cannot be used"):
        table = client.query(sql, ordered=False, page_size=20_000)
    assert sorted(table["n"]) == list(range(1, 120_001))


def test_a_semicolon_in_a_text_makes_no_script(client: sl.Client) -> None:
    with pytest.warns(UserWarning, match="came as JSON"):
        assert len(client.query("SELECT (1, 'a') AS pair, ';' AS mark")) == 1


def test_pages_after_a_slow_query_are_no_smaller_than_bigquery_gives_them(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("403", service="bigquery_storage")
    sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS n ORDER BY n"
    with pytest.warns(UserWarning, match="Storage Read API cannot be used"):
        client.query(f"{sql} -- once", page_size=1000)
    known = len(emulator.requests)
    table = client.query(f"{sql} /* emulator: run for 1.3 seconds */")
    assert table["n"] == list(range(1, 20_001))
    assert len(emulator.requests) - known < 10
