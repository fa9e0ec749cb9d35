"""Verbs are spans of OpenTelemetry where a program records them, and nothing where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import streetlens as sl
from child_process import printed_by
from streetlens import _tracing
from streetlens.emulator import Emulator


class Recorded(Span):
    """A span that can be looked at."""

    def __init__(self, name: str, number: int, parent: SpanContext | None, kind: SpanKind) -> None:
        self.name = name
        self.kind = kind
        self.parent = parent
        self.attributes: dict[str, Any] = {}
        self.exceptions: list[BaseException] = []
        self.status = Status()
        self.ended = 0
        self._context = SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    def end(self, end_time: int | None = None) -> None:  # noqa: ARG002 - as it is called
        self.ended += 1

    def get_span_context(self) -> SpanContext:
        return self._context

    def set_attribute(self, key: str, value: Any) -> None:
        assert isinstance(value, (bool, str, int, float, list)), (key, value)
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def add_event(self, name: str, *_: Any, **__: Any) -> None:
        raise AssertionError(name)

    def update_name(self, name: str) -> None:
        self.name = name

    def is_recording(self) -> bool:
        return True

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:  # noqa: ARG002 - as it is called
        assert isinstance(status, Status)
        self.status = status

    def record_exception(self, exception: BaseException, *_: Any, **__: Any) -> None:
        self.exceptions.append(exception)


class Recorder(trace.Tracer, trace.TracerProvider):
    """Keeps every span in memory."""

    def __init__(self) -> None:
        self.spans: list[Recorded] = []
        self.scopes: list[str] = []

    def get_tracer(self, instrumenting_module_name: str, *_: Any, **__: Any) -> trace.Tracer:
        self.scopes.append(instrumenting_module_name)
        return self

    def start_span(self, name: str, *_: Any, kind: SpanKind = SpanKind.INTERNAL, **__: Any) -> Span:
        parent = trace.get_current_span()
        context = parent.get_span_context() if isinstance(parent, Recorded) else None
        self.spans.append(Recorded(name, len(self.spans) + 1, context, kind))
        return self.spans[-1]

    def start_as_current_span(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("streetlens begins and ends its spans itself")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A program that records spans."""
    recorder = Recorder()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", recorder)
    yield recorder
    assert [span.ended for span in recorder.spans] == [1] * len(recorder.spans)


def test_a_query_is_a_span_with_its_job_and_without_its_text(client: sl.Client, recorder: Recorder) -> None:
    table = client.query("SELECT 1 AS secret_number")
    (span,) = recorder.spans
    assert (span.name, span.kind, span.status.status_code) == (
        "streetlens.query",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert span.attributes["db.system.name"] == "gcp.bigquery"
    assert span.attributes["streetlens.job_id"] == table.stats.job_id
    assert span.attributes["streetlens.bytes_processed"] == table.stats.bytes_processed
    assert span.attributes["db.response.returned_rows"] == 1
    assert "secret_number" not in str(span.attributes)
    assert recorder.scopes == ["streetlens"]


def test_an_awaited_query_is_the_same_span(client: sl.Client, recorder: Recorder) -> None:
    async def ask() -> sl.Table:
        return await client.aio.query("SELECT 1 AS one")

    table = asyncio.run(ask())
    (span,) = recorder.spans
    assert (span.name, span.attributes["streetlens.job_id"]) == ("streetlens.query", table.stats.job_id)


def test_queries_at_the_same_time_are_one_span_with_their_jobs(client: sl.Client, recorder: Recorder) -> None:
    tables = client.query_all(["SELECT 1 AS n", "SELECT 2 AS n"])
    (span,) = recorder.spans
    assert span.attributes["db.operation.batch.size"] == 2
    assert span.attributes["streetlens.job_id"] == [table.stats.job_id for table in tables]
    assert span.attributes["db.response.returned_rows"] == 2


def test_a_subscription_is_a_span(client: sl.Client, recorder: Recorder) -> None:
    linked = client.subscribe("1234-5678")
    (span,) = recorder.spans
    assert span.name == "streetlens.subscribe"
    assert span.attributes == {
        "streetlens.dataset": str(linked),
        "streetlens.listing": linked.listing,
        "streetlens.is_new": True,
    }


def test_a_run_is_a_span_by_the_conventions_for_models(
    client: sl.Client, uris: list[str], recorder: Recorder
) -> None:
    results = client.classify(uris[:3], "What?", progress=False)
    (span,) = recorder.spans
    assert span.name == "streetlens.classify"
    expected = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "gemini-3.5-flash-lite",
        "gen_ai.usage.input_tokens": results.usage.input_tokens,
        "streetlens.rows": 3,
        "streetlens.ok": 3,
        "streetlens.locations": ["us"],
    }
    assert {name: span.attributes.get(name) for name in expected} == expected


def test_a_run_over_a_query_is_two_spans(client: sl.Client, recorder: Recorder) -> None:
    linked = client.subscribe("1234-5678")
    sql = f"SELECT gcs_uri FROM `{linked}.latest_observations` WHERE gcs_uri IS NOT NULL LIMIT 2"
    client.classify(sql, "What?", progress=False)
    assert [span.name for span in recorder.spans[1:]] == ["streetlens.query", "streetlens.classify"]


def test_counts_by_status_are_attributes_of_their_own() -> None:
    facts = {"statuses": {"ok": 2, "blocked": 1}, "run_id": "r1", "cost_usd": 0.5}
    told = _tracing.classification("m", "us", lambda: facts).outcome(None)
    known = {name: value for name, value in told.items() if value is not None}
    assert known == {
        "streetlens.status.ok": 2,
        "streetlens.status.blocked": 1,
        "streetlens.run_id": "r1",
        "streetlens.cost_usd": 0.5,
    }


def test_an_error_is_recorded_with_its_job(client: sl.Client, recorder: Recorder) -> None:
    with pytest.raises(sl.QueryError) as caught:
        client.query("SELECT missing_column")
    (span,) = recorder.spans
    assert span.exceptions == [caught.value]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == str(caught.value)
    assert span.attributes["error.type"] == "QueryError"
    assert span.attributes.get("streetlens.job_id") == caught.value.job_id


def test_an_error_of_a_run_is_recorded_with_what_was_done(
    client: sl.Client, emulator: Emulator, uris: list[str], recorder: Recorder
) -> None:
    emulator.faults.add("403", service="gemini", after=1)
    with pytest.raises(sl.PermissionDenied):
        client.classify(uris[:5], "What?", concurrency=1, progress=False)
    (span,) = recorder.spans
    assert (span.attributes["streetlens.rows"], span.attributes["streetlens.ok"]) == (5, 1)
    assert span.attributes["error.type"] == "PermissionDenied"


def test_a_cancelled_call_ends_its_span(client: sl.Client, emulator: Emulator, recorder: Recorder) -> None:
    emulator.faults.add("stall", service="bigquery")

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.aio.query("SELECT 1"), 0.2)

    asyncio.run(give_up())
    (span,) = recorder.spans
    assert span.attributes["error.type"] == "CancelledError"


def test_a_span_belongs_to_the_span_around_it(client: sl.Client, recorder: Recorder) -> None:
    outer = Recorded("the program's own", 99, None, SpanKind.INTERNAL)

    async def ask() -> None:
        await asyncio.gather(client.aio.query("SELECT 1"), client.aio.query("SELECT 2"))

    with trace.use_span(outer):
        client.query("SELECT 3")
        asyncio.run(ask())
    assert [span.parent for span in recorder.spans] == [outer.get_span_context()] * 3


def test_the_span_of_a_blocking_call_is_current_meanwhile_and_not_afterwards(
    client: sl.Client, emulator: Emulator, uris: list[str], recorder: Recorder
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.3)
    current: list[Span] = []
    before = otel_context.get_current()
    client.classify(uris[:1], "What?", progress=lambda _: current.append(trace.get_current_span()))
    assert current[0] is recorder.spans[0]
    assert otel_context.get_current() == before


def test_nothing_is_done_for_spans_that_nobody_records(
    client: sl.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "start_span", lambda *_, **__: NonRecordingSpan(trace.INVALID_SPAN_CONTEXT))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Recorder())
    assert _tracing.start(_tracing.query(), is_current=True) is _tracing.NO_SPAN
    assert len(client.query("SELECT 1 AS one")) == 1


def test_a_program_that_does_not_use_opentelemetry_does_not_import_it(emulator: Emulator) -> None:
    program = """
        import sys
        import streetlens as sl

        sl.Client(project="demo", endpoint=sys.argv[1]).query("SELECT 1")
        print("opentelemetry" in sys.modules)
    """
    assert printed_by(program, emulator.url) == "False"


def test_a_provider_named_by_the_environment_counts(emulator: Emulator) -> None:
    """OpenTelemetry loads it when its first tracer is asked for; `default` records nothing."""
    program = """
        import sys
        import streetlens as sl

        print(len(sl.Client(project="demo", endpoint=sys.argv[1]).query("SELECT 1")))
        print("opentelemetry.trace" in sys.modules)
    """
    environment = {"OTEL_PYTHON_TRACER_PROVIDER": "default_tracer_provider"}
    assert printed_by(program, emulator.url, environment=environment).split() == ["1", "True"]


def test_a_program_without_opentelemetry_is_served_as_well(emulator: Emulator) -> None:
    program = """
        import sys
        import streetlens as sl

        sys.modules["opentelemetry"] = None  # as if it were not installed
        print(len(sl.Client(project="demo", endpoint=sys.argv[1]).query("SELECT 1")))
    """
    environment = {"OTEL_PYTHON_TRACER_PROVIDER": "default_tracer_provider"}
    assert printed_by(program, emulator.url, environment=environment) == "1"
