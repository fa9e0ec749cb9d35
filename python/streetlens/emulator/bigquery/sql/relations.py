"""Compiles FROM: tables, subqueries, UNNEST and joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import coerce, supertype
from streetlens.emulator.bigquery.sql.operators import compared, condition
from streetlens.emulator.bigquery.sql.scope import Column, Query, Relation, Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import INT64, field_keys, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def add_from(node: exp.Select, scope: Scope) -> str:
    """Add the FROM items of a SELECT to `scope` and return the FROM clause, empty without one."""
    from_ = node.args.get("from_")
    if from_ is None:
        return ""
    sql = add_item(from_.this, scope)
    for join in [*(from_.this.args.get("joins") or []), *(node.args.get("joins") or [])]:
        sql = _join(sql, join, scope)
    return f" FROM {sql}"


def add_item(node: Expr, scope: Scope) -> str:
    """Add one FROM item to `scope` and return its SQL."""
    if node.args.get("pivots"):
        raise unsupported("PIVOT and UNPIVOT", scope.context.at(node).removeprefix(" at "))
    if isinstance(node, exp.Table):
        return _table(node, scope)
    if isinstance(node, exp.Unnest):
        return _unnest(node, scope)
    if isinstance(node, exp.Subquery):
        if isinstance(node.this, exp.Table):
            return _parenthesized(node, scope)
        outer = scope.parent.child() if scope.parent is not None else scope.child()
        outer.ctes = scope.ctes
        query = scope.context.query(node, outer)
        return _derived(query, node.alias or None, scope)
    raise unsupported(f"{node.key.upper()} in FROM", scope.context.at(node).removeprefix(" at "))


def _parenthesized(node: exp.Subquery, scope: Scope) -> str:
    sql = add_item(node.this, scope)
    for join in [*(node.this.args.get("joins") or []), *(node.args.get("joins") or [])]:
        sql = _join(sql, join, scope)
    return f"({sql})"


def _derived(query: Query, alias: str | None, scope: Scope) -> str:
    key = scope.context.fresh("t")
    columns = [Column(column.name, Typed(f"{key}.{column.key}", column.type)) for column in query.columns]
    row = None
    if query.value_table:
        row = columns[0].value
        columns = _fields_of(row) if row.type.kind == "STRUCT" else [Column(alias, row)]
    scope.relations.append(Relation(alias, tuple(columns), row))
    return f"({query.sql}) AS {key}"


def _fields_of(row: Typed) -> list[Column]:
    return [
        Column(field.name, Typed(f"({row.sql}).{quoted(key)}", field.type))
        for key, field in zip(field_keys(row.type), row.type.fields, strict=True)
    ]


def _table(node: exp.Table, scope: Scope) -> str:
    for option in ("version", "when", "partition", "changes", "rows_from", "hints", "ordinality"):
        if node.args.get(option):
            raise unsupported("FOR SYSTEM_TIME AS OF" if option == "version" else option.upper())
    if isinstance(node.this, exp.Anonymous):
        raise unsupported(f"The table function {node.this.this}", scope.context.at(node).removeprefix(" at "))
    path = [part.name for part in node.parts]
    alias = node.alias or path[-1].split(".")[-1]
    if len(path) == 1:
        cte = scope.cte(path[0])
        if cte is not None:
            return _sampled(_derived(cte, alias, scope), node, scope)
        if path[0].count(".") > 0:
            path = path[0].split(".")
    else:
        correlated = scope.relation(path[0]) or scope.lookup(path[0], node)
        if correlated is not None:
            return _implicit_unnest(node, scope)
    source = scope.context.catalog.source(path)
    key = scope.context.fresh("t")
    if source.table is not None:
        scope.context.scans.append((key, source.table))
    columns = tuple(Column(name, Typed(f"{key}.{quoted(name)}", type_)) for name, type_ in source.columns)
    explicit = node.args.get("alias")
    name = (
        explicit.name
        if explicit is not None and not path[-1].upper().startswith("INFORMATION_SCHEMA")
        else alias
    )
    scope.relations.append(Relation(name, columns))
    return _sampled(f"{source.sql} AS {key}", node, scope)


def _sampled(sql: str, node: exp.Table, scope: Scope) -> str:
    sample = node.args.get("sample")
    if sample is None:
        return sql
    percent = sample.args.get("percent")
    if percent is None:
        raise unsupported("TABLESAMPLE without PERCENT", scope.context.at(node).removeprefix(" at "))
    value = scope.expression(percent).value
    if not isinstance(value, int | float) or not 0 <= value <= 100:
        raise scope.context.error("TABLESAMPLE percent must be between 0 and 100", node)
    return f"{sql} TABLESAMPLE bernoulli({value} PERCENT)"


def _implicit_unnest(node: exp.Table, scope: Scope) -> str:
    """Return `FROM t, t.array AS a`, an UNNEST by another spelling."""
    parts = list(node.parts)
    column: Expr = exp.Column(this=parts[-1].copy())
    for key, part in zip(("table", "db", "catalog"), reversed(parts[:-1]), strict=False):
        column.set(key, part.copy())
    offset = node.args.get("offset")
    return _unnested(column, node.alias or parts[-1].name, offset.name if offset else None, node, scope)


def _unnest(node: exp.Unnest, scope: Scope) -> str:
    if len(node.expressions) != 1:
        raise unsupported("UNNEST of several arrays", scope.context.at(node).removeprefix(" at "))
    alias_node = node.args.get("alias")
    alias = None
    if alias_node is not None:
        alias = alias_node.columns[0].name if alias_node.columns else alias_node.name or None
    offset = node.args.get("offset")
    offset_name = None
    if offset:
        offset_name = offset.name if isinstance(offset, exp.Expr) else "offset"
    return _unnested(node.expressions[0], alias, offset_name, node, scope)


def _unnested(array_node: Expr, alias: str | None, offset: str | None, node: Expr, scope: Scope) -> str:
    array = scope.expression(array_node)
    if array.type.kind != "ARRAY":
        raise scope.context.error(
            f"Values referenced in UNNEST must be arrays. UNNEST contains expression of type {array.type}",
            node,
        )
    key = scope.context.fresh("t")
    row = Typed(f"{key}.v", array.type.item)
    columns = _fields_of(row) if row.type.kind == "STRUCT" else [Column(alias, row)]
    relation = Relation(alias, tuple(columns), row)
    scope.relations.append(relation)
    if offset is not None:
        position = Typed(f"{key}.o", INT64)
        scope.relations.append(Relation(None, (Column(offset, position),)))
    sql = array.sql
    # The list is numbered before it is unnested, so that the offset starts at 0 and follows the array's order.
    numbered = f"SELECT unnest({sql}) AS v, CAST(generate_subscripts({sql}, 1) - 1 AS BIGINT) AS o"
    return f"LATERAL ({numbered}) AS {key}"


_SIDES = {"": "INNER JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN"}


def _join(left_sql: str, join: exp.Join, scope: Scope) -> str:
    if join.args.get("method") or join.args.get("hint") == "NATURAL":
        raise unsupported("NATURAL JOIN")
    side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
    before = len(scope.relations)
    right_sql = add_item(join.this, scope)
    on, using = join.args.get("on"), join.args.get("using")
    if on is None and not using:
        if right_sql.startswith("LATERAL") and (side or kind == "INNER"):
            return f"{left_sql} {_SIDES[side]} {right_sql} ON true"
        if side:
            raise scope.context.error(
                f"{side} JOIN must have an immediately following ON or USING clause", join
            )
        if kind == "INNER":
            raise scope.context.error(
                "INNER JOIN must have an immediately following ON or USING clause", join
            )
        return f"{left_sql} CROSS JOIN {right_sql}"
    test = (
        condition(on, scope, "JOIN ON clause").sql
        if on is not None
        else _using(using or [], before, side, scope)
    )
    return f"{left_sql} {_SIDES[side]} {right_sql} ON {test}"


def _using(names: list[Expr], before: int, side: str, scope: Scope) -> str:
    tests = []
    for name in names:
        joined = scope.merged.get(name.name.lower())
        left = joined[1] if joined is not None else _column(name, scope.relations[:before], "left", scope)
        right = _column(name, scope.relations[before:], "right", scope)
        tests.append(compared("=", left, right, name, scope).sql)
        common = supertype([left, right])
        assert common is not None
        one, other = coerce(left, common), coerce(right, common)
        if side == "FULL":
            merged = Typed(f"coalesce({one.sql}, {other.sql})", common)
        else:
            merged = other if side == "RIGHT" else one
        scope.merge(name.name, merged)
    return " AND ".join(tests)


def _column(name: Expr, relations: list[Relation], side: str, scope: Scope) -> Typed:
    found = [
        column.value
        for relation in relations
        for column in relation.columns
        if column.name is not None and column.name.lower() == name.name.lower()
    ]
    if not found:
        raise scope.context.error(
            f"Column {name.name} in USING clause not found on {side} side of join", name
        )
    if len(found) > 1:
        raise scope.context.error(
            f"Column {name.name} in USING clause is ambiguous on {side} side of join", name
        )
    return found[0]
