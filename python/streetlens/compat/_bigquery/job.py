"""A query that runs in the background until its rows are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from typing import TYPE_CHECKING, Any, NoReturn

from streetlens.compat._absent import absent_member
from streetlens.compat._bigquery.rows import Row, RowIterator
from streetlens.exceptions import DeadlineExceeded
from streetlens.queries import QueryStats
from streetlens.results import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from streetlens.client import Client

__all__ = ["QueryJob"]

Parameters = AnyMapping[str, Any] | Sequence[Any] | None


class QueryJob:
    """A query. What is known only at its end is waited for; iterating gives its rows, as often as wanted."""

    def __init__(self, client: Client, query: str, parameters: Parameters, location: str | None) -> None:
        self.query = query
        """The SQL."""
        self.project = client.project
        """The project that is billed."""
        self._table: Table | None = None
        self._error: BaseException | None = None
        self._ended = threading.Event()
        arguments = (client, parameters, location)
        # A daemon, so that a program may end without waiting for a query that nobody asks about.
        threading.Thread(target=self._run, args=arguments, name="streetlens-query", daemon=True).start()

    def _run(self, client: Client, parameters: Parameters, location: str | None) -> None:
        try:
            self._table = client.query(self.query, params=parameters, location=location)
        except BaseException as error:  # noqa: BLE001 - kept for whoever asks for the rows
            self._error = error
        finally:
            self._ended.set()

    def _finished(self, timeout: float | None = None) -> Table:
        if not self._ended.wait(timeout):
            raise DeadlineExceeded(
                f"the query was not done within {timeout} s",
                hint="it goes on; call `result()` again to wait longer",
            )
        if self._error is not None:
            raise self._error
        assert self._table is not None
        return self._table

    def result(  # noqa: PLR0917 - the original's signature
        self,
        page_size: int | None = None,  # noqa: ARG002 - rows come all at once, whatever the pages were
        max_results: int | None = None,
        retry: Any = None,  # noqa: ARG002 - the core repeats what may be repeated
        timeout: float | None = None,
        start_index: int | None = None,
        job_retry: Any = None,  # noqa: ARG002 - as above
    ) -> RowIterator:
        """The rows, from `start_index` and at most `max_results`, once the query is done.

        Raises:
            QueryError: BigQuery refused or failed it.
            DeadlineExceeded: It was not done within `timeout` seconds; it goes on.
        """
        return RowIterator(self._finished(timeout), self.query, self.project, start_index or 0, max_results)

    def to_dataframe(self, **options: Any) -> pd.DataFrame:
        """The rows as a `pandas.DataFrame`; see `RowIterator.to_dataframe`."""
        return self.result().to_dataframe(**options)

    def to_arrow(self, **options: Any) -> pa.Table:
        """The rows as a `pyarrow.Table`."""
        return self.result().to_arrow(**options)

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Why it failed, once it has ended; `None` where it did not.

        Raises:
            DeadlineExceeded: It has not ended within `timeout` seconds.
        """
        if not self._ended.wait(timeout):
            self._finished(0.0)
        return self._error

    @property
    def state(self) -> str:
        """`"RUNNING"` or `"DONE"`."""
        return "DONE" if self.done() else "RUNNING"

    def _stats(self) -> QueryStats:
        return self._finished().stats

    @property
    def job_id(self) -> str | None:
        """BigQuery's id of the job; also of one that BigQuery failed."""
        self._ended.wait()
        return self._stats().job_id if self._error is None else getattr(self._error, "job_id", None)

    @property
    def location(self) -> str | None:
        """Where it ran; also if BigQuery failed it."""
        self._ended.wait()
        return self._stats().location if self._error is None else getattr(self._error, "location", None)

    @property
    def total_bytes_processed(self) -> int | None:
        """Bytes read."""
        return self._stats().bytes_processed

    @property
    def total_bytes_billed(self) -> int | None:
        """Bytes billed."""
        return self._stats().bytes_billed

    @property
    def slot_millis(self) -> int | None:
        """Slot time in milliseconds."""
        return self._stats().slot_milliseconds

    @property
    def cache_hit(self) -> bool | None:
        """Whether the rows came from the cache."""
        return self._stats().cache_hit

    @property
    def statement_type(self) -> str | None:
        """For example `"SELECT"`."""
        return self._stats().statement_type

    @property
    def num_dml_affected_rows(self) -> int | None:
        """Rows that a DML statement changed."""
        return self._stats().affected_rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self.result())

    def __getattr__(self, name: str) -> NoReturn:
        raise absent_member(self, name, "See `streetlens.Client.query` for the native table.")

    def __repr__(self) -> str:
        return f"QueryJob<project={self.project}, state={self.state}>"
