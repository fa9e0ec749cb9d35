"""The counters of a run as one line."""

from __future__ import annotations

__all__ = ["progress_line"]


def progress_line(done: int, total: int, ok: int, cost_usd: float, seconds: float) -> str:
    """How far a run is.

    Example:
        >>> progress_line(50, 200, 49, 0.0123, 10.0)
        '50/200 rows, 49 ok, 5.0/s, 30 s left, $0.0123'
    """
    rate = done / seconds if seconds > 0 else 0.0
    left = f"{(total - done) / rate:,.0f} s left" if rate > 0 and done < total else f"{seconds:,.1f} s"
    return f"{done:,}/{total:,} rows, {ok:,} ok, {rate:,.1f}/s, {left}, ${cost_usd:,.4f}"
