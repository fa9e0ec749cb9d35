"""Expands `*`, `alias.*` and `value.*` with EXCEPT and REPLACE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.sql.scope import Relation, Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import field_keys, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Named = tuple["str | None", Typed]


def is_star(node: Expr) -> bool:
    """Whether a select item is a star expression."""
    if isinstance(node, exp.Star):
        return True
    if isinstance(node, exp.Column):
        return isinstance(node.this, exp.Star)
    return isinstance(node, exp.Dot) and isinstance(node.expression, exp.Star)


def expand_star(node: Expr, scope: Scope) -> list[Named]:
    """Return the columns a star stands for; raises when there are none or EXCEPT names an unknown one."""
    if isinstance(node, exp.Star):
        if not scope.relations:
            raise scope.context.error("SELECT * must have a FROM clause", node)
        star, columns = node, _all_columns(scope)
    else:
        star = node.this if isinstance(node, exp.Column) else node.expression
        columns = _dotted(node, scope)
    return _modified(star, columns, scope)


def _all_columns(scope: Scope) -> list[Named]:
    columns: list[Named] = list(scope.merged.values())
    for relation in scope.relations:
        columns += [
            item for item in relation_columns(relation) if (item[0] or "").lower() not in scope.merged
        ]
    return columns


def relation_columns(relation: Relation) -> list[Named]:
    """Return what `alias.*` yields: the columns, or the fields of a STRUCT that is the row itself."""
    return [(column.name, column.value) for column in relation.columns if not column.pseudo]


def _dotted(node: Expr, scope: Scope) -> list[Named]:
    if isinstance(node, exp.Column) and len(node.parts) == 2:
        relation = scope.relation(node.parts[0].name)
        if relation is not None and not (relation.row is not None and relation.row.type.kind == "STRUCT"):
            return relation_columns(relation)
    if isinstance(node, exp.Column):
        parts = [part.copy() for part in node.parts[:-1]]
        target: Expr = exp.Column(this=parts[-1])
        for key, part in zip(("table", "db", "catalog"), reversed(parts[:-1]), strict=False):
            target.set(key, part)
        for copied, original in zip(parts, node.parts, strict=False):
            copied.meta.update(original.meta)
    else:
        target = node.this
    value = scope.expression(target)
    if value.type.kind != "STRUCT":
        raise scope.context.error(f"Dot-star is not supported for type {value.type}", node)
    return [
        (field.name, Typed(f"({value.sql}).{quoted(key)}", field.type))
        for key, field in zip(field_keys(value.type), value.type.fields, strict=True)
    ]


def _modified(star: Expr, columns: list[Named], scope: Scope) -> list[Named]:
    names = {(name or "").lower() for name, _ in columns}
    excluded = {part.name.lower(): part for part in star.args.get("except_") or []}
    replaced = {part.alias.lower(): part for part in star.args.get("replace") or []}
    for name, part in {**excluded, **replaced}.items():
        if name not in names:
            clause = "EXCEPT" if name in excluded else "REPLACE"
            raise scope.context.error(
                f"Column {part.alias_or_name} in SELECT * {clause} list does not exist", part
            )
    if star.args.get("rename"):
        raise scope.context.error("SELECT * RENAME is not supported", star)
    kept = [(name, value) for name, value in columns if (name or "").lower() not in excluded]
    return [
        (
            name,
            scope.expression(replaced[(name or "").lower()].this)
            if (name or "").lower() in replaced
            else value,
        )
        for name, value in kept
    ]
