"""Operators: comparison, logic, arithmetic, bits, concatenation, IN, LIKE, IS, CASE and IF."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance, supertype
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import Signature, match, signature
from streetlens.emulator.bigquery.sql.typed import NULL, Typed
from streetlens.emulator.bigquery.types import BOOL, Type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_INCOMPARABLE = ("GEOGRAPHY", "JSON", "ARRAY")

ARITHMETIC: dict[type[Expr], tuple[str, list[Signature]]] = {
    exp.Add: (
        "+",
        [
            signature("INT64, INT64 -> INT64", "({0} + {1})"),
            signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_float_add({0}, {1})"),
            signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric({0} + {1})"),
            signature("BIGNUMERIC, BIGNUMERIC -> BIGNUMERIC", "bq_bignumeric_add({0}, {1})"),
            signature("DATE, INT64 -> DATE", "bq_valid_date(CAST({0} + CAST({1} AS INTEGER) AS DATE))"),
            signature("INT64, DATE -> DATE", "bq_valid_date(CAST({1} + CAST({0} AS INTEGER) AS DATE))"),
            signature("TIMESTAMP, INTERVAL -> TIMESTAMP", "bq_valid_timestamp({0} + {1})"),
            signature("DATE, INTERVAL -> DATETIME", "bq_valid_datetime(CAST({0} AS TIMESTAMP) + {1})"),
            signature("DATETIME, INTERVAL -> DATETIME", "bq_valid_datetime({0} + {1})"),
            signature("INTERVAL, INTERVAL -> INTERVAL", "({0} + {1})"),
        ],
    ),
    exp.Sub: (
        "-",
        [
            signature("INT64, INT64 -> INT64", "({0} - {1})"),
            signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_float_subtract({0}, {1})"),
            signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric({0} - {1})"),
            signature("BIGNUMERIC, BIGNUMERIC -> BIGNUMERIC", "bq_bignumeric_subtract({0}, {1})"),
            signature("DATE, INT64 -> DATE", "bq_valid_date(CAST({0} - CAST({1} AS INTEGER) AS DATE))"),
            signature("DATE, DATE -> INTERVAL", "to_days(CAST({0} - {1} AS INTEGER))"),
            signature("TIMESTAMP, TIMESTAMP -> INTERVAL", "to_microseconds(epoch_us({0}) - epoch_us({1}))"),
            signature("DATETIME, DATETIME -> INTERVAL", "bq_datetime_subtract({0}, {1})"),
            signature("TIMESTAMP, INTERVAL -> TIMESTAMP", "bq_valid_timestamp({0} - {1})"),
            signature("DATE, INTERVAL -> DATETIME", "bq_valid_datetime(CAST({0} AS TIMESTAMP) - {1})"),
            signature("DATETIME, INTERVAL -> DATETIME", "bq_valid_datetime({0} - {1})"),
            signature("INTERVAL, INTERVAL -> INTERVAL", "({0} - {1})"),
        ],
    ),
    exp.Mul: (
        "*",
        [
            signature("INT64, INT64 -> INT64", "({0} * {1})"),
            signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_float_multiply({0}, {1})"),
            signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric_multiply({0}, {1})"),
            signature("BIGNUMERIC, BIGNUMERIC -> BIGNUMERIC", "bq_bignumeric_multiply({0}, {1})"),
            signature("INTERVAL, INT64 -> INTERVAL", "({0} * {1})"),
            signature("INT64, INTERVAL -> INTERVAL", "({1} * {0})"),
        ],
    ),
    exp.Div: (
        "/",
        [
            signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_divide({0}, {1})"),
            signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric_divide({0}, {1})"),
            signature("BIGNUMERIC, BIGNUMERIC -> BIGNUMERIC", "bq_bignumeric_divide({0}, {1})"),
            signature("INTERVAL, INT64 -> INTERVAL", "bq_interval_divide({0}, {1})"),
        ],
    ),
    exp.BitwiseAnd: ("&", [signature("INT64, INT64 -> INT64", "({0} & {1})")]),
    exp.BitwiseOr: ("|", [signature("INT64, INT64 -> INT64", "({0} | {1})")]),
    exp.BitwiseXor: ("^", [signature("INT64, INT64 -> INT64", "xor({0}, {1})")]),
    exp.BitwiseLeftShift: ("<<", [signature("INT64, INT64 -> INT64", "bq_shift_left({0}, {1})")]),
    exp.BitwiseRightShift: (">>", [signature("INT64, INT64 -> INT64", "bq_shift_right({0}, {1})")]),
    exp.DPipe: (
        "||",
        [
            signature("STRING, STRING -> STRING", "({0} || {1})"),
            signature("BYTES, BYTES -> BYTES", "({0} || {1})"),
            signature("ARRAY<T>, ARRAY<T> -> ARRAY<T>", "bq_array_concat({0}, {1})"),
        ],
    ),
}
_NEGATION = [
    signature("INT64 -> INT64", "(0 - {0})"),
    signature("FLOAT64 -> FLOAT64", "(-{0})"),
    signature("NUMERIC -> NUMERIC", "(-{0})"),
    signature("BIGNUMERIC -> BIGNUMERIC", "bq_bignumeric_subtract('0', {0})"),
    signature("INTERVAL -> INTERVAL", "(-{0})"),
]
_COMPARISONS: dict[type[Expr], str] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip


# These clauses see single rows, so aggregate and analytic functions have no place in them.
_ROWWISE = ("WHERE clause", "JOIN ON clause", "ON clause", "WHEN clause")


def negated(node: Expr, value: Typed, scope: Scope) -> Typed:
    """Return unary minus."""
    return match(_NEGATION, [value]) or _mismatch("-", [value], node, scope)


def compared(operator: str, left: Typed, right: Typed, node: Expr, scope: Scope) -> Typed:
    """Return a comparison; NaN equals nothing and orders before nothing, as in BigQuery."""
    common = supertype([left, right])
    if (
        common is None
        or common.kind in _INCOMPARABLE
        or (common.kind == "STRUCT" and operator not in ("=", "!="))
    ):
        return _mismatch(operator, [left, right], node, scope)
    one, other = coerce(left, common).sql, coerce(right, common).sql
    if common.kind == "FLOAT64":
        names = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
        if left.form == "expression" or right.form == "expression":
            return Typed(f"bq_float_{names[operator]}({one}, {other})", BOOL)
    if common.kind == "BIGNUMERIC":
        return Typed(f"(bq_bignumeric_compare({one}, {other}) {operator} 0)", BOOL)
    return Typed(f"({one} {operator} {other})", BOOL)


def _comparison(node: Expr, scope: Scope) -> Typed:
    left, right = scope.expression(node.this), scope.expression(node.expression)
    return compared(_COMPARISONS[type(node)], left, right, node, scope)


def _arithmetic(node: Expr, scope: Scope) -> Typed:
    operator, signatures = ARITHMETIC[type(node)]
    arguments = [scope.expression(node.this), scope.expression(node.expression)]
    return match(signatures, arguments) or _mismatch(operator, arguments, node, scope)


def _mismatch(operator: str, arguments: Sequence[Typed], node: Expr, scope: Scope) -> Typed:
    types = ", ".join("NULL" if argument.form == "null" else str(argument.type) for argument in arguments)
    raise scope.context.error(
        f"No matching signature for operator {operator} for argument types: {types}", node
    )


def condition(node: Expr, scope: Scope, clause: str) -> Typed:
    """Return a BOOL expression; raises the error BigQuery gives for another type in `clause`."""
    outer, scope.clause = scope.clause, clause if clause in _ROWWISE else scope.clause
    value = scope.expression(node)
    scope.clause = outer
    if distance(value, BOOL) >= IMPOSSIBLE:
        raise scope.context.error(f"{clause} should return type BOOL, but returns {value.type}", node)
    return coerce(value, BOOL)


def _logic(operator: str) -> Callable[[Expr, Scope], Typed]:
    def handle(node: Expr, scope: Scope) -> Typed:
        arguments = [scope.expression(node.this), scope.expression(node.expression)]
        if any(distance(argument, BOOL) >= IMPOSSIBLE for argument in arguments):
            return _mismatch(operator, arguments, node, scope)
        left, right = (coerce(argument, BOOL).sql for argument in arguments)
        return Typed(f"({left} {operator} {right})", BOOL)

    return handle


def _not(node: Expr, scope: Scope) -> Typed:
    if isinstance(node.this, exp.Is):
        return Typed(f"(NOT {scope.expression(node.this).sql})", BOOL)
    value = scope.expression(node.this)
    if distance(value, BOOL) >= IMPOSSIBLE:
        return _mismatch("NOT", [value], node, scope)
    return Typed(f"(NOT {coerce(value, BOOL).sql})", BOOL)


def _is(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    if isinstance(node.expression, exp.Null):
        return Typed(f"({value.sql} IS NULL)", BOOL)
    if isinstance(node.expression, exp.Boolean):
        if distance(value, BOOL) >= IMPOSSIBLE:
            return _mismatch("IS", [value], node, scope)
        wanted = "true" if node.expression.this else "false"
        return Typed(f"({coerce(value, BOOL).sql} IS NOT DISTINCT FROM {wanted})", BOOL)
    raise unsupported(f"IS {node.expression.sql('bigquery')}", scope.context.at(node).removeprefix(" at "))


def _distinct_from(negate: str) -> Callable[[Expr, Scope], Typed]:
    def handle(node: Expr, scope: Scope) -> Typed:
        arguments = [scope.expression(node.this), scope.expression(node.expression)]
        common = supertype(arguments)
        if common is None or common.kind in _INCOMPARABLE:
            return _mismatch(f"IS {negate}DISTINCT FROM", arguments, node, scope)
        left, right = (coerce(argument, common).sql for argument in arguments)
        return Typed(f"({left} IS {negate}DISTINCT FROM {right})", BOOL)

    return handle


def _between(node: Expr, scope: Scope) -> Typed:
    value, low, high = (scope.expression(node.args[key]) for key in ("this", "low", "high"))
    lower = compared(">=", value, low, node, scope)
    upper = compared("<=", value, high, node, scope)
    return Typed(f"({lower.sql} AND {upper.sql})", BOOL)


def _in(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    if node.args.get("unnest") is not None:
        array = scope.expression(node.args["unnest"].expressions[0])
        element = array.type.item if array.type.element is not None else value.type
        items = [Typed("", element)]
        if array.form == "array":
            items = list(array.items)
        common = supertype([value, *items])
        if common is None or array.type.kind != "ARRAY":
            return _mismatch("IN UNNEST", [value, array], node, scope)
        list_sql = coerce(array, Type("ARRAY", element=common)).sql
        return Typed(f"bq_in_array({coerce(value, common).sql}, {list_sql})", BOOL)
    if node.args.get("query") is not None:
        query = scope.query(node.args["query"])
        if len(query.columns) != 1:
            raise scope.context.error("Subquery of type IN must have only one output column", node)
        inner = Typed("", query.columns[0].type)
        common = supertype([value, inner])
        if common is None or common.kind in _INCOMPARABLE:
            return _mismatch("IN", [value, inner], node, scope)
        key = query.columns[0].key
        projected = coerce(Typed(f"q.{key}", inner.type), common).sql
        return Typed(f"({coerce(value, common).sql} IN (SELECT {projected} FROM ({query.sql}) AS q))", BOOL)
    items = [scope.expression(item) for item in node.expressions]
    common = supertype([value, *items])
    if common is None or common.kind in _INCOMPARABLE:
        return _mismatch("IN", [value, *items], node, scope)
    listed = ", ".join(coerce(item, common).sql for item in items)
    return Typed(f"({coerce(value, common).sql} IN ({listed}))", BOOL)


def _like(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    if isinstance(node.expression, exp.Any | exp.All):
        patterns = node.expression.this
        items = patterns.expressions if isinstance(patterns, exp.Tuple) else [patterns.unnest()]
        joiner = " OR " if isinstance(node.expression, exp.Any) else " AND "
        parts = [_like_sql(value, scope.expression(item), node, scope) for item in items]
        return Typed("(" + joiner.join(parts) + ")", BOOL)
    return Typed(_like_sql(value, scope.expression(node.expression), node, scope), BOOL)


_LIKE = [
    signature("STRING, STRING -> BOOL", "({0} LIKE {1} ESCAPE '\\')"),
    signature("BYTES, BYTES -> BOOL", "(decode({0}) LIKE decode({1}) ESCAPE '\\')"),
]


def _like_sql(value: Typed, pattern: Typed, node: Expr, scope: Scope) -> str:
    found = match(_LIKE, [value, pattern])
    return (found or _mismatch("LIKE", [value, pattern], node, scope)).sql


def chosen(branches: Sequence[Typed], node: Expr, scope: Scope, name: str) -> tuple[Type, list[str]]:
    """Return the common type of alternative results and each one converted to it."""
    common = supertype(branches)
    if common is None:
        types = ", ".join(str(branch.type) for branch in branches)
        raise scope.context.error(f"No matching signature for {name} for argument types: {types}", node)
    return common, [coerce(branch, common).sql for branch in branches]


def _case(node: Expr, scope: Scope) -> Typed:
    operand = scope.expression(node.this) if node.this is not None else None
    tests = []
    for branch in node.args["ifs"]:
        if operand is None:
            tests.append(condition(branch.this, scope, "CASE WHEN").sql)
        else:
            tests.append(compared("=", operand, scope.expression(branch.this), branch.this, scope).sql)
    results = [scope.expression(branch.args["true"]) for branch in node.args["ifs"]]
    default = node.args.get("default")
    results.append(scope.expression(default) if default is not None else NULL)
    common, sqls = chosen(results, node, scope, "operator CASE")
    whens = " ".join(f"WHEN {test} THEN {sql}" for test, sql in zip(tests, sqls, strict=False))
    return Typed(f"(CASE {whens} ELSE {sqls[-1]} END)", common)


def _if(node: Expr, scope: Scope) -> Typed:
    test = condition(node.this, scope, "IF condition")
    if node.args.get("false") is None:
        raise scope.context.error("No matching signature for function IF", node)
    results = [scope.expression(node.args["true"]), scope.expression(node.args["false"])]
    common, (yes, no) = chosen(results, node, scope, "function IF")
    return Typed(f"(CASE WHEN {test.sql} THEN {yes} ELSE {no} END)", common)


def _bitwise_not(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    return match([signature("INT64 -> INT64", "(~{0})")], [value]) or _mismatch("~", [value], node, scope)


HANDLERS: dict[type[Expr], Callable[[Expr, Scope], Typed]] = {
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    exp.BitwiseNot: _bitwise_not,
    exp.And: _logic("AND"),
    exp.Or: _logic("OR"),
    exp.Not: _not,
    exp.Is: _is,
    exp.NullSafeEQ: _distinct_from("NOT "),
    exp.NullSafeNEQ: _distinct_from(""),
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Case: _case,
    exp.If: _if,
}
