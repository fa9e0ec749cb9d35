"""DDL: CREATE and DROP of tables, views and data sets."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import (
    BigQueryError,
    duplicate,
    invalid_query,
    not_found,
    unsupported,
)
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.compile import result_columns
from streetlens.emulator.bigquery.sql.conversions import declared_type
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.syntax import GoogleSql
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.table_options import read_options
from streetlens.emulator.bigquery.types import from_rest_field, to_rest_field, to_rest_schema

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

# These say how BigQuery stores a table, not what it holds; the rows are the same without them.
_STORAGE_PROPERTIES = (
    exp.PartitionedByProperty,
    exp.Cluster,
    exp.ClusterProperty,
    exp.Property,
    exp.LikeProperty,
    exp.TemporaryProperty,
)


def create(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """CREATE TABLE, VIEW or SCHEMA; raises duplicate for one that exists."""
    kind = str(statement.args["kind"]).upper()
    _refuse_properties(kind, statement)
    if kind == "SCHEMA":
        return _create_schema(engine, statement, catalog, cursor)
    node = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
    path = [part.name for part in node.parts]
    temporary = any(isinstance(item, exp.TemporaryProperty) for item in _properties(statement))
    project, dataset_id, table_id = catalog.temporary(path) if temporary else catalog.resolve(path)
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
    content = _content(statement, scope, catalog)
    options = read_options(_properties(statement), scope)
    if content.query_sql is not None and kind == "TABLE":
        outcome.statement_type = "CREATE_TABLE_AS_SELECT"
        outcome.bytes_processed = catalog.cost(scope, content.query_sql)
    outcome.referenced = list(catalog.referenced.values())
    if cursor is None:
        return outcome
    catalog.check_limit(outcome)
    if existing is not None:
        outcome.ddl_operation = "REPLACE"
    if kind == "VIEW":
        text = _view_text(scope.context.sql)
        if existing is not None:
            engine.drop_table(existing)
        table = Table(project, dataset_id, table_id, content.fields, "", "VIEW", text)
        dataset.tables[table_id] = table
    else:
        table = engine.create_table(
            dataset, table_id, content.fields, query_sql=content.query_sql, replace=True, cursor=cursor
        )
    options.apply(engine, cursor, table)
    return outcome


@dataclass(frozen=True)
class _Content:
    """What a new table holds: its schema, and the SQL of its first rows."""

    fields: list[dict[str, Any]]
    query_sql: str | None = None


def _content(statement: Expr, scope: Scope, catalog: StatementCatalog) -> _Content:
    kind = str(statement.args["kind"]).upper()
    fields = (
        [column_field(column, scope) for column in statement.this.expressions]
        if isinstance(statement.this, exp.Schema)
        else []
    )
    clone = statement.args.get("clone")
    like = [clone, *(item for item in _properties(statement) if isinstance(item, exp.LikeProperty))]
    model = next((item for item in like if item is not None), None)
    if model is not None:
        source = catalog.table([part.name for part in model.this.parts])
        copied = f"SELECT * FROM {source.physical}" if clone is not None else None
        return _Content([dict(item) for item in source.fields], copied)
    node = statement.args.get("expression")
    if node is None:
        return _Content(fields)
    query = scope.query(node)
    columns = result_columns(query, stored=f"in CREATE {kind}")
    if not fields or kind == "VIEW":
        return _Content(to_rest_schema(columns)["fields"], query.result_sql)
    if len(fields) != len(columns):
        message = f"The number of columns in the column definition list ({len(fields)}) does not match the number of"
        raise invalid_query(f"{message} columns in the query ({len(columns)})")
    values = []
    for item, key, (_, type_) in zip(fields, query.keys, columns, strict=True):
        value, wanted = Typed(key, type_), from_rest_field(item)
        if distance(value, wanted) >= IMPOSSIBLE:
            raise invalid_query(
                f"Column {item['name']} has type {wanted}, but the query gives it type {type_}"
            )
        values.append(coerce(value, wanted).sql)
    return _Content(fields, f"SELECT {', '.join(values)} FROM ({query.sql})")


def _properties(statement: Expr) -> list[Expr]:
    found = statement.args.get("properties")
    return list(found.expressions) if found is not None else []


def _refuse_properties(kind: str, statement: Expr) -> None:
    """Raise for a CREATE whose properties would change what the table holds."""
    if kind not in ("TABLE", "VIEW", "SCHEMA"):
        raise unsupported(f"CREATE {kind}")
    for item in _properties(statement):
        if not isinstance(
            item, _STORAGE_PROPERTIES if kind != "SCHEMA" else exp.LocationProperty | exp.Property
        ):
            raise unsupported(f"CREATE {kind} with {item.sql('bigquery')}")
    for part in ("shallow", "no_schema_binding", "indexes", "begin"):
        if statement.args.get(part):
            raise unsupported(f"CREATE {kind} with {part.upper()}")


def _view_text(sql: str) -> str:
    """Return the query of a CREATE VIEW statement as it was written: what follows the first AS."""
    token = next(token for token in GoogleSql().tokenize(sql) if token.text.upper() == "AS")
    return sql[token.end + 1 :].strip().rstrip(";").rstrip()


def column_field(column: Expr, scope: Scope) -> dict[str, Any]:
    """Return the schema field of a column definition; raises for what the emulator does not know of it."""
    if not isinstance(column, exp.ColumnDef):
        raise unsupported(f"{column.sql('bigquery')} in a column list")
    field = to_rest_field(column.name, declared_type(column.args["kind"]), "NULLABLE")
    for constraint in column.args.get("constraints") or ():
        if isinstance(constraint.kind, exp.NotNullColumnConstraint):
            field["mode"] = "REQUIRED" if field["mode"] == "NULLABLE" else field["mode"]
        elif isinstance(constraint.kind, exp.Properties):
            field |= {
                item.name: item.args["value"].name
                for item in constraint.kind.expressions
                if item.name.lower() == "description"
            }
        else:
            raise unsupported(f"The column constraint {constraint.sql('bigquery')}{scope.context.at(column)}")
    return field


def _create_schema(
    engine: Engine, statement: Expr, catalog: StatementCatalog, cursor: duckdb.DuckDBPyConnection | None
) -> Outcome:
    project, dataset_id = _schema_name(catalog, statement.this)
    outcome = Outcome("CREATE_SCHEMA", catalog.location or engine.location, ddl_operation="CREATE")
    existing = engine.catalog.find(project, dataset_id)
    if existing is not None:
        if not statement.args.get("exists"):
            raise duplicate(f"Dataset {existing.name}")
        outcome.ddl_operation = "SKIP"
    elif cursor is not None:
        place = next(
            (item for item in _properties(statement) if isinstance(item, exp.LocationProperty)), None
        )
        location = place.this.name if place is not None else catalog.location
        engine.create_dataset(dataset_id, project=project, location=location)
    return outcome


def _schema_name(catalog: StatementCatalog, node: Expr) -> tuple[str, str]:
    parts = [
        piece
        for part in (node.args.get("catalog"), node.args.get("db"))
        if part
        for piece in part.name.split(".")
    ]
    return (parts[0] if len(parts) > 1 else catalog.project), parts[-1]


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
        project, dataset_id = _schema_name(catalog, node)
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
