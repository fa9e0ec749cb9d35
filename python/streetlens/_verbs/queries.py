"""The verbs of BigQuery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from streetlens import _calls
from streetlens._query_options import check_stream, takes_query_options
from streetlens.options import QueryOptions
from streetlens.queries import RowStream
from streetlens.results import Table

if TYPE_CHECKING:
    from typing_extensions import Unpack


class QueryVerbs:
    """What a client can be asked of BigQuery."""

    _session: _calls.Session

    @overload
    def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: bool = False,
        stream: Literal[False] = False,
        **options: Unpack[QueryOptions],
    ) -> Table: ...
    @overload
    def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: Literal[False] = False,
        stream: Literal[True],
        **options: Unpack[QueryOptions],
    ) -> RowStream: ...
    @takes_query_options
    def query(
        self,
        sql: str,
        *,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        dry_run: bool = False,
        stream: bool = False,
        **options: Unpack[QueryOptions],
    ) -> Table | RowStream:
        """Runs GoogleSQL and returns all rows, or gives them one batch after the other.

        A query that nobody waits for any more (Ctrl-C, a timeout, a cancelled task, a stream that is dropped) is
        cancelled.

        Args:
            sql: The query; a script gives the rows of its last statement.
            params: A dictionary for `@name` parameters, a list for `?` ones; `sl.Parameter` where the Python value
                does not tell the type.
            dry_run: Check the query and return its columns without rows; `stats.bytes_processed` is what it would
                read. It costs nothing.
            stream: Return a `RowStream` once the query is done, whose rows are fetched while they are read: memory
                stays flat whatever the size.
            location: Where to run it.
            page_size: Rows a page, at most.
            timeout: Seconds for the whole query; it is cancelled after them. Of a stream only the query itself counts.
            transport: `"arrow"` gets the first rows as Arrow with the answer and the rest over the Storage Read API,
                `"storage"` all of them over it, `"rest"` JSON pages; `"auto"` is `"arrow"`, and `"rest"` with one
                warning where that cannot be had: BigQuery has no Arrow for the result, the permission
                `bigquery.readsessions.create` is missing, or gRPC is blocked.
            ordered: False lets the rows of a large result come over several streams at once, in any order.
            maximum_bytes_billed: Bytes to bill, at most; BigQuery refuses the query otherwise. The client's limit
                unless given; False for none.
            labels: Labels of the job, shown on the invoice.
            default_dataset: The data set of tables that are named without one: `dataset` or `project.dataset`.
            session: True begins a session, which is named in `stats.session_id`; its id lets a later query share its
                temporary tables and variables.
            use_cache: Take the result that BigQuery has kept of the same query, which costs nothing.
            priority: `"batch"` waits for idle slots.
            progress: A function of `QueryProgress`, called several times a second while the query is waited for.

        Raises:
            TypeError: There is no such option; the message names the closest one.
            ConfigurationError: An option's value cannot be used. Nothing was sent.
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
        check_stream(stream=stream, dry_run=dry_run)
        if stream:
            return _calls.stream_query(self._session, sql, params, options).wait()
        ask = _calls.estimate_query if dry_run else _calls.query
        return ask(self._session, sql, params, options).wait()

    @overload
    def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["raise"] = "raise",
        **options: Unpack[QueryOptions],
    ) -> list[Table]: ...
    @overload
    def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["return"],
        **options: Unpack[QueryOptions],
    ) -> list[Table | Exception]: ...
    @takes_query_options
    def query_all(
        self,
        sqls: Iterable[str | tuple[str, Any]],
        *,
        concurrency: int = 8,
        errors: Literal["raise", "return"] = "raise",
        **options: Unpack[QueryOptions],
    ) -> Any:
        """Runs queries at the same time and returns their tables in order.

        Args:
            sqls: Queries, or pairs of a query and its parameters. The other options are those of `query`, the same
                for each.
            concurrency: Queries under way at once.
            errors: `"raise"` the first failure, which cancels the others, or `"return"` failures in the places of
                their tables.

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
        return _calls.query_all(
            self._session, sqls, concurrency=concurrency, errors=errors, options=options
        ).wait()

    @overload
    def read_table(
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
    def read_table(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        stream: Literal[True],
        transport: Literal["auto", "storage", "rest"] = "auto",
        ordered: bool = True,
        page_size: int | None = None,
    ) -> RowStream: ...
    def read_table(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        stream: bool = False,
        transport: Literal["auto", "storage", "rest"] = "auto",
        ordered: bool = True,
        page_size: int | None = None,
    ) -> Table | RowStream:
        """Reads a whole table, or some of its columns, without a query.

        Pages are free of charge and the Storage Read API costs a fraction of a query; a view has to be queried.

        Args:
            table: `"dataset.table"` or `"project.dataset.table"`.
            columns: The columns to read, in the table's order whatever this one is; all otherwise.
            stream: Return a `RowStream` instead, whose rows are fetched while they are read.
            transport: `"storage"` for the Storage Read API, `"rest"` for pages, four at once; `"auto"` takes pages,
                with one warning, where the other cannot be had.
            ordered: False lets rows come over several streams at once, in any order.
            page_size: Rows a page, at most.

        Raises:
            InvalidInput: The name is none, the table lacks a column, or it is a view.
            NotFound: There is no such table.
            PermissionDenied: The credentials may not read it.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     table = client.read_table("imagery_insights___preview___us.snapshots", columns=["snapshot_id"])
            >>> table.column_names, len(table)
            (['snapshot_id'], 2)
        """
        read = _calls.stream_table if stream else _calls.read_table
        return read(
            self._session, table, columns=columns, transport=transport, ordered=ordered, page_size=page_size
        ).wait()
