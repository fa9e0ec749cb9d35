"""Spans of OpenTelemetry around the verbs, where a program uses `opentelemetry`; nothing otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan

__all__ = ["NO_SPAN", "Operation", "Span", "classification", "query", "span", "start", "subscription"]

_API = "opentelemetry.trace"


class Span:
    """A span that nobody records."""

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the span."""

    def set(self, attributes: Mapping[str, Any]) -> None:
        """Adds attributes; those that are `None` are left out."""

    def tell(self, outcome: Any) -> None:
        """Adds what the operation came to: its result, or the error that ended it."""


class _Recorded(Span):
    def __init__(self, span: OtelSpan, operation: Operation, *, is_current: bool) -> None:
        self._span = span
        self._operation = operation
        self._is_current = is_current
        self._stack = ExitStack()

    def __enter__(self) -> Span:
        if self._is_current:
            from opentelemetry.trace import use_span  # noqa: PLC0415 - an optional library

            self._stack.enter_context(
                use_span(self._span, record_exception=False, set_status_on_exception=False)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and error is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an optional library

            self._span.set_attribute("error.type", kind.__qualname__)
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, str(error)))
        self._stack.close()
        self._span.end()

    def set(self, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(name, value)

    def tell(self, outcome: Any) -> None:
        self.set(self._operation.outcome(outcome))


NO_SPAN = Span()


class Operation(NamedTuple):
    """What a span tells about a verb."""

    name: str
    """Name of the span."""
    attributes: Mapping[str, Any]
    """What is known before it."""
    outcome: Callable[[Any], Mapping[str, Any]]
    """What its result tells, or the error that ended it."""


def start(operation: Operation | None, *, is_current: bool) -> Span:
    """The span of an operation, to enter with `with`; `None` has none.

    Spans begun meanwhile are its children if it `is_current`. What is awaited is not: a task may be ended in a
    context that never saw it begin.
    """
    # Who has not imported the library has set up nowhere to send spans to, unless by its environment variable.
    if operation is None or (_API not in sys.modules and "OTEL_PYTHON_TRACER_PROVIDER" not in os.environ):
        return NO_SPAN
    try:
        from opentelemetry.trace import SpanKind, get_tracer  # noqa: PLC0415 - an optional library
    except ImportError:
        return NO_SPAN
    begun = get_tracer("streetlens").start_span(operation.name, kind=SpanKind.CLIENT)
    if not begun.is_recording():
        return NO_SPAN
    recorded = _Recorded(begun, operation, is_current=is_current)
    recorded.set(operation.attributes)
    return recorded


def span(name: str, attributes: Mapping[str, Any], *, is_current: bool = True) -> Span:
    """The span of something that has no `Operation`.

    Example:
        >>> with span("streetlens.query", {"db.system.name": "gcp.bigquery"}) as recorded:
        ...     recorded.set({"db.response.returned_rows": 12})
    """
    return start(Operation(name, attributes, lambda _: {}), is_current=is_current)


_BIGQUERY = {"db.system.name": "gcp.bigquery"}


def query(count: int | None = None) -> Operation:
    """A query, or several at the same time. Its text stays out: it may hold what is nobody's business."""
    return Operation("streetlens.query", {**_BIGQUERY, "db.operation.batch.size": count}, _queried)


def _queried(outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, BaseException):
        return {"streetlens.job_id": getattr(outcome, "job_id", None)}
    tables = outcome if isinstance(outcome, list) else [outcome]
    jobs = [table.stats.job_id for table in tables if table.stats.job_id is not None]
    return {
        "db.response.returned_rows": sum(len(table) for table in tables),
        "streetlens.job_id": jobs[0] if len(jobs) == 1 else jobs or None,
        "streetlens.bytes_processed": _sum(table.stats.bytes_processed for table in tables),
        "streetlens.bytes_billed": _sum(table.stats.bytes_billed for table in tables),
    }


def _sum(numbers: Any) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def load() -> Operation:
    """Rows that go into a table."""
    return Operation("streetlens.load", _BIGQUERY, _loaded)


def _loaded(outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, BaseException):
        return {"streetlens.job_id": getattr(outcome, "job_id", None)}
    return {
        "streetlens.table": outcome.table,
        "streetlens.job_id": outcome.job_id,
        "streetlens.rows_inserted": outcome.inserted,
        "streetlens.rows_updated": outcome.updated,
        "streetlens.bytes_sent": outcome.bytes,
    }


def subscription() -> Operation:
    """A subscription to a data set."""
    return Operation("streetlens.subscribe", {}, _subscribed)


def _subscribed(outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, BaseException):
        return {}
    return {
        "streetlens.dataset": str(outcome),
        "streetlens.listing": outcome.listing,
        "streetlens.is_new": outcome.is_new,
    }


def classification(model: str, location: str, facts: Callable[[], Mapping[str, Any]]) -> Operation:
    """A run; `facts()` are those of `_logging.summary`, asked for at its end, also when an error ends it."""
    attributes = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": model,
        "streetlens.location": location,
    }
    return Operation("streetlens.classify", attributes, lambda _: _classified(facts()))


def _classified(facts: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        "gen_ai.usage.input_tokens": facts.get("input_tokens"),
        "gen_ai.usage.output_tokens": facts.get("output_tokens"),
    }
    statuses = {f"streetlens.status.{status}": count for status, count in facts.get("statuses", {}).items()}
    own = ("run_id", "rows", "ok", "requests", "retries", "throttled", "from_store", "cost_usd", "locations")
    return {**named, **statuses, **{f"streetlens.{name}": facts.get(name) for name in own}}
