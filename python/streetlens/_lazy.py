"""Rows that are selected first and read later, whoever waits for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

from streetlens import _calls
from streetlens._calls import selections
from streetlens.exceptions import InvalidInput
from streetlens.profile import Profile, QueryEstimate, Snapshot
from streetlens.results import Table

__all__ = ["LazyRows"]

Kind = TypeVar("Kind", bound="LazyRows")


class LazyRows:
    """What both selections have in common."""

    def __init__(
        self, wish: selections.Wish, *, group_by: str | None = None, max_images: int | None = None
    ) -> None:
        self._wish = wish
        self._prepared: _calls.PreparedSelection | None = None
        self.group_by = group_by
        """The column whose equal values are views of one thing; None where each row is its own."""
        self.max_images = max_images
        """Most images of one request about such a thing."""

    def by_asset(self: Kind, max_images: int = 4) -> Kind:
        """The same rows as groups: `classify` asks about an asset once, with up to `max_images` of its views.

        A `limit` counts observations; they are cut off in the order of their assets, so that only the last one's views
        may be incomplete.

        Raises:
            InvalidInput: The rows are assets already.
        """
        if self._wish.entity != "observations":
            raise InvalidInput(
                "assets have no images of their own", hint="use `client.observations(...).by_asset()`"
            )
        return type(self)(self._wish, group_by="asset_id", max_images=max_images)

    @property
    def sql(self) -> str:
        """The query, without a value in it."""
        return selections.statement(self._known().rows())[0]

    @property
    def params(self) -> dict[str, Any]:
        """The values: `client.query(selection.sql, params=selection.params)` gives the same rows."""
        return selections.statement(self._known().rows())[1]

    @property
    def table(self) -> str:
        """The table that rows are read from."""
        return self._known().table

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that rows are of; None where they are of all."""
        found = self._known().snapshot
        return None if found is None else Snapshot(found[0], _moment(found[1]), _moment(found[2]))

    def _known(self) -> _calls.PreparedSelection:
        raise NotImplementedError

    def _keep(self, prepared: _calls.PreparedSelection) -> _calls.PreparedSelection:
        self._prepared = prepared
        return prepared

    def _then(self, what: Any, *more: Any) -> _calls.Call[Any]:
        """Something that is asked of the snapshot that is there now."""
        return _calls.Then(
            self._wish.prepare(), lambda prepared: what(self._wish, self._keep(prepared), *more)
        )

    def rows(self, **more: Any) -> _calls.Call[Table]:
        """The rows of a run, which are waited for by whoever waits for the run; `more` narrows them down."""
        wish = self._wish.having(**more)
        return _calls.Then(wish.prepare(), lambda prepared: selections.fetch(wish, self._keep(prepared), {}))

    def _estimate(self) -> _calls.Call[QueryEstimate]:
        return _calls.Then(
            self._then(selections.estimate), lambda read: _calls.Ready(lambda: QueryEstimate(read))
        )

    def _describe(self, timeout: float | None) -> _calls.Call[Profile]:
        def told(tables: dict[str, Table]) -> _calls.Call[Profile]:
            return _calls.Ready(lambda: _profile(self.table, self.snapshot, tables))

        return _calls.Then(self._then(selections.describe, {"timeout": timeout}), told)

    def __repr__(self) -> str:
        given = {name: value for name, value in self._wish.given.items() if value is not None}
        options = ", ".join(f"{name}={value!r}" for name, value in given.items())
        grouped = f".by_asset(max_images={self.max_images})" if self.group_by else ""
        verb = "changes" if "since" in given else self._wish.entity
        return f"<{type(self).__name__} {verb}({options}){grouped}>"


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _profile(table: str, snapshot: Snapshot | None, told: Mapping[str, Table]) -> Profile:
    """A profile from the tables of its queries."""
    totals = told["totals"][0]
    without = told["without_observations"][0] if "without_observations" in told else {}
    removed = told["removed"][0] if "removed" in told else {}
    notes = []
    if not totals["row_count"] and "every_class" in told:
        there = ", ".join(f"{row['asset_type']} ({row['row_count']:,})" for row in told["every_class"])
        notes.append(f"no row fits the selection; the classes of the snapshot are: {there or 'none'}")
    return Profile(
        table=table,
        snapshot=snapshot,
        rows=totals["row_count"],
        assets=totals.get("assets"),
        views=_counts(told, "views", "views", "assets"),
        classes=_counts(told, "classes", "asset_type", "row_count"),
        years=_counts(told, "years", "year", "row_count"),
        first_capture=totals.get("first_capture"),
        last_capture=totals.get("last_capture"),
        known_assets=without.get("assets"),
        assets_without_observations=without.get("without_observations"),
        removed_rows=removed.get("row_count"),
        removed_assets=removed.get("assets"),
        notes=tuple(notes),
    )


def _counts(told: Mapping[str, Table], name: str, key: str, value: str) -> dict[Any, int]:
    return {row[key]: row[value] for row in told[name]} if name in told else {}
