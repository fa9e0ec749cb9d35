"""Rows into tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streetlens import _streetlens, _tracing
from streetlens._calls.call import Call
from streetlens._calls.session import Session
from streetlens._checks import check_choice, check_text
from streetlens._rows import native_rows
from streetlens._streetlens import NativeTable
from streetlens._warnings import warn_caller
from streetlens.exceptions import ConfigurationError
from streetlens.options import LoadMode, NewColumns
from streetlens.results import LoadStats


def load(
    session: Session,
    rows: Any,
    table: str,
    *,
    mode: LoadMode = "append",
    key: str | Sequence[str] | None = None,
    new_columns: NewColumns = "refuse",
    load_id: str | None = None,
) -> Call[LoadStats]:
    """Rows into a table."""
    check_text("table", table)
    check_choice("mode", mode, ("append", "upsert", "replace"))
    check_choice("new_columns", new_columns, ("refuse", "add"))
    check_text("load_id", load_id, optional=True)
    options = {"mode": mode, "key": _columns(key), "new_columns": new_columns, "load_id": load_id}
    native = _streetlens.load(session.native(), native_rows(rows, NativeTable.from_arrow), table, options)
    return Call(native, _stats, operation=_tracing.load())


def _columns(key: str | Sequence[str] | None) -> list[str]:
    columns = [key] if isinstance(key, str) else list(key or [])
    for column in columns:
        if not isinstance(column, str):
            raise ConfigurationError(
                f"`key` holds a {type(column).__name__}",
                hint='pass a column or several: `key=["uri", "model"]`',
            )
    return columns


def _stats(values: dict[str, Any]) -> LoadStats:
    if values.pop("was_done_before"):
        warn_caller(
            f"the very same {values['rows']:,} rows were appended to `{values['table']}` before, by the job "
            f"`{values['job_id']}`, and are not appended again; pass another `load_id=` to append them once more"
        )
    return LoadStats(**values)
