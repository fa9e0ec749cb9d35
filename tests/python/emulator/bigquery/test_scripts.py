"""Scripts: several statements in one job, their variables and conditions, and the job each statement becomes."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery


def rows(client: bigquery.Client, script: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(script).result()]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1; SELECT 2 AS b, 'x;y' AS c;", [(2, "x;y")]),
        ("DECLARE x INT64 DEFAULT 5; SELECT x + 1", [(6,)]),
        ("DECLARE x DEFAULT [1, 2]; SELECT ARRAY_LENGTH(x)", [(2,)]),
        ("DECLARE a, b STRING DEFAULT 'q'; SET a = CONCAT(b, 'r'); SELECT a, b", [("qr", "q")]),
        ("DECLARE x INT64; SELECT x IS NULL", [(True,)]),
        ("DECLARE n INT64; SET n = (SELECT COUNT(*) FROM imagery.latest_observations); SELECT n", [(20,)]),
        ("DECLARE views INT64 DEFAULT 100; SELECT MAX(views) FROM imagery.latest_observations", [(19,)]),
        ("DECLARE wanted INT64 DEFAULT 3; SELECT views FROM imagery.latest_observations WHERE views = wanted", [(3,)]),
        ("IF 1 > 2 THEN SELECT 'a'; ELSEIF CASE WHEN TRUE THEN TRUE END THEN SELECT 'b'; END IF", [("b",)]),
        ("IF FALSE THEN SELECT 'a'; ELSE SELECT 'c'; END IF", [("c",)]),
        ("DECLARE x INT64 DEFAULT 1; BEGIN DECLARE y INT64 DEFAULT 2; SET x = x + y; END; SELECT x", [(3,)]),
        ("CREATE TEMP TABLE t AS SELECT 1 AS a; INSERT t VALUES (2); SELECT SUM(a) FROM t", [(3,)]),
        ("SELECT 1 AS a; DROP TABLE IF EXISTS own.never;", [(1,)]),
    ],
)  # fmt: skip
def test_the_result_of_a_script_is_that_of_its_last_select(
    client: bigquery.Client, script: str, expected: list[tuple[Any, ...]]
) -> None:
    assert rows(client, script) == expected


def test_each_statement_is_a_child_job(client: bigquery.Client) -> None:
    script = "DECLARE x INT64 DEFAULT 1;\nSELECT x AS a;\nSELECT views FROM imagery.latest_observations"
    job = client.query(script)
    job.result()
    job.reload()
    assert (job.statement_type, job.num_child_jobs, job.parent_job_id) == ("SCRIPT", 2, None)
    newest, oldest = client.list_jobs(parent_job=job)
    assert (newest.parent_job_id, oldest.parent_job_id) == (job.job_id, job.job_id)
    assert isinstance(oldest, bigquery.QueryJob)
    assert (oldest.query, oldest.statement_type) == ("SELECT x AS a", "SELECT")
    statistics = oldest.script_statistics
    assert statistics is not None
    frame = statistics.stack_frames[0]
    assert (statistics.evaluation_kind, frame.start_line, frame.start_column, frame.text) == (
        "STATEMENT",
        2,
        1,
        "SELECT x AS a",
    )
    assert isinstance(newest, bigquery.QueryJob)
    assert job.total_bytes_processed == newest.total_bytes_processed == 160
    assert newest.job_id not in [listed.job_id for listed in client.list_jobs()]


def test_an_error_names_the_place_in_the_script_and_ends_it(client: bigquery.Client) -> None:
    script = "CREATE OR REPLACE TABLE own.before_error (a INT64);\nSELECT 1/0;\nDROP TABLE own.before_error"
    job = client.query(script)
    with pytest.raises(BadRequest, match=r"Query error: division by zero: 1 / 0 at \[2:1\]"):
        job.result()
    client.delete_table("own.before_error")
    with pytest.raises(BadRequest, match=r"Query error: Unrecognized name: nope at \[2:8\]"):
        rows(client, "SELECT 1;\nSELECT nope")


def test_temporary_tables_end_with_their_script(client: bigquery.Client) -> None:
    rows(client, "CREATE TEMP TABLE brief AS SELECT 1 AS a; SELECT * FROM brief")
    with pytest.raises(BadRequest, match="must be qualified with a dataset"):
        rows(client, "SELECT * FROM brief")


def test_a_temporary_table_needs_a_script_or_session(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="Use of CREATE TEMPORARY TABLE requires a script or session"):
        rows(client, "CREATE TEMP TABLE t AS SELECT 1 AS a")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("BEGIN TRANSACTION; SELECT 1; COMMIT TRANSACTION", "BEGIN TRANSACTION in a script"),
        ("WHILE TRUE DO SELECT 1; END WHILE", "WHILE in a script"),
        ("CALL own.procedure()", "CALL in a script"),
        ("SELECT 1; EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE in a script"),
        ("BEGIN SELECT 1; EXCEPTION WHEN ERROR THEN SELECT 2; END", "EXCEPTION in a script"),
        ("BEGIN SELECT 1;", "Unexpected end of script"),
        ("SET x = 1", "Undeclared variable: x"),
        ("DECLARE x INT64; DECLARE X INT64; SELECT 1", "redeclaration is not allowed"),
        ("DECLARE x INT64 DEFAULT 'a'; SELECT 1", "Unable to coerce type STRING to expected type INT64"),
    ],
)
def test_what_a_script_cannot_do_is_named(client: bigquery.Client, script: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        rows(client, script)


SLOW = "FROM UNNEST(GENERATE_ARRAY(1, 30000)) a, UNNEST(GENERATE_ARRAY(1, 30000)) b WHERE a + b < 0"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT COUNT(*) {SLOW}; INSERT own.interrupted VALUES (1)",
        f"INSERT own.interrupted SELECT COUNT(*) {SLOW}",
        f"CREATE OR REPLACE TABLE own.interrupted AS SELECT COUNT(*) AS n {SLOW}",
    ],
)
def test_what_is_cancelled_while_it_runs_changes_nothing(rest: Any, sql: str) -> None:
    rest.query("CREATE OR REPLACE TABLE own.interrupted (a INT64)")
    configuration = {"query": {"query": sql, "useLegacySql": False}}
    _, job = rest.call("POST", "jobs", {"configuration": configuration})
    path = f"jobs/{job['jobReference']['jobId']}"
    status, body = rest.call("POST", f"{path}/cancel?location=US")
    assert (status, body["kind"]) == (200, "bigquery#jobCancelResponse")
    while job["status"]["state"] != "DONE":
        _, job = rest.call("GET", f"{path}?location=US")
        # An interruption between two statements of the engine is lost; a client cancels again.
        rest.call("POST", f"{path}/cancel?location=US")
    assert job["status"]["errorResult"]["reason"] == "stopped"
    assert rest.query("SELECT COUNT(a) FROM own.interrupted")["rows"] == [{"f": [{"v": "0"}]}]
