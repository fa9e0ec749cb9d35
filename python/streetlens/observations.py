"""Rows of the data set that are selected first, and read only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streetlens import _calls
from streetlens._calls import selections
from streetlens._lazy import LazyRows
from streetlens._query_options import takes_query_options
from streetlens.exceptions import InvalidInput
from streetlens.options import QueryOptions
from streetlens.profile import Profile, QueryEstimate
from streetlens.results import Table

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AsyncSelection", "Selection"]


class Selection(LazyRows):
    """Rows of the data set, read when asked for; `client.observations`, `assets` and `changes` give one.

    The first argument of `classify`, `start` and `plan` may be one. Each of `fetch`, `count`, `estimate`, `describe`
    and a run looks up the newest snapshot when it begins, and stays with it.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, endpoint=server.url)
        ...     signs = client.observations("ROAD_SIGN", columns=["gcs_uri", "asset_id"])
        ...     print(signs.sql)
        ...     print(signs.count(), signs.fetch().column_names)
        SELECT gcs_uri, asset_id
        FROM `streetlens-demo.imagery_insights___preview___us.cropped_observations_latest`
        WHERE snapshot_id = @snapshot_id
          AND asset_type IN UNNEST(@asset_types)
        6 ['gcs_uri', 'asset_id']
    """

    def resolve(self) -> Selection:
        """Finds the table and the snapshot, which `sql`, `params`, `table` and `snapshot` tell from then on.

        Raises:
            NotFound: There is no such data set, table or snapshot; the hint names those that are there.
            InvalidInput: A filter names a column that the table has not; the hint names the closest one.
        """
        self._keep(self._wish.prepare().wait())
        return self

    @takes_query_options
    def fetch(self, **options: Unpack[QueryOptions]) -> Table:
        """Reads the rows, with the options of `client.query`; it runs where the data is.

        Raises:
            NotFound: There is no such data set, table or snapshot; the hint names those that are there.
            InvalidInput: A filter names a column that the table has not; the hint names the closest one.
        """
        table: Table = self._then(selections.fetch, options).wait()
        return table

    def count(self, *, timeout: float | None = None) -> int:
        """How many rows there are; reads no more than the columns of the filters.

        Raises:
            NotFound: There is no such data set, table or snapshot.
            InvalidInput: A filter names a column that the table has not.
        """
        return int(self._then(selections.count, {"timeout": timeout}).wait())

    def estimate(self) -> QueryEstimate:
        """What `fetch` would read, by a dry run, which is free.

        Raises:
            NotFound: There is no such data set, table or snapshot.
            InvalidInput: A filter names a column that the table has not.
        """
        return self._estimate().wait()

    def describe(self, *, timeout: float | None = None) -> Profile:
        """What the filters leave, before `sample` and `limit`: rows, assets, views, classes, dates.

        Raises:
            NotFound: There is no such data set, table or snapshot.
            InvalidInput: A filter names a column that the table has not.
        """
        return self._describe(timeout).wait()

    def _known(self) -> _calls.PreparedSelection:
        return self._prepared or self._keep(self._wish.prepare().wait())


class AsyncSelection(LazyRows):
    """A `Selection` whose verbs are awaited; `client.aio.observations` gives one.

    Example:
        >>> import asyncio
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> async def count(url):
        ...     return await sl.Client(project="streetlens-demo", endpoint=url).aio.observations("pole").count()
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     asyncio.run(count(server.url))
        6
    """

    async def resolve(self) -> AsyncSelection:
        """See `Selection.resolve`."""
        self._keep(await self._wish.prepare())
        return self

    @takes_query_options
    async def fetch(self, **options: Unpack[QueryOptions]) -> Table:
        """See `Selection.fetch`."""
        table: Table = await self._then(selections.fetch, options)
        return table

    async def count(self, *, timeout: float | None = None) -> int:
        """See `Selection.count`."""
        return int(await self._then(selections.count, {"timeout": timeout}))

    async def estimate(self) -> QueryEstimate:
        """See `Selection.estimate`."""
        return await self._estimate()

    async def describe(self, *, timeout: float | None = None) -> Profile:
        """See `Selection.describe`."""
        return await self._describe(timeout)

    def _known(self) -> _calls.PreparedSelection:
        if self._prepared is None:
            raise InvalidInput(
                "the selection has not looked up its table yet", hint="await `selection.resolve()` first"
            )
        return self._prepared
