"""DDL: CREATE and DROP of tables, views and data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, duplicate, not_found, unsupported
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog
from streetlens.emulator.bigquery.sql.compile import result_columns
from streetlens.emulator.bigquery.sql.conversions import declared_type
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.syntax import GoogleSql
from streetlens.emulator.bigquery.types import to_rest_field, to_rest_schema

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

# These say how BigQuery stores a table, not what it holds; the rows are the same without them.
_STORAGE_PROPERTIES = (exp.PartitionedByProperty, exp.Cluster, exp.Property)


def create(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """CREATE TABLE, VIEW or SCHEMA; raises duplicate for one that exists."""
    kind = str(statement.args["kind"]).upper()
    _refuse_options(kind, statement)
    if kind == "SCHEMA":
        return _create_schema(engine, statement, catalog, cursor)
    node = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
    project, dataset_id, table_id = catalog.resolve([part.name for part in node.parts])
    catalog.locate(project, dataset_id)
    dataset = engine.catalog.writable(project, dataset_id)
    outcome = Outcome(f"CREATE_{kind}", catalog.location or engine.location, ddl_operation="CREATE")
    outcome.ddl_target = (project, dataset_id, table_id)
    existing = dataset.tables.get(table_id)
    if existing is not None and statement.args.get("exists"):
        outcome.ddl_operation = "SKIP"
        return outcome
    if existing is not None and not statement.args.get("replace"):
        raise duplicate(f"Table {dataset.name}.{table_id}")
    query_node = statement.args.get("expression")
    query = scope.query(query_node) if query_node is not None else None
    if query is not None and kind == "TABLE":
        outcome.statement_type = "CREATE_TABLE_AS_SELECT"
    fields = _fields(statement.this, scope) if isinstance(statement.this, exp.Schema) else []
    columns = result_columns(query, stored=f"in CREATE {kind}") if query is not None else []
    if fields and query is not None:
        raise unsupported("CREATE TABLE with both a column list and AS SELECT")
    if cursor is None:
        return outcome
    if existing is not None:
        engine.drop_table(existing)
        outcome.ddl_operation = "REPLACE"
    if kind == "VIEW":
        text = _view_text(scope.context.sql)
        schema = to_rest_schema(columns)["fields"]
        dataset.tables[table_id] = Table(project, dataset_id, table_id, schema, "", "VIEW", text)
        return outcome
    table = engine.create_table(dataset, table_id, fields or to_rest_schema(columns)["fields"])
    if query is not None:
        _fill(engine, cursor, table, query.result_sql)
        outcome.referenced = [item for item in catalog.referenced.values() if item is not table]
    return outcome


def _fill(engine: Engine, cursor: duckdb.DuckDBPyConnection, table: Table, sql: str) -> None:
    try:
        engine.run(cursor, f"INSERT INTO {table.physical} {sql}")
    except BigQueryError:
        engine.drop_table(table)
        raise
    engine.measure(table)


def _refuse_options(kind: str, statement: Expr) -> None:
    """Raise for a CREATE whose options would change what the table holds."""
    if kind not in ("TABLE", "VIEW", "SCHEMA"):
        raise unsupported(f"CREATE {kind}")
    for item in statement.args["properties"].expressions if statement.args.get("properties") else ():
        if not isinstance(item, _STORAGE_PROPERTIES):
            raise unsupported(f"CREATE {kind} with {item.sql('bigquery')}")
    for part in ("clone", "shallow", "no_schema_binding", "indexes", "begin"):
        if statement.args.get(part):
            raise unsupported(f"CREATE {kind} with {part.upper()}")


def _view_text(sql: str) -> str:
    """Return the query of a CREATE VIEW statement as it was written: what follows the first AS."""
    token = next(token for token in GoogleSql().tokenize(sql) if token.text.upper() == "AS")
    return sql[token.end + 1 :].strip().rstrip(";").rstrip()


def _fields(schema: exp.Schema, scope: Scope) -> list[dict[str, Any]]:
    fields = []
    for column in schema.expressions:
        if not isinstance(column, exp.ColumnDef):
            raise unsupported(f"{column.sql('bigquery')} in a column list")
        mode = "NULLABLE"
        field = to_rest_field(column.name, declared_type(column.args["kind"]), mode)
        for constraint in column.args.get("constraints") or ():
            if isinstance(constraint.kind, exp.NotNullColumnConstraint):
                field["mode"] = "REQUIRED" if field["mode"] == "NULLABLE" else field["mode"]
            elif isinstance(constraint.kind, exp.Properties):
                continue
            else:
                raise unsupported(
                    f"The column constraint {constraint.sql('bigquery')}{scope.context.at(column)}"
                )
        fields.append(field)
    return fields


def _create_schema(
    engine: Engine, statement: Expr, catalog: StatementCatalog, cursor: duckdb.DuckDBPyConnection | None
) -> Outcome:
    project, dataset_id = _schema_name(engine, statement.this)
    outcome = Outcome("CREATE_SCHEMA", catalog.location or engine.location, ddl_operation="CREATE")
    existing = engine.catalog.find(project, dataset_id)
    if existing is not None:
        if not statement.args.get("exists"):
            raise duplicate(f"Dataset {existing.name}")
        outcome.ddl_operation = "SKIP"
    elif cursor is not None:
        engine.create_dataset(dataset_id, project=project, location=catalog.location)
    return outcome


def _schema_name(engine: Engine, node: Expr) -> tuple[str, str]:
    parts = [
        piece
        for part in (node.args.get("catalog"), node.args.get("db"))
        if part
        for piece in part.name.split(".")
    ]
    return (parts[0] if len(parts) > 1 else engine.project), parts[-1]


def drop(
    engine: Engine,
    statement: Expr,
    scope: Scope,  # noqa: ARG001 - one signature for every change
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """DROP TABLE, VIEW or SCHEMA; raises notFound without IF EXISTS."""
    kind = str(statement.args["kind"]).upper()
    node = statement.args["tables"][0] if statement.args.get("tables") else statement.this
    outcome = Outcome(f"DROP_{kind}", catalog.location or engine.location, ddl_operation="DROP")
    if kind == "SCHEMA":
        project, dataset_id = _schema_name(engine, node)
        dataset = engine.catalog.find(project, dataset_id)
        if dataset is None and not statement.args.get("exists"):
            raise not_found(f"Dataset {project}:{dataset_id}")
        if dataset is not None and dataset.tables and not statement.args.get("cascade"):
            raise BigQueryError(400, "resourceInUse", f"Dataset {dataset.name} is still in use")
        if dataset is not None and cursor is not None:
            engine.delete_dataset(dataset_id, project=project)
        return outcome
    if kind not in ("TABLE", "VIEW"):
        raise unsupported(f"DROP {kind}")
    project, dataset_id, table_id = catalog.resolve([part.name for part in node.parts])
    outcome.ddl_target = (project, dataset_id, table_id)
    dataset = engine.catalog.writable(project, dataset_id)
    table = dataset.tables.get(table_id)
    if table is None:
        if not statement.args.get("exists"):
            raise not_found(f"Table {dataset.name}.{table_id}")
        outcome.ddl_operation = "SKIP"
    elif table.kind != kind:
        raise unsupported(f"DROP {kind} of a {table.kind}")
    elif cursor is not None:
        engine.drop_table(table)
    return outcome
