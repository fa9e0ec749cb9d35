"""OPTIONS(...) of CREATE and ALTER: constant expressions that become parts of a table's resource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import invalid_query
from streetlens.emulator.bigquery.metadata_changes import set_table
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import STRING, TIMESTAMP, Type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_TYPES: dict[str, tuple[str, Type]] = {
    "expiration_timestamp": ("expirationTime", TIMESTAMP),
    "description": ("description", STRING),
    "friendly_name": ("friendlyName", STRING),
}
# These say how BigQuery stores, encrypts or bills a table; the rows are the same without them.
_STORAGE = {
    "partition_expiration_days", "require_partition_filter", "kms_key_name", "default_rounding_mode", "max_staleness",
    "enable_change_history", "storage_billing_model", "tags",
}  # fmt: skip


@dataclass
class TableOptions:
    """The compiled options: SQL by the name of the resource's part, and the labels."""

    values: dict[str, Typed] = field(default_factory=dict)
    labels: dict[str, str] | None = None

    def apply(self, engine: Engine, cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Set the options on a table."""
        body: dict[str, Any] = {}
        for name, value in self.values.items():
            sql = f"epoch_ms({value.sql})" if name == "expirationTime" else value.sql
            found = engine.run(cursor, f"SELECT {sql}").fetchone()
            assert found is not None
            body[name] = found[0]
        if self.labels is not None:
            table.properties.pop("labels", None)
            body["labels"] = self.labels
        set_table(table, body, engine.wall_clock())


def read_options(items: Iterable[Expr], scope: Scope) -> TableOptions:
    """Return the options among the properties of a statement; raises invalidQuery for one BigQuery does not have."""
    options = TableOptions()
    for item in items:
        if type(item) is not exp.Property:  # its subclasses are other clauses of CREATE
            continue
        name, node = item.name.lower(), item.args["value"]
        if name == "labels":
            options.labels = _labels(node, scope)
        elif name in _TYPES:
            key, type_ = _TYPES[name]
            value = scope.expression(node)
            if distance(value, type_) >= IMPOSSIBLE:
                raise scope.context.error(f"Option value for {name} must be of type {type_}", node)
            options.values[key] = coerce(value, type_)
        elif name not in _STORAGE:
            raise invalid_query(f"Unknown option: {name}{scope.context.at(item)}")
    return options


def _labels(node: Expr, scope: Scope) -> dict[str, str]:
    labels = {}
    for pair in node.expressions:
        parts = pair.expressions
        if len(parts) != 2 or not all(isinstance(part, exp.Literal) and part.is_string for part in parts):
            raise scope.context.error("Labels must be an array of pairs of STRING literals", node)
        labels[parts[0].name] = parts[1].name
    return labels
