"""Executes one statement: compiles it, runs it on DuckDB and keeps the catalog in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query
from streetlens.emulator.bigquery.sql.compile import new_scope, result_columns
from streetlens.emulator.bigquery.sql.scope import Query, Scope, TableSource
from streetlens.emulator.bigquery.sql.syntax import parse
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Type, field_keys, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expression


@dataclass(frozen=True)
class StatementRequest:
    """What a query job asks for; `default_dataset` is (project, data set)."""

    sql: str
    project: str
    named: Mapping[str, Typed] = field(default_factory=dict)
    positional: Sequence[Typed] = ()
    default_dataset: tuple[str, str] | None = None
    location: str | None = None


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

    def resolve(self, path: Sequence[str]) -> tuple[str, str, str]:
        """Return (project, data set, table) of a path in the statement."""
        default = self._request.default_dataset or None
        project, dataset_id, table_id = self._engine.catalog.split(path, default)
        explicit = len([piece for part in path for piece in part.split(".")]) >= 3
        return (project if explicit or default else self._request.project), dataset_id, table_id

    def locate(self, dataset_key: tuple[str, str]) -> None:
        """Fix the statement's location by the first data set it names."""
        dataset = self._engine.catalog.find(*dataset_key)
        if dataset is not None and self.location is None:
            self.location = dataset.location

    def source(self, path: Sequence[str], columns: frozenset[str] | None) -> TableSource:  # noqa: ARG002 - protocol
        """Return a stored table; raises notFound or accessDenied."""
        project, dataset_id, table_id = self.resolve(path)
        self.locate((project, dataset_id))
        table = self._engine.catalog.table(
            project, dataset_id, table_id, self.location or self._engine.location
        )
        self.referenced[table.physical] = table
        return TableSource(table.physical, table.columns, (project, dataset_id, table_id))


def bytes_read(statement: Expression, tables: Sequence[Table]) -> int:
    """Return what a scan costs: the bytes of every column the statement names, or of all under a star."""
    names = {part.name.lower() for part in statement.find_all(exp.Identifier)}
    stars = any(
        not (isinstance(star.parent, exp.Anonymous) and str(star.parent.this).upper() == "COUNT")
        for star in statement.find_all(exp.Star)
    )
    return sum(
        size
        for table in tables
        for name, size in table.column_bytes.items()
        if stars or name.lower() in names
    )


def begin(engine: Engine, request: StatementRequest) -> tuple[Expression, Scope, StatementCatalog]:
    """Parse a statement and return it with its outermost scope."""
    if not request.sql.strip():
        raise invalid_query("Required parameter is missing: query", reason="required")
    statement = parse(request.sql)
    catalog = StatementCatalog(engine, request)
    now = int(engine.wall_clock() * 1_000_000)
    return statement, new_scope(request.sql, catalog, request.named, request.positional, now), catalog


def analyze(engine: Engine, request: StatementRequest) -> Outcome:
    """Return the schema and cost of a statement without running it (a dry run); raises its errors."""
    statement, scope, catalog = begin(engine, request)
    if not isinstance(statement, exp.Query):
        from streetlens.emulator.bigquery.changes import check_change  # noqa: PLC0415 - changes imports this module

        return check_change(engine, statement, scope, catalog)
    query = scope.query(statement)
    columns = result_columns(query)
    run_sql(engine, engine.cursor(), f"EXPLAIN {spread(query, columns)}", query, scope)
    return _outcome(engine, statement, catalog, columns)


def execute(engine: Engine, request: StatementRequest, cursor: duckdb.DuckDBPyConnection) -> Outcome:
    """Run a statement and return what it did; raises its errors."""
    statement, scope, catalog = begin(engine, request)
    if not isinstance(statement, exp.Query):
        from streetlens.emulator.bigquery.changes import apply_change  # noqa: PLC0415 - changes imports this module

        return apply_change(engine, statement, scope, catalog, cursor)
    query = scope.query(statement)
    columns = result_columns(query)
    outcome = _outcome(engine, statement, catalog, columns)
    outcome.physical = engine.fresh_name()
    names = ", ".join(quoted(name) for name, _ in columns)
    sql = f"CREATE TABLE {outcome.physical}({names}) AS {spread(query, columns)}"
    run_sql(engine, cursor, sql, query, scope)
    check_array_elements(engine, cursor, outcome.physical, columns)
    counted = engine.run(cursor, f"SELECT count(*) FROM {outcome.physical}").fetchone()
    assert counted is not None
    outcome.total_rows = int(counted[0])
    return outcome


def spread(query: Query, columns: Sequence[tuple[str, Type]]) -> str:
    """Return the SQL whose columns are the result's: the fields of a STRUCT row become columns."""
    if query.value_table and query.columns[0].type.kind == "STRUCT":
        key = query.columns[0].key
        parts = ", ".join(f"({key}).{quoted(name)}" for name in field_keys(query.columns[0].type))
        return f"SELECT {parts} FROM ({query.sql})"
    return query.sql


def run_sql(engine: Engine, cursor: duckdb.DuckDBPyConnection, sql: str, query: Query, scope: Scope) -> None:
    """Execute compiled SQL; generated column names in an error become the names the user wrote."""
    try:
        engine.run(cursor, sql)
    except BigQueryError as error:
        raise BigQueryError(
            error.status, error.reason, scope.context.named_back(error.message), error.location
        ) from error


def check_array_elements(
    engine: Engine, cursor: duckdb.DuckDBPyConnection, physical: str, columns: Sequence[tuple[str, Type]]
) -> None:
    """Raise BigQuery's error when a result array has a NULL element, which it cannot store."""
    for name, type_ in columns:
        if type_.kind != "ARRAY":
            continue
        test = f"SELECT 1 FROM {physical} WHERE list_count({quoted(name)}) < len({quoted(name)}) LIMIT 1"
        if engine.run(cursor, test).fetchone() is not None:
            engine.run(cursor, f"DROP TABLE {physical}")
            raise invalid_query(f"Array cannot have a null element; error in writing field {name}")


def _outcome(
    engine: Engine, statement: Expression, catalog: StatementCatalog, columns: list[tuple[str, Type]]
) -> Outcome:
    tables = list(catalog.referenced.values())
    return Outcome(
        "SELECT",
        catalog.location or engine.location,
        columns=columns,
        bytes_processed=bytes_read(statement, tables),
        referenced=tables,
    )
