"""What a selection of the data set holds, in numbers, and what reading it would take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Profile", "QueryEstimate", "Snapshot"]

_USD_PER_TIB = 6.25
_LEAST_BYTES_BILLED = 10 * 2**20


class QueryEstimate(NamedTuple):
    """What a query would read, told by a dry run.

    Example:
        >>> print(QueryEstimate(bytes_processed=53_000_000))
        53,000,000 bytes, $0.0003
    """

    bytes_processed: int
    """Bytes that would be read."""

    @property
    def cost_usd(self) -> float:
        """US dollars on demand, at the list price of the US multi-region of $6.25 a TiB, free quota aside."""
        return max(self.bytes_processed, _LEAST_BYTES_BILLED) / 2**40 * _USD_PER_TIB

    def __str__(self) -> str:
        return f"{self.bytes_processed:,} bytes, ${self.cost_usd:,.4f}"


class Snapshot(NamedTuple):
    """A state of the data set."""

    id: str
    """Its id, with which the path of each of its images begins."""
    created: dt.datetime | None
    """When it was made, where that is told."""
    expires: dt.datetime | None
    """When it is likely to be removed: 35 days later, by which Google's own package reckons."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Profile:
    """What a selection holds; `selection.describe()` gives one.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, endpoint=server.url)
        ...     profile = client.observations("ROAD_SIGN").describe()
        >>> profile.rows, profile.assets, profile.classes
        (6, 3, {'ASSET_CLASS_ROAD_SIGN': 6})
    """

    table: str
    """The table."""
    snapshot: Snapshot | None
    """The snapshot; None where rows are of all."""
    rows: int
    """Rows that the filters leave."""
    assets: int | None
    """Their assets; None where the table has none."""
    views: Mapping[int, int]
    """How many assets have so many rows."""
    classes: Mapping[str, int]
    """How many rows are of each class."""
    years: Mapping[int, int]
    """How many rows were captured in each year."""
    first_capture: dt.datetime | None
    """The earliest capture."""
    last_capture: dt.datetime | None
    """The latest capture."""
    known_assets: int | None
    """Assets of the same classes and area that the table of assets has; None where there is none."""
    assets_without_observations: int | None
    """Those of them that no observation shows."""
    removed_rows: int | None
    """For changes: observations of the earlier snapshot that are gone."""
    removed_assets: int | None
    """For changes: the assets of these observations."""
    notes: tuple[str, ...]
    """What to know about the numbers."""

    def __repr__(self) -> str:
        from streetlens._display.profile import profile_text  # noqa: PLC0415 - scripts show no profiles

        return profile_text(dict(vars(self)))

    def _repr_html_(self) -> str:
        from streetlens._display.profile import profile_html  # noqa: PLC0415 - scripts show no profiles

        return profile_html(dict(vars(self)))
