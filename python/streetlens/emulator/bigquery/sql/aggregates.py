"""Aggregate and window functions, with DISTINCT, ORDER BY, LIMIT, IGNORE NULLS, HAVING MAX and OVER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import match, no_signature, signature
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.sql.windows import order_by
from streetlens.emulator.bigquery.types import INT64

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

    from streetlens.emulator.bigquery.sql.signatures import Signature

# In the templates: <d> is DISTINCT, <o> the ORDER BY inside the call, <w> FILTER and OVER, <n> the LIMIT slice,
# <i> IGNORE NULLS.
_D, _O, _W, _N, _I = "<d>", "<o>", "<w>", "<n>", "<i>"


def _same(name: str, *declarations: str, extra: str = "") -> list[Signature]:
    return [signature(text, f"{name}({_D}{{all}}{extra}){_W}") for text in declarations]


_SPREAD = ("FLOAT64 -> FLOAT64",)
_AVERAGED = f"CAST(sum({_D}{{0}}){_W} AS DECIMAL(38,9)), CAST(count({_D}{{0}}){_W} AS DECIMAL(38,9))"
_NUMERIC_AVG = f"bq_numeric_divide({_AVERAGED})"
_QUANTILE_POSITIONS = "list_transform(range({1} + 1), lambda i: i / {1})"
_TOP = f"bq_top_entries(map_entries(histogram({{{{'v': {{0}}}}}}){_W}), {{1}})"

AGGREGATES: dict[str, list[Signature]] = {
    "COUNT": [signature("T -> INT64", f"count({_D}{{0}}){_W}")],
    "COUNTIF": [signature("BOOL -> INT64", f"count({_D}CASE WHEN {{0}} THEN true END){_W}")],
    "SUM": [
        signature("INT64 -> INT64", f"CAST(sum({_D}{{0}}){_W} AS BIGINT)"),
        signature("FLOAT64 -> FLOAT64", f"sum({_D}{{0}}){_W}"),
        signature("NUMERIC -> NUMERIC", f"CAST(sum({_D}{{0}}){_W} AS DECIMAL(38,9))"),
    ],
    "AVG": [
        signature("INT64 -> FLOAT64", f"avg({_D}{{0}}){_W}"),
        signature("FLOAT64 -> FLOAT64", f"avg({_D}{{0}}){_W}"),
        signature("NUMERIC -> NUMERIC", _NUMERIC_AVG),
    ],
    "MIN": [
        signature(
            "FLOAT64 -> FLOAT64",
            f"CASE WHEN bool_or(isnan({{0}})){_W} THEN CAST('nan' AS DOUBLE) ELSE min({_D}{{0}}){_W} END",
        ),
        signature("T -> T", f"min({_D}{{0}}){_W}"),
    ],
    "MAX": [signature("T -> T", f"max({_D}{{0}}){_W}")],
    "MIN_BY": [signature("T, U -> T", f"arg_min({{0}}, {{1}}){_W}")],
    "MAX_BY": [signature("T, U -> T", f"arg_max({{0}}, {{1}}){_W}")],
    "ANY_VALUE": [signature("T -> T", f"any_value({{0}}){_W}")],
    "ARRAY_AGG": [signature("T -> ARRAY<T>", f"(list({_D}{{0}}{_O}){_W}){_N}")],
    "ARRAY_CONCAT_AGG": [
        signature("ARRAY<T> -> ARRAY<T>", f"flatten((list({{0}}{_O}) FILTER ({{0}} IS NOT NULL){_W}){_N})")
    ],
    "STRING_AGG": [
        signature(
            "STRING -> STRING",
            f"array_to_string((list({_D}{{0}}{_O}) FILTER ({{0}} IS NOT NULL){_W}){_N}, ',')",
        ),
        signature(
            "STRING, STRING -> STRING",
            f"array_to_string((list({_D}{{0}}{_O}) FILTER ({{0}} IS NOT NULL){_W}){_N}, {{1}})",
        ),
    ],
    "LOGICAL_AND": [signature("BOOL -> BOOL", f"bool_and({_D}{{0}}){_W}")],
    "LOGICAL_OR": [signature("BOOL -> BOOL", f"bool_or({_D}{{0}}){_W}")],
    "BIT_AND": [signature("INT64 -> INT64", f"bit_and({_D}{{0}}){_W}")],
    "BIT_OR": [signature("INT64 -> INT64", f"bit_or({_D}{{0}}){_W}")],
    "BIT_XOR": [signature("INT64 -> INT64", f"bit_xor({_D}{{0}}){_W}")],
    "APPROX_COUNT_DISTINCT": [signature("T -> INT64", f"count(DISTINCT {{0}}){_W}")],
    "APPROX_QUANTILES": [
        signature("T, INT64 -> ARRAY<T>", f"quantile_disc({{0}}, {_QUANTILE_POSITIONS}){_W}")
    ],
    "APPROX_TOP_COUNT": [signature("T, INT64 -> ARRAY<STRUCT<value T, count INT64>>", _TOP)],
    "STDDEV": _same("stddev_samp", *_SPREAD),
    "STDDEV_SAMP": _same("stddev_samp", *_SPREAD),
    "STDDEV_POP": _same("stddev_pop", *_SPREAD),
    "VARIANCE": _same("var_samp", *_SPREAD),
    "VAR_SAMP": _same("var_samp", *_SPREAD),
    "VAR_POP": _same("var_pop", *_SPREAD),
    "CORR": [
        signature(
            "FLOAT64, FLOAT64 -> FLOAT64",
            f"CASE WHEN regr_count({{0}}, {{1}}){_W} > 1 THEN corr({{0}}, {{1}}){_W} END",
        )
    ],
    "COVAR_POP": _same("covar_pop", "FLOAT64, FLOAT64 -> FLOAT64"),
    "COVAR_SAMP": _same("covar_samp", "FLOAT64, FLOAT64 -> FLOAT64"),
    "GROUPING": [signature("T -> INT64", "CAST(grouping({0}) AS BIGINT)")],
}

WINDOW_ONLY: dict[str, list[Signature]] = {
    "ROW_NUMBER": [signature(" -> INT64", f"row_number(){_W}")],
    "RANK": [signature(" -> INT64", f"rank(){_W}")],
    "DENSE_RANK": [signature(" -> INT64", f"dense_rank(){_W}")],
    "PERCENT_RANK": [signature(" -> FLOAT64", f"percent_rank(){_W}")],
    "CUME_DIST": [signature(" -> FLOAT64", f"cume_dist(){_W}")],
    "NTILE": [signature("INT64 -> INT64", f"ntile({{0}}){_W}")],
    "LAG": [
        signature("T -> T", f"lag({{0}}){_W}"),
        signature("T, INT64 -> T", f"lag({{0}}, {{1}}){_W}"),
        signature("T, INT64, T -> T", f"lag({{0}}, {{1}}, {{2}}){_W}"),
    ],
    "LEAD": [
        signature("T -> T", f"lead({{0}}){_W}"),
        signature("T, INT64 -> T", f"lead({{0}}, {{1}}){_W}"),
        signature("T, INT64, T -> T", f"lead({{0}}, {{1}}, {{2}}){_W}"),
    ],
    "FIRST_VALUE": [signature("T -> T", f"first_value({{0}}{_I}){_W}")],
    "LAST_VALUE": [signature("T -> T", f"last_value({{0}}{_I}){_W}")],
    "NTH_VALUE": [signature("T, INT64 -> T", f"nth_value({{0}}, {{1}}{_I}){_W}")],
    "PERCENTILE_CONT": [signature("FLOAT64, FLOAT64 -> FLOAT64", f"quantile_cont({{0}}, {{1}}){_W}")],
    "PERCENTILE_DISC": [signature("T, FLOAT64 -> T", f"quantile_disc({{0}}, {{1}}){_W}")],
}
_UNORDERED = ("STRUCT", "ARRAY", "JSON", "GEOGRAPHY", "BIGNUMERIC")
_ORDERED = {"ARRAY_AGG", "STRING_AGG", "ARRAY_CONCAT_AGG"}


@dataclass
class _Modifiers:
    distinct: bool = False
    nulls: str = ""
    order: list[exp.Ordered] = field(default_factory=list)
    limit: Expr | None = None
    having: exp.HavingMax | None = None


def _unwrap(arguments: Sequence[Expr]) -> tuple[list[Expr], _Modifiers]:
    """Return the plain arguments; sqlglot hangs DISTINCT, ORDER BY and LIMIT on the argument they follow."""
    modifiers = _Modifiers()
    plain: list[Expr] = []
    for argument in arguments:
        node = argument
        while True:
            if isinstance(node, exp.Limit):
                modifiers.limit = node.expression
            elif isinstance(node, exp.Order):
                modifiers.order = list(node.expressions)
            elif isinstance(node, exp.IgnoreNulls):
                modifiers.nulls = "IGNORE NULLS"
            elif isinstance(node, exp.RespectNulls):
                modifiers.nulls = "RESPECT NULLS"
            elif isinstance(node, exp.HavingMax):
                modifiers.having = node
            elif isinstance(node, exp.Distinct):
                modifiers.distinct = True
                plain.extend(node.expressions)
                break
            else:
                plain.append(node)
                break
            if node.this is None:
                break
            node = node.this
    return plain, modifiers


def aggregate(name: str, node: Expr, scope: Scope, over: str | None) -> Typed:
    """Return an aggregate call; `over` is the compiled OVER clause of an analytic use."""
    if scope.clause is not None:
        kind = "Aggregate" if over is None else "Analytic"
        raise scope.context.error(f"{kind} function {name} not allowed in {scope.clause}", node)
    arguments, modifiers = _unwrap(list(node.expressions))
    window = over or ""
    if name == "COUNT" and len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        return Typed(f"count(*){window}", INT64)
    if (modifiers.order or modifiers.limit is not None) and name not in _ORDERED:
        raise scope.context.error(
            f"Aggregate function {name} does not support ORDER BY or LIMIT in arguments", node
        )
    values = _arguments(name, arguments, node, scope)
    if modifiers.having is not None:
        return _having(name, values, modifiers.having, scope, window)
    _refuse_modifiers(name, modifiers, node, scope)
    found = match(_filled(AGGREGATES[name], _parts(name, values[:1], modifiers, window, scope)), values)
    if found is None:
        raise no_signature(name, AGGREGATES[name], values, node, scope)
    return found


def _arguments(name: str, arguments: Sequence[Expr], node: Expr, scope: Scope) -> list[Typed]:
    """Return the compiled arguments; raises for types that `name` does not take."""
    values = [scope.expression(argument) for argument in arguments]
    kind = values[0].type.kind if values else ""
    if name in ("MIN", "MAX") and kind in ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY"):
        raise scope.context.error(f"{name} is not defined for arguments of type {values[0].type}", node)
    if name in ("MIN", "MAX", "SUM", "AVG") and kind == "BIGNUMERIC":
        raise unsupported(f"{name} of BIGNUMERIC", scope.context.at(node).removeprefix(" at "))
    if name == "ARRAY_AGG" and kind == "ARRAY":
        message = f"The argument to ARRAY_AGG must not be an array type but was {values[0].type}"
        raise scope.context.error(message, node)
    if name in ("APPROX_QUANTILES", "APPROX_TOP_COUNT") and len(values) == 2:
        if not isinstance(values[1].value, int) or values[1].value < 1:
            raise scope.context.error(
                f"Argument 2 to {name} must be a positive integer literal or parameter", node
            )
        values[1] = Typed(str(values[1].value), INT64, "integer", values[1].value)
    return values


def _refuse_modifiers(name: str, modifiers: _Modifiers, node: Expr, scope: Scope) -> None:
    at = scope.context.at(node).removeprefix(" at ")
    if modifiers.distinct and not all(_D in candidate.template for candidate in AGGREGATES[name]):
        raise unsupported(f"{name} with DISTINCT", at)
    if modifiers.nulls == "RESPECT NULLS" and name != "ARRAY_AGG":
        raise unsupported(f"{name} with RESPECT NULLS", at)


def _parts(
    name: str, first: Sequence[Typed], modifiers: _Modifiers, window: str, scope: Scope
) -> dict[str, str]:
    """Return what stands for each marker in the templates."""
    order = f" ORDER BY {order_by(modifiers.order, scope)}" if modifiers.order else ""
    condition = ""
    if modifiers.nulls == "IGNORE NULLS" and name == "ARRAY_AGG":
        condition = f" FILTER ({first[0].sql} IS NOT NULL)"
    if modifiers.distinct and name in _ORDERED and not order and first[0].type.kind not in _UNORDERED:
        # BigQuery leaves this order open; sorting makes every run give the same answer.
        order = f" ORDER BY {first[0].sql}"
    limit = f"[1:{scope.expression(modifiers.limit).value}]" if modifiers.limit is not None else ""
    distinct = "DISTINCT " if modifiers.distinct else ""
    return {_D: distinct, _O: order, _W: condition + window, _N: limit}


def _filled(signatures: Sequence[Signature], parts: Mapping[str, str]) -> list[Signature]:
    filled = []
    for candidate in signatures:
        template = candidate.template
        for marker, text in parts.items():
            template = template.replace(marker, text.replace("{", "{{").replace("}", "}}"))
        filled.append(replace(candidate, template=template))
    return filled


def _having(name: str, values: Sequence[Typed], having: exp.HavingMax, scope: Scope, window: str) -> Typed:
    by = scope.expression(having.expression)
    function = "arg_max" if having.args.get("max") else "arg_min"
    if name != "ANY_VALUE":
        raise unsupported(
            "HAVING MAX or HAVING MIN outside ANY_VALUE", scope.context.at(having).removeprefix(" at ")
        )
    return Typed(f"{function}({values[0].sql}, {by.sql}){window}", values[0].type)


def window_function(name: str, node: Expr, scope: Scope, over: str) -> Typed:
    """Return a call of a function that exists only with OVER."""
    if scope.clause is not None:
        raise scope.context.error(f"Analytic function {name} not allowed in {scope.clause}", node)
    arguments, modifiers = _unwrap(list(node.expressions))
    values = [scope.expression(argument) for argument in arguments]
    if modifiers.nulls == "RESPECT NULLS" and name.startswith("PERCENTILE"):
        raise unsupported(f"{name} with RESPECT NULLS", scope.context.at(node).removeprefix(" at "))
    nulls = f" {modifiers.nulls}" if modifiers.nulls and not name.startswith("PERCENTILE") else ""
    found = match(_filled(WINDOW_ONLY[name], {_I: nulls, _W: over}), values)
    if found is None:
        raise no_signature(name, WINDOW_ONLY[name], values, node, scope)
    return found
