"""The verbs of the data set: subscribing to it, and selecting from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from streetlens import _calls
from streetlens._checks import check_text
from streetlens.observations import Selection
from streetlens.options import Area
from streetlens.results import LinkedDataset, Table


class DataSetVerbs:
    """What a client can be asked about the data set."""

    _session: _calls.Session

    def subscribe(
        self,
        customer_id: str,
        *,
        publisher: str | None = None,
        exchange: str | None = None,
        listing: str | None = None,
        dataset: str | None = None,
        dataset_project: str | None = None,
    ) -> LinkedDataset:
        """Subscribes to the data set of a customer, or returns the linked data set that is there.

        The names are the guide's unless given: publisher `maps-platform-analytics-hub`, exchange
        `imagery_insights_exchange_{location}`, listing `imagery_insights_{customer_id}__{location}` (dashes of the
        customer id as underscores), data set `imagery_insights___preview___{location}`.

        Raises:
            AlreadyExists: A data set of that name is something else; the message says what.
            NotFound: There is no such listing.
            PermissionDenied: The publisher or the project does not allow it.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12) as server:
            ...     linked = sl.Client(project="demo", endpoint=server.url).subscribe("1234-5678")
            >>> print(linked)
            demo.imagery_insights___preview___us
        """
        return _calls.subscribe(
            self._session,
            customer_id,
            publisher=publisher,
            exchange=exchange,
            listing=listing,
            dataset=dataset,
            dataset_project=dataset_project,
        ).wait()

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
    ) -> Selection:
        """Selects images of the data set; nothing is asked before `fetch`, `count` and the like, or a run.

        The data set is the subscribed one, and its tables are found by whatever names their generation has. Only the
        columns that a run needs are read, because BigQuery bills each column in full.

        Args:
            kind: A class or several: `"ROAD_SIGN"`, `"ASSET_CLASS_UTILITY_POLE"`, `"sign"`. One that is not there gives
                no rows, and a warning with those that are.
            product: `"cropped"`, `"full_frame"` or `"pano"`; the first of them that is there otherwise.
            snapshot: `"latest"`, which is the default, `"all"`, or an id of `client.snapshots()`.
            captured_after: Captured then or later; a time without a zone is in UTC.
            captured_before: Captured before then.
            within: An area: a box (west, south, east, north) in degrees or `sl.Box`, `sl.Around` a point, a polygon as
                WKT, GeoJSON or an object with `__geo_interface__`.
            min_views: Rows of the same asset, at least, among those that the other filters leave.
            max_views: The same, at most.
            where: What else is asked of columns, by their names: a value, None, a list of choices, or a pair for a
                range with both ends, of which None is open: `{"camera_pose.pitch": (-5, 5)}`.
            columns: Which columns to read; `"*"` for all.
            limit: Rows, at most: the same ones every time, in the order of their assets.
            sample: So many rows by chance.
            seed: Another one draws other rows.
            stratify_by: A column of whose every value `sample` rows are drawn.
            table: A table by a name of any generation (`"latest_observations"`), or one of your own; with its data set
                where it is in another one.
            dataset: The data set as `dataset` or `project.dataset`.

        Raises:
            InvalidInput: A filter cannot be understood: a polygon that crosses itself, a time that is none.
            ConfigurationError: A number is none; the message names the option.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=60, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     around = sl.Around(latitude=33.3062, longitude=-111.8413, radius_m=5_000)
            ...     signs = client.observations("ROAD_SIGN", within=around, min_views=2, limit=5)
            ...     print(signs.count(), signs.estimate().bytes_processed > 0)
            5 True
        """
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
    ) -> Selection:
        """Selects the real-world objects of the data set, more than half of which no observation shows.

        Args:
            kind: As in `observations`.
            product: `"cropped"` or `"full_frame"`.
            snapshot: As in `observations`.
            within: As in `observations`.
            min_views: Observations, at least.
            max_views: Observations, at most; 0 for the assets without any.
            where: As in `observations`.
            columns: Which columns to read; `"*"` for all.
            limit: Rows, at most.
            sample: So many rows by chance.
            seed: Another one draws other rows.
            stratify_by: A column of whose every value `sample` rows are drawn.
            table: As in `observations`.
            dataset: As in `observations`.

        Raises:
            InvalidInput: A filter cannot be understood.
            ConfigurationError: A number is none; the message names the option.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=60, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     client.assets().count(), client.assets(max_views=0).count()
            (52, 30)
        """
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
    ) -> Selection:
        """Selects the observations of the newest snapshot that an earlier one did not have.

        `describe()` tells also how many observations of the earlier one are gone.

        Args:
            since: The id of the earlier snapshot, which must still be there: see `client.snapshots()`. Against one that
                is gone, compare with its results: `classify(..., only_new="dataset.results")`.
            kind: As in `observations`, like everything else.

        Raises:
            InvalidInput: A filter cannot be understood.
            ConfigurationError: A number is none; the message names the option.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=60, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     earlier = client.snapshots()[-1]["snapshot_id"]
            ...     0 < client.changes(earlier).count() < client.observations().count()
            True
        """
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

    def snapshots(self, *, dataset: str | None = None) -> Table:
        """The states of the data set that are there, the newest first.

        The columns are `snapshot_id`, `creation_time`, `is_latest`, `expires` and `days_left` (by the 35 days that
        Google's own package reckons with), and `product_types` where the data set tells them.

        Args:
            dataset: The data set as `dataset` or `project.dataset`; the subscribed one otherwise.

        Raises:
            NotFound: There is no such data set, or it has no table of snapshots.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     [row["is_latest"] for row in client.snapshots()]
            [True, False]
        """
        return _calls.snapshots(self._session, dataset).wait()

    def _select(self, entity: str, **given: Any) -> Selection:
        return Selection(_calls.Wish(self._session, entity, given))
