"""What a statement asks for, what it sees of the catalog, and what it did."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query
from streetlens.emulator.bigquery.information import information_schema
from streetlens.emulator.bigquery.sql.compile import new_scope, result_columns
from streetlens.emulator.bigquery.sql.scope import Scope, TableSource
from streetlens.emulator.bigquery.sql.syntax import parse
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Type, quoted

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class StatementRequest:
    """What a query job asks for; `default_dataset` is (project, data set), `temporary` that of temporary tables."""

    sql: str
    project: str
    named: Mapping[str, Typed] = field(default_factory=dict)
    positional: Sequence[Typed] = ()
    default_dataset: tuple[str, str] | None = None
    location: str | None = None
    has_destination: bool = False
    maximum_bytes: int | None = None
    temporary: tuple[str, str] | None = None
    session_id: str | None = None
    creates_session: bool = False
    uses_cache: bool = True
    variables: Mapping[str, Typed] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """What a load job put into its table, and the rows it was allowed to leave out."""

    rows: int
    file_bytes: int
    output_bytes: int
    problems: Sequence[BigQueryError] = ()


@dataclass
class Outcome:
    """What a statement did: rows in `physical` under `columns`, or a change and how many rows it touched."""

    statement_type: str
    location: str
    columns: list[tuple[str, Type]] | None = None
    physical: str | None = None
    total_rows: int | None = None
    bytes_processed: int = 0
    referenced: list[Table] = field(default_factory=list)
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    ddl_operation: str | None = None
    ddl_target: tuple[str, str, str] | None = None
    loaded: Loaded | None = None
    child_billed: int | None = None
    cache_hit: bool = False
    cacheable: bool = False

    @property
    def billed(self) -> int:
        """The bytes billed: whole megabytes, at least 10 MB per referenced table; a script's are its statements'."""
        if self.child_billed is not None or self.cache_hit:
            return self.child_billed or 0
        whole = -(-self.bytes_processed // _MEGABYTE) * _MEGABYTE
        return max(whole, 10 * _MEGABYTE * len(self.referenced)) if self.referenced else 0

    @property
    def affected(self) -> int | None:
        """The number of rows DML changed, None for other statements."""
        counts = [count for count in (self.inserted, self.updated, self.deleted) if count is not None]
        return sum(counts) if counts else None


class StatementCatalog:
    """The catalog as one statement sees it: default data set, location, and which tables it touched."""

    def __init__(self, engine: Engine, request: StatementRequest) -> None:
        self._engine = engine
        self._request = request
        self.location = request.location
        self.referenced: dict[str, Table] = {}
        self._saw_metadata = False
        self._view_scans: list[tuple[list[tuple[str, str]], str]] = []

    def resolve(self, path: Sequence[str]) -> tuple[str, str, str]:
        """Return (project, data set, table) of a path in the statement; temporary tables go before others."""
        temporary = self._request.temporary
        if temporary is not None and (len(path) == 1 or (len(path) == 2 and path[0].upper() == "_SESSION")):
            dataset = self._engine.catalog.find(*temporary)
            if dataset is not None and path[-1] in dataset.tables:
                return *temporary, path[-1]
        default = self._request.default_dataset
        project, dataset_id, table_id = self._engine.catalog.split(path, default)
        explicit = len([piece for part in path for piece in part.split(".")]) >= 3
        return (project if explicit or default else self._request.project), dataset_id, table_id

    @property
    def project(self) -> str:
        """The project of names that tell none."""
        return self._request.project

    def locate(self, project: str, dataset_id: str) -> str:
        """Return the statement's location, fixed by the first data set it names."""
        dataset = self._engine.catalog.find(project, dataset_id)
        if dataset is not None and self.location is None:
            self.location = dataset.location
        return self.location or self._engine.location

    def source(self, path: Sequence[str]) -> TableSource:
        """Return a stored table, a view or INFORMATION_SCHEMA; raises notFound or accessDenied."""
        view = information_schema(
            self._engine.catalog, path, self._request.project, self._request.default_dataset
        )
        if view is not None:
            self._saw_metadata = True
            return view
        project, dataset_id, table_id = self.resolve(path)
        location = self.locate(project, dataset_id)
        table = self._engine.catalog.table(project, dataset_id, table_id, location)
        if table.view_query is not None:
            return self._view(table)
        self.referenced[table.physical] = table
        return TableSource(table.physical, table.columns, table.physical)

    def target(self, path: Sequence[str]) -> Table:
        """Return the table a statement changes; raises notFound or accessDenied (linked data sets are read-only)."""
        project, dataset_id, table_id = self.resolve(path)
        location = self.locate(project, dataset_id)
        table = self._engine.catalog.table(project, dataset_id, table_id, location)
        self._engine.catalog.writable(project, dataset_id)
        self.referenced[table.physical] = table
        return table

    def table(self, path: Sequence[str]) -> Table:
        """Return a stored table that a statement reads as a whole; raises notFound or accessDenied."""
        project, dataset_id, table_id = self.resolve(path)
        found = self._engine.catalog.table(project, dataset_id, table_id, self.locate(project, dataset_id))
        if found.kind != "TABLE":
            raise invalid_query(f"{found.name} is a {found.kind}, not a table")
        self.referenced[found.physical] = found
        return found

    def temporary(self, path: Sequence[str]) -> tuple[str, str, str]:
        """Return (project, data set, table) of a temporary table; raises outside of a script or session."""
        if self._request.temporary is None:
            raise invalid_query("Use of CREATE TEMPORARY TABLE requires a script or session")
        if len(path) != 1:
            raise invalid_query(f"A temporary table cannot be in a dataset: {'.'.join(path)}")
        return *self._request.temporary, path[0]

    def cost(self, scope: Scope, sql: str) -> int:
        """Return the bytes of the columns that compiled SQL reads: BigQuery bills columns, not rows."""
        views = [*self._view_scans, (scope.context.scans, sql)]
        return sum(
            size
            for scans, text in views
            for key, physical in scans
            for name, size in self.referenced[physical].column_bytes.items()
            if f"{key}.{quoted(name)}" in text
        )

    def check_limit(self, outcome: Outcome) -> None:
        """Raise when a statement would bill more than its request allows."""
        limit = self._request.maximum_bytes
        if limit is not None and outcome.billed > limit:
            message = f"Query exceeded limit for bytes billed: {limit}. {outcome.billed} or higher required."
            raise BigQueryError(400, "bytesBilledLimitExceeded", message)

    @property
    def sees_tables_only(self) -> bool:
        """Whether the statement has read stored tables, and neither views nor metadata nor temporary tables."""
        hidden = [table for table in self.referenced.values() if table.dataset_id.startswith("_")]
        return bool(self.referenced) and not (self._view_scans or self._saw_metadata or hidden)

    def _view(self, table: Table) -> TableSource:
        assert table.view_query is not None
        now = int(self._engine.wall_clock() * 1_000_000)
        scope = new_scope(table.view_query, self, {}, [], now)
        query = scope.query(parse(table.view_query))
        columns = result_columns(query)
        self._view_scans.append((scope.context.scans, query.sql))
        names = ", ".join(
            f"{key} AS {quoted(name)}" for key, (name, _) in zip(query.keys, columns, strict=True)
        )
        return TableSource(f"(SELECT {names} FROM ({query.sql}))", tuple(columns))
