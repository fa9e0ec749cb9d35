"""The client for `async` programs: every verb is awaited, and stops when its task is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streetlens import _calls
from streetlens.options import Schema
from streetlens.results import LinkedDataset, Results, Table

if TYPE_CHECKING:
    from streetlens._progress import Progress

__all__ = ["AsyncClient"]


class AsyncClient:
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

    async def classify(
        self,
        images: Any,
        prompt: str,
        *,
        schema: Schema | None = None,
        model: str | None = None,
        uri_column: str = "gcs_uri",
        system_instruction: str | None = None,
        temperature: float | None = None,
        max_output_tokens: int | None = None,
        media_resolution: str | None = None,
        thinking: str | int | None = None,
        concurrency: int | str = "4-20-200",
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        timeout: float = 60.0,
        labels: Mapping[str, str] | None = None,
        progress: bool | Callable[[Progress], Any] | None = None,
    ) -> Results:
        """See `Client.classify`; progress is shown at the end only.

        Raises:
            SchemaError: Gemini could not serve the schema; nothing was sent.
        """
        return await _calls.classify(
            self._session,
            images,
            prompt,
            schema=schema,
            model=model,
            uri_column=uri_column,
            system_instruction=system_instruction,
            temperature=temperature,
            max_output_tokens=max_output_tokens,
            media_resolution=media_resolution,
            thinking=thinking,
            concurrency=concurrency,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            timeout=timeout,
            labels=labels,
            progress=progress,
        )
