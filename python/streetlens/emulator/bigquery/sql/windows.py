"""ORDER BY keys and OVER clauses, with BigQuery's place for NULL and NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import INT64

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


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
