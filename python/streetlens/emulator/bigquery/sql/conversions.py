"""CAST, SAFE_CAST, typed literals, INTERVAL and JSON literals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import BigQueryError, unsupported
from streetlens.emulator.bigquery.sql.casts import can_cast, cast_sql
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance, renamed, same
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import (
    INT64,
    INTERVAL,
    JSON,
    STRING,
    Field,
    Type,
    array_of,
    duckdb_type,
    literal,
    range_of,
    scalar_type,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_NAMES = {
    "BIGINT": "INT64", "INT": "INT64", "DOUBLE": "FLOAT64", "FLOAT": "FLOAT64", "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC", "BOOLEAN": "BOOL", "TEXT": "STRING", "VARCHAR": "STRING", "BINARY": "BYTES",
    "VARBINARY": "BYTES", "DATE": "DATE", "TIME": "TIME", "TIMESTAMP": "DATETIME", "DATETIME": "DATETIME",
    "TIMESTAMPTZ": "TIMESTAMP", "JSON": "JSON", "GEOGRAPHY": "GEOGRAPHY", "INTERVAL": "INTERVAL", "TINYINT": "INT64",
    "SMALLINT": "INT64",
}  # fmt: skip

INTERVAL_UNITS = {
    "MICROSECOND": "microseconds", "MILLISECOND": "milliseconds", "SECOND": "seconds", "MINUTE": "minutes",
    "HOUR": "hours", "DAY": "days", "WEEK": "weeks", "MONTH": "months", "QUARTER": "quarters", "YEAR": "years",
}  # fmt: skip


def declared_type(node: Expr) -> Type:
    """Return the type a DataType node names; raises for a type that does not exist."""
    name = node.this.name if hasattr(node.this, "name") else str(node.this)
    if name == "ARRAY":
        return array_of(declared_type(node.expressions[0]))
    if name == "RANGE":
        return range_of(declared_type(node.expressions[0]))
    if name == "STRUCT":
        fields = []
        for part in node.expressions:
            named = isinstance(part, exp.ColumnDef)
            fields.append(
                Field(part.name if named else None, declared_type(part.args["kind"] if named else part))
            )
        return Type("STRUCT", tuple(fields))
    found = scalar_type(_NAMES.get(name, name))
    if found is None:
        raise unsupported(f"The type {node.sql('bigquery')}")
    return found


def _cast(node: Expr, scope: Scope) -> Typed:
    target = declared_type(node.args["to"])
    safe = isinstance(node, exp.TryCast)
    if node.args.get("format") is not None:
        raise unsupported("CAST with FORMAT", scope.context.at(node).removeprefix(" at "))
    if isinstance(node.this, exp.Array | exp.Struct | exp.Tuple) and _is_constructor(node):
        return _typed_constructor(node, target, scope)
    value = scope.expression(node.this)
    if value.form in ("null", "empty_array"):
        return coerce(value, target)
    if target.kind == "RANGE" and value.form == "string":
        return _range_literal(str(value.value), target, node, scope)
    if same(value.type, target):
        sql = renamed(value.sql, value.type, target)
    elif can_cast(value.type, target):
        sql = cast_sql(value.sql, value.type, target)
    else:
        raise scope.context.error(f"Invalid cast from {value.type} to {target}", node)
    sql = _parameterized(sql, target, node)
    return Typed(f"TRY({sql})" if safe else sql, target)


def _is_constructor(node: Expr) -> bool:
    return node.args["to"].this.name in ("ARRAY", "STRUCT") and not isinstance(node, exp.TryCast)


def _typed_constructor(node: Expr, target: Type, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    if distance(value, target) < IMPOSSIBLE:
        return coerce(value, target)
    if can_cast(value.type, target):
        return Typed(cast_sql(value.sql, value.type, target), target)
    raise scope.context.error(f"Invalid cast from {value.type} to {target}", node)


def _parameterized(sql: str, target: Type, node: Expr) -> str:
    parameters = [
        int(part.this.name) for part in node.args["to"].expressions if isinstance(part, exp.DataTypeParam)
    ]
    if not parameters:
        return sql
    if target.kind == "NUMERIC":
        scale = parameters[1] if len(parameters) > 1 else 0
        return f"CAST(CAST({sql} AS DECIMAL({parameters[0]},{scale})) AS {duckdb_type(target)})"
    if target.kind in ("STRING", "BYTES"):
        return f"bq_limited({sql}, {parameters[0]})"
    raise unsupported(f"CAST to {node.args['to'].sql('bigquery')}")


def _range_literal(text: str, target: Type, node: Expr, scope: Scope) -> Typed:
    if not (text.startswith("[") and text.endswith(")") and text.count(",") == 1):
        raise scope.context.error(f"Invalid RANGE literal value {text!r}", node)
    bounds = []
    for part in text[1:-1].split(","):
        word = part.strip()
        if word.upper() in ("UNBOUNDED", "NULL"):
            bounds.append(f"CAST(NULL AS {duckdb_type(target.item)})")
        else:
            bounds.append(cast_sql(literal(word), STRING, target.item))
    return Typed(f"bq_range({bounds[0]}, {bounds[1]})", target)


def interval(node: Expr, scope: Scope) -> tuple[Typed, str]:
    """Return the amount and unit of `INTERVAL n UNIT`; raises for a unit BigQuery does not have."""
    unit = str(node.args["unit"].name).upper()
    if unit not in INTERVAL_UNITS:
        raise scope.context.error(f"A valid date part name is required but found {unit}", node)
    amount = node.this
    value = scope.expression(amount)
    if value.form == "string":
        text = str(value.value)
        try:
            return Typed(f"CAST({int(text)} AS BIGINT)", INT64, "integer", int(text)), unit
        except ValueError:
            raise scope.context.error(f"Invalid INTERVAL value '{text}'", node) from None
    if distance(value, INT64) >= IMPOSSIBLE:
        raise scope.context.error(
            f"Interval value must be coercible to INT64 type, but found {value.type}", node
        )
    return coerce(value, INT64), unit


def _interval(node: Expr, scope: Scope) -> Typed:
    if isinstance(node.args["unit"], exp.IntervalSpan):
        span = node.args["unit"]
        value = scope.expression(node.this)
        if value.form != "string":
            raise scope.context.error("INTERVAL with a range of units needs a string literal", node)
        text = f"{span.this.name} TO {span.expression.name}".upper()
        return Typed(f"bq_interval_parse({value.sql}, {literal(text)})", INTERVAL)
    amount, unit = interval(node, scope)
    if unit == "QUARTER":
        return Typed(f"to_months(CAST({amount.sql} * 3 AS INTEGER))", INTERVAL)
    if unit == "WEEK":
        return Typed(f"to_days(CAST({amount.sql} * 7 AS INTEGER))", INTERVAL)
    if unit in ("DAY", "MONTH", "YEAR"):
        return Typed(f"to_{INTERVAL_UNITS[unit]}(CAST({amount.sql} AS INTEGER))", INTERVAL)
    return Typed(f"to_{INTERVAL_UNITS[unit]}({amount.sql})", INTERVAL)


def _json_literal(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    try:
        sql = cast_sql(value.sql, value.type, STRING)
    except BigQueryError:
        raise scope.context.error("JSON literal needs a string", node) from None
    return Typed(f"bq_parse_json({sql})", JSON)


HANDLERS: dict[type[Expr], Callable[[Expr, Scope], Typed]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Interval: _interval,
    exp.ParseJSON: _json_literal,
}
