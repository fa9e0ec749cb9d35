"""Faults on the Storage Read API: a status at once or half way, damage to the stream, cuts of the connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pyarrow as pa
import pytest
import requests
from google.api_core.exceptions import PermissionDenied
from google.cloud import bigquery, bigquery_storage

from emulator.storage_read.conftest import open_reader
from streetlens.emulator import Emulator, start
from streetlens.emulator.services import Service

# The client announces that reading Arrow will move to pandas-gbq one day.
pytestmark = pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
storage: Any = bigquery_storage  # its message classes carry no annotations
SQL = "SELECT i, REPEAT(CAST(i AS STRING), 200) AS s FROM UNNEST(GENERATE_ARRAY(1, 10000)) AS i"
SERVICE: Service = "bigquery_storage"


@pytest.fixture
def stream(client: bigquery.Client) -> str:
    """The default stream of a job whose result has several messages."""
    job = client.query(SQL)
    job.result(max_results=1)
    return f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default"


def received(reader: Any, stream: str, timeout: float = 30) -> tuple[list[Any], Any]:
    """Return the messages that arrive, and the error that ends them, of one call that is not resumed."""
    call = reader.transport.read_rows(storage.ReadRowsRequest(read_stream=stream), timeout=timeout)
    messages = []
    try:
        for message in call:
            messages.append(message)  # noqa: PERF402 - what came before the error is kept
    except grpc.RpcError as error:
        return messages, error
    return messages, None


@pytest.mark.parametrize(
    "fault",
    [
        ("400", "INVALID_ARGUMENT"),
        ("401", "UNAUTHENTICATED"),
        ("403", "PERMISSION_DENIED"),
        ("404", "NOT_FOUND"),
        ("409", "ALREADY_EXISTS"),
        ("429", "RESOURCE_EXHAUSTED"),
        ("500", "INTERNAL"),
        ("502", "UNAVAILABLE"),
        ("503", "UNAVAILABLE"),
        ("504", "DEADLINE_EXCEEDED"),
        ("html", "UNKNOWN"),
        ("session_expired", "FAILED_PRECONDITION"),
    ],
)
@pytest.mark.parametrize("messages", [0, 2])
def test_a_fault_is_its_status_at_once_or_half_way(
    emulator: Emulator, reader: Any, stream: str, fault: tuple[str, str], messages: int
) -> None:
    kind, code = fault
    emulator.faults.add(kind, service=SERVICE, messages=messages)
    found, error = received(reader, stream)
    assert (len(found), error.code().name) == (messages, code)
    assert emulator.requests[-1].fault == kind


def test_permission_that_is_missing_is_told_in_the_services_words(
    emulator: Emulator, reader: Any, stream: str
) -> None:
    emulator.faults.add("403", service=SERVICE)
    _, error = received(reader, stream)
    permission = "'bigquery.readsessions.create' permission for 'projects/streetlens-demo'"
    assert error.details() == f"request failed: the user does not have {permission}"


def test_a_service_that_is_not_enabled_is_denied_with_its_reason(
    emulator: Emulator, reader: Any, stream: str
) -> None:
    emulator.faults.add("403", service=SERVICE, reason="SERVICE_DISABLED", message="it is disabled")
    with pytest.raises(PermissionDenied, match="it is disabled") as raised:
        list(reader.read_rows(stream))
    assert raised.value.reason == "SERVICE_DISABLED"


def test_an_expired_session_names_the_stream(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("session_expired")
    _, error = received(reader, stream)
    assert error.details().startswith(f"there was an error operating on '{stream}': session expired at 2")


def test_exhaustion_may_say_when_to_come_back(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("429", service=SERVICE, times=1, retry_delay=0.01)
    # The official reader resumes after RESOURCE_EXHAUSTED only when it carries a RetryInfo.
    waits: list[float] = []
    resumed = reader.read_rows(stream, retry_delay_callback=waits.append)
    assert sum(message.row_count for message in resumed) == 10_000
    assert waits == [0.01]


@pytest.mark.parametrize("kind", ["503", "reset", "cut_body"])
@pytest.mark.parametrize("messages", [0, 1, 3])
def test_the_official_reader_resumes_without_losing_or_doubling_a_row(
    emulator: Emulator, client: bigquery.Client, reader: Any, kind: str, messages: int
) -> None:
    emulator.faults.add(kind, service=SERVICE, match="ReadRows", times=2, messages=messages)
    found = client.query_and_wait(SQL, query_results_format="ARROW", page_size=10).to_arrow(
        bqstorage_client=reader
    )
    assert found["i"].to_pylist() == list(range(1, 10_001))


@pytest.mark.parametrize("kind", ["503", "reset", "cut_body", "rst_stream"])
def test_streams_of_one_connection_that_are_struck_at_once_are_all_resumed(
    emulator: Emulator, client: bigquery.Client, reader: Any, kind: str
) -> None:
    job = client.query(SQL)
    job.result()
    rule = emulator.faults.add(kind, service=SERVICE, match="readStream", times=3, messages=1)
    table = client.list_rows(client.get_table(job.destination)).to_arrow(bqstorage_client=reader)
    assert sorted(table["i"].to_pylist()) == list(range(1, 10_001))
    assert rule.struck == 3


@pytest.mark.parametrize("count", [0, 1, 9, 50, 100, 5000, 65_536, 1_000_000])
def test_a_connection_cut_at_any_byte_loses_no_row(
    emulator: Emulator, client: bigquery.Client, reader: Any, count: int
) -> None:
    rule = emulator.faults.add("cut_body", service=SERVICE, match="ReadRows", times=1, bytes=count)
    found = client.query_and_wait(SQL, query_results_format="ARROW", page_size=10).to_arrow(
        bqstorage_client=reader
    )
    assert found["i"].to_pylist() == list(range(1, 10_001))
    assert rule.struck == 1
    assert len(emulator.requests.of("bigquery_storage")) == 2


@pytest.mark.parametrize("kind", ["reset", "cut_body"])
def test_a_cut_connection_is_unavailable_to_the_call(
    emulator: Emulator, reader: Any, stream: str, kind: str
) -> None:
    emulator.faults.add(kind, service=SERVICE, messages=2)
    found, error = received(reader, stream)
    assert len(found) <= 2
    assert error.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("messages", [0, 2])
def test_rst_stream_ends_one_call_and_leaves_the_connection(
    emulator: Emulator, reader: Any, stream: str, messages: int
) -> None:
    emulator.faults.add("rst_stream", times=1, messages=messages)
    found, error = received(reader, stream)
    # What has arrived and is not read yet goes with a reset.
    assert (len(found) <= messages, error.code().name) == (True, "INTERNAL")
    assert "RST_STREAM" in error.details()
    before = set(emulator._front.splices.by_port)
    again, error = received(reader, stream)
    assert (sum(message.row_count for message in again), error) == (10_000, None)
    assert set(emulator._front.splices.by_port) <= before


@pytest.mark.parametrize("kind", ["reset", "cut_body", "rst_stream", "stall", "bad_json", "503"])
def test_a_fault_strikes_a_method_with_one_answer_too(emulator: Emulator, reader: Any, kind: str) -> None:
    emulator.faults.add(kind, service=SERVICE)
    with pytest.raises(grpc.RpcError):
        reader.transport.create_read_session(storage.CreateReadSessionRequest(), timeout=2)
    assert emulator.requests[-1].fault == kind


@pytest.mark.parametrize("text", ["blocked", "arrow_ignored", "session_expired", "418", "503;colour=red"])
def test_a_fault_that_cannot_strike_the_call_is_refused(emulator: Emulator, reader: Any, text: str) -> None:
    call = reader.transport.create_read_session
    with pytest.raises(grpc.RpcError) as raised:
        call(storage.CreateReadSessionRequest(), metadata=[("x-streetlens-fault", text)])
    assert raised.value.details().startswith("x-streetlens-fault: ")
    assert emulator.requests[-1].status == 400


def test_a_stalled_stream_ends_by_the_callers_deadline(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("stall", service=SERVICE, messages=1)
    found, error = received(reader, stream, timeout=1)
    assert (len(found), error.code()) == (1, grpc.StatusCode.DEADLINE_EXCEEDED)


def test_a_slow_call_is_answered_in_the_end(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("slow", service=SERVICE, seconds=0.3)
    started = time.monotonic()
    found, error = received(reader, stream)
    assert (len(found) > 1, error) == (True, None)
    assert time.monotonic() - started > 0.3


def test_what_is_no_message_cannot_be_decoded(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("bad_json", service=SERVICE, messages=1)
    found, error = received(reader, stream)
    assert (len(found), error.code()) == (1, grpc.StatusCode.INTERNAL)


def test_a_malformed_batch_comes_in_the_message_that_was_chosen(
    emulator: Emulator, reader: Any, stream: str
) -> None:
    emulator.faults.add("arrow_malformed", service=SERVICE, messages=1)
    found, error = received(reader, stream)
    schema = pa.ipc.read_schema(pa.py_buffer(found[0].arrow_schema.serialized_schema))
    batches = [pa.py_buffer(message.arrow_record_batch.serialized_record_batch) for message in found]
    assert error is None
    assert pa.ipc.read_record_batch(batches[0], schema).num_rows == found[0].row_count
    with pytest.raises((pa.ArrowException, OSError)):
        pa.ipc.read_record_batch(batches[1], schema)


def test_a_rule_for_bigquery_leaves_the_storage_api_alone(
    emulator: Emulator, reader: Any, stream: str
) -> None:
    emulator.faults.add("503", service="bigquery")
    assert received(reader, stream)[1] is None


def test_a_fault_may_be_asked_for_by_the_call_itself(emulator: Emulator, reader: Any, stream: str) -> None:
    metadata = [("x-streetlens-fault", "503;messages=1;message=as asked")]
    call = reader.transport.read_rows(storage.ReadRowsRequest(read_stream=stream), metadata=metadata)
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    assert raised.value.details() == "as asked"
    assert emulator.requests[-1].fault == "503"


def test_an_expired_token_stays_expired(emulator: Emulator, reader: Any, stream: str) -> None:
    emulator.faults.add("expired_token", service=SERVICE, times=1)
    token = emulator.world.tokens.issue()
    metadata = [("authorization", f"Bearer {token.value}")]
    call = reader.transport.read_rows(storage.ReadRowsRequest(read_stream=stream), metadata=metadata)
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert emulator.world.tokens.check(f"Bearer {token.value}") == "expired"


@pytest.fixture
def stalled() -> Iterator[tuple[Emulator, Any]]:
    """An emulator of its own with a call that waits for it."""
    with start(observations=2) as emulator:
        emulator.faults.add("stall")
        reader = open_reader(emulator.url)
        call = reader.transport.read_rows(storage.ReadRowsRequest(read_stream="x"))
        while not len(emulator.requests):
            time.sleep(0.005)
        yield emulator, call
        reader.transport.close()


def test_stopping_does_not_wait_for_a_job_whose_stream_is_read() -> None:
    with start(observations=2) as emulator:
        url = f"{emulator.url}/bigquery/v2/projects/p/queries"
        body: dict[str, Any] = {
            "query": "SELECT 1 /* emulator: run for 60 seconds */",
            "useLegacySql": False,
            "timeoutMs": 1,
        }
        job = requests.post(url, json=body, timeout=10).json()["jobReference"]["jobId"]
        reader = open_reader(emulator.url)
        name = f"projects/p/locations/US/jobs/{job}/streams/_default"
        call = reader.transport.read_rows(storage.ReadRowsRequest(read_stream=name))
        while not emulator.requests.of(SERVICE):
            time.sleep(0.005)
        started = time.monotonic()
        emulator.stop()
        assert time.monotonic() - started < 3
        with pytest.raises(grpc.RpcError):
            next(call)
        reader.transport.close()


def test_stopping_does_not_wait_for_a_stalled_call(stalled: tuple[Emulator, Any]) -> None:
    emulator, call = stalled
    started = time.monotonic()
    emulator.stop()
    assert time.monotonic() - started < 3
    with pytest.raises(grpc.RpcError):
        next(call)
