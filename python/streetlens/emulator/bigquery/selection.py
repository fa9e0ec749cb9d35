"""selectedFields: the part of a schema, down to nested fields, that a request wants to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.types import Type, from_rest_field, literal, quoted

Tree = dict[str, "Tree"]


@dataclass(frozen=True)
class Selection:
    """The chosen schema fields and the DuckDB expressions that read them."""

    fields: list[dict[str, Any]]
    expressions: list[tuple[str, Type]]


def selected(fields: Sequence[Mapping[str, Any]], names: str | None) -> Selection:
    """Return the selection of a `selectedFields` text such as `a,e.d.f`; raises `invalid` for an unknown name."""
    tree: Tree = {}
    for name in (names or "").split(","):
        branch = tree
        for part in name.strip().lower().split(".") if name.strip() else ():
            branch = branch.setdefault(part, {})
    chosen = _pruned(fields, tree)
    expressions = [
        (_expression(quoted(str(item["name"])), item, 0), from_rest_field(item)) for item in chosen
    ]
    return Selection(chosen, expressions)


def _pruned(fields: Sequence[Mapping[str, Any]], tree: Tree) -> list[dict[str, Any]]:
    if not tree:
        return [dict(item) for item in fields]
    unknown = set(tree) - {str(item["name"]).lower() for item in fields}
    if unknown:
        raise invalid(f"Invalid field name in selectedFields: {sorted(unknown)[0]}")
    chosen = []
    for item in fields:
        branch = tree.get(str(item["name"]).lower())
        if branch is not None:
            chosen.append({**item, "fields": _pruned(item["fields"], branch)} if branch else dict(item))
    return chosen


def _expression(sql: str, item: Mapping[str, Any], depth: int) -> str:
    if item.get("type") not in ("RECORD", "STRUCT"):
        return sql
    if str(item.get("mode", "")).upper() == "REPEATED":
        name = f"s{depth}"
        return f"list_transform({sql}, lambda {name}: {_expression(name, {**item, 'mode': 'NULLABLE'}, depth + 1)})"
    parts = []
    for sub in item["fields"]:
        name = str(sub["name"])
        parts.append(f"{literal(name)}: {_expression(f'({sql}).{quoted(name)}', sub, depth)}")
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{', '.join(parts)}}} END"
