"""Queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streetlens import _streetlens, _tracing
from streetlens._calls.call import Call, Together
from streetlens._calls.session import Session
from streetlens._checks import check_count, check_seconds
from streetlens._streetlens import NativeTable
from streetlens.exceptions import InvalidInput
from streetlens.results import QueryStats, Table


def query(
    session: Session,
    sql: str,
    *,
    params: Mapping[str, Any] | Sequence[Any] | None = None,
    location: str | None = None,
    page_size: int | None = None,
    timeout: float | None = None,
) -> Call[Table]:
    """A query."""
    if not isinstance(sql, str):
        raise InvalidInput(f"the query is a {type(sql).__name__}, not a text")
    check_count("page_size", page_size, optional=True)
    check_seconds("timeout", timeout, optional=True)
    native = _streetlens.query(session.native(), sql, encoded(params), location, page_size, timeout)
    return Call(native, _table, operation=_tracing.query())


def encoded(params: Mapping[str, Any] | Sequence[Any] | None) -> list[tuple[str | None, tuple[Any, ...]]]:
    """Query parameters as the native module takes them."""
    if params is None:
        return []
    from streetlens import _parameters  # noqa: PLC0415 - most queries have none

    return _parameters.encode(params)


def query_all(session: Session, sqls: Iterable[str], *, timeout: float | None = None) -> Call[list[Table]]:
    """Queries that run at the same time."""
    if isinstance(sqls, str):
        raise InvalidInput("`query_all` takes a list of queries", hint="use `query` for one")
    return Together([query(session, sql, timeout=timeout) for sql in sqls])


def _table(result: tuple[NativeTable, dict[str, Any]]) -> Table:
    native, statistics = result
    return Table(native, QueryStats(**statistics))
