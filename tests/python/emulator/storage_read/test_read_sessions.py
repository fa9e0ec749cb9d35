"""Read sessions and their streams, through Google's client of the Storage Read API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import (
    FailedPrecondition,
    InvalidArgument,
    MethodNotImplemented,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Unauthenticated,
)
from google.cloud import bigquery, bigquery_storage

from emulator.storage_read.conftest import OpenSession
from emulator.storage_read.inputs import EVERY_TYPE, EXTREMES, NULLS, NUMBERS
from streetlens.emulator import Emulator
from streetlens.emulator.bigquery.storage_read import sessions

# The client announces that reading Arrow will move to pandas-gbq one day.
pytestmark = pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
storage: Any = bigquery_storage  # its message classes carry no annotations
ResultTable = Callable[[str], str]
LZ4 = storage.ArrowSerializationOptions.CompressionCodec.LZ4_FRAME
ZSTD = storage.ArrowSerializationOptions.CompressionCodec.ZSTD


def table_of(messages: list[Any]) -> Any:
    """Put a stream together: the schema of the first message, the batches of all."""
    schema = pa.ipc.read_schema(pa.py_buffer(messages[0].arrow_schema.serialized_schema))
    batches = [
        pa.ipc.read_record_batch(pa.py_buffer(message.arrow_record_batch.serialized_record_batch), schema)
        for message in messages
    ]
    return pa.Table.from_batches(batches, schema)


def messages_of(reader: Any, stream: str, offset: int = 0, **options: Any) -> list[Any]:
    return list(reader.read_rows(stream, offset=offset, retry_delay_callback=None, **options))


@pytest.fixture
def numbers(client: bigquery.Client) -> Iterator[str]:
    """A stored table of 5000 rows in which every thousandth `s` is null."""
    client.query_and_wait("CREATE SCHEMA IF NOT EXISTS reading")
    client.query_and_wait(
        "CREATE OR REPLACE TABLE reading.numbers AS SELECT i, IF(MOD(i, 1000) = 0, NULL, CAST(i AS STRING)) AS s, "
        "STRUCT(i * 2 AS twice, -i AS less) AS r FROM UNNEST(GENERATE_ARRAY(1, 5000)) AS i"
    )
    yield "projects/streetlens-demo/datasets/reading/tables/numbers"
    client.delete_table("reading.numbers")


@pytest.mark.parametrize("sql", [EVERY_TYPE, NULLS, EXTREMES], ids=["every type", "nulls", "extremes"])
def test_a_query_read_by_the_storage_api_is_the_table_its_rows_make(
    client: bigquery.Client, reader: Any, sql: str
) -> None:
    job = client.query(sql)
    by_rows = job.to_arrow(create_bqstorage_client=False)
    # A result this short is in the first page of the job, so the table is listed instead.
    table = client.get_table(job.destination)
    by_stream = client.list_rows(table).to_arrow(bqstorage_client=reader)
    assert by_stream.equals(by_rows)


def test_the_official_client_reads_a_large_result_in_streams(
    emulator: Emulator, client: bigquery.Client, reader: Any
) -> None:
    sql = "SELECT i FROM UNNEST(GENERATE_ARRAY(1, 4000)) AS i"
    table = client.query(sql).result(page_size=10).to_arrow(bqstorage_client=reader)
    assert sorted(table["i"].to_pylist()) == list(range(1, 4001))
    reads = [entry for entry in emulator.requests.of("bigquery_storage") if entry.path.endswith("ReadRows")]
    assert len(reads) == 4


def test_the_streams_of_a_session_divide_the_rows(
    reader: Any, open_session: OpenSession, numbers: str
) -> None:
    session = open_session(numbers, streams=3)
    with ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(lambda stream: messages_of(reader, stream.name), session.streams))
    rows = [row for part in parts for row in table_of(part)["i"].to_pylist()]
    assert len(session.streams) == 3
    assert sorted(rows) == list(range(1, 5001))


def test_a_small_table_has_one_stream_however_many_are_asked_for(
    open_session: OpenSession, result_table: ResultTable
) -> None:
    assert len(open_session(result_table(NUMBERS.format(100)), streams=4).streams) == 1


def test_an_empty_table_has_a_schema_and_no_streams(
    open_session: OpenSession, result_table: ResultTable
) -> None:
    session = open_session(result_table("SELECT 1 AS a FROM UNNEST([1]) LIMIT 0"))
    assert list(session.streams) == []
    assert pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema)).names == ["a"]


def test_a_session_tells_its_size_and_when_it_ends(open_session: OpenSession, numbers: str) -> None:
    session = open_session(numbers, selected_fields=["i"])
    assert session.name.startswith("projects/streetlens-demo/locations/us/sessions/")
    assert (session.estimated_row_count, session.estimated_total_bytes_scanned) == (5000, 40_000)
    assert session.expire_time.timestamp() > 0


def test_selected_fields_narrow_the_schema_down_to_nested_ones(
    reader: Any, open_session: OpenSession, numbers: str
) -> None:
    session = open_session(numbers, selected_fields=["r.less", "i"])
    table = table_of(messages_of(reader, session.streams[0].name))
    assert table.slice(0, 2).to_pylist() == [{"i": 1, "r": {"less": -1}}, {"i": 2, "r": {"less": -2}}]


def test_a_row_restriction_leaves_the_rows_it_holds_for(
    reader: Any, open_session: OpenSession, numbers: str
) -> None:
    session = open_session(numbers, row_restriction="i > 4990 AND s IS NOT NULL", selected_fields=["i"])
    table = table_of(messages_of(reader, session.streams[0].name))
    assert table["i"].to_pylist() == list(range(4991, 5000))


@pytest.mark.parametrize(
    "condition", ["nope = 1", "i >", "COUNT(*) > 1", "i IN (SELECT 1)", "TRUE) OR (TRUE", "TRUE) LIMIT (5"]
)
def test_a_row_restriction_that_is_no_condition_on_columns_is_refused(
    open_session: OpenSession, numbers: str, condition: str
) -> None:
    with pytest.raises(InvalidArgument):
        open_session(numbers, row_restriction=condition)


def test_a_session_shows_the_table_as_it_was(
    client: bigquery.Client, reader: Any, open_session: OpenSession, numbers: str
) -> None:
    session = open_session(numbers)
    client.query_and_wait("DELETE FROM reading.numbers WHERE TRUE")
    assert sum(message.row_count for message in messages_of(reader, session.streams[0].name)) == 5000


@pytest.mark.parametrize("codec", [0, LZ4, ZSTD])
def test_buffers_come_in_the_compression_of_the_session(
    reader: Any, open_session: OpenSession, numbers: str, codec: int
) -> None:
    options = storage.ArrowSerializationOptions(buffer_compression=codec)
    session = open_session(numbers, arrow_serialization_options=options)
    messages = messages_of(reader, session.streams[0].name)
    sent = sum(len(message.arrow_record_batch.serialized_record_batch) for message in messages)
    assert table_of(messages)["i"].to_pylist() == list(range(1, 5001))
    assert (sent < sum(message.uncompressed_byte_size for message in messages)) == bool(codec)


def test_only_the_first_message_of_a_stream_has_the_schema(
    reader: Any, open_session: OpenSession, result_table: ResultTable
) -> None:
    sql = "SELECT i, REPEAT('x', 1000) AS s FROM UNNEST(GENERATE_ARRAY(1, 9000)) AS i"
    session = open_session(result_table(sql))
    messages = messages_of(reader, session.streams[0].name)
    assert len(messages) > 3
    assert [bool(message.arrow_schema.serialized_schema) for message in messages] == [
        True,
        *[False] * (len(messages) - 1),
    ]
    assert messages[-1].stats.progress.at_response_end == 1.0
    assert messages[0].stats.progress.at_response_start == 0.0


@pytest.mark.parametrize("offset", [1, 2047, 2048, 4999])
def test_a_stream_is_resumed_at_any_row(
    reader: Any, open_session: OpenSession, numbers: str, offset: int
) -> None:
    session = open_session(numbers)
    table = table_of(messages_of(reader, session.streams[0].name, offset))
    assert table["i"].to_pylist() == list(range(offset + 1, 5001))


def test_after_the_last_row_there_is_nothing(reader: Any, open_session: OpenSession, numbers: str) -> None:
    session = open_session(numbers)
    assert messages_of(reader, session.streams[0].name, 5000) == []
    with pytest.raises(OutOfRange):
        messages_of(reader, session.streams[0].name, 5001)


@pytest.mark.parametrize("codec", [0, LZ4, ZSTD])
def test_the_default_stream_of_a_job_begins_at_any_row_in_the_compression_asked_for(
    client: bigquery.Client, reader: Any, codec: int
) -> None:
    job = client.query(NUMBERS.format(3000))
    name = f"projects/streetlens-demo/locations/{job.location}/jobs/{job.job_id}/streams/_default"
    options = storage.ArrowSerializationOptions(buffer_compression=codec)
    table = table_of(messages_of(reader, name, 2990, arrow_serialization_options=options))
    assert table["i"].to_pylist() == list(range(2991, 3001))


def test_the_default_stream_of_a_job_without_rows_is_empty(client: bigquery.Client, reader: Any) -> None:
    job = client.query("SELECT 1 AS a FROM UNNEST([1]) LIMIT 0")
    assert (
        messages_of(reader, f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default") == []
    )


def test_the_default_stream_refuses_a_job_with_a_destination_table(
    client: bigquery.Client, reader: Any
) -> None:
    client.query_and_wait("CREATE SCHEMA IF NOT EXISTS reading")
    config = bigquery.QueryJobConfig(
        destination="streetlens-demo.reading.copy", write_disposition="WRITE_TRUNCATE"
    )
    job = client.query("SELECT 1 AS a", job_config=config)
    with pytest.raises(InvalidArgument, match="does not support explicitly-specified destination tables"):
        messages_of(reader, f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default")
    assert client.list_rows("reading.copy", selected_fields=[]).total_rows is None


def test_the_default_stream_refuses_a_job_that_is_no_query(client: bigquery.Client, reader: Any) -> None:
    client.query_and_wait("CREATE SCHEMA IF NOT EXISTS reading")
    job = client.load_table_from_json([{"a": 1}], "streetlens-demo.reading.loaded")
    job.result()
    with pytest.raises(InvalidArgument, match="is not a query job"):
        messages_of(reader, f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default")
    client.delete_table("reading.loaded")


def test_the_default_stream_tells_the_error_of_the_job(client: bigquery.Client, reader: Any) -> None:
    job = client.query("SELECT 1 / 0 AS a")
    with pytest.raises(InvalidArgument, match="division by zero"):
        messages_of(reader, f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default")


def test_a_job_is_not_found_in_another_location(client: bigquery.Client, reader: Any) -> None:
    job = client.query("SELECT 1 AS a")
    with pytest.raises(NotFound, match="Not found: Job"):
        messages_of(reader, f"projects/streetlens-demo/locations/EU/jobs/{job.job_id}/streams/_default")


def test_a_session_ends_after_six_hours(
    emulator: Emulator,
    reader: Any,
    open_session: OpenSession,
    numbers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = open_session(numbers).streams[0].name
    clock = emulator.world.engine.wall_clock
    monkeypatch.setattr(emulator.world.engine, "wall_clock", lambda: clock() + 6 * 3600 + 1)
    with pytest.raises(
        FailedPrecondition, match=f"there was an error operating on '{stream}': session expired at"
    ):
        messages_of(reader, stream)


def test_a_new_session_makes_the_emulator_forget_the_oldest_of_too_many(
    reader: Any, open_session: OpenSession, numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_KEPT_ROWS", 12_000)
    streams = [open_session(numbers).streams[0].name for _ in range(3)]
    with pytest.raises(NotFound):
        messages_of(reader, streams[0])
    assert [len(table_of(messages_of(reader, name))) for name in streams[1:]] == [5000, 5000]


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ("projects/streetlens-demo/datasets/reading/tables/nope", NotFound),
        ("projects/streetlens-demo/datasets/nope/tables/nope", NotFound),
        ("reading.numbers", InvalidArgument),
    ],
)
def test_a_table_that_is_not_there_is_said_so(
    open_session: OpenSession, numbers: str, table: str, error: type[Exception]
) -> None:
    assert numbers
    with pytest.raises(error):
        open_session(table)


def test_a_table_the_caller_may_not_read_is_denied(emulator: Emulator, open_session: OpenSession) -> None:
    emulator.world.engine.create_dataset("forbidden_reading")
    with pytest.raises(PermissionDenied, match="does not have permission"):
        open_session("projects/streetlens-demo/datasets/forbidden_reading/tables/t")
    emulator.world.engine.delete_dataset("forbidden_reading")


def test_a_view_cannot_be_read(client: bigquery.Client, open_session: OpenSession, numbers: str) -> None:
    client.query_and_wait("CREATE OR REPLACE VIEW reading.seen AS SELECT i FROM reading.numbers")
    with pytest.raises(FailedPrecondition, match="VIEW"):
        open_session(numbers.replace("numbers", "seen"))
    client.delete_table("reading.seen")


def test_other_formats_are_refused_by_name(reader: Any, numbers: str) -> None:
    asked = storage.ReadSession(table=numbers, data_format=storage.DataFormat.AVRO)
    with pytest.raises(MethodNotImplemented, match="AVRO"):
        reader.create_read_session(parent="projects/streetlens-demo", read_session=asked, retry=None)


def test_splitting_a_stream_is_not_implemented(reader: Any, open_session: OpenSession, numbers: str) -> None:
    with pytest.raises(MethodNotImplemented):
        reader.split_read_stream({"name": open_session(numbers).streams[0].name})


def test_a_linked_data_set_is_read_like_any_other(
    emulator: Emulator, client: bigquery.Client, reader: Any, open_session: OpenSession
) -> None:
    dataset = emulator.world.subscribe()
    table = f"projects/streetlens-demo/datasets/{dataset}/tables/latest_observations"
    found = table_of(messages_of(reader, open_session(table).streams[0].name))
    by_rows = client.list_rows(f"{dataset}.latest_observations").to_arrow(create_bqstorage_client=False)
    assert found.cast(by_rows.schema).equals(by_rows)


def test_a_call_is_logged_with_its_routing_header_and_without_its_token(
    emulator: Emulator, reader: Any, numbers: str
) -> None:
    emulator.requests.clear()
    asked = storage.ReadSession(table=numbers, data_format=storage.DataFormat.ARROW)
    reader.create_read_session(
        parent="projects/streetlens-demo", read_session=asked, metadata=[("authorization", "Bearer secret")]
    )
    (entry,) = emulator.requests.of("bigquery_storage")
    assert entry.path == "/google.cloud.bigquery.storage.v1.BigQueryRead/CreateReadSession"
    assert entry.headers["x-goog-request-params"] == f"read_session.table={numbers}"
    assert entry.headers["authorization"] == "Bearer <6 characters>"
    assert entry.json["readSession"]["table"] == numbers
    assert (entry.method, entry.status) == ("POST", 200)
    assert entry.seconds is not None


def test_a_call_its_client_gives_up_is_not_logged_as_answered(
    emulator: Emulator, client: bigquery.Client, reader: Any
) -> None:
    job = client.query("SELECT i, REPEAT('x', 1000) AS s FROM UNNEST(GENERATE_ARRAY(1, 30000)) AS i")
    job.result(max_results=1)
    name = f"projects/streetlens-demo/locations/US/jobs/{job.job_id}/streams/_default"
    stream = reader.read_rows(name)
    next(iter(stream))
    stream.cancel()
    entry = emulator.requests.of("bigquery_storage")[-1]
    deadline = time.monotonic() + 10
    while entry.seconds is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (entry.seconds is not None, entry.status) == (True, None)


def test_a_token_is_checked_as_on_the_rest_side(
    emulator: Emulator, reader: Any, numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator.world, "require_token", True)
    asked = storage.ReadSession(table=numbers, data_format=storage.DataFormat.ARROW)

    def create(*metadata: tuple[str, str]) -> Any:
        return reader.create_read_session(
            parent="projects/streetlens-demo", read_session=asked, metadata=list(metadata), retry=None
        )

    with pytest.raises(Unauthenticated) as missing:
        create()
    with pytest.raises(Unauthenticated) as unknown:
        create(("authorization", "Bearer other"))
    token = emulator.world.tokens.issue()
    assert create(("authorization", f"Bearer {token.value}")).streams
    emulator.world.tokens.expire_all()
    with pytest.raises(Unauthenticated) as expired:
        create(("authorization", f"Bearer {token.value}"))
    assert [error.value.reason for error in (missing, unknown, expired)] == [
        "CREDENTIALS_MISSING",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "ACCESS_TOKEN_EXPIRED",
    ]
