"""Function calls: looks the name up in the signature tables, and compiles SAFE., NET. and OVER forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql import aggregates, constructors
from streetlens.emulator.bigquery.sql.functions import KNOWN_BUT_MISSING, SCALAR, SPECIAL
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import match, no_signature
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.sql.windows import over_clause

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def _call(node: Expr, scope: Scope) -> Typed:
    name = str(node.this).upper()
    arguments = list(node.expressions)
    if name == "STRUCT":
        return constructors.struct_call(arguments, scope)
    if name in aggregates.AGGREGATES:
        return aggregates.aggregate(name, node, scope, None)
    if name in aggregates.WINDOW_ONLY:
        raise scope.context.error(f"Analytic function {name} cannot be called without an OVER clause", node)
    return called(name, arguments, node, scope)


def called(name: str, arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    """Return a scalar function call; raises the error BigQuery gives for an unknown name or wrong arguments."""
    if name in SPECIAL:
        return SPECIAL[name](arguments, node, scope)
    if name in SCALAR:
        values = [scope.expression(argument) for argument in arguments]
        found = match(SCALAR[name], values)
        if found is None:
            raise no_signature(name, SCALAR[name], values, node, scope)
        return found
    if name in KNOWN_BUT_MISSING:
        raise unsupported(f"The function {name}", scope.context.at(node).removeprefix(" at "))
    raise scope.context.error(f"Function not found: {node.this}", node)


def _safe(node: Expr, scope: Scope) -> Typed:
    inner = node.this
    if not isinstance(inner, exp.Anonymous):
        raise unsupported(
            f"SAFE. before {inner.sql('bigquery')}", scope.context.at(node).removeprefix(" at ")
        )
    name = str(inner.this).upper()
    if name in aggregates.AGGREGATES:
        raise unsupported(f"SAFE.{name}", scope.context.at(node).removeprefix(" at "))
    value = _call(inner, scope)
    return Typed(f"TRY({value.sql})", value.type)


def _net(node: Expr, scope: Scope) -> Typed:
    return called(f"NET.{str(node.this.this).upper()}", list(node.this.expressions), node, scope)


def _window(node: Expr, scope: Scope) -> Typed:
    inner = node.this
    if not isinstance(inner, exp.Anonymous):
        raise unsupported(f"OVER after {inner.sql('bigquery')}", scope.context.at(node).removeprefix(" at "))
    name = str(inner.this).upper()
    over = over_clause(node, scope)
    if name in aggregates.WINDOW_ONLY:
        return aggregates.window_function(name, inner, scope, over)
    if name in aggregates.AGGREGATES:
        return aggregates.aggregate(name, inner, scope, over)
    raise scope.context.error(f"Function {name} does not support an OVER clause", node)


def _current(name: str) -> Callable[[Expr, Scope], Typed]:
    def handle(node: Expr, scope: Scope) -> Typed:
        argument = node.args.get("this")
        return called(name, [argument] if argument is not None else [], node, scope)

    return handle


def _extract(node: Expr, scope: Scope) -> Typed:
    return SPECIAL["EXTRACT"]([node.this, node.expression], node, scope)


HANDLERS: dict[type[Expr], Callable[[Expr, Scope], Typed]] = {
    exp.Anonymous: _call,
    exp.SafeFunc: _safe,
    exp.NetFunc: _net,
    exp.Window: _window,
    exp.Extract: _extract,
    exp.CurrentDate: _current("CURRENT_DATE"),
    exp.CurrentTime: _current("CURRENT_TIME"),
    exp.CurrentDatetime: _current("CURRENT_DATETIME"),
    exp.CurrentTimestamp: _current("CURRENT_TIMESTAMP"),
}
