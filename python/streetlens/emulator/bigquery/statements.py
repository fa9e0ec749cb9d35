"""Executes one statement: compiles it, runs it on DuckDB and keeps the catalog in step."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.changes import change
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog, StatementRequest
from streetlens.emulator.bigquery.scripts.syntax import read_script, statements_of
from streetlens.emulator.bigquery.sql.compile import new_scope, result_columns
from streetlens.emulator.bigquery.sql.scope import Query, Scope
from streetlens.emulator.bigquery.sql.syntax import parse
from streetlens.emulator.bigquery.types import Type, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def analyze(engine: Engine, request: StatementRequest) -> Outcome:
    """Return the schema and cost of a statement without running it (a dry run); raises its errors."""
    statement, scope, catalog = _begin(engine, request)
    if not isinstance(statement, exp.Query):
        return change(engine, statement, scope, catalog, None)
    query = scope.query(statement)
    columns = result_columns(query)
    _run(engine, engine.cursor(), f"EXPLAIN {query.result_sql}", scope)
    return _selected(engine, catalog, columns, catalog.cost(scope, query.sql))


def tables_of(engine: Engine, request: StatementRequest) -> list[Table]:
    """Return the tables a query reads; raises its errors, for example for a table that is gone since."""
    statement, scope, catalog = _begin(engine, request)
    scope.query(statement)
    return list(catalog.referenced.values())


def execute(engine: Engine, request: StatementRequest, cursor: duckdb.DuckDBPyConnection) -> Outcome:
    """Run a statement and return what it did; raises its errors."""
    statement, scope, catalog = _begin(engine, request)
    if not isinstance(statement, exp.Query):
        return change(engine, statement, scope, catalog, cursor)
    query = scope.query(statement)
    stored = "when a destination table is present" if request.has_destination else None
    columns = result_columns(query, stored=stored)
    outcome = _selected(engine, catalog, columns, catalog.cost(scope, query.sql))
    catalog.check_limit(outcome)
    outcome.cacheable = catalog.sees_tables_only
    outcome.physical, outcome.total_rows = materialize(engine, cursor, query, columns, scope)
    return outcome


def materialize(
    engine: Engine,
    cursor: duckdb.DuckDBPyConnection,
    query: Query,
    columns: Sequence[tuple[str, Type]],
    scope: Scope,
) -> tuple[str, int]:
    """Run a query into a new physical table; return its name and row count."""
    physical = engine.fresh_name()
    names = ", ".join(quoted(name) for name, _ in columns)
    _run(engine, cursor, f"CREATE TABLE {physical}({names}) AS {query.result_sql}", scope)
    for name, type_ in columns:
        if type_.kind == "ARRAY":
            _check_elements(engine, cursor, physical, name)
    counted = engine.run(cursor, f"SELECT count(*) FROM {physical}").fetchone()
    assert counted is not None
    return physical, int(counted[0])


def statement_location(engine: Engine, request: StatementRequest) -> str:
    """Return the location of the first data set a statement names, or else the default; never raises."""
    catalog = StatementCatalog(engine, request)
    try:
        items = read_script(request.sql)
        for sql in [request.sql] if items is None else [part.sql for part in statements_of(items)]:
            for table in parse(sql, in_script=True).find_all(exp.Table):
                if catalog.location is None and table.parts:
                    catalog.locate(*catalog.resolve([part.name for part in table.parts])[:2])
    except BigQueryError:
        # The job itself will report what is wrong with the statement.
        return engine.location
    if catalog.location is None and request.default_dataset is not None:
        return catalog.locate(*request.default_dataset)
    return catalog.location or engine.location


def _begin(engine: Engine, request: StatementRequest) -> tuple[Expr, Scope, StatementCatalog]:
    return parse(request.sql), *statement_scope(engine, request)


def statement_scope(engine: Engine, request: StatementRequest) -> tuple[Scope, StatementCatalog]:
    """Return the outermost scope of a statement, which has the script's variables, and its catalog."""
    catalog = StatementCatalog(engine, request)
    now = int(engine.wall_clock() * 1_000_000)
    scope = new_scope(request.sql, catalog, request.named, request.positional, now)
    scope.aliases.update(request.variables)
    return scope, catalog


def _run(engine: Engine, cursor: duckdb.DuckDBPyConnection, sql: str, scope: Scope) -> None:
    """Execute compiled SQL; generated column names in an error become the names the user wrote."""
    try:
        engine.run(cursor, sql)
    except BigQueryError as error:
        message = scope.context.named_back(error.message)
        if message.startswith("SELECT list expression references column "):
            message += scope.context.place_of(message.split()[5])
        raise BigQueryError(error.status, error.reason, message, error.location) from error


def _check_elements(engine: Engine, cursor: duckdb.DuckDBPyConnection, physical: str, name: str) -> None:
    """Raise BigQuery's error when a result array has a NULL element, which a result cannot hold."""
    test = f"SELECT 1 FROM {physical} WHERE list_count({quoted(name)}) < len({quoted(name)}) LIMIT 1"
    if engine.run(cursor, test).fetchone() is not None:
        engine.run(cursor, f"DROP TABLE {physical}")
        raise invalid_query(f"Array cannot have a null element; error in writing field {name}")


def _selected(
    engine: Engine, catalog: StatementCatalog, columns: list[tuple[str, Type]], cost: int
) -> Outcome:
    tables = list(catalog.referenced.values())
    location = catalog.location or engine.location
    return Outcome("SELECT", location, columns=columns, bytes_processed=cost, referenced=tables)
