"""Compiles queries: SELECT with all its clauses, set operations and WITH."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import invalid_query, unsupported
from streetlens.emulator.bigquery.sql.coercion import coerce, supertype
from streetlens.emulator.bigquery.sql.constructors import struct
from streetlens.emulator.bigquery.sql.naming import output_name
from streetlens.emulator.bigquery.sql.operators import condition
from streetlens.emulator.bigquery.sql.relations import add_from
from streetlens.emulator.bigquery.sql.scope import OutputColumn, Query, Scope
from streetlens.emulator.bigquery.sql.stars import expand_star, is_star
from streetlens.emulator.bigquery.sql.syntax import position
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.sql.windows import order_key
from streetlens.emulator.bigquery.types import INT64, Type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


@dataclass(frozen=True)
class _Item:
    name: str | None
    value: Typed
    node: Expr


def compile_query(node: Expr, outer: Scope) -> Query:
    """Return a query as DuckDB SQL with typed output columns."""
    if isinstance(node, exp.Subquery):
        if not node.args.get("with_") and not any(node.args.get(key) for key in ("order", "limit", "offset")):
            return compile_query(node.this, outer)
        scope, prefix = _with(node, outer)
        inner = compile_query(node.this, scope)
        return Query(prefix + _ordered_set(inner, node, scope), inner.columns, inner.value_table)
    if isinstance(node, exp.Select):
        return _select(node, outer)
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, outer)
    raise unsupported(f"The query form {node.key.upper()}")


def _with(node: Expr, outer: Scope) -> tuple[Scope, str]:
    """Return a scope that knows the common table expressions of `node`, and the WITH clause."""
    scope = outer.child()
    with_ = node.args.get("with_")
    if with_ is None:
        return scope, ""
    parts = []
    for cte in with_.expressions:
        name = cte.alias
        key = scope.context.fresh("cte")
        if with_.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
            query = _recursive(cte, key, scope)
        else:
            query = compile_query(cte.this, scope)
        names = ", ".join(column.key for column in query.columns)
        parts.append(f"{key}({names}) AS ({query.sql})")
        scope.ctes[name.lower()] = Query(f"SELECT {names} FROM {key}", query.columns, query.value_table)
    recursive = "RECURSIVE " if with_.args.get("recursive") else ""
    return scope, f"WITH {recursive}{', '.join(parts)} "


def _recursive(cte: Expr, key: str, scope: Scope) -> Query:
    """Compile the first branch for its types, then the whole union with the name bound to it."""
    base = compile_query(cte.this.this, scope.child())
    names = ", ".join(column.key for column in base.columns)
    scope.ctes[cte.alias.lower()] = Query(f"SELECT {names} FROM {key}", base.columns)
    rest = compile_query(cte.this.expression, scope)
    types = [column.type for column in base.columns]
    if len(rest.columns) != len(types):
        raise scope.context.error("Queries in UNION have mismatched column count", cte.this)
    keyword = "UNION ALL" if cte.this.args.get("distinct") is False else "UNION"
    return Query(f"{base.sql} {keyword} {_aligned(rest, types)}", base.columns)


def _select(node: exp.Select, outer: Scope) -> Query:
    for clause in (
        "into",
        "connect",
        "cluster",
        "distribute",
        "sort",
        "laterals",
        "settings",
        "format",
        "match",
    ):
        if node.args.get(clause):
            raise unsupported(f"The clause {clause.upper()}")
    scope, prefix = _with(node, outer)
    from_sql = add_from(node, scope)
    where = node.args.get("where")
    where_sql = f" WHERE {condition(where.this, scope, 'WHERE clause').sql}" if where is not None else ""
    for window in node.args.get("windows") or []:
        scope.windows[window.name.lower()] = window
    scope.clause = None if from_sql else "SELECT without FROM clause"
    items = _items(node, scope)
    if not items:
        place = (
            scope.context.place_of("FROM")
            if from_sql
            else f" at {position(scope.context.sql, len(scope.context.sql))}"
        )
        problem = "SELECT list must not be empty" if from_sql else "Unexpected end of script"
        raise invalid_query(f"Syntax error: {problem}{place}")
    aliased = _aliased(items, scope)
    group_sql = _group(node, items, scope, aliased)
    having = node.args.get("having")
    having_sql = (
        f" HAVING {condition(having.this, aliased, 'HAVING clause').sql}" if having is not None else ""
    )
    qualify = node.args.get("qualify")
    qualify_sql = (
        f" QUALIFY {condition(qualify.this, aliased, 'QUALIFY clause').sql}" if qualify is not None else ""
    )
    listed = items
    if node.args.get("kind"):
        items = [_value_row(str(node.args["kind"]), items, node, scope)]
    columns = _columns(items, scope)
    selected = ", ".join(
        f"{_materialized(item.value)} AS {column.key}" for item, column in zip(items, columns, strict=True)
    )
    distinct = node.args.get("distinct")
    if distinct is not None:
        _check_distinct(items, scope)
    body = f"SELECT {'DISTINCT ' if distinct is not None else ''}{selected}{from_sql}{where_sql}{group_sql}"
    body += having_sql + qualify_sql
    order = node.args.get("order")
    if order is not None:
        body += " ORDER BY " + ", ".join(
            _order_item(item, listed, columns, aliased) for item in order.expressions
        )
    return Query(prefix + body + _limits(node, scope), columns, bool(node.args.get("kind")))


def _materialized(value: Typed) -> str:
    return coerce(value, value.type).sql if value.form in ("null", "empty_array") else value.sql


def _items(node: exp.Select, scope: Scope) -> list[_Item]:
    items = []
    for part in node.expressions:
        if is_star(part):
            items += [_Item(name, value, part) for name, value in expand_star(part, scope)]
        else:
            value = scope.expression(part.this if isinstance(part, exp.Alias) else part)
            items.append(_Item(output_name(part), value, part))
    return items


def _aliased(items: Sequence[_Item], scope: Scope) -> Scope:
    """Return a scope in which the select list's explicit aliases are names as well."""
    inner = Scope(
        scope.context, scope.parent, scope.relations, scope.merged, scope.ctes, windows=scope.windows
    )
    for item in items:
        if item.name is not None and isinstance(item.node, exp.Alias):
            inner.aliases.setdefault(item.name.lower(), item.value.plain())
    return inner


def _group(node: exp.Select, items: Sequence[_Item], scope: Scope, aliased: Scope) -> str:
    group = node.args.get("group")
    if group is None:
        return ""
    if group.args.get("all"):
        return " GROUP BY ALL"
    parts = [_group_key(item, items, scope, aliased) for item in group.expressions]
    for keyword in ("rollup", "cube", "grouping_sets"):
        if group.args.get(keyword):
            raise unsupported(f"GROUP BY {keyword.replace('_', ' ').upper()} written after other keys")
    return f" GROUP BY {', '.join(parts)}"


def _group_key(node: Expr, items: Sequence[_Item], scope: Scope, aliased: Scope) -> str:
    for kind, keyword in ((exp.Rollup, "ROLLUP"), (exp.Cube, "CUBE"), (exp.GroupingSets, "GROUPING SETS")):
        if isinstance(node, kind):
            return f"{keyword} ({', '.join(_group_key(part, items, scope, aliased) for part in node.expressions)})"
    if isinstance(node, exp.Tuple):
        return f"({', '.join(_group_key(part, items, scope, aliased) for part in node.expressions)})"
    if isinstance(node, exp.Literal) and not node.is_string:
        value = _ordinal(node, items, scope, "GROUP BY").value
    elif isinstance(node, exp.Column) and len(node.parts) == 1 and _group_alias(node.name, items, scope):
        value = aliased.expression(node)
    else:
        value = scope.expression(node)
    if value.type.kind in ("JSON", "GEOGRAPHY"):
        raise scope.context.error(f"Grouping by expressions of type {value.type} is not allowed", node)
    return value.sql


def _group_alias(name: str, items: Sequence[_Item], scope: Scope) -> bool:
    """Whether GROUP BY `name` means a select alias rather than a column of FROM."""
    known = any(
        column.name and column.name.lower() == name.lower()
        for item in scope.relations
        for column in item.columns
    )
    return not known and any(item.name and item.name.lower() == name.lower() for item in items)


def _ordinal(node: Expr, items: Sequence[_Item], scope: Scope, clause: str) -> _Item:
    number = int(node.name)
    if not 1 <= number <= len(items):
        message = f"{clause} is out of SELECT column number range: {number}"
        raise scope.context.error(message, node)
    return items[number - 1]


def _order_item(
    node: exp.Ordered, items: Sequence[_Item], columns: Sequence[OutputColumn], aliased: Scope
) -> str:
    target = node.this
    if isinstance(target, exp.Literal) and not target.is_string:
        _ordinal(target, items, aliased, "ORDER BY")
        position = int(target.name) - 1
        value = items[position].value
        if value.type.kind == "FLOAT64" or len(columns) != len(items):
            return order_key(value.plain(), node, aliased)
        return order_key(Typed(columns[position].key, value.type), node, aliased)
    return order_key(aliased.expression(target).plain(), node, aliased)


def _limits(node: Expr, scope: Scope) -> str:
    sql = ""
    for key, keyword in (("limit", "LIMIT"), ("offset", "OFFSET")):
        clause = node.args.get(key)
        if clause is None:
            continue
        value = scope.expression(clause.expression)
        if value.type != INT64 or not isinstance(value.value, int) or value.value < 0:
            message = f"{keyword} expects an integer literal or parameter that is not negative"
            raise scope.context.error(message, node)
        sql += f" {keyword} {value.value}"
    return sql


def _value_row(kind: str, items: Sequence[_Item], node: Expr, scope: Scope) -> _Item:
    if kind.upper() == "STRUCT":
        return _Item(None, struct([(item.name, item.value) for item in items]), node)
    if len(items) != 1:
        raise scope.context.error("SELECT AS VALUE query must have exactly one column", node)
    return _Item(None, items[0].value, node)


def _columns(items: Sequence[_Item], scope: Scope) -> tuple[OutputColumn, ...]:
    columns = tuple(
        OutputColumn(item.name, item.value.type, scope.context.fresh("c"), item.value.form) for item in items
    )
    scope.context.names.update({column.key: column.name for column in columns if column.name is not None})
    return columns


def _check_distinct(items: Sequence[_Item], scope: Scope) -> None:
    for item in items:
        if item.value.type.kind in ("JSON", "GEOGRAPHY"):
            name = item.name or "1"
            message = f"Column {name} of type {item.value.type} cannot be used in SELECT DISTINCT"
            raise scope.context.error(message, item.node)


def _set_operation(node: exp.SetOperation, outer: Scope) -> Query:
    scope, prefix = _with(node, outer)
    inner = node.this
    if isinstance(inner, exp.SetOperation) and (type(inner), inner.args.get("distinct")) != (
        type(node),
        node.args.get("distinct"),
    ):
        message = (
            "Different set operations cannot be used in the same query without using parentheses for grouping"
        )
        raise scope.context.error(f"Syntax error: {message}", node.expression)
    left, right = compile_query(node.this, scope), compile_query(node.expression, scope)
    if node.args.get("by_name") or node.args.get("side") or node.args.get("kind"):
        raise unsupported("Set operations BY NAME or CORRESPONDING")
    if len(left.columns) != len(right.columns):
        message = f"Queries in {node.key.upper()} have mismatched column count; query 1 has {len(left.columns)} columns"
        raise scope.context.error(f"{message}, query 2 has {len(right.columns)} columns", node.expression)
    types = []
    for index, (one, other) in enumerate(zip(left.columns, right.columns, strict=True), 1):
        common = supertype([_branch_value(one), _branch_value(other)])
        if common is None:
            message = f"Column {index} in {node.key.upper()} has incompatible types: {one.type}, {other.type}"
            raise scope.context.error(message, node)
        types.append(common)
    keyword = {"union": "UNION", "except": "EXCEPT", "intersect": "INTERSECT"}[node.key]
    keyword += " ALL" if node.args.get("distinct") is False else ""
    if keyword in ("EXCEPT ALL", "INTERSECT ALL"):
        raise scope.context.error(f"{keyword} is not supported", node)
    columns = tuple(
        OutputColumn(column.name, type_, scope.context.fresh("c"))
        for column, type_ in zip(left.columns, types, strict=True)
    )
    names = ", ".join(column.key for column in columns)
    both = f"{_aligned(left, types)} {keyword} {_aligned(right, types)}"
    sql = f"SELECT * FROM ({both}) AS {scope.context.fresh('s')}({names})"
    query = Query(sql, columns, left.value_table)
    return Query(prefix + _ordered_set(query, node, scope), columns, left.value_table)


def _aligned(query: Query, types: Sequence[Type]) -> str:
    if all(column.type == type_ for column, type_ in zip(query.columns, types, strict=True)):
        return f"(SELECT * FROM ({query.sql}))"
    pairs = zip(query.columns, types, strict=True)
    parts = ", ".join(coerce(_branch_value(column), type_).sql for column, type_ in pairs)
    return f"(SELECT {parts} FROM ({query.sql}))"


def _branch_value(column: OutputColumn) -> Typed:
    """Return a branch's column as a value; a literal still coerces like one, but for its parts."""
    return Typed(column.key, column.type, "expression" if column.form in ("array", "struct") else column.form)


def _ordered_set(query: Query, node: Expr, scope: Scope) -> str:
    order = node.args.get("order")
    limits = _limits(node, scope)
    if order is None and not limits:
        return query.sql
    inner = scope.child()
    for column in query.columns:
        if column.name is not None:
            inner.aliases.setdefault(column.name.lower(), Typed(column.key, column.type))
    items = [_Item(column.name, Typed(column.key, column.type), node) for column in query.columns]
    sql = f"SELECT * FROM ({query.sql}) AS {scope.context.fresh('s')}"
    if order is not None:
        sql += " ORDER BY " + ", ".join(
            _order_item(item, items, query.columns, inner) for item in order.expressions
        )
    return sql + limits
