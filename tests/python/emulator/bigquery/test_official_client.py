"""Google's own client runs against the emulator and sees what it would see on BigQuery."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

TABLE = "`streetlens-demo.imagery.latest_observations`"


def rows(client: bigquery.Client, sql: str, **options: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query(sql, **options).result()]


def test_the_guides_query_returns_rows_as_dictionaries(client: bigquery.Client) -> None:
    found = rows(client, f"SELECT * FROM {TABLE} WHERE asset_type = 'ASSET_CLASS_ROAD_SIGN' LIMIT 3")
    assert [row["views"] for row in found] == [1, 3, 5]
    assert found[0]["location"] == {"latitude": 48.01, "longitude": 2.0}


def test_a_missing_table_is_a_404_that_names_it(client: bigquery.Client) -> None:
    with pytest.raises(
        exceptions.NotFound,
        match=r"Not found: Table streetlens-demo:imagery.nope was not found in location US",
    ):
        rows(client, "SELECT 1 FROM imagery.nope")


def test_an_unknown_column_is_named_with_its_place(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"Unrecognized name: nope at \[1:8\]"):
        rows(client, f"SELECT nope FROM {TABLE}")
