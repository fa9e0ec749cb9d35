"""The Arrow mode of jobs.query, through Google's own reader of it."""

from __future__ import annotations

import base64
import math
from typing import Any

import pyarrow as pa
import pytest
import requests
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from contract.discovery import check_response
from emulator.storage_read.inputs import EVERY_TYPE, EXTREMES, NULLS, NUMBERS
from streetlens.emulator import Emulator
from streetlens.emulator.bigquery import arrow

QUERIES = "/bigquery/v2/projects/streetlens-demo/queries"


def query(emulator: Emulator, sql: str, **options: Any) -> dict[str, Any]:
    body = {"query": sql, "useLegacySql": False, "queryResultsFormat": "ARROW", **options}
    answer = requests.post(emulator.url + QUERIES, json=body, timeout=60)
    assert check_response("bigquery", "POST", QUERIES, answer.json(), answer.status_code) == []
    parsed: dict[str, Any] = answer.json()
    return parsed


def schema_of(body: dict[str, Any]) -> Any:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(body["arrowSchema"]["serializedSchema"])))


def batch_of(body: dict[str, Any]) -> Any:
    message = base64.b64decode(body["arrowRecordBatch"]["serializedRecordBatch"])
    return pa.ipc.read_record_batch(pa.py_buffer(message), schema_of(body))


def arrow_table(client: bigquery.Client, reader: Any, sql: str, **options: Any) -> Any:
    found = client.query_and_wait(sql, query_results_format="ARROW", **options)
    return found.to_arrow(bqstorage_client=reader)


@pytest.mark.parametrize("sql", [EVERY_TYPE, NULLS, EXTREMES], ids=["every type", "nulls", "extremes"])
@pytest.mark.parametrize("codec", [None, "LZ4_FRAME", "ZSTD"])
def test_arrow_results_are_the_table_that_the_rows_of_the_rest_api_make(
    client: bigquery.Client, reader: Any, sql: str, codec: str | None
) -> None:
    by_rows = client.query(sql).to_arrow(create_bqstorage_client=False)
    by_arrow = arrow_table(client, reader, sql, compression_codec=codec)
    assert by_arrow.equals(by_rows)
    assert {field.name: field.metadata for field in by_arrow.schema} == {
        field.name: field.metadata for field in by_rows.schema
    }


def test_a_bignumeric_of_77_digits_keeps_them_all(emulator: Emulator) -> None:
    largest = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
    body = query(emulator, f"SELECT BIGNUMERIC '{largest}' AS b, BIGNUMERIC '-{largest}' AS c")
    assert [str(value) for value in batch_of(body).to_pylist()[0].values()] == [largest, f"-{largest}"]


def test_intervals_are_months_days_and_nanoseconds(emulator: Emulator) -> None:
    body = query(emulator, "SELECT INTERVAL '-1-2 3 4:5:6.5' YEAR TO SECOND AS v")
    assert batch_of(body).to_pylist() == [{"v": pa.MonthDayNano([-14, 3, 14706500000000])}]


def test_infinite_floats_and_nan_arrive(client: bigquery.Client, reader: Any) -> None:
    sql = "SELECT CAST('nan' AS FLOAT64) a, CAST('inf' AS FLOAT64) b, CAST('-inf' AS FLOAT64) c"
    (row,) = arrow_table(client, reader, sql).to_pylist()
    assert math.isnan(row["a"])
    assert (row["b"], row["c"]) == (math.inf, -math.inf)


def test_the_answer_has_a_schema_one_batch_and_no_rows(emulator: Emulator) -> None:
    body = query(emulator, "SELECT 1 AS a UNION ALL SELECT 2")
    assert "rows" not in body
    assert (body["pageRowCount"], body["totalRows"], "pageToken" in body) == ("2", "2", False)
    assert batch_of(body).to_pydict() == {"a": [1, 2]}


def test_schema_and_batch_in_a_row_are_an_ipc_stream(emulator: Emulator) -> None:
    body = query(emulator, "SELECT 1 AS a", arrowSerializationOptions={"bufferCompression": "ZSTD"})
    parts = (body["arrowSchema"]["serializedSchema"], body["arrowRecordBatch"]["serializedRecordBatch"])
    stream = b"".join(base64.b64decode(part) for part in parts)
    assert pa.ipc.open_stream(stream).read_all().to_pydict() == {"a": [1]}


@pytest.mark.parametrize("codec", ["LZ4_FRAME", "ZSTD"])
def test_a_compressed_batch_is_smaller(emulator: Emulator, codec: str) -> None:
    plain, packed = (
        query(emulator, NUMBERS.format(5000), arrowSerializationOptions={"bufferCompression": name})
        for name in ("COMPRESSION_UNSPECIFIED", codec)
    )
    sizes = [len(body["arrowRecordBatch"]["serializedRecordBatch"]) for body in (plain, packed)]
    assert sizes[1] < sizes[0] / 2


def test_no_rows_are_a_schema_without_a_batch(emulator: Emulator) -> None:
    body = query(emulator, "SELECT 1 AS a FROM UNNEST([1]) LIMIT 0")
    assert schema_of(body).names == ["a"]
    assert (body["totalRows"], body["pageRowCount"]) == ("0", "0")
    assert not {"arrowRecordBatch", "pageToken", "rows"} & set(body)


def test_a_statement_without_a_result_has_no_schema(emulator: Emulator) -> None:
    body = query(emulator, "CREATE SCHEMA IF NOT EXISTS arrow_results")
    assert not {"arrowSchema", "arrowRecordBatch", "totalRows"} & set(body)


def test_dml_tells_the_rows_it_changed(client: bigquery.Client, reader: Any) -> None:
    client.query_and_wait("CREATE SCHEMA IF NOT EXISTS arrow_results")
    client.query_and_wait("CREATE OR REPLACE TABLE arrow_results.t (a INT64)")
    found = client.query_and_wait("INSERT arrow_results.t (a) VALUES (1), (2)", query_results_format="ARROW")
    assert found.num_dml_affected_rows == 2
    assert found.to_arrow(bqstorage_client=reader).num_rows == 0


def test_a_result_over_ten_megabytes_is_not_sent_whole(emulator: Emulator) -> None:
    sql = "SELECT i, REPEAT('x', 1000) AS s FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS i"
    body = query(emulator, sql, jobCreationMode="JOB_CREATION_OPTIONAL")
    assert body["totalRows"] == "20000"
    assert 9_000_000 < batch_of(body).nbytes <= 10 * 1024 * 1024
    assert body["pageToken"]
    assert body["jobReference"]["jobId"]
    assert body["jobCreationReason"] == {"code": "LARGE_RESULTS"}


def test_a_short_result_needs_no_job(emulator: Emulator) -> None:
    body = query(emulator, "SELECT 1 AS a", jobCreationMode="JOB_CREATION_OPTIONAL")
    assert "jobReference" not in body
    assert body["queryId"]


def test_the_rest_can_be_read_as_rows_by_the_page_token(emulator: Emulator) -> None:
    body = query(emulator, NUMBERS.format(30), maxResults=10)
    assert batch_of(body).num_rows == 10
    path = f"{QUERIES}/{body['jobReference']['jobId']}?pageToken={body['pageToken']}"
    rest = requests.get(emulator.url + path, timeout=60).json()
    assert [row["f"][0]["v"] for row in rest["rows"]] == [str(number) for number in range(11, 31)]


def test_max_results_zero_is_a_schema_and_a_page_token(emulator: Emulator) -> None:
    body = query(emulator, NUMBERS.format(30), maxResults=0)
    assert (body["totalRows"], body["pageRowCount"], bool(body["pageToken"])) == ("30", "0", True)
    assert "arrowRecordBatch" not in body


def test_what_did_not_fit_is_read_from_the_jobs_stream(client: bigquery.Client, reader: Any) -> None:
    table = arrow_table(client, reader, NUMBERS.format(30_000), page_size=7, compression_codec="LZ4_FRAME")
    assert table["i"].to_pylist() == list(range(1, 30_001))


def test_an_unnamed_struct_field_is_an_internal_error_of_the_job(emulator: Emulator) -> None:
    error = query(emulator, "SELECT (1, 'a') AS pair")["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (400, "jobInternalError")


def test_an_interval_beyond_64_bits_of_nanoseconds_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="Out of range conversion for microseconds value"):
        client.query_and_wait("SELECT INTERVAL 87840000 HOUR AS v", query_results_format="ARROW")


@pytest.mark.parametrize(
    "option",
    [
        {"queryResultsFormat": "PARQUET"},
        {"arrowSerializationOptions": {"bufferCompression": "SNAPPY"}},
        {"arrowSerializationOptions": {"picosTimestampPrecision": "SECONDS"}},
    ],
)
def test_an_unknown_option_is_refused(emulator: Emulator, option: dict[str, Any]) -> None:
    assert query(emulator, "SELECT 1 AS a", **option)["error"]["code"] == 400


def test_without_pyarrow_the_request_is_answered_with_rows(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow, "arrow_available", lambda: False)
    body = query(emulator, "SELECT 1 AS a")
    assert body["rows"] == [{"f": [{"v": "1"}]}]
    assert not {"arrowSchema", "pageRowCount"} & set(body)


def test_a_server_that_ignores_the_request_answers_with_rows(emulator: Emulator) -> None:
    emulator.faults.add("arrow_ignored", times=1)
    assert "rows" in query(emulator, "SELECT 1 AS a")
    assert "arrowSchema" in query(emulator, "SELECT 1 AS a")


def test_a_cached_result_too_large_to_inline_has_a_total_of_zero_and_a_page_token(
    emulator: Emulator, client: bigquery.Client, reader: Any
) -> None:
    emulator.faults.add("arrow_not_inlined")
    body = query(emulator, NUMBERS.format(30))
    assert (body["totalRows"], body["pageRowCount"], bool(body["pageToken"])) == ("0", "0", True)
    assert arrow_table(client, reader, NUMBERS.format(30)).num_rows == 30


def test_a_malformed_batch_cannot_be_read(emulator: Emulator) -> None:
    emulator.faults.add("arrow_malformed")
    with pytest.raises((pa.ArrowException, OSError)):
        batch_of(query(emulator, NUMBERS.format(30)))


def test_faults_of_arrow_leave_other_requests_alone(emulator: Emulator) -> None:
    rule = emulator.faults.add("arrow_ignored")
    requests.get(f"{emulator.url}/bigquery/v2/projects/streetlens-demo/jobs", timeout=10)
    requests.post(emulator.url + QUERIES, json={"query": "SELECT 1", "useLegacySql": False}, timeout=10)
    assert rule.struck == 0
