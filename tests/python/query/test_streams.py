"""Rows that are read one batch after the other."""

from __future__ import annotations

import asyncio
import gc

import pyarrow as pa
import pytest

import streetlens as sl
from streetlens.emulator import Emulator
from waiting import wait_until

SQL = "SELECT n, REPEAT(CAST(n AS STRING), 50) AS text FROM UNNEST(GENERATE_ARRAY(1, 10000)) AS n ORDER BY n"


def cancelled(emulator: Emulator) -> bool:
    return any(entry.path.endswith("/cancel") for entry in emulator.requests)


@pytest.mark.parametrize("transport", ["auto", "rest"])
def test_a_stream_has_every_row_in_order(client: sl.Client, transport: str) -> None:
    options = sl.QueryOptions(page_size=1000, transport=transport)  # type: ignore[typeddict-item]  # parametrized
    batches = [table["n"] for table in client.query(SQL, stream=True, **options)]
    assert [n for batch in batches for n in batch] == list(range(1, 10_001))
    assert len(batches) > 1


def test_a_stream_knows_its_columns_and_length_before_its_rows(client: sl.Client) -> None:
    with client.query(SQL, stream=True) as rows:
        assert (rows.column_names, rows.total_rows) == (["n", "text"], 10_000)
        assert rows.schema["n"] == "int64"
        assert rows.stats.statement_type == "SELECT"


def test_other_libraries_read_the_stream(client: sl.Client) -> None:
    reader = pa.RecordBatchReader.from_stream(client.query(SQL, stream=True, page_size=1000))
    assert reader.read_all()["n"].to_pylist() == list(range(1, 10_001))


def test_an_awaited_stream_is_iterated_with_async_for(client: sl.Client) -> None:
    async def count() -> int:
        async with await client.aio.query(SQL, stream=True, page_size=1000) as rows:
            return sum([len(table) async for table in rows])

    assert asyncio.run(count()) == 10_000


def test_a_stream_that_is_left_early_fetches_nothing_more(client: sl.Client, emulator: Emulator) -> None:
    with client.query(SQL, stream=True, page_size=100, transport="rest") as rows:
        next(iter(rows))
    assert len(emulator.requests.of("bigquery")) < 20
    assert list(rows) == []


def test_a_stream_that_is_dropped_cancels_its_job(client: sl.Client, emulator: Emulator) -> None:
    rows = client.query(SQL, stream=True, page_size=100, transport="rest")
    del rows
    gc.collect()
    wait_until(lambda: cancelled(emulator))


def test_a_stream_that_is_read_to_its_end_cancels_nothing(client: sl.Client, emulator: Emulator) -> None:
    assert sum(len(table) for table in client.query(SQL, stream=True, page_size=1000)) == 10_000
    client.query("SELECT 1")
    assert not cancelled(emulator)


def test_an_error_half_way_reaches_who_reads(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery", match="/queries/")
    rows = client.query(SQL, stream=True, page_size=1000, transport="rest")
    with pytest.raises(sl.PermissionDenied):
        list(rows)
