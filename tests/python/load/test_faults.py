"""Whatever breaks on the way, the rows are in the table once, or not at all with an error that says why."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pyarrow as pa
import pytest

import streetlens as sl
from load.conftest import Rows, numbered
from streetlens.emulator import Emulator

KINDS = ["503", "reset", "cut_body", "bad_json", "429"]
PLACES = ["/upload/", "/jobs", "/tables"]

# More than goes in one request, and in more than one piece: text that does not compress.
LARGE_ROWS = 1_200


def large() -> pa.Table:
    """About 12 MB that stay so."""
    texts = [f"{(number * 7_919 + 1) ** 2_000:x}"[:10_000] for number in range(LARGE_ROWS)]
    return pa.table({"id": list(range(LARGE_ROWS)), "text": texts})


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("fault", list(itertools.product(KINDS, PLACES)), ids=" at ".join)
def test_a_request_that_fails_once_changes_nothing(
    emulator: Emulator, client: sl.Client, dataset: str, mode: Any, fault: tuple[str, str]
) -> None:
    kind, place = fault
    emulator.faults.add(kind, service="bigquery", match=place, times=1)
    with warnings.catch_warnings():
        # An append whose answer was lost may find itself done.
        warnings.simplefilter("ignore", UserWarning)
        client.load(numbered(5), f"{dataset}.signs", mode=mode, key="id" if mode == "upsert" else None)
    emulator.faults.clear()
    assert client.query(f"SELECT * FROM {dataset}.signs ORDER BY id").to_dicts() == numbered(5)


@pytest.mark.parametrize("kind", ["503", "reset", "cut_body"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_large_file_is_carried_on_where_it_broke_off(
    emulator: Emulator, client: sl.Client, dataset: str, kind: str, after: int
) -> None:
    table = large()
    emulator.faults.add(kind, service="bigquery", match="/upload/", times=1, after=after)
    client.load(table, f"{dataset}.large")
    emulator.faults.clear()
    length = sum(len(text) for text in table["text"].to_pylist())
    counted = client.query(
        f"SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(LENGTH(text)) AS length FROM {dataset}.large"
    ).to_dicts()
    assert counted == [{"n": LARGE_ROWS, "ids": LARGE_ROWS, "length": length}]
    probes = [
        request
        for request in emulator.requests
        if request.headers.get("Content-Range", "").startswith("bytes *")
    ]
    assert bool(probes) == (after > 0)


def test_a_load_that_keeps_failing_tells_why_and_writes_nothing(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.load(numbered(1), f"{dataset}.signs")
    emulator.faults.add("403", service="bigquery", match="/upload/", reason="accessDenied")
    with pytest.raises(sl.PermissionDenied) as caught:
        client.load(numbered(3), f"{dataset}.signs", mode="replace")
    assert caught.value.hint is not None
    assert "roles/bigquery.dataEditor" in caught.value.hint
    emulator.faults.clear()
    assert rows(f"{dataset}.signs") == numbered(1)


def test_a_failed_job_leaves_the_table_and_no_staging_table(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.query(f"CREATE TABLE {dataset}.places (id INT64, place GEOGRAPHY)")
    client.query(f"CREATE TABLE {dataset}.texts (id INT64, raw JSON)")
    with pytest.raises(sl.QueryError) as caught:
        client.load([{"id": 1, "place": "nowhere"}], f"{dataset}.places")
    assert caught.value.job_id is not None
    with pytest.raises(sl.QueryError):
        client.load([{"id": 1, "raw": "{"}], f"{dataset}.texts", mode="upsert", key="id")
    assert rows(f"{dataset}.places") == rows(f"{dataset}.texts") == []
    tables = client.query(f"SELECT table_name FROM {dataset}.INFORMATION_SCHEMA.TABLES").to_dicts()
    assert sorted(row["table_name"] for row in tables) == ["places", "texts"]


def test_an_append_that_failed_is_tried_again_by_the_next_call(
    client: sl.Client, dataset: str, rows: Rows
) -> None:
    client.query(f"CREATE TABLE {dataset}.places (id INT64, place GEOGRAPHY)")
    for _ in range(2):
        with pytest.raises(sl.QueryError):
            client.load([{"id": 1, "place": "nowhere"}], f"{dataset}.places")
    assert rows(f"{dataset}.places") == []
