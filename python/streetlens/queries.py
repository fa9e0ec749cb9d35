"""Queries while they run and after: their progress, what they took, and their rows one batch after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from streetlens._calls import NativeStream, NativeTable, Session
    from streetlens.tables import Table

__all__ = ["QueryProgress", "QueryStats", "RowStream"]


class QueryStats(NamedTuple):
    """What a query took; `None` where BigQuery does not tell.

    Example:
        >>> QueryStats(job_id="job_1", bytes_processed=2_000_000).bytes_processed
        2000000
    """

    job_id: str | None = None
    """Job id."""
    location: str | None = None
    """Where it ran."""
    bytes_processed: int | None = None
    """Bytes read; of a dry run those that would be."""
    bytes_billed: int | None = None
    """Bytes billed."""
    slot_milliseconds: int | None = None
    """Slot time in milliseconds."""
    cache_hit: bool | None = None
    """Whether the result came from the cache."""
    statement_type: str | None = None
    """For example `"SELECT"`."""
    affected_rows: int | None = None
    """Rows that a DML statement changed."""
    session_id: str | None = None
    """The session it began."""
    route: str = "json"
    """How its rows came: `"json"`, `"arrow"` or `"storage"` (the Storage Read API)."""
    notes: tuple[str, ...] = ()
    """Why they came another way than the fastest."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> QueryStats:
        """The statistics that the native module tells."""
        return cls(**{**values, "notes": tuple(values["notes"])})


class QueryProgress(NamedTuple):
    """How far a query is.

    Example:
        >>> QueryProgress(state="reading", rows=50_000, total_rows=200_000, seconds=1.5).rows
        50000
    """

    state: str
    """`"pending"`, `"running"`, `"reading"` its rows, or `"done"`."""
    rows: int
    """Rows that are here."""
    total_rows: int | None
    """Rows of the whole result, where BigQuery tells."""
    seconds: float
    """Time since it began."""


class RowStream:
    """The rows of a query, one record batch after the other, read while they are wanted.

    Iterate over it, with `async for` where it comes from `client.aio`: each item is a `Table` of some thousand rows.
    Or hand it to a library that reads Arrow streams: pyarrow's `RecordBatchReader.from_stream(stream)`. The rows are
    read once. What is not read is not fetched: leave the `with` block, close it, or drop it.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12) as server:
        ...     client = sl.Client(project="demo", endpoint=server.url)
        ...     with client.query("SELECT n FROM UNNEST([1, 2, 3]) AS n", stream=True) as rows:
        ...         sum(len(table) for table in rows)
        3
    """

    def __init__(self, native: NativeStream, tell: Callable[[Iterable[str]], None]) -> None:
        self.native = native
        """The stream of the native module."""
        self._tell = tell
        tell(self.stats.notes)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns in order."""
        return [name for name, _ in self.native.empty.fields]

    @property
    def schema(self) -> dict[str, str]:
        """Types of the columns in words, by name."""
        return dict(self.native.empty.fields)

    @property
    def total_rows(self) -> int | None:
        """Rows of the whole result, where BigQuery tells."""
        return self.native.total_rows

    @property
    def stats(self) -> QueryStats:
        """What the query took."""
        return QueryStats.of(self.native.statistics())

    def __iter__(self) -> Iterator[Table]:
        from streetlens._calls import Call  # noqa: PLC0415 - which makes streams

        while (batch := Call(self.native.next(), _same).wait()) is not None:
            yield self._table(batch)
        self._tell(self.stats.notes)

    async def __aiter__(self) -> AsyncIterator[Table]:
        from streetlens._calls import Call  # noqa: PLC0415 - which makes streams

        while (batch := await Call(self.native.next(), _same)) is not None:
            yield self._table(batch)
        self._tell(self.stats.notes)

    def _table(self, native: Any) -> Table:
        from streetlens.tables import Table  # noqa: PLC0415 - which knows what a query took

        return Table(native, self.stats)

    def told(self, native: NativeTable, session: Session) -> Table:
        """All rows of the stream as a table, with what the user should hear of them."""
        from streetlens.tables import Table  # noqa: PLC0415 - which knows what a query took

        stats = self.stats
        self._tell(stats.notes)
        return Table(native, stats, session=session)

    def close(self) -> None:
        """Fetches nothing more."""
        from streetlens._calls import Call  # noqa: PLC0415 - which makes streams

        Call(self.native.close(), _same).wait()

    def __enter__(self) -> RowStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> RowStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from streetlens._calls import Call  # noqa: PLC0415 - which makes streams

        await Call(self.native.close(), _same)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.native.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        total = "" if self.total_rows is None else f"{self.total_rows:,} rows × "
        return f"<RowStream: {total}{len(self.column_names)} columns>"


def _same(value: Any) -> Any:
    return value
