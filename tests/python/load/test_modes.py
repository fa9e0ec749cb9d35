"""Rows are appended, merged by key, or put in the place of others; nothing is written twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest

import streetlens as sl
from load.conftest import Rows, numbered
from streetlens.emulator import Emulator


def test_a_missing_table_is_made(client: sl.Client, dataset: str, rows: Rows) -> None:
    stats = client.load(numbered(3), f"{dataset}.signs")
    assert (stats.rows, stats.inserted, stats.updated) == (3, 3, 0)
    assert stats.table == f"{client.project}.{dataset}.signs"
    assert stats.bytes > 0
    assert rows(stats.table) == numbered(3)


def test_the_awaited_verb_does_the_same(client: sl.Client, dataset: str, rows: Rows) -> None:
    stats = asyncio.run(client.aio.load(numbered(3), f"{dataset}.signs"))
    assert stats.inserted == 3
    assert rows(f"{dataset}.signs") == numbered(3)


def test_an_append_keeps_what_is_there(client: sl.Client, dataset: str, rows: Rows) -> None:
    client.load(numbered(2), f"{dataset}.signs")
    client.load(numbered(2, first=2), f"{dataset}.signs")
    assert rows(f"{dataset}.signs") == numbered(4)


def test_the_same_append_again_is_one_and_says_so(client: sl.Client, dataset: str, rows: Rows) -> None:
    first = client.load(numbered(2), f"{dataset}.signs")
    with pytest.warns(UserWarning, match="not appended again; pass another `load_id=`"):
        again = client.load(numbered(2), f"{dataset}.signs")
    assert again.job_id == first.job_id
    assert rows(f"{dataset}.signs") == numbered(2)


def test_another_load_id_appends_the_same_rows_once_more(client: sl.Client, dataset: str, rows: Rows) -> None:
    client.load(numbered(1), f"{dataset}.signs")
    client.load(numbered(1), f"{dataset}.signs", load_id="again")
    assert len(rows(f"{dataset}.signs")) == 2


def test_a_table_made_anew_gets_rows_that_an_older_one_had(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.load(numbered(2), f"{dataset}.signs")
    client.query(f"DROP TABLE {dataset}.signs")
    client.load(numbered(2), f"{dataset}.signs")
    assert rows(f"{dataset}.signs") == numbered(2)


def test_an_upsert_renews_rows_with_the_same_key_and_adds_others(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.load(numbered(3), f"{dataset}.signs")
    stats = client.load(numbered(3, first=2, kind="yield"), f"{dataset}.signs", mode="upsert", key="id")
    assert (stats.inserted, stats.updated) == (2, 1)
    assert rows(f"{dataset}.signs") == [*numbered(2), *numbered(3, first=2, kind="yield")]


def test_an_upsert_leaves_columns_that_the_rows_lack(client: sl.Client, dataset: str, rows: Rows) -> None:
    client.load([{"id": 1, "kind": "stop", "note": "seen"}], f"{dataset}.signs")
    client.load(numbered(1, first=1, kind="yield"), f"{dataset}.signs", mode="upsert", key="id")
    assert rows(f"{dataset}.signs") == [{"id": 1, "kind": "yield", "note": "seen"}]


def test_a_key_may_have_several_columns_and_nulls(client: sl.Client, dataset: str, rows: Rows) -> None:
    table = f"{dataset}.signs"
    given: list[dict[str, Any]] = [{"id": 1, "view": None, "n": 1}, {"id": 1, "view": "a", "n": 2}]
    client.load(given, table, mode="upsert", key=["id", "view"])
    stats = client.load([{"id": 1, "view": None, "n": 3}], table, mode="upsert", key=["id", "view"])
    # A column of nothing but nulls has the type of the table's.
    assert (stats.inserted, stats.updated) == (0, 1)
    assert sorted(row["n"] for row in rows(table)) == [2, 3]


def test_a_replacement_takes_the_place_of_all_rows(client: sl.Client, dataset: str, rows: Rows) -> None:
    client.load(numbered(3), f"{dataset}.signs")
    client.load(numbered(1, first=7), f"{dataset}.signs", mode="replace")
    assert rows(f"{dataset}.signs") == numbered(1, first=7)


def test_a_replacement_keeps_columns_that_the_rows_lack(client: sl.Client, dataset: str, rows: Rows) -> None:
    client.load([{"id": 1, "kind": "stop", "note": "seen"}], f"{dataset}.signs")
    client.load(numbered(1, first=7), f"{dataset}.signs", mode="replace")
    assert rows(f"{dataset}.signs") == [{"id": 7, "kind": "stop", "note": None}]


def test_no_rows_empty_a_table_only_where_they_replace_it(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    nothing = pd.DataFrame({"id": pd.Series([], dtype="int64"), "kind": pd.Series([], dtype="str")})
    client.load(numbered(2), f"{dataset}.signs")
    assert client.load(nothing, f"{dataset}.signs").job_id is None
    assert client.load(nothing, f"{dataset}.signs", mode="upsert", key="id").job_id is None
    assert len(rows(f"{dataset}.signs")) == 2
    client.load(nothing, f"{dataset}.signs", mode="replace")
    assert rows(f"{dataset}.signs") == []


def test_no_staging_table_stays(emulator: Emulator, client: sl.Client, dataset: str) -> None:
    client.load(numbered(2), f"{dataset}.signs", mode="upsert", key="id")
    made = [request for request in emulator.requests if b"_streetlens_staging_" in request.body]
    assert made
    tables = client.query(f"SELECT table_name FROM {dataset}.INFORMATION_SCHEMA.TABLES").to_dicts()
    assert tables == [{"table_name": "signs"}]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "table"])
def test_any_table_is_taken(client: sl.Client, dataset: str, rows: Rows, kind: str) -> None:
    table = client.query("SELECT 1 AS id, 'stop' AS kind UNION ALL SELECT 2, 'stop'")
    made: Any = table if kind == "table" else getattr(table, f"to_{kind}")()
    client.load(made, f"{dataset}.signs")
    assert rows(f"{dataset}.signs") == numbered(2, first=1)


def test_a_table_writes_itself(client: sl.Client, dataset: str, rows: Rows) -> None:
    table = client.query("SELECT 1 AS id, 'stop' AS kind")
    assert table.to_bigquery(f"{dataset}.signs").inserted == 1
    assert table.to_bigquery(f"{dataset}.signs", mode="upsert", key="id").updated == 1
    assert rows(f"{dataset}.signs") == numbered(1, first=1)


def test_results_are_an_upsert_by_their_images(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows
) -> None:
    uris = list(emulator.world.dataset.truth)[:4]
    results = client.classify(uris, "Sign or pole?", schema=["sign", "pole"], progress=False)
    assert results.to_bigquery(f"{dataset}.answers").inserted == 4
    assert results.to_bigquery(f"{dataset}.answers").updated == 4
    kept = rows(f"{dataset}.answers")
    assert sorted(row["gcs_uri"] for row in kept) == sorted(uris)
    assert {row["classification"] for row in kept} == set(results["classification"])


def test_results_with_observations_are_an_upsert_by_these(
    emulator: Emulator, client: sl.Client, dataset: str
) -> None:
    sql = f"SELECT observation_id, gcs_uri FROM `{emulator.world.subscribe()}.latest_observations` LIMIT 3"
    results = client.classify(sql, "Sign or pole?", progress=False)
    results.to_bigquery(f"{dataset}.answers")
    merges = [request.body for request in emulator.requests if b"MERGE INTO" in request.body]
    assert len(merges) == 1
    assert b"target.`observation_id` = source.`observation_id`" in merges[0]


def test_a_table_of_no_client_says_what_to_do() -> None:
    from streetlens._calls import NativeTable

    table = sl.Table(NativeTable.from_arrow(pd.DataFrame({"id": [1]})))
    with pytest.raises(sl.InvalidInput, match=r"client\.load"):
        table.to_bigquery("signs.kinds")


def test_rows_are_appended_again_to_a_table_that_was_emptied(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    table = f"{dataset}.emptied"
    client.load([{"id": 1}], table)
    client.query(f"TRUNCATE TABLE {table}")
    client.load([{"id": 1}], table)
    assert rows(table) == [{"id": 1}]
