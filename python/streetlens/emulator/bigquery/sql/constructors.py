"""Constructors and subscripts: STRUCT, tuples, ARRAY literals and subqueries, `[OFFSET(n)]`."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance, supertype
from streetlens.emulator.bigquery.sql.naming import output_name
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import (
    INT64,
    JSON,
    STRING,
    Field,
    Type,
    array_of,
    duckdb_type,
    field_keys,
    literal,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def struct(named: list[tuple[str | None, Typed]]) -> Typed:
    """Return a STRUCT of (name, value) pairs."""
    type_ = Type("STRUCT", tuple(Field(name, value.type) for name, value in named))
    duckdb_type(type_)
    keys = field_keys(type_)
    packed = ", ".join(
        f"{literal(key)}: {coerce(value, value.type).sql}"
        for key, (_, value) in zip(keys, named, strict=True)
    )
    sql = "{" + packed + "}" if named else "NULL"
    return Typed(sql, type_, "struct", items=tuple(value for _, value in named))


def struct_call(arguments: list[Expr], scope: Scope) -> Typed:
    """Return `STRUCT(a, b AS c)`: field names come from aliases and from column names."""
    named = []
    for argument in arguments:
        value = argument.this if isinstance(argument, exp.Alias) else argument
        named.append((output_name(argument), scope.expression(value)))
    return struct(named)


def array(items: list[Typed], node: Expr, scope: Scope) -> Typed:
    """Return an ARRAY literal of the common type of its items."""
    if not items:
        return Typed("CAST([] AS BIGINT[])", array_of(INT64), "empty_array")
    common = supertype(items)
    if common is None:
        types = ", ".join(sorted({str(item.type) for item in items}))
        raise scope.context.error(f"Array elements of types {{{types}}} do not have a common supertype", node)
    if common.kind == "ARRAY":
        raise scope.context.error(
            "Cannot construct array with element type ARRAY because nested arrays are not supported", node
        )
    sqls = ", ".join(coerce(item, common).sql for item in items)
    return Typed(
        f"CAST([{sqls}] AS {duckdb_type(array_of(common))})", array_of(common), "array", items=tuple(items)
    )


def _array(node: Expr, scope: Scope) -> Typed:
    parts = node.expressions
    if len(parts) == 1 and isinstance(parts[0], exp.Query) and not isinstance(parts[0], exp.Subquery):
        query = scope.query(parts[0])
        if len(query.columns) != 1:
            message = "ARRAY subquery cannot have more than one column unless using SELECT AS STRUCT"
            raise scope.context.error(f"{message} to build STRUCT values", node)
        column = query.columns[0]
        if column.type.kind == "ARRAY":
            raise scope.context.error("Cannot use array subquery with column of type ARRAY", node)
        return Typed(
            f"coalesce((SELECT list(q.{column.key}) FROM ({query.sql}) AS q), [])", array_of(column.type)
        )
    return array([scope.expression(part) for part in parts], node, scope)


def _tuple(node: Expr, scope: Scope) -> Typed:
    return struct([(None, scope.expression(part)) for part in node.expressions])


def _bracket(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    index = scope.expression(node.expressions[0])
    if value.type.kind == "JSON":
        if distance(index, INT64) < IMPOSSIBLE:
            return Typed(f"bq_json_at({value.sql}, {coerce(index, INT64).sql})", JSON)
        if distance(index, STRING) < IMPOSSIBLE:
            return Typed(f"bq_json_member({value.sql}, {index.sql})", JSON)
    if value.type.kind != "ARRAY" or distance(index, INT64) >= IMPOSSIBLE:
        raise scope.context.error(
            f"Element access using [] is not supported on values of type {value.type}", node
        )
    base = node.args.get("offset") or 0
    position = coerce(index, INT64).sql
    macro = "bq_array_at_safe" if node.args.get("safe") else "bq_array_at"
    return Typed(f"{macro}({value.sql}, {position} - {base})", value.type.item)


def _anonymous_struct(node: Expr, scope: Scope) -> Typed:
    return struct_call(list(node.expressions), scope)


HANDLERS: dict[type[Expr], Callable[[Expr, Scope], Typed]] = {
    exp.Array: _array,
    exp.Tuple: _tuple,
    exp.Struct: _anonymous_struct,
    exp.Bracket: _bracket,
}
