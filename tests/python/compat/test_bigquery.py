"""Rows, jobs and parameters behave as google-cloud-bigquery's do."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pandas as pd
import pytest

import streetlens as sl
from compat.conftest import TABLE
from streetlens.compat import bigquery
from streetlens.compat.bigquery import Row
from streetlens.emulator import Emulator

SQL = (
    f"SELECT gcs_uri, asset_type, 2 AS views FROM {TABLE} WHERE gcs_uri IS NOT NULL ORDER BY gcs_uri LIMIT 4"
)


@pytest.fixture
def client(served: Emulator) -> bigquery.Client:
    return bigquery.Client(project=served.world.project)


def test_a_row_is_read_by_name_position_and_attribute(client: bigquery.Client) -> None:
    row = next(iter(client.query(SQL)))
    assert row["gcs_uri"] == row[0] == row.gcs_uri == row.get("gcs_uri")
    assert row.get("nothing") is None
    assert row.get("nothing", "else") == "else"


def test_a_row_becomes_a_dictionary() -> None:
    row = Row(("a", 2), {"x": 0, "y": 1})
    assert dict(row) == {"x": "a", "y": 2} == dict(row.items()) == dict(**row)
    assert (list(row.keys()), row.values(), list(row), len(row)) == (["x", "y"], ("a", 2), ["a", 2], 2)


def test_a_missing_column_is_named_with_those_there_are() -> None:
    row = Row(("a",), {"x": 0})
    with pytest.raises(KeyError, match="no row field 'z'; the row has x"):
        row["z"]
    with pytest.raises(AttributeError, match="no row field 'z'; the row has x"):
        row.z  # noqa: B018 - reading it is what fails


def test_a_row_is_copied_pickled_and_compared() -> None:
    row = Row(([1],), {"x": 0})
    assert copy.deepcopy(row) == row == pickle.loads(pickle.dumps(row))
    assert row != Row(([2],), {"x": 0})


def test_a_job_can_be_gone_through_again(client: bigquery.Client) -> None:
    job = client.query(SQL)
    assert [row.gcs_uri for row in job] == [row.gcs_uri for row in job]


def test_a_result_tells_its_rows_and_columns(client: bigquery.Client) -> None:
    result = client.query(SQL).result()
    assert result.total_rows == 4
    assert [(field.name, field.field_type) for field in result.schema] == [
        ("gcs_uri", "STRING"),
        ("asset_type", "STRING"),
        ("views", "INTEGER"),
    ]


def test_next_gives_rows_one_by_one(client: bigquery.Client) -> None:
    result = client.query(SQL).result()
    assert next(result) != next(result)


def test_fewer_rows_are_given_where_fewer_are_asked_for(client: bigquery.Client) -> None:
    job = client.query(SQL)
    everything = [row.gcs_uri for row in job]
    part = job.result(start_index=1, max_results=2)
    assert [row.gcs_uri for row in part] == everything[1:3] == part.to_dataframe()["gcs_uri"].tolist()
    assert part.to_arrow().num_rows == 2
    assert part.total_rows == 4


def test_query_and_wait_gives_the_rows(client: bigquery.Client) -> None:
    assert len(list(client.query_and_wait(SQL, max_results=3))) == 3


def test_a_job_tells_what_it_took(client: bigquery.Client) -> None:
    job = client.query(SQL)
    assert isinstance(job.result().total_bytes_processed, int)
    assert (job.state, job.done(), job.location, job.statement_type) == ("DONE", True, "US", "SELECT")
    assert job.job_id
    assert job.total_bytes_processed == job.result().total_bytes_processed


def test_queries_run_at_the_same_time(served: Emulator, client: bigquery.Client) -> None:
    served.faults.add("slow", service="bigquery", seconds=0.5)
    jobs = [client.query("SELECT 1 AS one") for _ in range(3)]
    assert [next(iter(job)).one for job in jobs] == [1, 1, 1]
    began = [request.received_at for request in served.requests if request.path.endswith("/queries")]
    assert max(began) - min(began) < 0.5


def test_a_mistake_in_the_sql_is_raised_where_the_rows_are_asked_for(client: bigquery.Client) -> None:
    job = client.query("SELECT nothing FROM nowhere WHERE")
    with pytest.raises(sl.QueryError, match="Syntax error"):
        job.result()
    with pytest.raises(sl.QueryError, match="Syntax error"):
        list(job)


def test_a_failed_job_tells_its_error(client: bigquery.Client) -> None:
    job = client.query(f"SELECT no_such_column FROM {TABLE}")
    assert isinstance(job.exception(), sl.QueryError)
    assert job.done()


def test_a_slow_query_goes_on_after_the_wait_is_over(served: Emulator, client: bigquery.Client) -> None:
    served.faults.add("slow", service="bigquery", seconds=0.6)
    job = client.query("SELECT 1 AS one")
    with pytest.raises(TimeoutError, match="it goes on"):
        job.result(timeout=0.05)
    assert [row.one for row in job.result()] == [1]


def test_named_parameters_of_each_kind(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("kind", "STRING", "sign"),
            bigquery.ScalarQueryParameter("nothing", "INT64", None),
            bigquery.ArrayQueryParameter("ids", "INT64", [1, 2]),
            bigquery.StructQueryParameter(
                "place",
                bigquery.ScalarQueryParameter("lat", "FLOAT64", 1.5),
                bigquery.ArrayQueryParameter("tags", "STRING", ["a"]),
            ),
        ]
    )
    sql = "SELECT @kind AS kind, @nothing AS nothing, @ids AS ids, @place AS place"
    row = next(iter(client.query(sql, job_config=config)))
    assert dict(row) == {
        "kind": "sign",
        "nothing": None,
        "ids": [1, 2],
        "place": {"lat": 1.5, "tags": ["a"]},
    }


def test_positional_parameters(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig()
    config.query_parameters = [
        bigquery.ScalarQueryParameter(None, "DATE", "2026-01-02"),
        bigquery.ScalarQueryParameter.positional("BOOL", value=True),
    ]
    assert list(next(iter(client.query("SELECT EXTRACT(DAY FROM ?), ?", job_config=config)))) == [2, True]


def test_an_array_of_structs_is_a_parameter(client: bigquery.Client) -> None:
    items = [
        bigquery.StructQueryParameter(None, bigquery.ScalarQueryParameter("x", "INT64", number))
        for number in (1, 2)
    ]
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ArrayQueryParameter("points", "STRUCT", items)]
    )
    sql = "SELECT SUM(point.x) AS total FROM UNNEST(@points) AS point"
    assert [row.total for row in client.query(sql, job_config=config)] == [3]


def test_named_and_positional_parameters_do_not_mix(client: bigquery.Client) -> None:
    mixed = [
        bigquery.ScalarQueryParameter("a", "INT64", 1),
        bigquery.ScalarQueryParameter(None, "INT64", 2),
    ]
    with pytest.raises(sl.InvalidInput, match="partly named"):
        client.query("SELECT @a", job_config=bigquery.QueryJobConfig(query_parameters=mixed))


def test_a_setting_that_would_have_no_effect_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="`maximum_bytes_billed`; it implements query_parameters"):
        bigquery.QueryJobConfig(maximum_bytes_billed=10**9)
    config = bigquery.QueryJobConfig()
    with pytest.raises(NotImplementedError, match="`destination`"):
        config.destination = "p.d.t"


def test_a_client_option_that_would_have_no_effect_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="`quota_project_id`; it implements api_endpoint"):
        bigquery.Client(
            project="demo", client_options={"quota_project_id": "p", "api_endpoint": "localhost:1"}
        )


def test_a_client_names_its_project_and_where_it_runs(served: Emulator) -> None:
    client = bigquery.Client("streetlens-demo", location="US")
    assert (client.project, client.location) == ("streetlens-demo", "US")
    assert client.query("SELECT 1").location == "US"
    body = next(request.json for request in served.requests if request.path.endswith("/queries"))
    assert body["location"] == "US"


def test_another_project_may_pay_for_one_query(served: Emulator, client: bigquery.Client) -> None:
    job = client.query("SELECT 1 AS one", project="another-project")
    assert job.result().total_rows == 1
    assert job.project == "another-project"
    assert list(served.requests)[-1].path.startswith("/bigquery/v2/projects/another-project/")


def test_a_frame_keeps_whole_numbers_with_nulls_whole(client: bigquery.Client) -> None:
    sql = "SELECT * FROM UNNEST([STRUCT(9007199254740993 AS id, TRUE AS lit), (NULL, NULL)])"
    frame = client.query(sql).to_dataframe()
    assert (str(frame["id"].dtype), str(frame["lit"].dtype)) == ("Int64", "boolean")
    assert frame["id"][0] == 9007199254740993
    assert pd.isna(frame["id"][1])


def test_a_frame_takes_other_types_where_they_are_asked_for(client: bigquery.Client) -> None:
    assert str(client.query(SQL).to_dataframe(dtypes={"views": "float64"})["views"].dtype) == "float64"


def test_what_a_client_cannot_do_is_named_with_what_it_can(client: bigquery.Client) -> None:
    unknown: Any = client
    with pytest.raises(AttributeError, match=r"`load_table_from_dataframe`; it implements close, .*query"):
        unknown.load_table_from_dataframe()


def test_the_placeholder_project_is_refused() -> None:
    with pytest.raises(sl.ConfigurationError, match="placeholder"):
        bigquery.Client(project="PROJECT_ID")
