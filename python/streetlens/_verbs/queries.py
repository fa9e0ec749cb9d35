"""The verbs of BigQuery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streetlens import _calls
from streetlens.results import Table


class QueryVerbs:
    """What a client can be asked of BigQuery."""

    _session: _calls.Session

    def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        location: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> Table:
        """Runs GoogleSQL and returns all rows.

        Args:
            sql: The query.
            params: A dictionary for `@name` parameters, a list for `?` ones; `sl.Parameter` where the Python value
                does not tell the type.
            location: Where to run it.
            page_size: Rows a page, at most.
            timeout: Seconds for the whole query; it is cancelled after them.

        Raises:
            QueryError: BigQuery refused or failed it; with `reason`, `location` and `job_id` where BigQuery tells them.
            PermissionDenied: The credentials may not run it or read its tables.
            DeadlineExceeded: It was not done in time.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12) as server:
            ...     client = sl.Client(project="demo", endpoint=server.url)
            ...     client.query("SELECT @kind AS kind, 2 AS views", params={"kind": "sign"}).to_dicts()
            [{'kind': 'sign', 'views': 2}]
        """
        return _calls.query(
            self._session, sql, params=params, location=location, page_size=page_size, timeout=timeout
        ).wait()

    def query_all(self, sqls: Iterable[str], *, timeout: float | None = None) -> list[Table]:
        """Runs queries at the same time and returns their tables in order; the first failure stops the others.

        Raises:
            QueryError: BigQuery refused or failed one of them.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12) as server:
            ...     client = sl.Client(project="demo", endpoint=server.url)
            ...     [table.to_dicts() for table in client.query_all(["SELECT 1 AS n", "SELECT 2 AS n"])]
            [[{'n': 1}], [{'n': 2}]]
        """
        return _calls.query_all(self._session, sqls, timeout=timeout).wait()
