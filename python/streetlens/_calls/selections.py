"""Selections of the data set: what is found out before a query, the query, and what is told after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from streetlens import _streetlens
from streetlens._calls.call import Call, Ready, Then, Together
from streetlens._calls.queries import estimate_query, query
from streetlens._calls.session import Session
from streetlens._streetlens import NativeSelection, PreparedSelection
from streetlens._warnings import warn_caller
from streetlens.results import Table

Statement = tuple[str, list[tuple[str, str, Any]]]

_DAYS_TO_WARN = 3
"""Google's own package warns as early."""


class Wish:
    """What is wanted of the data set; checked, and not yet looked up."""

    def __init__(self, session: Session, entity: str, given: Mapping[str, Any]) -> None:
        self.session = session
        self.entity = entity
        self.given = given
        from streetlens._selection_options import native_wish  # noqa: PLC0415 - most programs never need it

        self._native = NativeSelection(native_wish(entity, given))

    def having(self, **more: Any) -> Wish:
        """The same with more options."""
        return Wish(self.session, self.entity, {**self.given, **more})

    def prepare(self) -> Call[PreparedSelection]:
        """Finds the tables and the snapshot."""
        return Call(self._native.prepare(self.session.native()), self._warned)

    def _warned(self, prepared: PreparedSelection) -> PreparedSelection:
        """Warns of results that are missing, and, once a client, of a snapshot that is about to be removed."""
        if prepared.lacks_results:
            tell_no_results(self.given["unanswered_in"])
        snapshot = prepared.snapshot
        if snapshot is None or snapshot[2] is None:
            return prepared
        expires = dt.datetime.fromisoformat(snapshot[2])
        left = expires - dt.datetime.now(dt.timezone.utc)
        if left < dt.timedelta(days=_DAYS_TO_WARN) and snapshot[0] not in self.session.told:
            self.session.told.add(snapshot[0])
            when = f"on {expires:%Y-%m-%d %H:%M} UTC" if left > dt.timedelta(0) else "at any time"
            warn_caller(
                f"the snapshot {snapshot[0]} is likely to be removed {when}: its rows and images are gone then; "
                "a run that is not done by that time ends with image errors"
            )
        return prepared


def tell_no_results(results: str) -> None:
    """Warns that a table of results has nothing to compare with, which may be a slip of the pen."""
    warn_caller(f"the table of results `{results}` is not there yet: every row counts as new")


def statement(written: Statement) -> tuple[str, dict[str, Any]]:
    """SQL and its parameters as the user sees them."""
    from streetlens._selection_options import python_parameters  # noqa: PLC0415 - most programs never need it

    sql, parameters = written
    return sql, python_parameters(parameters)


def run(
    session: Session, prepared: PreparedSelection, written: Statement, options: Mapping[str, Any]
) -> Call[Table]:
    """A query over a selection's tables, where they are."""
    sql, parameters = statement(written)
    return query(session, sql, parameters, _there(prepared, options))


def _there(prepared: PreparedSelection, options: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, "location": options.get("location") or prepared.location}


def fetch(wish: Wish, prepared: PreparedSelection, options: Mapping[str, Any]) -> Call[Table]:
    """The rows."""

    def explained(table: Table) -> Call[Table]:
        return _explain_nothing(wish, prepared, len(table), table)

    return Then(run(wish.session, prepared, prepared.rows(), options), explained)


def count(wish: Wish, prepared: PreparedSelection, options: Mapping[str, Any]) -> Call[int]:
    """How many rows there are."""

    def explained(table: Table) -> Call[int]:
        rows = int(table[0]["row_count"])
        return _explain_nothing(wish, prepared, rows, rows)

    return Then(run(wish.session, prepared, prepared.count(), options), explained)


def estimate(wish: Wish, prepared: PreparedSelection) -> Call[int]:
    """Bytes that the rows would take to read."""
    sql, parameters = statement(prepared.rows())
    dry = estimate_query(wish.session, sql, parameters, {"location": prepared.location})
    return Then(dry, lambda table: Ready(lambda: int(table.stats.bytes_processed or 0)))


def describe(wish: Wish, prepared: PreparedSelection, options: Mapping[str, Any]) -> Call[dict[str, Table]]:
    """What the selection holds: tables by what they tell."""
    statements = dict(prepared.profile())
    if (removed := prepared.removed()) is not None:
        statements["removed"] = removed
    if wish.given.get("kind") is not None and (classes := prepared.classes()) is not None:
        statements["every_class"] = classes
    calls = [run(wish.session, prepared, each, options) for each in statements.values()]
    together = Together(calls, limit=len(calls), returns_errors=False)
    return Then(together, lambda tables: Ready(lambda: dict(zip(statements, tables, strict=True))))


def snapshots(session: Session, dataset: str | None) -> Call[Table]:
    """All snapshots of a data set."""

    def listed(found: tuple[str, list[Any], str | None]) -> Call[Table]:
        sql, _, location = found
        return query(session, sql, None, {"location": location})

    return Then(Call(_streetlens.snapshots(session.native(), dataset), lambda found: found), listed)


def _explain_nothing(wish: Wish, prepared: PreparedSelection, rows: int, result: Any) -> Call[Any]:
    """Warns where nothing was found of a class, with the classes that are there."""
    if rows or wish.given.get("kind") is None or (classes := prepared.classes()) is None:
        return Ready(lambda: result)

    spellings = set(statement(prepared.rows())[1]["asset_types"])

    def told(table: Table) -> Call[Any]:
        if spellings & {row["asset_type"] for row in table}:
            # The other filters left nothing.
            return Ready(lambda: result)
        there = ", ".join(f"{row['asset_type']} ({row['row_count']:,})" for row in table) or "none"
        warn_caller(
            f"no row of {prepared.table} fits the selection with kind={wish.given['kind']!r}; "
            f"the classes of the snapshot are: {there}"
        )
        return Ready(lambda: result)

    return Then(run(wish.session, prepared, classes, {}), told)
