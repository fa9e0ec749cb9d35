"""DML and DDL: which statements change data, on which table, and how many rows they touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery import alterations, definitions, manipulation
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.outcomes import Outcome, StatementCatalog
from streetlens.emulator.bigquery.sql.scope import Scope

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Change = Callable[[Engine, "Expr", Scope, StatementCatalog, "duckdb.DuckDBPyConnection | None"], Outcome]

_CHANGES: dict[type[Expr], Change] = {
    exp.Insert: manipulation.insert,
    exp.Update: manipulation.update,
    exp.Delete: manipulation.delete,
    exp.Merge: manipulation.merge,
    exp.TruncateTable: manipulation.truncate,
    exp.Create: definitions.create,
    exp.Drop: definitions.drop,
    exp.Alter: alterations.alter,
}


def change(
    engine: Engine,
    statement: Expr,
    scope: Scope,
    catalog: StatementCatalog,
    cursor: duckdb.DuckDBPyConnection | None,
) -> Outcome:
    """Apply a DML or DDL statement, or only check it when there is no cursor (a dry run); raises its errors."""
    handler = _CHANGES.get(type(statement))
    if handler is None:
        raise unsupported(f"The statement {statement.key.upper()}")
    with engine.writing:
        return handler(engine, statement, scope, catalog, cursor)
