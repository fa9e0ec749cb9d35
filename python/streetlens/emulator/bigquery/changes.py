"""DML and DDL statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.scope import Scope

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

    from streetlens.emulator.bigquery.statements import Outcome, StatementCatalog


def check_change(engine: Engine, statement: Expression, scope: Scope, catalog: StatementCatalog) -> Outcome:  # noqa: ARG001
    """Refuse."""
    raise unsupported(f"The statement {statement.key.upper()}")


def apply_change(
    engine: Engine,  # noqa: ARG001
    statement: Expression,
    scope: Scope,  # noqa: ARG001
    catalog: StatementCatalog,  # noqa: ARG001
    cursor: duckdb.DuckDBPyConnection,  # noqa: ARG001
) -> Outcome:
    """Refuse."""
    raise unsupported(f"The statement {statement.key.upper()}")
