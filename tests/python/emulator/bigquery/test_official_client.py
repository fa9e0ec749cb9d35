"""Google's own client runs against the emulator and sees what it would see on BigQuery."""

from __future__ import annotations

import decimal
from datetime import date, datetime, time, timezone
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

TABLE = "`streetlens-demo.imagery.latest_observations`"
EVERY_TYPE = """
SELECT 1 AS i, 1.5 AS f, NUMERIC '1.50' AS n, BIGNUMERIC '0.12345678901234567890123456789012345678' AS b, TRUE AS t,
  'x' AS s, b'\\xff' AS y, DATE '2020-01-02' AS d, TIME '01:02:03.5' AS m, DATETIME '2020-01-02 03:04:05' AS dt,
  TIMESTAMP '2020-01-02 03:04:05.000006+00' AS ts, JSON '{"b": 1, "a": 2}' AS j, ST_GEOGPOINT(1, 2) AS g,
  STRUCT(1 AS a, [STRUCT('x' AS c)] AS l) AS r, ['p', 'q'] AS a, CAST(NULL AS ARRAY<INT64>) AS e
"""


def rows(client: bigquery.Client, sql: str, **options: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query(sql, **options).result()]


def test_the_guides_query_returns_rows_as_dictionaries(client: bigquery.Client) -> None:
    found = rows(
        client, f"SELECT * FROM {TABLE} WHERE asset_type = 'ASSET_CLASS_ROAD_SIGN' ORDER BY views LIMIT 3"
    )
    assert [row["views"] for row in found] == [1, 3, 5]
    assert found[0]["location"] == {"latitude": 48.01, "longitude": 2.0}
    assert found[0]["capture_time"] == datetime(2025, 1, 2, 12, tzinfo=timezone.utc)


def test_every_type_arrives_as_the_python_value_it_means(client: bigquery.Client) -> None:
    (row,) = rows(client, EVERY_TYPE)
    assert row == {
        "i": 1, "f": 1.5, "n": decimal.Decimal("1.5"),
        "b": decimal.Decimal("0.12345678901234567890123456789012345678"), "t": True, "s": "x", "y": b"\xff",
        "d": date(2020, 1, 2), "m": time(1, 2, 3, 500000), "dt": datetime(2020, 1, 2, 3, 4, 5),  # noqa: DTZ001 - local
        "ts": datetime(2020, 1, 2, 3, 4, 5, 6, timezone.utc), "j": {"a": 2, "b": 1}, "g": "POINT(1 2)",
        "r": {"a": 1, "l": [{"c": "x"}]}, "a": ["p", "q"], "e": [],
    }  # fmt: skip


def test_the_result_schema_names_bigquerys_types(client: bigquery.Client) -> None:
    result = client.query(EVERY_TYPE).result()
    assert [field.field_type for field in result.schema] == [
        "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "STRING", "BYTES", "DATE", "TIME", "DATETIME",
        "TIMESTAMP", "JSON", "GEOGRAPHY", "RECORD", "STRING", "INTEGER",
    ]  # fmt: skip
    assert [field.mode for field in result.schema][-2:] == ["REPEATED", "REPEATED"]


# The client announces that data frames will move to pandas-gbq one day.
@pytest.mark.filterwarnings("ignore:Retrieving DataFrames:PendingDeprecationWarning")
def test_a_result_becomes_a_data_frame(client: bigquery.Client) -> None:
    frame = client.query(f"SELECT observation_id, views FROM {TABLE} ORDER BY views").to_dataframe(
        create_bqstorage_client=False
    )
    assert list(frame["views"]) == list(range(20))


def test_a_result_becomes_an_arrow_table_with_the_types_of_its_columns(client: bigquery.Client) -> None:
    table = client.query(EVERY_TYPE).to_arrow(create_bqstorage_client=False)
    assert str(table.schema.field("ts").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("n").type) == "decimal128(38, 9)"
    assert table.num_rows == 1


def test_query_and_wait_returns_the_rows_in_one_call(client: bigquery.Client) -> None:
    assert [tuple(row) for row in client.query_and_wait("SELECT 1, 'x'")] == [(1, "x")]


def test_a_client_that_asks_for_arrow_still_gets_every_row(client: bigquery.Client) -> None:
    found = client.query_and_wait(f"SELECT views FROM {TABLE}", query_results_format="ARROW")
    assert found.total_rows == 20


def test_pages_follow_each_other_without_a_gap(client: bigquery.Client) -> None:
    pages = list(client.query(f"SELECT views FROM {TABLE} ORDER BY views").result(page_size=7).pages)
    assert [[row["views"] for row in page] for page in pages] == [
        list(range(7)),
        list(range(7, 14)),
        list(range(14, 20)),
    ]


def test_list_rows_reads_the_chosen_columns_of_a_table(client: bigquery.Client) -> None:
    table = client.get_table("imagery.latest_observations")
    fields = [field for field in table.schema if field.name in ("views", "tags")]
    found = client.list_rows(table, selected_fields=fields, start_index=1, max_results=2)
    assert [dict(row) for row in found] == [{"tags": ["a"], "views": 1}, {"tags": ["a", "b"], "views": 2}]


def test_the_destination_of_a_query_can_be_listed_like_any_table(client: bigquery.Client) -> None:
    job = client.query("SELECT 5 AS five")
    job.result()
    assert [row["five"] for row in client.list_rows(job.destination)] == [5]


def test_named_parameters_of_every_shape_reach_the_query(client: bigquery.Client) -> None:
    parameters: list[Any] = [
        bigquery.ScalarQueryParameter("kind", "STRING", "ASSET_CLASS_ROAD_SIGN"),
        bigquery.ScalarQueryParameter("since", "TIMESTAMP", datetime(2025, 1, 10, tzinfo=timezone.utc)),
        bigquery.ArrayQueryParameter("views", "INT64", [11, 13, 14]),
        bigquery.StructQueryParameter("box", bigquery.ScalarQueryParameter("low", "FLOAT64", 48.12)),
    ]
    found = rows(
        client,
        f"SELECT views FROM {TABLE} WHERE asset_type = @kind AND capture_time >= @since "
        "AND views IN UNNEST(@views) AND location.latitude > @box.low",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    )
    assert found == [{"views": 13}]


def test_positional_parameters_are_taken_in_the_order_of_their_marks(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(None, "INT64", 7),
            bigquery.ScalarQueryParameter(None, "STRING", "x"),
        ]
    )
    assert rows(client, "SELECT ? + 1 AS a, ? AS b", job_config=config) == [{"a": 8, "b": "x"}]


def test_a_dry_run_tells_the_schema_and_the_bytes_without_running(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(dry_run=True)
    job = client.query(f"SELECT views FROM {TABLE}", job_config=config)
    assert job.total_bytes_processed == 20 * 8
    assert [field.name for field in job.schema or ()] == ["views"]
    assert client.query(f"SELECT COUNT(*) FROM {TABLE}", job_config=config).total_bytes_processed == 0


def test_a_syntax_error_is_a_bad_request_with_its_place(client: bigquery.Client) -> None:
    with pytest.raises(
        exceptions.BadRequest, match=r'Expected end of input but got identifier "x" at \[1:14\]'
    ):
        rows(client, "SELECT 1 FRM x")


def test_an_unknown_column_is_named_with_its_place(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match=r"Unrecognized name: nope at \[1:8\]"):
        rows(client, f"SELECT nope FROM {TABLE}")


def test_a_misspelt_column_brings_a_suggestion(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="Unrecognized name: gcs_url; Did you mean gcs_uri"):
        rows(client, f"SELECT gcs_url FROM {TABLE}")


def test_a_missing_table_is_a_404_that_names_it(client: bigquery.Client) -> None:
    message = "Not found: Table streetlens-demo:imagery.nope was not found in location US"
    with pytest.raises(exceptions.NotFound, match=message):
        rows(client, "SELECT 1 FROM imagery.nope")


def test_a_missing_data_set_is_a_404_that_names_it(client: bigquery.Client) -> None:
    message = "Not found: Dataset streetlens-demo:nope was not found in location US"
    with pytest.raises(exceptions.NotFound, match=message):
        rows(client, "SELECT 1 FROM nope.t")


def test_a_denied_data_set_is_a_403_in_bigquerys_words(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.Forbidden, match="User does not have permission to query table"):
        rows(client, "SELECT 1 FROM forbidden.t")
    with pytest.raises(exceptions.Forbidden, match=r"Permission bigquery\.datasets\.get denied"):
        client.get_dataset("forbidden")


def test_a_linked_data_set_says_what_it_is_linked_to(client: bigquery.Client) -> None:
    dataset = client.get_dataset("imagery")
    properties = dataset.to_api_repr() | dataset._properties
    assert properties["type"] == "LINKED"
    assert properties["linkedDatasetSource"] == {
        "sourceDataset": {"projectId": "publisher", "datasetId": "published"}
    }


def test_data_sets_and_tables_are_listed(client: bigquery.Client) -> None:
    assert "imagery" in [item.dataset_id for item in client.list_datasets()]
    assert [item.table_id for item in client.list_tables("imagery")] == ["latest_observations"]


def test_a_table_can_be_created_filled_merged_and_read(client: bigquery.Client) -> None:
    rows(client, "CREATE TABLE own.results (uri STRING NOT NULL, label STRING)")
    inserted = client.query("INSERT INTO own.results VALUES ('a', 'stop'), ('b', NULL)")
    inserted.result()
    assert inserted.num_dml_affected_rows == 2
    merged = client.query(
        "MERGE own.results t USING (SELECT 'b' AS uri, 'yield' AS label UNION ALL SELECT 'c', 'stop') s "
        "ON t.uri = s.uri "
        "WHEN MATCHED THEN UPDATE SET label = s.label WHEN NOT MATCHED THEN INSERT (uri, label) VALUES (uri, label)"
    )
    merged.result()
    assert merged.dml_stats is not None
    assert (merged.dml_stats.inserted_row_count, merged.dml_stats.updated_row_count) == (1, 1)
    assert rows(client, "SELECT * FROM own.results ORDER BY uri") == [
        {"uri": "a", "label": "stop"},
        {"uri": "b", "label": "yield"},
        {"uri": "c", "label": "stop"},
    ]
    client.delete_table("own.results")


def test_a_query_can_write_to_a_destination_table(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        destination="streetlens-demo.own.copy", write_disposition="WRITE_TRUNCATE"
    )
    client.query(f"SELECT views FROM {TABLE}", job_config=config).result()
    assert client.get_table("own.copy").num_rows == 20
    client.delete_table("own.copy")


def test_a_linked_data_set_cannot_be_written(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.Forbidden, match="read-only"):
        rows(client, f"DELETE FROM {TABLE} WHERE true")


def test_a_query_finds_its_location_by_the_data_set_it_reads(client: bigquery.Client) -> None:
    job = client.query("SELECT a FROM tokyo.t")
    assert [row["a"] for row in job.result()] == [1]
    assert job.location == "asia-northeast1"


def test_a_query_over_its_byte_limit_is_refused_with_the_limit(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(maximum_bytes_billed=1000, use_query_cache=False)
    with pytest.raises(
        exceptions.GoogleAPICallError, match=r"bytes billed: 1000\. 10485760 or higher required"
    ):
        rows(client, f"SELECT views FROM {TABLE}", job_config=config)
