"""The counters of a run as one line."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

__all__ = ["progress_line", "run_html", "run_text"]


def progress_line(counters: Mapping[str, Any], seconds: float | None = None) -> str:
    """How far a run is; its pace and what is left where the seconds it took are known.

    Example:
        >>> progress_line({"done": 50, "total": 200, "ok": 49, "from_store": 10, "cost_usd": 0.0123}, 10.0)
        '50/200 rows, 49 ok, 10 from the store, 5.0/s, 30 s left, $0.0123'
        >>> progress_line({"done": 9, "total": 9, "ok": 9, "refusals": 2, "throttled": True, "cost_usd": 0.01})
        '9/9 rows, 9 ok, $0.0100'
    """
    done, total = counters["done"], counters["total"]
    parts = [f"{done:,}/{total:,} rows", f"{counters['ok']:,} ok"]
    if counters.get("from_store"):
        parts.append(f"{counters['from_store']:,} from the store")
    if seconds is not None:
        rate = done / seconds if seconds > 0 else 0.0
        left = f"{(total - done) / rate:,.0f} s left" if rate > 0 and done < total else f"{seconds:,.1f} s"
        parts += [f"{rate:,.1f}/s", left]
    parts.append(f"${counters['cost_usd']:,.4f}")
    if counters.get("throttled") and done < total:
        parts.append("waiting on quota")
    return ", ".join(parts)


def run_text(run_id: str, state: str, counters: Mapping[str, Any]) -> str:
    """A run as one line.

    Example:
        >>> run_text("5e1f", "running", {"done": 1, "total": 2, "ok": 1, "cost_usd": 0.0})
        'Run 5e1f, running: 1/2 rows, 1 ok, $0.0000'
    """
    return f"Run {run_id}, {state}: {progress_line(counters)}"


def run_html(run_id: str, state: str, counters: Mapping[str, Any]) -> str:
    """A run as a line over a bar.

    Example:
        >>> run_html("5e1f", "running", {"done": 1, "total": 2, "ok": 1, "cost_usd": 0.0})
        '<div>Run 5e1f, running: 1/2 rows, 1 ok, $0.0000<br><progress value="1" max="2"></progress></div>'
    """
    line = html.escape(run_text(run_id, state, counters))
    bar = f'<progress value="{int(counters["done"])}" max="{max(1, int(counters["total"]))}"></progress>'
    return f"<div>{line}<br>{bar}</div>"
