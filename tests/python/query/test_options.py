"""What a query may be told besides its text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import streetlens as sl
from servers.answers import page
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator


def test_a_dry_run_tells_columns_and_bytes_and_runs_nothing(
    client: sl.Client, observations: str, emulator: Emulator
) -> None:
    table = client.query(f"SELECT gcs_uri FROM {observations}", dry_run=True)
    assert (table.column_names, len(table)) == (["gcs_uri"], 0)
    assert table.stats.bytes_processed
    assert [entry.json["dryRun"] for entry in emulator.requests.of("bigquery")] == [True]


def test_a_dry_run_of_wrong_sql_says_what_is_wrong(client: sl.Client) -> None:
    with pytest.raises(sl.QueryError, match="Syntax error"):
        client.query("SELEC 1", dry_run=True)


def test_a_query_that_would_bill_more_than_the_limit_is_refused_with_its_size(
    client: sl.Client, observations: str
) -> None:
    with pytest.raises(sl.QueryError, match="10485760 or higher required") as caught:
        client.query(f"SELECT gcs_uri FROM {observations}", maximum_bytes_billed=1000)
    assert "nothing was billed" in (caught.value.hint or "")


def test_the_limit_of_a_client_holds_for_its_queries(emulator: Emulator, observations: str) -> None:
    client = sl.Client(project=emulator.world.project, endpoint=emulator.url, maximum_bytes_billed=1000)
    with pytest.raises(sl.QueryError, match="bytes billed"):
        client.query(f"SELECT gcs_uri FROM {observations}")


def test_a_query_may_lift_the_limit_of_its_client(emulator: Emulator, observations: str) -> None:
    client = sl.Client(project=emulator.world.project, endpoint=emulator.url, maximum_bytes_billed=1000)
    assert len(client.query(f"SELECT gcs_uri FROM {observations}", maximum_bytes_billed=False)) > 0


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "1 GB"])
def test_what_is_no_limit_is_refused_before_anything_is_sent(
    client: sl.Client, emulator: Emulator, limit: object
) -> None:
    with pytest.raises(sl.ConfigurationError, match="maximum_bytes_billed"):
        client.query("SELECT 1", maximum_bytes_billed=limit)  # type: ignore[call-overload]  # the point
    assert not list(emulator.requests)


def test_a_misspelt_option_names_the_right_one(client: sl.Client) -> None:
    with pytest.raises(TypeError, match="did you mean `transport`"):
        client.query("SELECT 1", trasport="rest")  # type: ignore[call-overload]  # the point


def test_labels_reach_the_job(client: sl.Client, emulator: Emulator) -> None:
    client.query("SELECT 1", labels={"team": "signs"})
    assert emulator.requests.of("bigquery")[0].json["labels"] == {"team": "signs"}


def test_a_table_may_be_named_without_its_data_set(client: sl.Client, emulator: Emulator) -> None:
    linked = emulator.world.subscribe()
    table = client.query("SELECT COUNT(*) AS n FROM latest_observations", default_dataset=str(linked))
    assert table["n"][0] > 0


def test_queries_of_a_session_share_its_temporary_tables(client: sl.Client) -> None:
    first = client.query("CREATE TEMP TABLE chosen AS SELECT 7 AS n", session=True)
    session = first.stats.session_id
    assert session
    assert client.query("SELECT n FROM chosen", session=session)["n"] == [7]


def test_a_session_that_does_not_exist_is_refused(client: sl.Client) -> None:
    with pytest.raises(sl.QueryError, match="Invalid input session id"):
        client.query("SELECT 1", session="nothing")


def test_a_script_gives_the_rows_of_its_last_statement(client: sl.Client) -> None:
    table = client.query("DECLARE x INT64 DEFAULT 5; SELECT 1 AS first; SELECT x + 1 AS last;")
    assert (table.to_dicts(), table.stats.statement_type) == ([{"last": 6}], "SCRIPT")


def test_a_query_that_may_wait_is_a_job_of_our_own_name(client: sl.Client, emulator: Emulator) -> None:
    table = client.query("SELECT 1 AS x", priority="batch")
    sent = emulator.requests.of("bigquery")[0].json
    assert table["x"] == [1]
    assert sent["configuration"]["query"]["priority"] == "BATCH"
    assert table.stats.job_id == sent["jobReference"]["jobId"]


def test_a_repeated_insertion_of_a_job_finds_the_first(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("cut_body", service="bigquery", match="/jobs", times=1)
    assert client.query("SELECT 1 AS x", priority="batch")["x"] == [1]
    inserted = [entry for entry in emulator.requests.of("bigquery") if entry.path.endswith("/jobs")]
    assert len({entry.json["jobReference"]["jobId"] for entry in inserted}) == 1
    assert len(inserted) == 2


def test_progress_is_told_while_a_query_is_waited_for(client: sl.Client) -> None:
    seen: list[sl.QueryProgress] = []
    client.query("SELECT 1 /* emulator: run for 1.5 seconds */", progress=seen.append)
    assert "running" in {progress.state for progress in seen}
    assert [progress.seconds for progress in seen] == sorted(progress.seconds for progress in seen)


def test_failures_of_several_queries_may_be_results(client: sl.Client) -> None:
    first, second, third = client.query_all(["SELECT 1 AS n", "SELEC 2", "SELECT 3 AS n"], errors="return")
    assert isinstance(second, sl.QueryError)
    assert [table["n"] for table in (first, third) if isinstance(table, sl.Table)] == [[1], [3]]


def test_no_more_queries_than_allowed_are_under_way_at_once(
    serve: Callable[[Script], ScriptedServer],
) -> None:
    begun, ended, most = 0, 0, 0

    def answer(request: Received) -> Answer:
        nonlocal begun, ended, most
        if request.method == "POST":
            begun += 1
            most = max(most, begun - ended)
            return page(None, complete=False, job=f"job_{begun}")
        if begun - ended < 2 and begun < 6:
            return page(None, complete=False)
        ended += 1
        return page([["1"]], [{"name": "x", "type": "INTEGER"}])

    client = sl.Client(project="demo-project", endpoint=serve(answer).url)
    assert [table["x"] for table in client.query_all(["SELECT 1 AS x"] * 6, concurrency=2)] == [[1]] * 6
    assert most == 2


def test_a_query_of_several_may_have_parameters(client: sl.Client) -> None:
    tables = client.query_all([("SELECT @n AS n", {"n": 1}), ("SELECT ? AS n", [2])])
    assert [table["n"] for table in tables] == [[1], [2]]


def test_a_dry_run_is_no_stream_and_changes_nothing(client: sl.Client, emulator: Emulator) -> None:
    with pytest.raises(sl.ConfigurationError, match="exclude each other"):
        client.query("CREATE TABLE a.b (x INT64)", dry_run=True, stream=True)  # type: ignore[call-overload]  # the point
    assert not list(emulator.requests)


def test_a_linked_data_set_may_be_the_default_one(client: sl.Client) -> None:
    linked = client.subscribe("1234-5678")
    assert client.query("SELECT COUNT(*) AS n FROM latest_observations", default_dataset=linked)["n"][0] > 0


def test_a_session_that_a_slow_query_began_is_named(client: sl.Client) -> None:
    stats = client.query("SELECT 1 /* emulator: run for 1.3 seconds */", session=True).stats
    assert stats.session_id
    assert stats.statement_type == "SELECT"


def test_the_last_progress_is_the_end(client: sl.Client) -> None:
    seen: list[sl.QueryProgress] = []
    client.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 20)) AS n", progress=seen.append)
    assert (seen[-1].state, seen[-1].rows, seen[-1].total_rows) == ("done", 20, 20)


def test_several_queries_take_their_parameters_each(client: sl.Client) -> None:
    with pytest.raises(TypeError, match="with each query"):
        client.query_all(["SELECT @n"], params={"n": 1})  # type: ignore[call-overload]  # the point
