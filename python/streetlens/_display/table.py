"""A table as text of at most 80 columns, and as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from streetlens._display.cells import cell_html, cell_text
from streetlens._display.width import cut, padded, shares, width_of

__all__ = ["table_html", "table_text"]

_COLUMNS_SHOWN = 6
_WIDTH = 80


def table_text(rows: Sequence[dict[str, Any]], columns: Sequence[str], total: int, summary: str) -> str:
    """The first rows under their column names, then how many there are."""
    shown = list(columns)[:_COLUMNS_SHOWN]
    if not shown:
        return summary
    texts = [[cell_text(row[name], _WIDTH) for name in shown] for row in rows]
    heads = [cell_text(name, _WIDTH) for name in shown]
    wanted = [width_of(list(column)) for column in zip(heads, *texts, strict=True)]
    widths = shares(wanted, _WIDTH - 2 * (len(shown) - 1))
    lines = [_line(heads, widths), _line(["─" * width for width in widths], widths)]
    lines += [_line(row, widths) for row in texts]
    if total > len(rows):
        lines.append(f"… {total - len(rows):,} more rows")
    if len(columns) > len(shown):
        lines.append(
            f"… {len(columns) - len(shown)} more columns: {cell_text(', '.join(columns[len(shown) :]), 50)}"
        )
    lines.append(summary)
    return "\n".join(lines)


def table_html(rows: Sequence[dict[str, Any]], columns: Sequence[str], total: int, summary: str) -> str:
    """The first rows as an HTML table; everything in it is escaped."""
    style = "padding:2px 10px;text-align:left;vertical-align:top;border-bottom:1px solid #8884"
    heads = "".join(f'<th style="{style}">{html.escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{cell_html(row[name])}</td>' for name in columns) + "</tr>"
        for row in rows
    )
    more = f"<div>… {total - len(rows):,} more rows</div>" if total > len(rows) else ""
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:13px">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        f'{more}<div style="opacity:.75;font-size:12px">{html.escape(summary)}</div>'
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        padded(cut(text, width), width) for text, width in zip(cells, widths, strict=True)
    ).rstrip()
