"""ALTER TABLE: columns added, dropped, renamed and relaxed, the table renamed, its options set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.definitions import column_field
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, duplicate, invalid_query, unsupported
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog
from streetlens.emulator.bigquery.reshaping import reshape
from streetlens.emulator.bigquery.sql.conversions import declared_type
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.table_options import read_options
from streetlens.emulator.bigquery.types import from_rest_field, quoted, to_rest_field

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Fields = list[dict[str, Any]]
# https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules : what a column may be widened to.
_WIDER = {
    "INTEGER": ("NUMERIC", "BIGNUMERIC", "FLOAT"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT"),
    "BIGNUMERIC": ("FLOAT",),
}


def alter(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """ALTER TABLE; raises notFound without IF EXISTS, and changes nothing when one of its actions is refused."""
    kind = str(statement.args["kind"]).upper()
    if kind != "TABLE":
        raise unsupported(f"ALTER {kind}")
    path = [part.name for part in statement.this.parts]
    outcome = Outcome("ALTER_TABLE", catalog.location or engine.location, ddl_operation="ALTER")
    try:
        table = catalog.target(path)
    except BigQueryError as error:
        if error.reason != "notFound" or not statement.args.get("exists"):
            raise
        outcome.ddl_operation, outcome.ddl_target = "SKIP", catalog.resolve(path)
        return outcome
    outcome.ddl_target = (table.project, table.dataset_id, table.table_id)
    alteration = _Alteration(engine, table, scope)
    for action in statement.args["actions"]:
        alteration.add(action)
    if cursor is not None:
        alteration.apply(cursor)
    return outcome


class _Alteration:
    """The actions of one ALTER TABLE: all are checked before the first one changes anything."""

    def __init__(self, engine: Engine, table: Table, scope: Scope) -> None:
        self._engine = engine
        self._table = table
        self._scope = scope
        self._fields: Fields = [dict(item) for item in table.fields]
        self._later: list[Callable[[duckdb.DuckDBPyConnection], None]] = []
        self._readers: dict[type[Expr], Callable[[Any], None]] = {
            exp.ColumnDef: self._add_column,
            exp.Drop: self._drop_column,
            exp.RenameColumn: self._rename_column,
            exp.AlterColumn: self._alter_column,
            exp.AlterSet: self._set_options,
            exp.AlterRename: self._rename,
        }

    def add(self, action: Expr) -> None:
        """Take one action in; raises for one that is wrong or that the emulator does not know."""
        reader = self._readers.get(type(action))
        if reader is None:
            raise unsupported(f"ALTER TABLE {action.sql('bigquery')}")
        reader(action)
        if not self._fields:
            raise invalid_query(f"Cannot drop the only column of table {self._table.name}")

    def apply(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Change the table."""
        if self._fields != self._table.fields:
            reshape(self._engine, self._table, self._fields)
        for change in self._later:
            change(cursor)
        self._table.modified = self._engine.wall_clock()

    def _column(self, name: str, node: Expr) -> dict[str, Any]:
        for item in self._fields:
            if str(item["name"]).lower() == name.lower():
                return item
        raise self._scope.context.error(f"Column not found: {name} in table {self._table.name}", node)

    def _has(self, name: str) -> bool:
        return any(str(item["name"]).lower() == name.lower() for item in self._fields)

    def _add_column(self, action: exp.ColumnDef) -> None:
        if self._has(action.name):
            if action.args.get("exists"):
                return
            raise self._scope.context.error(f"Column already exists: {action.name}", action)
        field = column_field(action, self._scope)
        if field["mode"] == "REQUIRED":
            message = f"Cannot add required fields to an existing schema. (field: {action.name})"
            raise invalid_query(f"Provided Schema does not match Table {self._table.name}. {message}")
        self._fields.append(field)

    def _drop_column(self, action: exp.Drop) -> None:
        if action.args.get("kind") != "COLUMN":
            raise unsupported(f"ALTER TABLE {action.sql('bigquery')}")
        for node in action.args["tables"]:
            if self._has(node.name) or not action.args.get("exists"):
                self._fields.remove(self._column(node.name, action))

    def _alter_column(self, action: exp.AlterColumn) -> None:
        item = self._column(action.this.name, action)
        if action.args.get("drop") and action.args.get("allow_null"):
            item["mode"] = "NULLABLE" if item["mode"] == "REQUIRED" else item["mode"]
            return
        if action.args.get("dtype") is None:
            raise unsupported(f"ALTER TABLE {action.sql('bigquery')}")
        wanted = to_rest_field(item["name"], declared_type(action.args["dtype"]), item["mode"])
        same = from_rest_field(wanted) == from_rest_field(item)
        if not same and wanted["type"] not in _WIDER.get(item["type"], ()):
            message = f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({item['type']})"
            raise self._scope.context.error(
                f"{message} is assignable to the new type ({wanted['type']})", action
            )
        item |= wanted

    def _rename_column(self, action: exp.RenameColumn) -> None:
        old, new = str(self._column(action.this.name, action)["name"]), action.args["to"].name

        def rename(cursor: duckdb.DuckDBPyConnection) -> None:
            table = self._table
            self._engine.run(
                cursor, f"ALTER TABLE {table.physical} RENAME COLUMN {quoted(old)} TO {quoted(new)}"
            )
            table.fields = [{**item, "name": new} if item["name"] == old else item for item in table.fields]
            self._engine.measure(table, cursor)

        self._later.append(rename)

    def _set_options(self, action: exp.AlterSet) -> None:
        properties = action.expressions[0] if action.expressions else None
        if not isinstance(properties, exp.Properties):
            raise unsupported(f"ALTER TABLE {action.sql('bigquery')}")
        options = read_options(properties.expressions, self._scope)
        self._later.append(lambda cursor: options.apply(self._engine, cursor, self._table))

    def _rename(self, action: exp.AlterRename) -> None:
        name = _new_name(self._engine, action, self._table)
        self._later.append(lambda _: _rename(self._engine, self._table, name))


def _new_name(engine: Engine, action: exp.AlterRename, table: Table) -> str:
    if len(action.this.parts) != 1:
        raise invalid_query("ALTER TABLE RENAME TO takes a name without its dataset")
    dataset = engine.catalog.dataset(table.project, table.dataset_id)
    name: str = action.this.name
    if name in dataset.tables:
        raise duplicate(f"Table {dataset.name}.{name}")
    return name


def _rename(engine: Engine, table: Table, name: str) -> None:
    tables = engine.catalog.dataset(table.project, table.dataset_id).tables
    tables[name] = tables.pop(table.table_id)
    table.table_id = name
