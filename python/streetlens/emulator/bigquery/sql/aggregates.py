"""Aggregate and window functions, with DISTINCT, ORDER BY, LIMIT, IGNORE NULLS, HAVING MAX and OVER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import match, no_signature, signature
from streetlens.emulator.bigquery.sql.typed import Typed
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
_TOP = f"bq_top_entries(map_entries(histogram({{0}}){_W}), {{1}})"

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
            f"CASE WHEN bool_or(isnan({{0}})){_W} THEN CAST('nan' AS DOUBLE) ELSE min({{0}}){_W} END",
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
    "CORR": _same("corr", "FLOAT64, FLOAT64 -> FLOAT64"),
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
    values = [scope.expression(argument) for argument in arguments]
    if name in ("MIN", "MAX") and values and values[0].type.kind in ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY"):
        raise scope.context.error(f"{name} is not defined for arguments of type {values[0].type}", node)
    if name in ("MIN", "MAX") and values and values[0].type.kind == "BIGNUMERIC":
        raise unsupported(f"{name} of BIGNUMERIC", scope.context.at(node).removeprefix(" at "))
    if name == "ARRAY_AGG" and values and values[0].type.kind == "ARRAY":
        raise scope.context.error(
            "The argument to ARRAY_AGG must not be an array type but was " + str(values[0].type), node
        )
    if name == "APPROX_QUANTILES" and len(values) == 2:
        values[1] = Typed(str(values[1].value), INT64, "integer", values[1].value)
    if modifiers.having is not None:
        return _having(name, values, modifiers.having, scope, window)
    condition = ""
    if modifiers.nulls == "IGNORE NULLS" and name == "ARRAY_AGG":
        condition = f" FILTER ({values[0].sql} IS NOT NULL)"
    order = f" ORDER BY {order_by(modifiers.order, scope)}" if modifiers.order else ""
    limit = f"[1:{scope.expression(modifiers.limit).value}]" if modifiers.limit is not None else ""
    distinct = "DISTINCT " if modifiers.distinct else ""
    signatures = _filled(AGGREGATES[name], {_D: distinct, _O: order, _W: condition + window, _N: limit})
    found = match(signatures, values)
    if found is None:
        raise no_signature(name, AGGREGATES[name], values, node, scope)
    return found


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


def order_by(ordered: Sequence[Expr], scope: Scope) -> str:
    """Return ORDER BY keys: NULL first ascending and last descending, NaN between NULL and the numbers."""
    keys = []
    for item in ordered:
        value = scope.expression(item.this)
        keys.append(order_key(value, item, scope))
    return ", ".join(keys)


def order_key(value: Typed, item: Expr, scope: Scope) -> str:
    """Return one ORDER BY key of an already compiled value."""
    if value.type.kind in ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY"):
        raise scope.context.error(f"ORDER BY does not support expressions of type {value.type}", item)
    if value.type.kind == "BIGNUMERIC":
        raise unsupported("ORDER BY a BIGNUMERIC", scope.context.at(item).removeprefix(" at "))
    descending = bool(item.args.get("desc"))
    nulls_first = bool(item.args.get("nulls_first"))
    nulls = "NULLS FIRST" if nulls_first else "NULLS LAST"
    direction = "DESC" if descending else "ASC"
    key = f"{value.sql} {direction} {nulls}"
    if value.type.kind == "FLOAT64" and value.form == "expression":
        return f"isnan({value.sql}) {'ASC' if descending else 'DESC'} {nulls}, {key}"
    return key


def over_clause(node: Expr, scope: Scope) -> str:
    """Return the OVER clause, with a named window written out."""
    named = node.args.get("alias")
    base = node
    if named is not None:
        current: Scope | None = scope
        while current is not None and named.name.lower() not in current.windows:
            current = current.parent
        if current is None:
            raise scope.context.error(f"Unrecognized window alias {named.name}", node)
        base = current.windows[named.name.lower()]
    partition = node.args.get("partition_by") or base.args.get("partition_by") or []
    order = node.args.get("order") or base.args.get("order")
    spec = node.args.get("spec") or base.args.get("spec")
    parts = []
    if partition:
        parts.append("PARTITION BY " + ", ".join(scope.expression(item).sql for item in partition))
    if order is not None:
        parts.append("ORDER BY " + _window_order(order, spec, scope))
    if spec is not None:
        parts.append(_frame(spec, scope))
    return f" OVER ({' '.join(parts)})"


def _window_order(order: Expr, spec: Expr | None, scope: Scope) -> str:
    if spec is not None and spec.args.get("kind") == "RANGE":
        item = order.expressions[0]
        value = scope.expression(item.this)
        direction = "DESC NULLS LAST" if item.args.get("desc") else "ASC NULLS FIRST"
        return f"{value.sql} {direction}"
    return order_by(order.expressions, scope)


def _frame(spec: Expr, scope: Scope) -> str:
    def bound(side: str) -> str:
        value = spec.args.get(side)
        if isinstance(value, str):
            return f"{value} {spec.args.get(side + '_side') or ''}".strip()
        if value is None:
            return "CURRENT ROW"
        amount = scope.expression(value)
        if distance(amount, INT64) >= IMPOSSIBLE and spec.args.get("kind") == "ROWS":
            raise scope.context.error("Window framing expression must be an INT64", value)
        number = coerce(amount, INT64).sql if spec.args.get("kind") == "ROWS" else amount.sql
        return f"{number} {spec.args[side + '_side']}"

    return f"{spec.args['kind']} BETWEEN {bound('start')} AND {bound('end')}"
