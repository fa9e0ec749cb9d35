"""The verbs of the data set for `async` programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from streetlens import _calls
from streetlens._checks import check_text
from streetlens.observations import AsyncSelection
from streetlens.options import Area
from streetlens.results import Table


class AsyncSelectionVerbs:
    """What an `async` client can be asked about the data set; what selects asks nobody, and is not awaited."""

    _session: _calls.Session

    def observations(
        self,
        kind: str | Iterable[str] | None = None,
        *,
        product: str | None = None,
        snapshot: str | None = None,
        captured_after: str | dt.date | None = None,
        captured_before: str | dt.date | None = None,
        within: Area | None = None,
        min_views: int | None = None,
        max_views: int | None = None,
        where: Mapping[str, Any] | None = None,
        columns: str | Iterable[str] | None = None,
        limit: int | None = None,
        sample: int | None = None,
        seed: int | str = 0,
        stratify_by: str | None = None,
        table: str | None = None,
        dataset: str | None = None,
    ) -> AsyncSelection:
        """See `Client.observations`; the verbs of the selection are awaited."""
        return self._select(
            "observations",
            kind=kind,
            product=product,
            snapshot=snapshot,
            captured_after=captured_after,
            captured_before=captured_before,
            within=within,
            min_views=min_views,
            max_views=max_views,
            where=where,
            columns=columns,
            limit=limit,
            sample=sample,
            seed=seed,
            stratify_by=stratify_by,
            table=table,
            dataset=dataset,
        )

    def assets(
        self,
        kind: str | Iterable[str] | None = None,
        *,
        product: str | None = None,
        snapshot: str | None = None,
        within: Area | None = None,
        min_views: int | None = None,
        max_views: int | None = None,
        where: Mapping[str, Any] | None = None,
        columns: str | Iterable[str] | None = None,
        limit: int | None = None,
        sample: int | None = None,
        seed: int | str = 0,
        stratify_by: str | None = None,
        table: str | None = None,
        dataset: str | None = None,
    ) -> AsyncSelection:
        """See `Client.assets`; the verbs of the selection are awaited."""
        return self._select(
            "assets",
            kind=kind,
            product=product,
            snapshot=snapshot,
            within=within,
            min_views=min_views,
            max_views=max_views,
            where=where,
            columns=columns,
            limit=limit,
            sample=sample,
            seed=seed,
            stratify_by=stratify_by,
            table=table,
            dataset=dataset,
        )

    def changes(
        self,
        since: str,
        kind: str | Iterable[str] | None = None,
        *,
        product: str | None = None,
        captured_after: str | dt.date | None = None,
        captured_before: str | dt.date | None = None,
        within: Area | None = None,
        min_views: int | None = None,
        max_views: int | None = None,
        where: Mapping[str, Any] | None = None,
        columns: str | Iterable[str] | None = None,
        limit: int | None = None,
        sample: int | None = None,
        seed: int | str = 0,
        stratify_by: str | None = None,
        table: str | None = None,
        dataset: str | None = None,
    ) -> AsyncSelection:
        """See `Client.changes`; the verbs of the selection are awaited."""
        check_text("since", since)
        return self._select(
            "observations",
            since=since,
            kind=kind,
            product=product,
            captured_after=captured_after,
            captured_before=captured_before,
            within=within,
            min_views=min_views,
            max_views=max_views,
            where=where,
            columns=columns,
            limit=limit,
            sample=sample,
            seed=seed,
            stratify_by=stratify_by,
            table=table,
            dataset=dataset,
        )

    async def snapshots(self, *, dataset: str | None = None) -> Table:
        """See `Client.snapshots`."""
        return await _calls.snapshots(self._session, dataset)

    def _select(self, entity: str, **given: Any) -> AsyncSelection:
        return AsyncSelection(_calls.Wish(self._session, entity, given))
