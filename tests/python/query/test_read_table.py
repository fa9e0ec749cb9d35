"""Tables that are read without a query."""

from __future__ import annotations

from typing import Any, Literal

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

Transport = Literal["auto", "storage", "rest"]


@pytest.fixture
def table(emulator: Emulator) -> str:
    """The subscribed table of observations."""
    return f"{emulator.world.subscribe()}.latest_observations"


def rows_of(table: sl.Table) -> list[dict[str, Any]]:
    return sorted(table.to_dicts(), key=lambda row: str(row["observation_id"]))


@pytest.mark.parametrize("transport", ["auto", "storage", "rest"])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_table_has_the_rows_that_a_query_gives(
    client: sl.Client, table: str, transport: Transport, ordered: bool
) -> None:
    read = client.read_table(table, transport=transport, ordered=ordered, page_size=7)
    queried = client.query(f"SELECT * FROM `{table}`")
    assert (rows_of(read), read.schema) == (rows_of(queried), queried.schema)


def test_no_query_is_run(client: sl.Client, table: str, emulator: Emulator) -> None:
    client.read_table(table, transport="rest")
    client.read_table(table, transport="storage")
    assert not [entry for entry in emulator.requests.of("bigquery") if "/queries" in entry.path]


@pytest.mark.parametrize("transport", ["storage", "rest"])
def test_only_the_chosen_columns_are_read(client: sl.Client, table: str, transport: Transport) -> None:
    read = client.read_table(table, columns=["gcs_uri", "location"], transport=transport)
    assert read.column_names == ["location", "gcs_uri"]
    assert read["gcs_uri"] == client.query(f"SELECT gcs_uri FROM `{table}`")["gcs_uri"]


def test_pages_are_asked_for_side_by_side_by_their_position(
    client: sl.Client, table: str, emulator: Emulator
) -> None:
    assert len(client.read_table(table, transport="rest", page_size=20)) == 60
    pages = [entry.query for entry in emulator.requests.of("bigquery") if entry.path.endswith("/data")]
    assert sorted(int(page["startIndex"]) for page in pages) == [0, 20, 40]


def test_a_table_is_streamed(client: sl.Client, table: str) -> None:
    with client.read_table(table, stream=True) as rows:
        assert rows.total_rows == 60
        assert sum(len(part) for part in rows) == 60


def test_without_the_storage_api_pages_are_read(client: sl.Client, table: str, emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery_storage")
    with pytest.warns(UserWarning, match="Storage Read API cannot be used"):
        assert len(client.read_table(table)) == 60


def test_a_column_that_is_not_there_is_named_with_those_that_are(client: sl.Client, table: str) -> None:
    with pytest.raises(sl.InvalidInput, match="has no column `gcs_url`") as caught:
        client.read_table(table, columns=["gcs_url"])
    assert "gcs_uri" in (caught.value.hint or "")


def test_a_view_is_to_be_queried(client: sl.Client, emulator: Emulator) -> None:
    emulator.world.engine.create_dataset("views", if_exists="keep")
    client.query("CREATE OR REPLACE VIEW views.one AS SELECT 1 AS n")
    with pytest.raises(sl.InvalidInput, match="is a view") as caught:
        client.read_table("views.one")
    assert "client.query" in (caught.value.hint or "")
