"""Which name a select item or STRUCT field gets when none is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def output_name(node: Expr) -> str | None:
    """Return the column name BigQuery infers for a select item; None when the column is anonymous."""
    if isinstance(node, exp.Alias):
        return str(node.alias)
    if isinstance(node, exp.Paren):
        return output_name(node.this)
    if isinstance(node, exp.Dot):
        return str(node.expression.name)
    return str(node.name) if isinstance(node, exp.Column) else None
