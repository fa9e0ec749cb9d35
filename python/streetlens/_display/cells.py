"""One value as short text, and as HTML in which nothing that came from data is markup."""

from __future__ import annotations

import datetime as dt
import html
from decimal import Decimal
from typing import Any

from streetlens._display.width import cut, without_controls

__all__ = ["cell_html", "cell_text"]


def cell_text(value: Any, width: int = 60) -> str:
    """The value on one line of at most `width` columns of a terminal.

    Example:
        >>> cell_text({"latitude": 37.5, "longitude": None})
        'latitude=37.5, longitude=∅'
    """
    return cut(without_controls(" ".join(_text(value).split())), width)


def cell_html(value: Any, width: int = 60) -> str:
    """The value as escaped HTML, the whole of it in the tooltip where it is cut.

    Example:
        >>> cell_html("<script>")
        '&lt;script&gt;'
    """
    if value is None:
        return '<span style="opacity:.45">null</span>'
    text = cell_text(value, width)
    escaped = html.escape(text)
    whole = _text(value)
    return escaped if text == whole else f'<span title="{html.escape(whole[:2000])}">{escaped}</span>'


def _text(value: Any) -> str:
    match value:
        case None:
            return "∅"
        case str():
            return value
        case float():
            return f"{value:.6g}"
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case bytes():
            return f"{len(value)} bytes"
        case dict():
            return ", ".join(f"{name}={_text(item)}" for name, item in value.items())
        case list():
            return "[" + ", ".join(_text(item) for item in value) + "]"
        case _:
            return str(value)
