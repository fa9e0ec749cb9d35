"""Sessions: temporary tables from one query to the next, for those who know the session's id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery
from google.cloud.bigquery import ConnectionProperty, QueryJobConfig


@pytest.fixture
def session(client: bigquery.Client) -> Iterator[str]:
    job = client.query("SELECT 1", job_config=QueryJobConfig(create_session=True))
    job.result()
    assert job.session_info is not None
    session_id = job.session_info.session_id
    assert session_id is not None
    yield session_id
    with suppress(BadRequest):  # a test may have ended it
        run(client, "CALL BQ.ABORT_SESSION()", session_id)


def run(client: bigquery.Client, sql: str, session: str) -> list[tuple[Any, ...]]:
    properties = [ConnectionProperty("session_id", session)]
    config = QueryJobConfig(connection_properties=properties)
    return [tuple(row) for row in client.query(sql, job_config=config).result()]


def test_a_temporary_table_lives_as_long_as_its_session(client: bigquery.Client, session: str) -> None:
    run(client, "CREATE TEMP TABLE t AS SELECT 1 AS a", session)
    run(client, "INSERT INTO t VALUES (2)", session)
    assert run(client, "SELECT SUM(a) FROM _SESSION.t", session) == [(3,)]
    run(client, "CALL BQ.ABORT_SESSION()", session)
    with pytest.raises(BadRequest, match=r"Invalid input session id\."):
        run(client, "SELECT * FROM t", session)


def test_a_temporary_table_is_seen_in_its_session_only(client: bigquery.Client, session: str) -> None:
    run(client, "CREATE TEMP TABLE mine AS SELECT 1 AS a", session)
    with pytest.raises(BadRequest, match="must be qualified with a dataset"):
        client.query("SELECT * FROM mine").result()
    assert "mine" not in [table.table_id for table in client.list_tables("own")]


def test_a_script_in_a_session_shares_its_temporary_tables(client: bigquery.Client, session: str) -> None:
    run(client, "CREATE TEMP TABLE shared AS SELECT 1 AS a; INSERT shared VALUES (2)", session)
    assert run(client, "SELECT COUNT(*) FROM shared", session) == [(2,)]


def test_jobs_query_tells_the_session(rest: Any) -> None:
    first = rest.query("CREATE TEMP TABLE t AS SELECT 7 AS a", createSession=True)
    session = first["sessionInfo"]["sessionId"]
    properties = [{"key": "session_id", "value": session}]
    body = rest.query("SELECT a FROM t", connectionProperties=properties)
    assert (body["rows"], body["sessionInfo"]) == ([{"f": [{"v": "7"}]}], {"sessionId": session})
    rest.query(f"CALL BQ.ABORT_SESSION('{session}')")


def test_a_session_that_is_not_there_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match=r"Invalid input session id\."):
        run(client, "SELECT 1", "never")


def test_a_session_stays_in_its_location(rest: Any) -> None:
    session = rest.query("SELECT 1", createSession=True, location="EU")["sessionInfo"]["sessionId"]
    properties = [{"key": "session_id", "value": session}]
    body = {"query": "SELECT 1", "useLegacySql": False, "connectionProperties": properties}
    assert rest.call("POST", "queries", body)[1]["location"] == "EU"
    status, error = rest.call("POST", "queries", {**body, "location": "US"})
    assert (status, error["error"]["message"]) == (400, "Invalid input session id.")


def test_a_property_given_twice_is_refused(rest: Any) -> None:
    properties = [{"key": "query_label", "value": "a:b"}] * 2
    body = {"query": "SELECT 1", "useLegacySql": False, "connectionProperties": properties}
    status, error = rest.call("POST", "queries", body)
    assert (status, error["error"]["message"]) == (400, "Duplicate connection property: query_label")
