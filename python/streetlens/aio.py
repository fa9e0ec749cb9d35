"""The client for `async` programs: every verb is awaited, and stops when its task is cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from streetlens import _calls, _runs
from streetlens._classify_options import takes_classify_options
from streetlens._query_options import check_stream, takes_query_options
from streetlens._verbs.aio_dataset import AsyncSelectionVerbs
from streetlens.options import ClassifyOptions, LoadMode, NewColumns, QueryOptions
from streetlens.plan import Plan
from streetlens.queries import RowStream
from streetlens.results import LinkedDataset, LoadStats, Results, Table
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

    @overload
    async def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: bool = False,
        stream: Literal[False] = False,
        **options: Unpack[QueryOptions],
    ) -> Table: ...
    @overload
    async def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: Literal[False] = False,
        stream: Literal[True],
        **options: Unpack[QueryOptions],
    ) -> RowStream: ...
    @takes_query_options
    async def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: bool = False,
        stream: bool = False,
        **options: Unpack[QueryOptions],
    ) -> Table | RowStream:
        """See `Client.query`."""
        check_stream(stream=stream, dry_run=dry_run)
        if stream:
            return await _calls.stream_query(self._session, sql, params, options)
        ask = _calls.estimate_query if dry_run else _calls.query
        return await ask(self._session, sql, params, options)

    @overload
    async def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["raise"] = "raise",
        **options: Unpack[QueryOptions],
    ) -> list[Table]: ...
    @overload
    async def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["return"],
        **options: Unpack[QueryOptions],
    ) -> list[Table | Exception]: ...
    @takes_query_options
    async def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["raise", "return"] = "raise",
        **options: Unpack[QueryOptions],
    ) -> Any:
        """See `Client.query_all`."""
        return await _calls.query_all(
            self._session, sqls, concurrency=concurrency, errors=errors, options=options
        )

    async def load(
        self,
        rows: Any,
        table: str,
        *,
        mode: LoadMode = "append",
        key: str | Sequence[str] | None = None,
        new_columns: NewColumns = "refuse",
        load_id: str | None = None,
    ) -> LoadStats:
        """See `Client.load`."""
        return await _calls.load(
            self._session, rows, table, mode=mode, key=key, new_columns=new_columns, load_id=load_id
        )

    @overload
    async def read_table(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        stream: Literal[False] = False,
        transport: Literal["auto", "storage", "rest"] = "auto",
        ordered: bool = True,
        page_size: int | None = None,
    ) -> Table: ...
    @overload
    async def read_table(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        stream: Literal[True],
        transport: Literal["auto", "storage", "rest"] = "auto",
        ordered: bool = True,
        page_size: int | None = None,
    ) -> RowStream: ...
    async def read_table(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        stream: bool = False,
        transport: Literal["auto", "storage", "rest"] = "auto",
        ordered: bool = True,
        page_size: int | None = None,
    ) -> Table | RowStream:
        """See `Client.read_table`."""
        read = _calls.stream_table if stream else _calls.read_table
        return await read(
            self._session, table, columns=columns, transport=transport, ordered=ordered, page_size=page_size
        )

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
