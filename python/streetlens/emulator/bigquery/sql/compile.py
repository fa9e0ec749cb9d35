"""The entry to the compiler: one statement in, DuckDB SQL and its GoogleSQL columns out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import invalid_query
from streetlens.emulator.bigquery.sql.expressions import compile_expression
from streetlens.emulator.bigquery.sql.queries import compile_query
from streetlens.emulator.bigquery.sql.scope import Catalog, Context, Query, Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def new_scope(
    sql: str, catalog: Catalog, named: Mapping[str, Typed], positional: Sequence[Typed], now_micros: int
) -> Scope:
    """Return the outermost scope of a statement; `named` has lower-case keys."""
    context = Context(sql, catalog, named, positional, now_micros, compile_expression, compile_query)
    return Scope(context)


def compile_result(statement: Expr, scope: Scope) -> tuple[Query, list[tuple[str, Type]]]:
    """Return the compiled query and its result columns; raises for names that a result cannot have twice."""
    query = scope.query(statement)
    return query, result_columns(query)


def result_columns(query: Query, *, stored: str | None = None) -> list[tuple[str, Type]]:
    """Return the named result columns: anonymous ones are `f0_`, `f1_`, ..., a STRUCT row is spread into its fields.

    Equal names become `a`, `a_1`, ... in a result, and are refused where the columns are `stored` under their names.
    """
    if query.value_table and query.columns[0].type.kind == "STRUCT":
        pairs = [(field.name, field.type) for field in query.columns[0].type.fields]
    else:
        pairs = [(column.name, column.type) for column in query.columns]
    columns, anonymous = [], 0
    for name, type_ in pairs:
        if name is None:
            columns.append((f"f{anonymous}_", type_))
            anonymous += 1
        else:
            columns.append((name, type_))
    return _distinct(columns, stored)


def _distinct(columns: list[tuple[str, Type]], stored: str | None) -> list[tuple[str, Type]]:
    taken = {name.lower() for name, _ in columns}
    seen: set[str] = set()
    unique = []
    for name, type_ in columns:
        if name.lower() not in seen:
            seen.add(name.lower())
            unique.append((name, type_))
            continue
        if stored is not None:
            raise invalid_query(
                f"Duplicate column names in the result are not supported {stored}. Found duplicate(s): {name}"
            )
        number = next(n for n in itertools.count(1) if f"{name}_{n}".lower() not in taken)
        taken.add(f"{name}_{number}".lower())
        unique.append((f"{name}_{number}", type_))
    return unique
