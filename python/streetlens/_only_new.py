"""The rows of a run that a table of results has no good answer for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streetlens._calls import Call, NativeTable, Otherwise, PreparedSelection, Ready, Session, Then, Wish
from streetlens._calls.selections import run, tell_no_results
from streetlens._images import native_images
from streetlens._lazy import LazyRows
from streetlens.exceptions import InvalidInput, NotFound
from streetlens.results import Table

__all__ = ["new_rows"]


class _Answered(NamedTuple):
    """What tells the rows that were answered."""

    column: str
    values: set[str]


def new_rows(
    session: Session, images: Any, source: Call[Any], results: str, options: Mapping[str, Any]
) -> Call[Any]:
    """The images without those that a table of results has a good answer for.

    A selection is compared with it by BigQuery; of a table or a list the answered ones are left out here. Where rows
    are grouped, a group that was answered is answered.
    """
    group, uri_column = options["group_by"], options["uri_column"]
    if isinstance(images, LazyRows):
        return images.rows(unanswered_in=results, unanswered_by=group)

    def compared(rows: Any) -> Call[Any]:
        native = native_images(rows, uri_column, NativeTable.from_arrow)
        is_table = isinstance(native, tuple)
        there = [name for name, _ in native[0].fields] if is_table else ["gcs_uri"]
        keys = [group] if group else [name for name in ("observation_id", uri_column) if name in there]

        def left(answered: _Answered | None) -> Call[Any]:
            if answered is None:
                return Ready(lambda: rows)
            if is_table:
                stats = rows.stats if isinstance(rows, Table) else None
                fewer = native[0].without(answered.column, answered.values)
                return Ready(lambda: Table(fewer, stats, session=session))
            return Ready(lambda: [image for image in native if image not in answered.values])

        return Then(_answered(session, results, keys or [uri_column]), left)

    return Then(source, compared)


def _answered(session: Session, results: str, keys: Sequence[str]) -> Call[_Answered | None]:
    """What is answered; None where there is no such table yet."""
    wish = Wish(session, "observations", {"table": results, "columns": "*", "snapshot": "all"})

    def read(prepared: PreparedSelection) -> Call[_Answered | None]:
        key = next((name for name in keys if name in prepared.columns), None)
        if key is None:
            raise InvalidInput(
                f"the results `{results}` have no column {' or '.join(f'`{name}`' for name in keys)}",
                hint=f"their columns are {', '.join(prepared.columns)}",
            )
        if "status" not in prepared.columns:
            raise InvalidInput(
                f"`{results}` is no table of results: it has no column `status`",
                hint="name a table that `into=` or `results.to_bigquery(...)` wrote",
            )
        narrow = wish.having(columns=[key], where={"status": "ok"})
        rows = Then(narrow.prepare(), lambda found: run(session, found, found.rows(), {}))
        return Then(rows, lambda table: Ready(lambda: _Answered(key, set(table[key]) - {None})))

    def nothing_yet(error: NotFound) -> None:
        if "has no table" not in error.message:
            raise error
        tell_no_results(results)

    return Otherwise(Then(wish.prepare(), read), NotFound, nothing_yet)
