"""What does not fit is refused by name, with what to do, before anything is sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

import streetlens as sl
from load.conftest import Rows, numbered
from streetlens.emulator import Emulator


def sent(emulator: Emulator) -> list[str]:
    """Requests that change something."""
    return [
        request.path
        for request in emulator.requests
        if request.method != "GET" and not request.path.endswith("/queries")
    ]


def refused(emulator: Emulator, client: sl.Client, rows: Any, table: str, **options: Any) -> sl.InvalidInput:
    """The error of a load that nothing was sent for."""
    emulator.requests.clear()
    with pytest.raises(sl.InvalidInput) as caught:
        client.load(rows, table, **options)
    assert sent(emulator) == []
    return caught.value


def test_two_rows_with_one_key_are_refused_by_the_first_of_them(
    emulator: Emulator, client: sl.Client, dataset: str
) -> None:
    error = refused(
        emulator, client, [*numbered(3), *numbered(2, first=1)], f"{dataset}.signs", mode="upsert", key="id"
    )
    assert "rows 2 and 4 have the same key: id = 1" in error.message


def test_a_column_that_the_table_lacks_is_refused_and_added_when_wished(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.load(numbered(1), f"{dataset}.signs")
    wider = [{"id": 1, "kind": "yield", "note": "new", "extra": 2}]
    error = refused(emulator, client, wider, f"{dataset}.signs")
    assert f"`{client.project}.{dataset}.signs` has no column `note` and 1 more" in error.message
    assert error.hint is not None
    assert 'new_columns="add"' in error.hint
    client.load(wider, f"{dataset}.signs", new_columns="add")
    assert rows(f"{dataset}.signs") == [{"id": 0, "kind": "stop", "note": None, "extra": None}, *wider]


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_columns_are_added_in_every_mode_also_within_structs(
    client: sl.Client, dataset: str, rows: Rows, mode: Any
) -> None:
    client.load([{"id": 1, "sign": {"kind": "stop"}}], f"{dataset}.signs")
    wider = [{"id": 1, "sign": {"kind": "stop", "colour": "red"}}]
    key = "id" if mode == "upsert" else None
    client.load(wider, f"{dataset}.signs", mode=mode, key=key, new_columns="add")
    assert rows(f"{dataset}.signs") == wider


def test_a_type_that_does_not_fit_names_both(emulator: Emulator, client: sl.Client, dataset: str) -> None:
    client.query(f"CREATE TABLE {dataset}.signs (id INT64, seen TIMESTAMP)")
    naive = [{"id": 1, "seen": dt.datetime(2025, 1, 1)}]  # noqa: DTZ001 - without a zone is what is meant
    error = refused(emulator, client, naive, f"{dataset}.signs")
    assert "column `seen` is DATETIME in the rows and TIMESTAMP in" in error.message
    assert error.hint is not None
    assert "time zone" in error.hint
    error = refused(emulator, client, [{"id": "1"}], f"{dataset}.signs")
    assert "column `id` is STRING in the rows and INT64 in" in error.message


def test_a_null_in_a_required_column_tells_its_row(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.query(f"CREATE TABLE {dataset}.signs (id INT64 NOT NULL, kind STRING)")
    error = refused(emulator, client, [*numbered(1), {"id": None, "kind": "x"}], f"{dataset}.signs")
    assert "row 2: column `id` is null" in error.message
    assert "`id`" in refused(emulator, client, [{"kind": "x"}], f"{dataset}.signs").message
    client.load(numbered(2), f"{dataset}.signs")
    assert rows(f"{dataset}.signs") == numbered(2)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pa.table({"a": pa.array([[[1]]])}), "a list of lists"),
        (pa.table({"a": pa.array([dt.timedelta(1)])}), "cannot be loaded"),
        (pa.table({"a": pa.array([None])}), "only nulls"),
        (pa.table({"a": pa.array([[1, None]])}), "row 1: column `a` holds a null in its list"),
        (pa.table({"a": pa.array([2**63], pa.uint64())}), "column `a`"),
        (pa.table({"a`b": [1]}), "does not allow"),
        (pa.table({"a": [1], "A": [2]}), "two columns `A`"),
        ([{"a": 1}, {"a": "x"}], "make no table"),
        ("gs://bucket/a.parquet", "the rows are a str"),
        ([], "the rows are a list"),
    ],
)
def test_rows_that_bigquery_cannot_hold_are_refused(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Any, said: str
) -> None:
    assert said in refused(emulator, client, rows, f"{dataset}.signs").message


@pytest.mark.parametrize("table", ["signs", "a.b.c.d;", "da-ta.signs", "`x`", "signs."])
def test_a_name_that_is_none_is_refused(emulator: Emulator, client: sl.Client, table: str) -> None:
    assert table in refused(emulator, client, numbered(1), table).message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "upsert"}, "an upsert needs a key"),
        ({"mode": "upsert", "key": "nobody"}, "no column `nobody`"),
        ({"key": "id"}, "only an upsert has a key"),
    ],
)
def test_a_key_that_is_none_is_refused(
    emulator: Emulator, client: sl.Client, dataset: str, options: dict[str, Any], said: str
) -> None:
    assert said in refused(emulator, client, numbered(1), f"{dataset}.signs", **options).message


@pytest.mark.parametrize(
    "options", [{"mode": "insert"}, {"new_columns": "yes"}, {"key": [1]}, {"load_id": ""}]
)
def test_an_option_that_is_none_is_refused(client: sl.Client, options: dict[str, Any]) -> None:
    with pytest.raises(sl.ConfigurationError):
        client.load(numbered(1), "a.b", **options)


def test_a_missing_data_set_says_how_to_make_it(client: sl.Client) -> None:
    with pytest.raises(sl.QueryError, match="there is no data set") as caught:
        client.load(numbered(1), "nowhere.signs")
    assert caught.value.hint is not None
    assert f"CREATE SCHEMA `{client.project}.nowhere`" in caught.value.hint


def test_a_view_takes_no_rows(emulator: Emulator, client: sl.Client, dataset: str) -> None:
    client.query(f"CREATE VIEW {dataset}.seen AS SELECT 1 AS id")
    assert "is a view" in refused(emulator, client, numbered(1), f"{dataset}.seen").message
