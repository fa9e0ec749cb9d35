"""The methods of BigQueryRead: CreateReadSession and ReadRows. SplitReadStream is UNIMPLEMENTED."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from google.cloud.bigquery_storage_v1 import types

from streetlens.emulator.bigquery.arrow import ArrowOptions, damaged
from streetlens.emulator.bigquery.arrow_batches import ArrowRows, serialized_batch, serialized_schema
from streetlens.emulator.bigquery.errors import STATUS_NAMES, BigQueryError
from streetlens.emulator.bigquery.storage_read import SERVICE
from streetlens.emulator.bigquery.storage_read.sessions import Rows, Session, Sessions, Wanted
from streetlens.emulator.rpc_errors import RpcError

if TYPE_CHECKING:
    from streetlens.emulator.bigquery.job import Job
    from streetlens.emulator.bigquery.jobs import Jobs
    from streetlens.emulator.faults import FaultRule
    from streetlens.emulator.rpc import RpcServer
    from streetlens.emulator.world import World

_Response: Any = types.ReadRowsResponse.pb()
_Session: Any = types.ReadSession.pb()
_PARENT = re.compile(r"projects/([^/]+)")
_JOB_STREAM = re.compile(r"projects/([^/]+)/locations/([^/]+)/jobs/([^/]+)/streams/_default")
_SESSION_STREAM = re.compile(r"(projects/[^/]+/locations/[^/]+/sessions/[^/]+)/streams/([^/]+)")
_PAUSE = 0.005
_LONGEST_WAIT = 300.0


def add(server: RpcServer, world: World) -> None:
    """Add the service to the gRPC server."""
    service = _Service(world.jobs, server.stopping)
    server.add(
        SERVICE,
        {
            "CreateReadSession": server.method(
                f"/{SERVICE}/CreateReadSession", types.CreateReadSessionRequest, _failing(service.create)
            ),
            "ReadRows": server.method(f"/{SERVICE}/ReadRows", types.ReadRowsRequest, _failing(service.read)),
        },
    )


def malformed(messages: Iterator[bytes], rule: FaultRule) -> Iterator[bytes]:
    """Yield the answers of ReadRows with the record batch of one of them cut short: by default the first."""
    chosen = int(rule.number("messages", 0))
    for index, message in enumerate(messages):
        if index != chosen:
            yield message
            continue
        response = _Response.FromString(message)
        batch = response.arrow_record_batch
        batch.serialized_record_batch = damaged(batch.serialized_record_batch, rule)
        yield response.SerializeToString()


class _Service:
    def __init__(self, jobs: Jobs, stopping: threading.Event) -> None:
        self._jobs = jobs
        self._stopping = stopping
        self._sessions = Sessions(jobs.engine)

    def create(self, request: Any) -> Iterator[bytes]:
        parent = _PARENT.fullmatch(request.parent)
        if parent is None:
            raise RpcError("INVALID_ARGUMENT", f"request failed: invalid parent '{request.parent}'")
        asked = request.read_session
        if asked.data_format != types.DataFormat.ARROW:
            wanted = types.DataFormat(asked.data_format).name
            raise RpcError(
                "UNIMPLEMENTED" if wanted == "AVRO" else "INVALID_ARGUMENT",
                f"request failed: data format {wanted} is not served by the streetlens emulator, only ARROW",
            )
        options = asked.read_options
        for field, value in (
            ("read_options.sample_percentage", options.sample_percentage),
            ("read_options.response_compression_codec", options.response_compression_codec),
            ("table_modifiers.snapshot_time", asked.table_modifiers.snapshot_time),
        ):
            if value:
                message = f"request failed: read_session.{field} is not served by the streetlens emulator"
                raise RpcError("UNIMPLEMENTED", message)
        wanted = Wanted(
            parent[1],
            asked.table,
            list(options.selected_fields),
            options.row_restriction,
            _arrow_options(options.arrow_serialization_options),
            request.max_stream_count,
            request.preferred_min_stream_count,
        )
        session = self._sessions.create(wanted)
        yield _session_message(session, asked).SerializeToString()

    def read(self, request: Any) -> Iterator[bytes]:
        name, offset = request.read_stream, request.offset
        job_stream = _JOB_STREAM.fullmatch(name)
        if job_stream is not None:
            rows = self._of_job(*job_stream.groups())
            if rows is None:
                return
            # Only a job's stream takes options here; those of a session's stream were given with the session.
            options = _arrow_options(request.arrow_serialization_options)
        else:
            named = _SESSION_STREAM.fullmatch(name)
            if named is None:
                raise RpcError("INVALID_ARGUMENT", f"request failed: invalid stream name '{name}'")
            session, rows = self._sessions.stream(named[1], name)
            options = session.options
        if offset < 0 or offset > rows.count:
            message = f"there was an error operating on '{name}': offset {offset} is beyond the last row {rows.count}"
            raise RpcError("OUT_OF_RANGE", message)
        yield from _responses(rows, offset, options)

    def _of_job(self, project: str, location: str, job_id: str) -> Rows | None:
        """Return the rows of a finished job's result, None when it has no result; raises its error."""
        job = self._jobs.find(project, job_id, location)
        deadline = time.monotonic() + _LONGEST_WAIT
        while not self._jobs.done(job):
            if time.monotonic() > deadline:
                raise RpcError("DEADLINE_EXCEEDED", f"request failed: job {job.name} is still running")
            if self._stopping.wait(_PAUSE):
                raise RpcError("UNAVAILABLE", "the emulator stopped")
        return self._result(job)

    def _result(self, job: Job) -> Rows | None:
        if job.error is not None:
            raise job.error
        if job.kind != "QUERY":
            raise RpcError("INVALID_ARGUMENT", f"request failed: job {job.name} is not a query job")
        if job.destination is not None:
            message = "request failed: This API does not support explicitly-specified destination tables"
            raise RpcError("INVALID_ARGUMENT", message)
        outcome = job.outcome
        if outcome is None or outcome.physical is None or outcome.columns is None:
            return None
        if job.expired:
            raise RpcError("NOT_FOUND", f"request failed: the result of job {job.name} has expired")
        rows = ArrowRows.of_result(self._jobs.engine, outcome.physical, outcome.columns)
        return Rows(rows, 0, outcome.total_rows or 0)


def _responses(rows: Rows, offset: int, options: ArrowOptions) -> Iterator[bytes]:
    """Yield the messages of a stream from `offset`: the schema comes with the first."""
    done = offset
    for batch in rows.batches(offset):
        response = _Response()
        if done == offset:
            response.arrow_schema.serialized_schema = serialized_schema(rows.schema)
        response.arrow_record_batch.serialized_record_batch = serialized_batch(batch, options)
        response.row_count = batch.num_rows
        response.uncompressed_byte_size = batch.nbytes
        response.total_estimated_row_count = rows.count
        progress = response.stats.progress
        progress.at_response_start = done / rows.count
        done += batch.num_rows
        progress.at_response_end = done / rows.count
        response.throttle_state.throttle_percent = 0
        yield response.SerializeToString()


def _session_message(session: Session, asked: Any) -> Any:
    message = _Session()
    message.CopyFrom(types.ReadSession.pb(asked))
    message.name = session.name
    message.expire_time.FromDatetime(datetime.fromtimestamp(session.expires, timezone.utc))
    message.arrow_schema.serialized_schema = serialized_schema(session.schema)
    message.estimated_row_count = session.count
    message.estimated_total_bytes_scanned = session.scanned
    for name in session.streams:
        message.streams.add().name = name
    return message


def _arrow_options(options: Any) -> ArrowOptions:
    # proto-plus gives an enumeration of an unknown number as that number, and 0 is "unspecified" in both.
    chosen = (options.buffer_compression, options.picos_timestamp_precision)
    compression, precision = (getattr(value, "name", str(value)) if value else "" for value in chosen)
    return ArrowOptions.read(compression, precision)


def _failing(answer: Callable[[Any], Iterator[bytes]]) -> Callable[[Any], Iterator[bytes]]:
    """Return a method that raises BigQuery's errors as a call's status."""

    def failing(request: Any) -> Iterator[bytes]:
        try:
            yield from answer(request)
        except BigQueryError as error:
            code = STATUS_NAMES.get(error.status, "CANCELLED" if error.status == 499 else "INTERNAL")
            if error.reason == "jobInternalError":
                code = "INTERNAL"
            raise RpcError(code, f"request failed: {error.message}") from error

    return failing
