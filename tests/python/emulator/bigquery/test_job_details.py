"""What jobs tell about themselves: their cost and its limit, the cache, progress, time limits and locations."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import QueryJobConfig

MEGABYTE = 1024 * 1024
TABLE = "imagery.latest_observations"
_numbers = itertools.count()


@pytest.fixture
def table(client: bigquery.Client) -> str:
    name = f"own.detailed_{next(_numbers)}"
    client.query(f"CREATE TABLE {name} AS SELECT 1 AS a, 'x' AS b").result()
    return name


def finished(client: bigquery.Client, sql: str, **options: Any) -> bigquery.QueryJob:
    job = client.query(sql, job_config=QueryJobConfig(**options))
    job.result()
    job.reload()
    return job


def test_each_table_is_billed_ten_megabytes_at_least(client: bigquery.Client, table: str) -> None:
    job = finished(client, f"SELECT a FROM {table}")
    assert (job.total_bytes_processed, job.total_bytes_billed) == (8, 10 * MEGABYTE)
    job = finished(client, f"SELECT t.a FROM {table} t CROSS JOIN {TABLE} o WHERE o.views < 3")
    assert (job.total_bytes_processed, job.total_bytes_billed) == (8 + 160, 20 * MEGABYTE)
    assert [item.table_id for item in job.referenced_tables] == [
        table.partition(".")[2],
        "latest_observations",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM {table}",
        "DELETE FROM {table} WHERE a = 1",
        "UPDATE {table} SET a = 2 WHERE TRUE",
        "MERGE {table} t USING (SELECT 1 AS a) s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "CREATE OR REPLACE TABLE own.never AS SELECT a FROM {table}",
    ],
)
def test_a_statement_over_its_limit_is_refused_before_it_does_anything(
    client: bigquery.Client, table: str, sql: str
) -> None:
    with pytest.raises(GoogleAPICallError, match=r"bytes billed: 1000\. 10485760 or higher") as caught:
        finished(client, sql.format(table=table), maximum_bytes_billed=1000)
    # The client reads the failed job or the refused results, whichever it meets first, and calls the former a 500.
    assert caught.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    assert [tuple(row) for row in client.query(f"SELECT * FROM {table}").result()] == [(1, "x")]
    finished(client, f"SELECT b FROM {table}", maximum_bytes_billed=10 * MEGABYTE)


def test_dml_costs_the_whole_target_and_what_it_reads(client: bigquery.Client, table: str) -> None:
    job = finished(client, f"UPDATE {table} SET a = (SELECT MAX(views) FROM {TABLE}) WHERE TRUE")
    assert (job.total_bytes_processed, job.num_dml_affected_rows) == (8 + 3 + 160, 1)


def test_a_dry_run_of_dml_tells_its_cost(client: bigquery.Client, table: str) -> None:
    job = client.query(f"DELETE FROM {table} WHERE TRUE", job_config=QueryJobConfig(dry_run=True))
    assert (job.total_bytes_processed, job.statement_type) == (11, "DELETE")


def test_the_same_query_again_comes_from_the_cache(client: bigquery.Client, table: str) -> None:
    sql = f"SELECT a, b FROM {table}"
    first, second = finished(client, sql), finished(client, sql, maximum_bytes_billed=1)
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert (second.total_bytes_processed, second.total_bytes_billed) == (0, 0)
    assert [tuple(row) for row in second.result()] == [(1, "x")]


@pytest.mark.parametrize(
    "change",
    [
        "INSERT {table} VALUES (2, 'y')",
        "UPDATE {table} SET a = 3 WHERE TRUE",
        "ALTER TABLE {table} ADD COLUMN c INT64",
        "CREATE OR REPLACE TABLE {table} AS SELECT 5 AS a",
    ],
)
def test_a_changed_table_is_read_again(client: bigquery.Client, table: str, change: str) -> None:
    sql = f"SELECT * FROM {table}"
    finished(client, sql)
    client.query(change.format(table=table)).result()
    assert finished(client, sql).cache_hit is False


@pytest.mark.parametrize(
    ("sql", "options"),
    [
        ("SELECT a FROM {table}", {"use_query_cache": False}),
        ("SELECT a, CURRENT_TIMESTAMP() FROM {table}", {}),
        ("SELECT a, RAND() FROM {table}", {}),
        ("SELECT 1", {}),
    ],
)
def test_what_may_change_is_not_cached(
    client: bigquery.Client, table: str, sql: str, options: dict[str, Any]
) -> None:
    assert [finished(client, sql.format(table=table), **options).cache_hit for _ in range(2)] == [
        False,
        False,
    ]


def test_parameters_are_part_of_the_question(client: bigquery.Client, table: str) -> None:
    answers = []
    for wanted in (1, 2):
        parameters = [bigquery.ScalarQueryParameter("wanted", "INT64", wanted)]
        job = finished(client, f"SELECT a FROM {table} WHERE a = @wanted", query_parameters=parameters)
        answers.append((job.cache_hit, [row.a for row in job.result()]))
    assert answers == [(False, [1]), (False, [])]


def test_a_finished_query_has_a_plan_and_a_timeline(client: bigquery.Client, table: str) -> None:
    job = finished(client, f"SELECT a FROM {table} WHERE a = 1", use_query_cache=False)
    (stage,), (sample,) = job.query_plan, job.timeline
    assert (stage.status, stage.records_read, stage.records_written) == ("COMPLETE", 1, 1)
    assert (sample.completed_units, sample.active_units) == (1, 0)
    assert job.estimated_bytes_processed == 8


def test_a_running_query_shows_its_progress(rest: Any) -> None:
    configuration = {"query": {"query": "SELECT 1 /* emulator: run for 3 seconds */", "useLegacySql": False}}
    _, job = rest.call("POST", "jobs", {"configuration": configuration})
    state, path = job, f"jobs/{job['jobReference']['jobId']}?location=US"
    while state["status"]["state"] == "PENDING":
        _, state = rest.call("GET", path)
    assert state["status"]["state"] == "RUNNING"
    assert state["statistics"]["query"]["timeline"][0]["activeUnits"] == "1"


def test_a_job_that_takes_longer_than_it_may_is_stopped(rest: Any) -> None:
    body = {
        "query": "SELECT 1 /* emulator: run for 60 seconds */",
        "useLegacySql": False,
        "jobTimeoutMs": "100",
    }
    status, error = rest.call("POST", "queries", body)
    assert (status, error["error"]["errors"][0]["reason"]) == (400, "stopped")
    assert error["error"]["message"] == "Job execution was cancelled: Job timed out after 0.1 seconds"


def test_a_data_set_is_not_found_from_another_location(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match="Dataset streetlens-demo:tokyo was not found in location US"):
        client.query("SELECT * FROM tokyo.t", location="US").result()


def test_jobs_are_listed_by_the_time_of_their_creation(rest: Any) -> None:
    rest.query("SELECT 1")
    _, everything = rest.call("GET", "jobs?maxResults=1")
    created = int(everything["jobs"][0]["statistics"]["creationTime"])
    assert rest.call("GET", f"jobs?minCreationTime={created}")[1]["jobs"]
    assert rest.call("GET", f"jobs?minCreationTime={created + 60_000}")[1]["jobs"] == []
