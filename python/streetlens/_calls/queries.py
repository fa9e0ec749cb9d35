"""Queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from streetlens import _query_options, _streetlens, _tracing
from streetlens._calls.call import Call, Then, Together
from streetlens._calls.session import Session
from streetlens._checks import check_choice, check_count, check_flag, check_text
from streetlens._streetlens import NativeQueryProgress, NativeTable
from streetlens._warnings import warn_caller
from streetlens.exceptions import InvalidInput
from streetlens.queries import QueryProgress, QueryStats, RowStream
from streetlens.results import Table

Params = Mapping[str, Any] | Sequence[Any] | None


def query(
    session: Session, sql: str, params: Params = None, options: Mapping[str, Any] | None = None
) -> Call[Table]:
    """A query and all its rows."""
    given, tick = _prepared(session, "query", sql, params, options or {})
    native = _streetlens.query(session.native(), sql, given)
    tell = _told_table(session)

    def ended(result: tuple[NativeTable, dict[str, Any]]) -> Table:
        if tick is not None:
            tick()
        return tell(result)

    return Call(native, ended, tick=tick, operation=_tracing.query())


def estimate_query(session: Session, sql: str, params: Params, options: Mapping[str, Any]) -> Call[Table]:
    """The columns of a query and the bytes it would read; nothing is run."""
    given, _ = _prepared(session, "query", sql, params, options)
    native = _streetlens.estimate_query(session.native(), sql, given)
    return Call(native, _told_table(session), operation=_tracing.query())


def stream_query(session: Session, sql: str, params: Params, options: Mapping[str, Any]) -> Call[RowStream]:
    """A query whose rows are read as they are wanted."""
    given, tick = _prepared(session, "query", sql, params, options)
    native = _streetlens.stream_query(session.native(), sql, given)
    tell = _Notes(session)

    def wrap(stream: Any) -> RowStream:
        return RowStream(stream, tell)

    return Call(native, wrap, tick=tick, operation=_tracing.query())


def stream_table(
    session: Session,
    table: str,
    *,
    columns: Sequence[str] | None,
    transport: str,
    ordered: bool,
    page_size: int | None,
) -> Call[RowStream]:
    """All rows of a table, without a query, read as they are wanted."""
    check_text("table", table)
    check_choice("transport", transport, ("auto", "storage", "rest"))
    check_flag("ordered", ordered)
    check_count("page_size", page_size, optional=True)
    if isinstance(columns, str) or (
        columns is not None and not all(isinstance(each, str) for each in columns)
    ):
        raise InvalidInput("`columns` is not a list of names", hint='pass `columns=["gcs_uri"]`')
    native = _streetlens.stream_table(
        session.native(), table, list(columns or ()), transport, ordered, page_size
    )
    tell = _Notes(session)
    return Call(native, lambda stream: RowStream(stream, tell), operation=_tracing.query())


def read_table(session: Session, table: str, **options: Any) -> Call[Table]:
    """All rows of a table, without a query."""

    def gathered(stream: RowStream) -> Call[Table]:
        return Call(stream.native.rest(), lambda rows: stream.told(rows, session))

    return Then(stream_table(session, table, **options), gathered)


def query_all(
    session: Session,
    sqls: Iterable[str | tuple[str, Any]],
    *,
    concurrency: int,
    errors: str,
    options: Mapping[str, Any],
) -> Call[list[Any]]:
    """Queries that run at the same time."""
    if isinstance(sqls, (str, Mapping)):
        raise InvalidInput("`query_all` takes a list of queries", hint="use `query` for one")
    if "params" in options:
        raise TypeError("query_all() takes parameters with each query: `[(sql, params), ...]`")
    _query_options.completed("query_all", options)
    check_count("concurrency", concurrency)
    check_choice("errors", errors, ("raise", "return"))
    pairs = [(each, None) if isinstance(each, str) else _pair(each) for each in sqls]
    calls = [query(session, sql, params, options) for sql, params in pairs]
    return Together(calls, limit=concurrency, returns_errors=errors == "return")


def _pair(value: object) -> tuple[str, Any]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise InvalidInput(
        f"one of the queries is a {type(value).__name__}",
        hint="pass texts, or pairs of a text and its parameters",
    )


def _prepared(
    session: Session, verb: str, sql: str, params: Params, options: Mapping[str, Any]
) -> tuple[dict[str, Any], Callable[[], None] | None]:
    """The native options, and what tells the user how far the query is."""
    if not isinstance(sql, str):
        raise InvalidInput(f"the query is a {type(sql).__name__}, not a text")
    checked = _query_options.completed(verb, options)
    native = _query_options.native_options(
        checked, _encoded(params), default_maximum_bytes=session.maximum_bytes_billed
    )
    show = checked["progress"]
    if show is None:
        return {**native, "progress": None}, None
    progress = NativeQueryProgress()
    started = time.monotonic()

    def tick() -> None:
        show(QueryProgress(*progress.snapshot(), time.monotonic() - started))

    return {**native, "progress": progress}, tick


def _encoded(params: Params) -> list[tuple[str | None, tuple[Any, ...]]]:
    if params is None:
        return []
    from streetlens import _parameters  # noqa: PLC0415 - most queries have none

    return _parameters.encode(params)


class _Notes:
    """Warns once a client of each way that its rows could not come."""

    def __init__(self, session: Session) -> None:
        self._told = session.told

    def __call__(self, notes: Iterable[str]) -> None:
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                warn_caller(note)


def _told_table(session: Session) -> Callable[[tuple[NativeTable, dict[str, Any]]], Table]:
    tell = _Notes(session)

    def wrap(result: tuple[NativeTable, dict[str, Any]]) -> Table:
        native, statistics = result
        stats = QueryStats.of(statistics)
        tell(stats.notes)
        return Table(native, stats, session=session)

    return wrap
