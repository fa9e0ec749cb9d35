"""Functions whose compilation needs more than a signature: conditionals, regular expressions, JSON paths, the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import coerce
from streetlens.emulator.bigquery.sql.functions.jsonpath import read_path
from streetlens.emulator.bigquery.sql.functions.regexp import FUNCTIONS as REGEXP
from streetlens.emulator.bigquery.sql.functions.tojson import to_json
from streetlens.emulator.bigquery.sql.operators import chosen, compared
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import match, no_signature, signature
from streetlens.emulator.bigquery.sql.typed import Typed, string
from streetlens.emulator.bigquery.types import (
    BYTES,
    DATE,
    DATETIME,
    INT64,
    JSON,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    array_of,
    literal,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Function = Callable[[Sequence["Expr"], "Expr", Scope], Typed]


def _coalesce(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if not arguments:
        raise scope.context.error("No matching signature for function COALESCE with no arguments", node)
    common, sqls = chosen(
        [scope.expression(argument) for argument in arguments], node, scope, "function COALESCE"
    )
    return Typed(f"coalesce({', '.join(sqls)})", common)


def _ifnull(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if len(arguments) != 2:
        raise scope.context.error("No matching signature for function IFNULL", node)
    return _coalesce(arguments, node, scope)


def _nullif(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if len(arguments) != 2:
        raise scope.context.error("No matching signature for function NULLIF", node)
    values = [scope.expression(argument) for argument in arguments]
    common, sqls = chosen(values, node, scope, "function NULLIF")
    equal = compared("=", values[0], values[1], node, scope)
    return Typed(f"(CASE WHEN {equal.sql} THEN NULL ELSE {sqls[0]} END)", common)


def _concat(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    values = [scope.expression(argument) for argument in arguments]
    kinds = {value.type.kind for value in values if value.form != "null"}
    if not values or not (kinds <= {"STRING"} or kinds == {"BYTES"}):
        types = ", ".join(str(value.type) for value in values)
        raise scope.context.error(
            f"No matching signature for function CONCAT for argument types: {types}", node
        )
    type_ = BYTES if kinds == {"BYTES"} else STRING
    return Typed("(" + " || ".join(coerce(value, type_).sql for value in values) + ")", type_)


def _error(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if len(arguments) != 1:
        raise scope.context.error("No matching signature for function ERROR", node)
    message = coerce(scope.expression(arguments[0]), STRING)
    return Typed(f"CAST(bq_raise({message.sql}) AS BIGINT)", INT64)


def _json_reader(name: str, template: str, result: Type) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        if len(arguments) not in (1, 2):
            raise scope.context.error(f"No matching signature for function {name}", node)
        value = scope.expression(arguments[0])
        path = scope.expression(arguments[1]) if len(arguments) == 2 else string("$")
        if path.form not in ("string", "parameter") or not isinstance(path.value, str):
            raise scope.context.error("JSONPath must be a string literal or query parameter", node)
        if value.type.kind not in ("JSON", "STRING") and value.form != "null":
            raise scope.context.error(
                f"No matching signature for function {name} for argument types: {value.type}", node
            )
        place = literal(read_path(path.value, name.startswith("JSON_EXTRACT"), node, scope))
        source = value.sql if value.type.kind == "JSON" else f"bq_json_document({value.sql}, {place})"
        shape = result
        if value.type.kind != "JSON" and result.kind == "JSON":
            shape = STRING
        if value.type.kind != "JSON" and result == array_of(JSON):
            shape = array_of(STRING)
        sql = template.format(
            source, literal(read_path(path.value, name.startswith("JSON_EXTRACT"), node, scope))
        )
        if shape == STRING and result == JSON:
            sql = f"nullif(CAST({sql} AS VARCHAR), 'null')"
        elif shape != result:
            sql = f"CAST({sql} AS {'VARCHAR[]' if shape.kind == 'ARRAY' else 'VARCHAR'})"
        return Typed(sql, shape)

    return handle


def _clock(name: str, type_: Type, template: str) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        if len(arguments) > (0 if name == "CURRENT_TIMESTAMP" else 1):
            raise scope.context.error(f"No matching signature for function {name}", node)
        zone = coerce(scope.expression(arguments[0]), STRING).sql if arguments else "'UTC'"
        now = f"(make_timestamp({scope.context.now_micros}) AT TIME ZONE 'UTC')"
        return Typed(template.format(now=now, zone=zone), type_)

    return handle


def _to_json_string(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if len(arguments) != 1:
        raise unsupported("TO_JSON_STRING with pretty printing", scope.context.at(node).removeprefix(" at "))
    value = scope.expression(arguments[0])
    return Typed(f"coalesce(CAST({to_json(value.sql, value.type, True)} AS VARCHAR), 'null')", STRING)


_PARSE_JSON = {
    "exact": [signature("STRING -> JSON", "bq_parse_json({0})")],
    "round": [signature("STRING -> JSON", "CAST(bq_json_rounded({0}) AS JSON)")],
}


def _parse_json(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    mode = "exact"
    if len(arguments) == 2 and isinstance(arguments[1], exp.Kwarg):
        if arguments[1].this.name.lower() != "wide_number_mode":
            raise scope.context.error(
                f"Named argument `{arguments[1].this.name}` not found in signature for call to function PARSE_JSON",
                node,
            )
        mode, arguments = arguments[1].expression.name, arguments[:1]
        if mode not in _PARSE_JSON:
            raise scope.context.error(f"Invalid `wide_number_mode` specified: {mode}", node)
    values = [scope.expression(argument) for argument in arguments]
    found = match(_PARSE_JSON[mode], values)
    if found is None:
        raise no_signature("PARSE_JSON", _PARSE_JSON[mode], values, node, scope)
    return found


def _to_json(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if len(arguments) != 1:
        raise unsupported("TO_JSON with options", scope.context.at(node).removeprefix(" at "))
    value = scope.expression(arguments[0])
    text = f"CAST({to_json(value.sql, value.type, False)} AS VARCHAR)"
    return Typed(f"coalesce(bq_parse_json({text}), CAST('null' AS JSON))", JSON)


FUNCTIONS: dict[str, Function] = {
    "COALESCE": _coalesce,
    "CONCAT": _concat,
    "IFNULL": _ifnull,
    "NULLIF": _nullif,
    "ERROR": _error,
    "JSON_VALUE": _json_reader("JSON_VALUE", "bq_json_value({0}, {1})", STRING),
    "JSON_EXTRACT_SCALAR": _json_reader("JSON_EXTRACT_SCALAR", "bq_json_value({0}, {1})", STRING),
    "JSON_QUERY": _json_reader("JSON_QUERY", "json_extract({0}, {1})", JSON),
    "JSON_EXTRACT": _json_reader("JSON_EXTRACT", "json_extract({0}, {1})", JSON),
    "JSON_QUERY_ARRAY": _json_reader("JSON_QUERY_ARRAY", "bq_json_array({0}, {1})", array_of(JSON)),
    "JSON_EXTRACT_ARRAY": _json_reader("JSON_EXTRACT_ARRAY", "bq_json_array({0}, {1})", array_of(JSON)),
    "JSON_VALUE_ARRAY": _json_reader("JSON_VALUE_ARRAY", "bq_json_value_array({0}, {1})", array_of(STRING)),
    "PARSE_JSON": _parse_json,
    "TO_JSON": _to_json,
    "TO_JSON_STRING": _to_json_string,
    "CURRENT_DATE": _clock("CURRENT_DATE", DATE, "CAST(bq_local({now}, {zone}) AS DATE)"),
    "CURRENT_TIME": _clock("CURRENT_TIME", TIME, "CAST(bq_local({now}, {zone}) AS TIME)"),
    "CURRENT_DATETIME": _clock("CURRENT_DATETIME", DATETIME, "bq_local({now}, {zone})"),
    "CURRENT_TIMESTAMP": _clock("CURRENT_TIMESTAMP", TIMESTAMP, "{now}"),
    **REGEXP,
}
