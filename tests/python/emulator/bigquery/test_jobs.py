"""The jobs REST API: paging, waiting, cancelling, deduplication, locations and the shapes of small answers."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

TABLE = "imagery.latest_observations"


def test_a_small_query_is_answered_in_one_response(rest: Any) -> None:
    body = rest.query("SELECT 1 AS a")
    assert body["jobComplete"] is True
    assert body["totalRows"] == "1"
    assert body["rows"] == [{"f": [{"v": "1"}]}]
    assert body["schema"] == {"fields": [{"name": "a", "type": "INTEGER", "mode": "NULLABLE"}]}
    assert "pageToken" not in body


def test_an_empty_result_has_no_rows_member(rest: Any) -> None:
    body = rest.query("SELECT 1 AS a FROM (SELECT 1) WHERE FALSE")
    assert body["totalRows"] == "0"
    assert "rows" not in body


def test_max_results_zero_returns_the_schema_and_a_page_token(rest: Any) -> None:
    body = rest.query(f"SELECT views FROM {TABLE}", maxResults=0)
    assert body["totalRows"] == "20"
    assert "rows" not in body
    assert body["pageToken"]


def test_a_page_token_continues_where_the_page_ended(rest: Any) -> None:
    first = rest.query(f"SELECT views FROM {TABLE} ORDER BY views", maxResults=15)
    job = first["jobReference"]["jobId"]
    status, rest_of = rest.call("GET", f"queries/{job}?pageToken={first['pageToken']}&location=US")
    assert status == 200
    assert [row["f"][0]["v"] for row in rest_of["rows"]] == ["15", "16", "17", "18", "19"]
    assert "pageToken" not in rest_of


def test_start_index_and_page_token_exclude_each_other(rest: Any) -> None:
    first = rest.query(f"SELECT views FROM {TABLE}", maxResults=1)
    path = f"queries/{first['jobReference']['jobId']}?startIndex=3&pageToken={first['pageToken']}"
    assert rest.call("GET", path)[0] == 400


def test_a_failed_query_is_an_http_error_that_blames_the_query(rest: Any) -> None:
    status, body = rest.call("POST", "queries", {"query": "SELECT 1/0", "useLegacySql": False})
    assert status == 400
    assert body["error"]["message"] == "division by zero: 1 / 0"
    assert body["error"]["errors"][0]["reason"] == "invalidQuery"
    assert body["error"]["errors"][0]["location"] == "query"
    assert body["error"]["status"] == "INVALID_ARGUMENT"


def test_an_inserted_job_that_fails_ends_with_its_error_result(rest: Any) -> None:
    reference = {"projectId": "streetlens-demo", "jobId": "fails"}
    configuration = {"query": {"query": "SELECT nope", "useLegacySql": False}}
    assert rest.call("POST", "jobs", {"jobReference": reference, "configuration": configuration})[0] == 200
    status, error = rest.call("GET", "queries/fails?location=US")
    assert status == 400
    _, job = rest.call("GET", "jobs/fails?location=US")
    assert job["status"]["state"] == "DONE"
    assert (
        job["status"]["errorResult"]["message"]
        == error["error"]["message"]
        == "Unrecognized name: nope at [1:8]"
    )


def test_a_job_id_can_be_used_once(rest: Any) -> None:
    body = {
        "jobReference": {"projectId": "streetlens-demo", "jobId": "once"},
        "configuration": {"query": {"query": "SELECT 1", "useLegacySql": False}},
    }
    assert rest.call("POST", "jobs", body)[0] == 200
    status, error = rest.call("POST", "jobs", body)
    assert status == 409
    assert error["error"]["message"] == "Already Exists: Job streetlens-demo:US.once"
    assert error["error"]["errors"][0]["reason"] == "duplicate"


def test_a_repeated_request_id_returns_the_same_job(rest: Any) -> None:
    first = rest.query("SELECT GENERATE_UUID()", requestId="r-1")
    second = rest.query("SELECT GENERATE_UUID()", requestId="r-1", timeoutMs=5)
    other = rest.query("SELECT GENERATE_UUID()", requestId="r-2")
    assert first["rows"] == second["rows"] != other["rows"]


def test_a_job_is_found_only_in_its_own_location(rest: Any) -> None:
    job = rest.query("SELECT a FROM tokyo.t")["jobReference"]
    assert job["location"] == "asia-northeast1"
    assert rest.call("GET", f"jobs/{job['jobId']}?location=asia-northeast1")[0] == 200
    status, error = rest.call("GET", f"jobs/{job['jobId']}")
    assert status == 404
    assert error["error"]["message"] == f"Not found: Job streetlens-demo:US.{job['jobId']}"


def test_an_optional_job_that_ends_fast_has_no_reference(rest: Any) -> None:
    body = rest.query("SELECT 1", jobCreationMode="JOB_CREATION_OPTIONAL")
    assert "jobReference" not in body
    assert body["queryId"]


def test_an_optional_job_with_more_pages_has_a_reference(rest: Any) -> None:
    body = rest.query(f"SELECT views FROM {TABLE}", jobCreationMode="JOB_CREATION_OPTIONAL", maxResults=5)
    assert body["jobReference"]["jobId"]
    assert body["jobCreationReason"] == {"code": "LARGE_RESULTS"}


def test_a_dry_run_has_a_schema_and_no_job_id(rest: Any) -> None:
    body = rest.query(f"SELECT views FROM {TABLE}", dryRun=True)
    assert body["jobReference"] == {"projectId": "streetlens-demo", "location": "US"}
    assert body["totalBytesProcessed"] == "160"
    assert body["schema"]["fields"][0]["name"] == "views"


def test_a_slow_query_is_reported_running_until_its_time_is_over(rest: Any) -> None:
    started = time.monotonic()
    body = rest.query("SELECT 7 /* emulator: run for 0.4 seconds */", timeoutMs=20)
    assert body["jobComplete"] is False
    assert "rows" not in body
    job = body["jobReference"]["jobId"]
    assert rest.call("GET", f"jobs/{job}?location=US")[1]["status"]["state"] == "RUNNING"
    finished = rest.call("GET", f"queries/{job}?location=US&timeoutMs=10000")[1]
    assert finished["rows"] == [{"f": [{"v": "7"}]}]
    assert time.monotonic() - started >= 0.4


def test_a_cancelled_job_ends_as_stopped(rest: Any) -> None:
    job = rest.query("SELECT 1 /* emulator: run for 60 seconds */", timeoutMs=1)["jobReference"]["jobId"]
    status, body = rest.call("POST", f"jobs/{job}/cancel?location=US", b"")
    assert status == 200
    assert body["kind"] == "bigquery#jobCancelResponse"
    assert body["job"]["status"]["errorResult"]["reason"] == "stopped"
    assert rest.call("GET", f"queries/{job}?location=US")[1]["error"]["errors"][0]["reason"] == "stopped"


def test_cancelling_a_finished_job_leaves_it_finished(rest: Any) -> None:
    job = rest.query("SELECT 1")["jobReference"]["jobId"]
    _, body = rest.call("POST", f"jobs/{job}/cancel?location=US", b"")
    assert body["job"]["status"] == {"state": "DONE"}


def test_jobs_are_listed_newest_first(rest: Any) -> None:
    newest = rest.query("SELECT 'newest'")["jobReference"]["jobId"]
    listed = rest.call("GET", "jobs?maxResults=2&stateFilter=done")[1]
    assert listed["jobs"][0]["jobReference"]["jobId"] == newest
    assert len(listed["jobs"]) == 2
    assert listed["nextPageToken"]


@pytest.mark.parametrize(
    ("options", "cell"),
    [
        ({}, "1.600000000123456E9"),
        ({"useInt64Timestamp": True}, "1600000000123456"),
        ({"timestampOutputFormat": "ISO8601_STRING"}, "2020-09-13T12:26:40.123456Z"),
    ],
)
def test_a_timestamp_is_written_as_the_request_asks(rest: Any, options: dict[str, Any], cell: str) -> None:
    body = rest.query("SELECT TIMESTAMP_MICROS(1600000000123456)", formatOptions=options)
    assert body["rows"][0]["f"][0]["v"] == cell


def test_two_timestamp_formats_at_once_are_refused(rest: Any) -> None:
    options = {"useInt64Timestamp": True, "timestampOutputFormat": "INT64"}
    body = {"query": "SELECT 1", "useLegacySql": False, "formatOptions": options}
    assert rest.call("POST", "queries", body)[0] == 400


def test_legacy_sql_is_the_default_and_is_refused_by_name(rest: Any) -> None:
    status, body = rest.call("POST", "queries", {"query": "SELECT 1"})
    assert status == 400
    assert "Legacy SQL" in body["error"]["message"]


def test_a_compressed_body_is_understood(rest: Any) -> None:
    data = gzip.compress(json.dumps({"query": "SELECT 3", "useLegacySql": False}).encode())
    status, body = rest.call(
        "POST", "queries?prettyPrint=false&unknown=1", data, {"Content-Encoding": "gzip"}
    )
    assert (status, body["rows"]) == (200, [{"f": [{"v": "3"}]}])


def test_a_body_that_is_not_json_is_a_parse_error(rest: Any) -> None:
    status, body = rest.call("POST", "queries", b"{nope")
    assert (status, body["error"]["errors"][0]["reason"]) == (400, "parseError")


def test_dml_reports_counts_and_no_rows(rest: Any) -> None:
    rest.query("CREATE TABLE own.counted (a INT64)")
    body = rest.query("INSERT own.counted VALUES (1), (2)")
    assert body["numDmlAffectedRows"] == "2"
    assert body["dmlStats"]["insertedRowCount"] == "2"
    assert "rows" not in body
    assert "totalRows" not in body
    assert rest.query("DROP TABLE own.counted")["statementType"] == "DROP_TABLE"


def test_a_page_ends_at_ten_megabytes_of_rows(rest: Any) -> None:
    body = rest.query("SELECT REPEAT('x', 1000000) FROM UNNEST(GENERATE_ARRAY(1, 12))")
    assert 9 <= len(body["rows"]) < 12
    assert body["pageToken"]


def test_a_statement_that_runs_too_long_is_stopped(rest: Any) -> None:
    endless = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT MAX(n) FROM t"
    body = {"query": endless, "useLegacySql": False, "jobTimeoutMs": "300"}
    status, answer = rest.call("POST", "queries", body)
    assert status == 400
    assert answer["error"]["message"] == "Job execution was cancelled: Job timed out after 0.3 seconds"
