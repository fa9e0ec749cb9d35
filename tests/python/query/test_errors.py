"""Queries that fail: each failure says what, where and why, and only what can pass is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from servers.answers import bigquery_error, page
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
ONE_COLUMN = [{"name": "x", "type": "INTEGER"}]


def client_of(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", endpoint=server.url)


def refused(client: sl.Client, sql: str, **options: Any) -> sl.StreetlensError:
    with pytest.raises(sl.StreetlensError) as caught:
        client.query(sql, **options)
    return caught.value


def test_a_syntax_error_is_a_query_error_with_bigquerys_words(client: sl.Client) -> None:
    error = refused(client, "SELEC 1")
    assert isinstance(error, sl.QueryError)
    assert (error.status, error.reason, error.service) == (400, "invalidQuery", "BigQuery")
    assert "Syntax error" in error.message
    assert "[1:" in error.message


def test_an_unknown_column_is_named(client: sl.Client, observations: str) -> None:
    error = refused(client, f"SELECT nope FROM {observations}")
    assert isinstance(error, sl.QueryError)
    assert "Unrecognized name: nope" in str(error)


def test_a_missing_table_is_a_404_that_names_it(client: sl.Client, observations: str) -> None:
    error = refused(client, f"SELECT 1 FROM {observations.replace('latest_observations', 'nope')}")
    assert isinstance(error, sl.QueryError)
    assert (error.status, error.reason, error.location) == (404, "notFound", "US")
    assert "nope" in error.message
    assert error.hint is not None


def test_a_division_by_zero_is_not_tried_again(client: sl.Client, emulator: Emulator) -> None:
    assert "division by zero" in str(refused(client, "SELECT 1 / 0"))
    assert len(emulator.requests.of("bigquery")) == 1


def test_a_denied_permission_says_which_and_what_to_grant(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery")
    error = refused(client, "SELECT 1")
    assert isinstance(error, sl.PermissionDenied)
    assert "bigquery.jobs.create" in error.message
    assert "roles/bigquery.jobUser" in str(error)
    assert len(emulator.requests.of("bigquery")) == 1


@pytest.mark.parametrize("sql", ["", "   \n", "\t"])
def test_an_empty_query_is_refused_before_anything_is_sent(
    client: sl.Client, emulator: Emulator, sql: str
) -> None:
    assert "the query is empty" in str(refused(client, sql))
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("sql", [None, 5, ["SELECT 1"], b"SELECT 1"])
def test_a_query_that_is_no_text_is_refused(client: sl.Client, sql: Any) -> None:
    assert isinstance(refused(client, sql), sl.InvalidInput)


@pytest.mark.parametrize(
    "options",
    [{"page_size": 0}, {"page_size": -1}, {"timeout": 0}, {"timeout": -1}, {"timeout": float("nan")}],
)
def test_limits_that_make_no_sense_are_refused(
    client: sl.Client, emulator: Emulator, options: dict[str, Any]
) -> None:
    error = refused(client, "SELECT 1", **options)
    assert isinstance(error, (sl.ConfigurationError, sl.InvalidInput))
    assert next(iter(options)) in error.message
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "reset", "cut_body", "bad_json", "html"])
def test_what_may_pass_is_tried_again_at_the_start(client: sl.Client, emulator: Emulator, kind: str) -> None:
    rule = emulator.faults.add(kind, service="bigquery", times=1)
    assert client.query("SELECT 1 AS x")["x"] == [1]
    assert rule.struck == 1


@pytest.mark.parametrize("kind", ["503", "reset", "cut_body", "bad_json"])
def test_what_may_pass_is_tried_again_on_a_later_page(
    client: sl.Client, emulator: Emulator, kind: str
) -> None:
    rule = emulator.faults.add(kind, service="bigquery", times=1, after=2)
    sql = "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 9)) AS x ORDER BY x"
    assert client.query(sql, page_size=2, transport="rest")["x"] == list(range(1, 10))
    assert rule.struck == 1


def test_a_rate_limit_that_comes_as_a_403_is_tried_again(client: sl.Client, emulator: Emulator) -> None:
    rule = emulator.faults.add("403", service="bigquery", times=1, reason="rateLimitExceeded")
    assert client.query("SELECT 1 AS x")["x"] == [1]
    assert rule.struck == 1


def test_a_used_up_quota_is_not_tried_again(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery", reason="quotaExceeded", message="Quota exceeded")
    error = refused(client, "SELECT 1")
    assert error.reason == "quotaExceeded"
    assert "quota" in str(error.hint)
    assert len(emulator.requests.of("bigquery")) == 1


def test_the_wait_a_server_asks_for_is_kept(serve: Serve) -> None:
    answers = [
        bigquery_error(429, "rateLimitExceeded", "slow down", Retry_After="1"),
        page([[1]], ONE_COLUMN),
    ]
    started: list[float] = []

    def answer(_: Received) -> Answer:
        import time

        started.append(time.monotonic())
        return answers[len(started) - 1]

    client_of(serve(answer)).query("SELECT 1")
    assert started[1] - started[0] >= 1.0


def test_an_html_page_that_stays_names_itself_and_the_attempts(serve: Serve) -> None:
    page_ = Answer(b"<html><title>Sign in to the hotel</title></html>", 404, {"Content-Type": "text/html"})
    error = refused(client_of(serve(lambda _: page_)), "SELECT 1")
    assert "Sign in to the hotel" in str(error)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"3", b'"text"', b"\xff\xfe", b'{"rows": 3}'])
def test_an_answer_that_is_no_page_never_reads_as_an_empty_table(serve: Serve, body: bytes) -> None:
    server = serve(lambda _: Answer(body))
    error = refused(client_of(server), "SELECT 1", timeout=3)
    assert isinstance(error, (sl.MalformedResponse, sl.DeadlineExceeded))
    assert len(server.received) > 1


def test_an_answer_that_says_nothing_at_all_never_reads_as_an_empty_table(serve: Serve) -> None:
    """`{}` is what a proxy's stub says; BigQuery always says whether the job is complete."""
    assert isinstance(
        refused(client_of(serve(lambda _: Answer(b"{}"))), "SELECT 1", timeout=3), sl.StreetlensError
    )


def test_a_cell_that_does_not_fit_its_column_is_named_and_not_asked_for_again(serve: Serve) -> None:
    server = serve(lambda _: page([["1"], ["one"]], ONE_COLUMN))
    error = refused(client_of(server), "SELECT x")
    assert isinstance(error, sl.MalformedResponse)
    assert "`x`" in error.message
    assert "row 2" in error.message
    assert len(server.received) == 1


def test_rows_without_a_schema_are_refused(serve: Serve) -> None:
    error = refused(client_of(serve(lambda _: page([["1"]]))), "SELECT x", timeout=3)
    assert isinstance(error, (sl.MalformedResponse, sl.DeadlineExceeded))


def test_a_type_this_version_does_not_know_is_named(serve: Serve) -> None:
    error = refused(client_of(serve(lambda _: page([["1"]], [{"name": "q", "type": "QUBIT"}]))), "SELECT q")
    assert "`q`" in str(error)
    assert "QUBIT" in str(error)


def test_a_job_that_fails_later_is_told_with_its_id_and_location(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if request.method == "POST":
            return page(None, complete=False, job="job_long", location="EU")
        return bigquery_error(400, "resourcesExceeded", "Resources exceeded during query execution")

    error = refused(client_of(serve(answer)), "SELECT 1")
    assert isinstance(error, sl.QueryError)
    assert (error.job_id, error.location, error.reason) == ("job_long", "EU", "resourcesExceeded")
    assert "job `job_long`" in str(error)
    assert "location `EU`" in str(error)


def test_a_job_that_failed_is_not_cancelled_and_not_asked_again(
    client: sl.Client, emulator: Emulator
) -> None:
    error = refused(client, "SELECT ERROR('on purpose') /* emulator: run for 1.3 seconds */")
    assert "on purpose" in str(error)
    assert error.job_id
    assert error.location == "US"
    log = [(entry.method, entry.path) for entry in emulator.requests.of("bigquery")]
    assert [method for method, _ in log][:2] == ["POST", "GET"]
    assert len(log) == 2


def test_an_internal_error_of_a_job_is_not_asked_for_again_and_again(serve: Serve) -> None:
    server = serve(lambda _: bigquery_error(400, "jobInternalError", "An internal error occurred"))
    error = refused(client_of(server), "SELECT 1")
    assert error.reason == "jobInternalError"
    assert len(server.received) <= 3


def test_nobody_at_the_address_is_a_connection_error_that_names_it() -> None:
    error = refused(sl.Client(project="demo-project", endpoint="http://127.0.0.1:9"), "SELECT 1", timeout=2)
    assert isinstance(error, (sl.ConnectionFailed, sl.DeadlineExceeded))


def test_a_query_where_its_table_is_not_says_so(client: sl.Client, observations: str) -> None:
    error = refused(client, f"SELECT 1 FROM {observations}", location="EU")
    assert (error.status, error.location) == (404, "EU")


def test_warnings_of_a_good_answer_are_no_failure(serve: Serve) -> None:
    warned = page([["1"]], ONE_COLUMN, errors=[{"reason": "deprecated", "message": "old syntax"}])
    assert client_of(serve(lambda _: warned)).query("SELECT 1")["x"] == [1]


def test_errors_survive_pickling_with_what_they_know(client: sl.Client) -> None:
    import pickle

    error = refused(client, "SELEC 1")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.reason) == (type(error), str(error), error.reason)
