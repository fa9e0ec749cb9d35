"""DML: INSERT, UPDATE, DELETE, MERGE and TRUNCATE on own tables."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import invalid_query, unsupported
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.operators import condition
from streetlens.emulator.bigquery.sql.relations import add_item
from streetlens.emulator.bigquery.sql.scope import Column, Relation, Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Type, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_SEVERAL = "UPDATE/MERGE must match at most one source row for each target row"


def insert(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """INSERT INTO ... VALUES or SELECT."""
    schema = statement.this
    node = schema.this if isinstance(schema, exp.Schema) else schema
    table = catalog.target([part.name for part in node.parts])
    types = dict(table.columns)
    named = [part.name for part in schema.expressions] if isinstance(schema, exp.Schema) else list(types)
    columns = [_column(name, table, scope, statement) for name in named]
    source = statement.args.get("expression")
    outcome = Outcome("INSERT", catalog.location or engine.location, inserted=0)
    if isinstance(source, exp.Values):
        lines = []
        for row in source.expressions:
            items = row.expressions if isinstance(row, exp.Tuple) else [row.unnest()]
            if len(items) != len(columns):
                raise scope.context.error(
                    f"Inserted row has wrong column count; Has {len(items)}, expected {len(columns)}", row
                )
            lines.append(
                "SELECT "
                + ", ".join(
                    _stored(item, name, types[name], scope) for item, name in zip(items, columns, strict=True)
                )
            )
        sql = " UNION ALL ".join(lines)
    elif isinstance(source, exp.Query):
        query = scope.query(source)
        if len(query.columns) != len(columns):
            raise scope.context.error(
                f"Inserted row has wrong column count; Has {len(query.columns)}, expected {len(columns)}",
                source,
            )
        parts = [
            _fitted(Typed(column.key, column.type), name, types[name], scope, source)
            for column, name in zip(query.columns, columns, strict=True)
        ]
        sql = f"SELECT {', '.join(parts)} FROM ({query.sql})"
    else:
        raise unsupported("This form of INSERT")
    _account(outcome, catalog, scope, sql, run=cursor is not None)
    if cursor is not None:
        names = ", ".join(quoted(name) for name in columns)
        outcome.inserted = _changed(engine, cursor, f"INSERT INTO {table.physical} ({names}) {sql}", table)
    return outcome


def update(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """UPDATE ... SET ... [FROM ...] WHERE."""
    where = statement.args.get("where")
    if where is None:
        raise scope.context.error("UPDATE must have a WHERE clause", statement)
    inner, table, key = _target(statement.this, scope, catalog)
    from_ = statement.args.get("from_")
    from_sql = f" FROM {add_item(from_.this, inner)}" if from_ is not None else ""
    sets = _assignments(statement.expressions, table, inner)
    test = condition(where.this, inner, "WHERE clause").sql
    outcome = Outcome("UPDATE", catalog.location or engine.location, updated=0, bytes_processed=table.bytes)
    _account(outcome, catalog, scope, f"{sets} {from_sql} {test}", run=cursor is not None)
    if cursor is None:
        return outcome
    if from_ is not None:
        several = f"SELECT 1 FROM {table.physical} AS {key}, {from_sql.removeprefix(' FROM ')} WHERE {test}"
        _refuse_several(engine, cursor, f"{several} GROUP BY {key}.rowid HAVING count(*) > 1 LIMIT 1")
    outcome.updated = _changed(
        engine, cursor, f"UPDATE {table.physical} AS {key} SET {sets}{from_sql} WHERE {test}", table
    )
    return outcome


def delete(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """DELETE FROM ... WHERE."""
    where = statement.args.get("where")
    if where is None:
        raise scope.context.error("DELETE must have a WHERE clause", statement)
    # `DELETE t` without FROM is parsed as a list of tables.
    node = statement.this or statement.args["tables"][0]
    inner, table, key = _target(node, scope, catalog)
    test = condition(where.this, inner, "WHERE clause").sql
    outcome = Outcome("DELETE", catalog.location or engine.location, deleted=0, bytes_processed=table.bytes)
    _account(outcome, catalog, scope, test, run=cursor is not None)
    if cursor is not None:
        outcome.deleted = _changed(
            engine, cursor, f"DELETE FROM {table.physical} AS {key} WHERE {test}", table
        )
    return outcome


def truncate(
    engine: Engine,
    statement: Expr,
    scope: Scope,  # noqa: ARG001 - one signature for every change
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """TRUNCATE TABLE."""
    table = catalog.target([part.name for part in statement.expressions[0].parts])
    outcome = Outcome("TRUNCATE_TABLE", catalog.location or engine.location, deleted=table.rows)
    if cursor is not None:
        outcome.deleted = _changed(engine, cursor, f"DELETE FROM {table.physical}", table)
    return outcome


def merge(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """MERGE; raises when a target row would be changed by two source rows."""
    target_scope, table, key = _target(statement.this, scope, catalog)
    both = scope.child()
    both.relations = list(target_scope.relations)
    source_sql = add_item(statement.args["using"], both)
    source_only = scope.child()
    source_only.relations = both.relations[len(target_scope.relations) :]
    on = condition(statement.args["on"], both, "ON clause").sql
    clauses, changing, computed = [], [], dict[str, str]()
    for when in statement.args["whens"].expressions:
        matched, by_source = bool(when.args.get("matched")), bool(when.args.get("source"))
        seen = both if matched else target_scope if by_source else source_only
        test = (
            condition(when.args["condition"], seen, "WHEN clause").sql if when.args.get("condition") else None
        )
        if matched:
            changing.append(test or "true")
        name = "MATCHED" if matched else "NOT MATCHED BY SOURCE" if by_source else "NOT MATCHED"
        clauses.append(
            f"WHEN {name}{f' AND {test}' if test else ''} THEN {_action(when, table, seen, scope, computed)}"
        )
    outcome = Outcome("MERGE", catalog.location or engine.location, inserted=0, updated=0, deleted=0)
    outcome.bytes_processed = table.bytes
    _account(outcome, catalog, scope, f"{source_sql} {on} {' '.join(clauses)}", run=cursor is not None)
    if cursor is None:
        return outcome
    # The source is read once, with the inserted values that DuckDB cannot compute in MERGE: correlated subqueries.
    staging, alias = engine.fresh_name(), source_sql.rpartition(" AS ")[2]
    columns = "".join(f", {value} AS {name}" for name, value in computed.items())
    engine.run(cursor, f"CREATE TABLE {staging} AS SELECT *{columns} FROM {source_sql}")
    source_sql = f"{staging} AS {alias}"
    into = f"{table.physical} AS {key}"
    try:
        if changing:
            several = f"SELECT 1 FROM {into} JOIN {source_sql} ON {on} WHERE {' OR '.join(changing)}"
            _refuse_several(engine, cursor, f"{several} GROUP BY {key}.rowid HAVING count(*) > 1 LIMIT 1")
        sql = f"MERGE INTO {into} USING {source_sql} ON {on} {' '.join(clauses)} RETURNING merge_action"
        actions = [row[0] for row in engine.run(cursor, sql).fetchall()]
    finally:
        engine.run(engine.cursor(), f"DROP TABLE {staging}")
    engine.measure(table)
    outcome.inserted, outcome.updated, outcome.deleted = (
        actions.count(name) for name in ("INSERT", "UPDATE", "DELETE")
    )
    return outcome


def _action(when: Expr, table: Table, seen: Scope, scope: Scope, computed: dict[str, str]) -> str:
    then = when.args["then"]
    if isinstance(then, exp.Update):
        return f"UPDATE SET {_assignments(then.expressions, table, seen)}"
    if isinstance(then, exp.Insert):
        types = dict(table.columns)
        if then.this is None or (
            isinstance(then.this, exp.Column | exp.Var) and then.this.name.upper() == "ROW"
        ):
            columns = list(types)
            values = [
                _fitted(item.value, name, types[name], scope, when)
                for item, name in _source_row(columns, seen, scope, when)
            ]
        else:
            columns = [_column(part.name, table, scope, when) for part in then.this.expressions]
            items = then.args["expression"].expressions
            if len(items) != len(columns):
                raise scope.context.error("Inserted row has wrong column count", when)
            values = [
                _stored(item, name, types[name], seen) for item, name in zip(items, columns, strict=True)
            ]
        for place, value in enumerate(values):
            if "SELECT" in value:
                values[place] = scope.context.fresh("computed")
                computed[values[place]] = value
        names = ", ".join(quoted(name) for name in columns)
        return f"INSERT ({names}) VALUES ({', '.join(values)})"
    return "DELETE"


def _source_row(columns: list[str], seen: Scope, scope: Scope, when: Expr) -> list[tuple[Column, str]]:
    offered = [column for relation in seen.relations for column in relation.columns]
    if len(offered) != len(columns):
        raise scope.context.error("INSERT ROW needs a source with the columns of the target", when)
    return list(zip(offered, columns, strict=True))


def _target(node: Expr, scope: Scope, catalog: StatementCatalog) -> tuple[Scope, Table, str]:
    assert isinstance(node, exp.Table)
    table = catalog.target([part.name for part in node.parts])
    key = scope.context.fresh("t")
    columns = tuple(Column(name, Typed(f"{key}.{quoted(name)}", type_)) for name, type_ in table.columns)
    inner = scope.child()
    inner.relations.append(Relation(node.alias or node.parts[-1].name.split(".")[-1], columns))
    return inner, table, key


def _assignments(items: list[Expr], table: Table, scope: Scope) -> str:
    types = dict(table.columns)
    sets = []
    for item in items:
        left = item.this
        if not isinstance(item, exp.EQ) or not isinstance(left, exp.Column):
            raise unsupported("This form of SET")
        parts = [part.name for part in left.parts]
        if len(parts) > 2 or (len(parts) == 2 and scope.relation(parts[0]) is None):
            raise unsupported(f"SET of the nested field {'.'.join(parts)}")
        name = _column(parts[-1], table, scope, item)
        sets.append(f"{quoted(name)} = {_stored(item.expression, name, types[name], scope)}")
    return ", ".join(sets)


def _column(name: str, table: Table, scope: Scope, node: Expr) -> str:
    for known, _ in table.columns:
        if known.lower() == name.lower():
            return known
    raise scope.context.error(f"Column {name} is not present in table {table.name}", node)


def _stored(node: Expr, name: str, type_: Type, scope: Scope) -> str:
    if isinstance(node, exp.Column) and len(node.parts) == 1 and node.name.upper() == "DEFAULT":
        return "NULL"
    return _fitted(scope.expression(node), name, type_, scope, node)


def _fitted(value: Typed, name: str, type_: Type, scope: Scope, node: Expr) -> str:
    if distance(value, type_) >= IMPOSSIBLE:
        message = (
            f"Value has type {value.type} which cannot be inserted into column {name}, which has type {type_}"
        )
        raise scope.context.error(message, node)
    return coerce(value, type_).sql


def _account(outcome: Outcome, catalog: StatementCatalog, scope: Scope, sql: str, *, run: bool) -> None:
    """Add the columns that DML reads to what it costs; raises when a statement that is `run` may not bill that much."""
    outcome.referenced = list(catalog.referenced.values())
    outcome.bytes_processed += catalog.cost(scope, sql)
    if run:
        catalog.check_limit(outcome)


def _refuse_several(engine: Engine, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    if engine.run(cursor, sql).fetchone() is not None:
        raise invalid_query(_SEVERAL)


def _changed(engine: Engine, cursor: duckdb.DuckDBPyConnection, sql: str, table: Table) -> int:
    found = engine.run(cursor, sql).fetchone()
    engine.measure(table)
    return int(found[0]) if found is not None else 0
