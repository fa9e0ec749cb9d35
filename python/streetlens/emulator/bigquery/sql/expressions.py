"""Compiles expressions: dispatches on the node, and resolves names, fields, parameters and literals."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import invalid_query, unsupported
from streetlens.emulator.bigquery.sql import calls, constructors, conversions, operators
from streetlens.emulator.bigquery.sql.scope import Query, Scope
from streetlens.emulator.bigquery.sql.typed import NULL, Typed, boolean, floating, integer, string
from streetlens.emulator.bigquery.types import (
    BYTES,
    FLOAT64,
    JSON,
    field_keys,
    literal,
    quoted,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Handler = Callable[["Expr", Scope], Typed]


def compile_expression(node: Expr, scope: Scope) -> Typed:
    """Return `node` as DuckDB SQL with its GoogleSQL type; raises invalidQuery for what it cannot mean."""
    handler = _HANDLERS.get(type(node))
    if handler is None:
        if type(node) in _NAMED:
            raise unsupported(_NAMED[type(node)], scope.context.at(node).removeprefix(" at "))
        raise unsupported(f"The expression {node.key.upper()}", scope.context.at(node).removeprefix(" at "))
    return handler(node, scope)


def _literal(node: Expr, scope: Scope) -> Typed:
    text = str(node.this)
    if node.is_string:
        return string(text)
    if text.isdigit():
        value = int(text)
        if value >= 2**63 and not (value == 2**63 and isinstance(node.parent, exp.Neg)):
            raise scope.context.error(f"Invalid integer literal: {text}", node)
        return integer(value)
    number = Typed(f"CAST('{text}' AS DOUBLE)", FLOAT64, "float", float(text))
    return number if text.lower().startswith(".") or "." in text else floating(float(text))


def _negative(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    if value.form == "integer":
        assert isinstance(value.value, int)
        return integer(-value.value)
    if value.form == "float":
        assert isinstance(value.value, float)
        return Typed(f"(-{value.sql})", FLOAT64, "float", -value.value)
    return operators.negated(node, value, scope)


def _hex(node: Expr, _scope: Scope) -> Typed:
    return integer(int(str(node.this), 0 if str(node.this).lower().startswith("0x") else 16))


def _bytes(node: Expr, _scope: Scope) -> Typed:
    data = str(node.this).encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
    return Typed(f"from_hex({literal(data.hex())})", BYTES)


def _path(node: Expr, scope: Scope) -> Typed:
    assert isinstance(node, exp.Column)
    parts = [part for part in node.parts if not isinstance(part, exp.Star)]
    first = parts[0]
    if len(parts) > 1:
        relation = scope.relation(first.name)
        shadowed = _is_column(first.name, scope)
        if relation is not None and not shadowed:
            column = parts[1]
            found = [
                item.value
                for item in relation.columns
                if item.name and item.name.lower() == column.name.lower()
            ]
            if len(found) > 1:
                raise scope.context.error(f"Column name {column.name} is ambiguous", column)
            if found:
                return _fields(found[0], parts[2:], scope)
            if relation.row is not None:
                return _fields(relation.row, parts[1:], scope)
            raise scope.context.error(f"Name {column.name} not found inside {first.name}", column)
    value = scope.lookup(first.name, first)
    if value is None:
        near = difflib.get_close_matches(
            first.name.lower(), [name.lower() for name in scope.column_names()], 1, 0.75
        )
        names = {name.lower(): name for name in scope.column_names()}
        hint = f"; Did you mean {names[near[0]]}?" if near else ""
        raise scope.context.error(f"Unrecognized name: {first.name}{hint}", first)
    return _fields(value, parts[1:], scope)


def _is_column(name: str, scope: Scope) -> bool:
    """Whether the innermost scope that knows `name` knows it as a column; that hides a FROM alias further out."""
    current: Scope | None = scope
    while current is not None:
        if any(relation.alias and relation.alias.lower() == name.lower() for relation in current.relations):
            return False
        if any(
            column.name and column.name.lower() == name.lower()
            for item in current.relations
            for column in item.columns
        ):
            return True
        current = current.parent
    return False


def _fields(value: Typed, parts: list[Expr], scope: Scope) -> Typed:
    for part in parts:
        value = field(value, part, scope)
    return value


def field(value: Typed, part: Expr, scope: Scope) -> Typed:
    """Return a field of a STRUCT or a member of a JSON value."""
    name = part.name
    if value.type.kind == "JSON":
        return Typed(f"json_extract({value.sql}, {literal('$.' + json.dumps(name))})", JSON)
    if value.type.kind != "STRUCT":
        raise scope.context.error(f"Cannot access field {name} on a value with type {value.type}", part)
    for key, item in zip(field_keys(value.type), value.type.fields, strict=True):
        if item.name is not None and item.name.lower() == name.lower():
            return Typed(f"({value.sql}).{quoted(key)}", item.type)
    raise scope.context.error(f"Field name {name} does not exist in {value.type}", part)


def _dot(node: Expr, scope: Scope) -> Typed:
    if isinstance(node.expression, exp.Anonymous):
        raise unsupported(f"The function {node.sql('bigquery')}", scope.context.at(node).removeprefix(" at "))
    if isinstance(node.this, exp.Parameter) and isinstance(node.this.this, exp.Parameter):
        raise unsupported(f"The system variable {node.sql('bigquery')}")
    return field(scope.expression(node.this), node.expression, scope)


def _paren(node: Expr, scope: Scope) -> Typed:
    value = scope.expression(node.this)
    return Typed(f"({value.sql})", value.type, value.form, value.value, value.items)


def _parameter(node: Expr, scope: Scope) -> Typed:
    if isinstance(node.this, exp.Parameter):
        raise unsupported(f"The system variable @@{node.this.name}")
    name = node.this.name
    found = scope.context.named.get(name.lower())
    if found is None:
        raise invalid_query(f"Query parameter '{name}' not found{scope.context.place_of('@' + name)}")
    return found


def _placeholder(node: Expr, scope: Scope) -> Typed:
    used = scope.context.positional_used
    if id(node) not in used:
        if len(used) >= len(scope.context.positional):
            raise scope.context.error(f"Query parameter number {len(used) + 1} is not defined", node)
        used[id(node)] = scope.context.positional[_place(node)]
    return used[id(node)]


def _place(node: Expr) -> int:
    root = node.root()
    ordered = sorted(root.find_all(exp.Placeholder), key=lambda item: item.meta.get("start", 0))
    if not any("start" in item.meta for item in ordered):
        ordered = list(root.find_all(exp.Placeholder, bfs=False))
    return next(index for index, item in enumerate(ordered) if item is node)


def _scalar_subquery(node: Expr, scope: Scope) -> Typed:
    query = scope.query(node)
    if len(query.columns) != 1:
        message = "Scalar subquery cannot have more than one column unless using SELECT AS STRUCT"
        raise scope.context.error(f"{message} to build STRUCT values", node)
    return Typed(f"({query.sql})", query.columns[0].type)


def _exists(node: Expr, scope: Scope) -> Typed:
    query: Query = scope.query(node.this)
    return Typed(f"EXISTS ({query.sql})", boolean(True).type)


def _star(node: Expr, scope: Scope) -> Typed:
    raise scope.context.error("Argument * can only be used in COUNT(*)", node)


_NAMED: dict[type[Expr], str] = {
    exp.StrToTime: "CAST with FORMAT",
    exp.StrToDate: "CAST with FORMAT",
    exp.Kwarg: "A named argument",
    exp.Filter: "FILTER",
    exp.Lambda: "A lambda expression",
}
_HANDLERS: dict[type[Expr], Handler] = {
    exp.Literal: _literal,
    exp.RawString: lambda node, _scope: string(str(node.this)),
    exp.HexString: _hex,
    exp.ByteString: _bytes,
    exp.Boolean: lambda node, _scope: boolean(bool(node.this)),
    exp.Null: lambda _node, _scope: NULL,
    exp.Neg: _negative,
    exp.Column: _path,
    exp.Dot: _dot,
    exp.Paren: _paren,
    exp.Parameter: _parameter,
    exp.Placeholder: _placeholder,
    exp.Subquery: _scalar_subquery,
    exp.Select: _scalar_subquery,
    exp.Exists: _exists,
    exp.Star: _star,
    **operators.HANDLERS,
    **constructors.HANDLERS,
    **conversions.HANDLERS,
    **calls.HANDLERS,
}
