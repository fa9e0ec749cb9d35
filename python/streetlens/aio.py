"""The client for `async` programs: every verb is awaited, and stops when its task is cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streetlens import _calls, _runs
from streetlens._classify_options import takes_classify_options
from streetlens._verbs.aio_dataset import AsyncSelectionVerbs
from streetlens.options import ClassifyOptions
from streetlens.plan import Plan
from streetlens.results import LinkedDataset, Results, Table
from streetlens.run import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AsyncClient"]


class AsyncClient(AsyncSelectionVerbs):
    """The verbs of `Client` as awaitables; `client.aio` gives one.

    Example:
        >>> import asyncio
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> async def ask(url):
        ...     return await sl.Client(project="demo", endpoint=url).aio.query("SELECT 1 AS one")
        >>> with emulator.start(observations=12) as server:
        ...     asyncio.run(ask(server.url)).to_dicts()
        [{'one': 1}]
    """

    def __init__(self, session: _calls.Session) -> None:
        self._session = session

    async def subscribe(
        self,
        customer_id: str,
        *,
        publisher: str | None = None,
        exchange: str | None = None,
        listing: str | None = None,
        dataset: str | None = None,
        dataset_project: str | None = None,
    ) -> LinkedDataset:
        """See `Client.subscribe`."""
        return await _calls.subscribe(
            self._session,
            customer_id,
            publisher=publisher,
            exchange=exchange,
            listing=listing,
            dataset=dataset,
            dataset_project=dataset_project,
        )

    async def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        location: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> Table:
        """See `Client.query`."""
        return await _calls.query(
            self._session, sql, params=params, location=location, page_size=page_size, timeout=timeout
        )

    async def query_all(
        self,
        sqls: Iterable[str],
        *,
        timeout: float | None = None,
    ) -> list[Table]:
        """See `Client.query_all`."""
        return await _calls.query_all(self._session, sqls, timeout=timeout)

    @takes_classify_options
    async def classify(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Results:
        """See `Client.classify`.

        A cancelled task keeps its finished rows: they are in `results` of the `CancelledError`, which is the
        `__cause__` of the error that `asyncio.timeout` and `asyncio.wait_for` raise.

        Raises:
            SchemaError: Gemini could not serve the schema; nothing was sent.
        """
        return await _runs.classify(self._session, images, prompt, options)

    @takes_classify_options
    async def start(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Run:
        """See `Client.start`; iterate with `async for`, or `await` the run.

        Raises:
            SchemaError: Gemini could not serve the schema; nothing was sent.
        """
        return Run(await _runs.prepare(self._session, images, prompt, options), options.get("progress"))

    @takes_classify_options
    async def plan(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Plan:
        """See `Client.plan`.

        Raises:
            SchemaError: Gemini could not serve the schema.
        """
        return await _runs.plan(self._session, images, prompt, options)
