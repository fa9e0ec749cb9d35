"""Results of many pages, statements without rows, and jobs that take their time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest

import streetlens as sl
from servers.answers import bigquery_error, page
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
ONE_COLUMN = [{"name": "x", "type": "INTEGER"}]


def paths(emulator: Emulator) -> list[tuple[str, str]]:
    return [(entry.method, entry.path.rsplit("/", 1)[-1]) for entry in emulator.requests.of("bigquery")]


def client_of(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", endpoint=server.url)


def test_pages_are_joined_in_order(client: sl.Client, emulator: Emulator) -> None:
    table = client.query(
        "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25)) AS x ORDER BY x", page_size=10, transport="rest"
    )
    assert table["x"] == list(range(1, 26))
    requests = emulator.requests.of("bigquery")
    assert [entry.method for entry in requests] == ["POST", "GET", "GET"]
    assert requests[0].json["maxResults"] == 10
    ranges = {(entry.query["startIndex"], entry.query["maxResults"]) for entry in requests[1:]}
    assert ranges == {("10", "10"), ("20", "5")}


def test_rows_of_several_pages_are_found_by_position(client: sl.Client) -> None:
    table = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(0, 24)) AS x ORDER BY x", page_size=4)
    assert [table[index]["x"] for index in (0, 3, 4, 23, 24, -1)] == [0, 3, 4, 23, 24, 24]
    assert [row["x"] for row in table] == list(range(25))


def test_columns_of_a_second_page_are_decoded_like_those_of_the_first(client: sl.Client) -> None:
    sql = """SELECT TIMESTAMP_MICROS(1700000000000001 + k) AS p, [STRUCT(k AS a)] AS r
             FROM UNNEST(GENERATE_ARRAY(0, 4)) AS k ORDER BY p"""
    assert client.query(sql, page_size=2).to_dicts() == client.query(sql).to_dicts()


def test_follow_up_requests_name_the_jobs_location_and_integer_timestamps(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if request.method == "POST":
            return page([[1]], ONE_COLUMN, token="next", location="asia-northeast1")
        return page([[2]], ONE_COLUMN)

    server = serve(answer)
    table = client_of(server).query("SELECT x FROM t", transport="rest")
    assert table["x"] == [1, 2]
    assert server.received[1].query["location"] == "asia-northeast1"
    assert server.received[1].query["formatOptions.useInt64Timestamp"] == "true"
    assert table.stats.location == "asia-northeast1"


def test_an_unfinished_job_is_polled_until_it_is_done(client: sl.Client, emulator: Emulator) -> None:
    table = client.query("SELECT 7 AS x /* emulator: run for 1.6 seconds */")
    assert table["x"] == [7]
    assert [method for method, _ in paths(emulator)][:2] == ["POST", "GET"]
    assert table.stats.job_id is not None


def test_a_server_that_answers_at_once_is_not_asked_in_a_hurry(serve: Serve) -> None:
    polls = []

    def answer(request: Received) -> Answer:
        if request.method == "POST":
            return page(None, complete=False)
        if "/jobs/" in request.path:
            return json_answer({"statistics": {}})
        polls.append(time.monotonic())
        return page(None, complete=False) if len(polls) < 4 else page([[1]], ONE_COLUMN)

    assert client_of(serve(answer)).query("SELECT 1")["x"] == [1]
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(polls))


def test_a_statement_without_rows_is_an_empty_table_with_statistics(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.world.engine.create_dataset("own_pages", if_exists="keep")
    created = client.query("CREATE OR REPLACE TABLE own_pages.t AS SELECT x FROM UNNEST([1, 2, 3]) AS x")
    assert (len(created), created.column_names, created.to_dicts()) == (0, [], [])
    assert created.stats.statement_type == "CREATE_TABLE_AS_SELECT"
    changed = client.query("DELETE FROM own_pages.t WHERE x > 1")
    assert (changed.stats.statement_type, changed.stats.affected_rows, len(changed)) == ("DELETE", 2, 0)
    assert "0 rows" in repr(changed)
    assert "0 rows" in changed._repr_html_()
    assert changed.to_arrow().num_columns == 0
    assert changed.to_pandas().empty
    assert changed.to_polars().is_empty()


def test_statistics_of_a_query_are_told(client: sl.Client, observations: str) -> None:
    stats = client.query(f"SELECT gcs_uri FROM {observations}", use_cache=False).stats
    assert (stats.location, stats.statement_type, stats.cache_hit) == ("US", "SELECT", False)
    assert stats.job_id
    assert stats.bytes_processed
    assert stats.bytes_billed
    assert stats.affected_rows is None


def test_a_result_that_bigquery_has_kept_costs_nothing(client: sl.Client, observations: str) -> None:
    sql = f"SELECT gcs_uri, 'kept' AS why FROM {observations}"
    client.query(sql)
    stats = client.query(sql).stats
    assert (stats.cache_hit, stats.bytes_billed) == (True, 0)


def test_fewer_rows_than_bigquery_counted_are_refused(serve: Serve) -> None:
    """A page that lost its token on the way would else be taken for the last."""
    server = serve(lambda _: page([[1]], ONE_COLUMN, totalRows="2"))
    with pytest.raises(sl.MalformedResponse, match="counts 2 rows and its pages hold 1"):
        client_of(server).query("SELECT 1")


def test_an_empty_object_for_a_later_page_is_asked_for_again(serve: Serve) -> None:
    answers = [page([[1]], ONE_COLUMN, token="next", totalRows="2"), json_answer({}), page([[2]], ONE_COLUMN)]
    assert client_of(serve(lambda _: answers.pop(0))).query("SELECT 1", transport="rest")["x"] == [1, 2]


def test_a_page_token_that_repeats_is_refused_instead_of_read_forever(serve: Serve) -> None:
    server = serve(lambda _: page([[1]], ONE_COLUMN, token="again"))
    with pytest.raises(sl.MalformedResponse, match="repeats the same page") as caught:
        client_of(server).query("SELECT 1")
    assert (caught.value.job_id, caught.value.location) == ("job_1", "US")
    assert len([entry for entry in server.received if entry.method == "GET"]) <= 2


def test_page_tokens_that_go_in_a_circle_end_too(serve: Serve) -> None:
    tokens = itertools.cycle("ab")
    server = serve(lambda _: page([[1]], ONE_COLUMN, token=next(tokens)))
    with pytest.raises(sl.MalformedResponse, match="repeats the same page"):
        client_of(server).query("SELECT 1", timeout=20)
    assert len(server.received) < 10


def test_a_repeated_start_is_not_run_twice_but_its_job_is_read(serve: Serve) -> None:
    """When the first attempt had started the query after all, BigQuery answers 409 and names the job."""

    def answer(request: Received) -> Answer:
        if request.path.endswith("/queries"):
            return bigquery_error(409, "duplicate", "Already Exists: Job demo-project:EU.job_abc")
        return page([[5]], ONE_COLUMN, job="job_abc", location="EU")

    server = serve(answer)
    table = client_of(server).query("SELECT 5 AS x")
    assert table["x"] == [5]
    assert server.received[1].path.endswith("/queries/job_abc")
    assert server.received[1].query["location"] == "EU"


def test_the_same_request_id_makes_a_retried_start_the_same_query(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("cut_body", service="bigquery", times=1)
    assert client.query("SELECT 3 AS x")["x"] == [3]
    starts = [entry for entry in emulator.requests.of("bigquery") if entry.method == "POST"]
    assert len(starts) == 2
    assert starts[0].json["requestId"] == starts[1].json["requestId"]


def test_two_queries_never_share_a_request_id(client: sl.Client, emulator: Emulator) -> None:
    client.query_all(["SELECT 1", "SELECT 1", "SELECT 1"])
    ids = [entry.json["requestId"] for entry in emulator.requests.of("bigquery") if entry.method == "POST"]
    assert len(set(ids)) == 3


def test_queries_run_together_and_come_back_in_order(client: sl.Client) -> None:
    waits = [1.0, 0.2, 0.8, 0.1]
    started = time.monotonic()
    sqls = [f"SELECT {n} AS n /* emulator: run for {wait} seconds */" for n, wait in enumerate(waits)]
    tables = client.query_all(sqls)
    assert [table["n"] for table in tables] == [[0], [1], [2], [3]]
    assert time.monotonic() - started < sum(waits)


def test_the_first_failure_of_several_is_raised_and_the_others_are_cancelled(
    client: sl.Client, emulator: Emulator
) -> None:
    slow = "SELECT 1 /* emulator: run for 60 seconds */"
    with pytest.raises(sl.QueryError, match="nowhere"):
        client.query_all([slow, "SELECT * FROM nowhere.t /* emulator: run for 1.5 seconds */", slow])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        cancelled = [path for _, path in paths(emulator) if path == "cancel"]
        if len(cancelled) == 2:
            return
        time.sleep(0.05)
    pytest.fail(f"the jobs left running were not cancelled: {paths(emulator)}")


def test_no_queries_give_no_tables(client: sl.Client) -> None:
    assert client.query_all([]) == []


def test_one_text_instead_of_a_list_of_queries_is_refused(client: sl.Client) -> None:
    with pytest.raises(sl.InvalidInput, match="takes a list of queries"):
        client.query_all("SELECT 1")


def test_a_query_that_takes_too_long_is_cancelled_at_the_server(
    client: sl.Client, emulator: Emulator
) -> None:
    with pytest.raises(sl.DeadlineExceeded, match=r"not done within 1\.5 s"):
        client.query("SELECT 1 /* emulator: run for 60 seconds */", timeout=1.5)
    deadline = time.monotonic() + 10
    while ("POST", "cancel") not in paths(emulator):
        assert time.monotonic() < deadline, paths(emulator)
        time.sleep(0.05)


def test_a_finished_query_is_not_cancelled(client: sl.Client, emulator: Emulator) -> None:
    client.query("SELECT 1", timeout=30)
    client.query("SELECT 1 /* emulator: run for 1.2 seconds */", timeout=30)
    assert not [path for _, path in paths(emulator) if path == "cancel"]
