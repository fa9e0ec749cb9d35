"""What a run would take, as lines of text and as a table of HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from streetlens._display.cells import cell_html, cell_text

__all__ = ["plan_html", "plan_text"]

_WIDTH = 1_000
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def plan_text(facts: Mapping[str, Any]) -> str:
    """A plan as one line a fact, the notes below."""
    lines = [_title(facts)]
    lines += [f"{name:<13}  {value}" for name, value in _rows(facts)]
    lines += [f"· {cell_text(note, _WIDTH)}" for note in facts["notes"]]
    return "\n".join(lines)


def plan_html(facts: Mapping[str, Any]) -> str:
    """The same as HTML; everything in it is escaped."""
    style = "padding:2px 10px;text-align:left;vertical-align:top;border-bottom:1px solid #8884"
    body = "".join(
        f'<tr><th style="{style}">{html.escape(name)}</th><td style="{style}">{html.escape(value)}</td></tr>'
        for name, value in _rows(facts)
    )
    notes = "".join(f"<li>{cell_html(note, _WIDTH)}</li>" for note in facts["notes"])
    return (
        f"<div>{html.escape(_title(facts))}</div>"
        f'<table style="border-collapse:collapse;font-size:13px"><tbody>{body}</tbody></table>'
        f'<ul style="opacity:.75;font-size:12px">{notes}</ul>'
    )


def duration(seconds: float) -> str:
    """A time in its largest unit.

    Example:
        >>> duration(42.4), duration(900), duration(9_000), duration(200_000)
        ('42 s', '15 min', '2.5 h', '2.3 days')
    """
    if seconds < 2 * _MINUTE:
        return f"{seconds:,.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:,.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:,.1f} h"
    return f"{seconds / _DAY:,.1f} days"


def _title(facts: Mapping[str, Any]) -> str:
    locations = ", ".join(facts["locations"])
    return cell_text(f"Plan for {facts['model']} in {locations}", _WIDTH)


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = [
        ("rows", _counts(facts)),
        ("input tokens", _span(facts["input_tokens"], "{:,.0f}")),
        ("output tokens", _span(facts["output_tokens"], "{:,.0f}")),
        ("cost", _cost(facts)),
        ("time", _time(facts)),
    ]
    if facts["bytes_billed"] is not None:
        shown.append(("bytes billed", f"{facts['bytes_billed']:,} for the query"))
    return shown


def _counts(facts: Mapping[str, Any]) -> str:
    parts = [f"{facts['rows_to_ask']:,} to ask of {facts['rows']:,}"]
    others = (
        ("stored_rows", "in the store"),
        ("duplicate_rows", "asked once"),
        ("unusable_rows", "unusable"),
    )
    parts += [f"{facts[name]:,} {what}" for name, what in others if facts[name]]
    if facts["sampled_rows"]:
        parts.append(f"tokens counted for {facts['sampled_rows']:,}")
    return ", ".join(parts)


def _cost(facts: Mapping[str, Any]) -> str:
    cost = facts["cost_usd"]
    if cost is None:
        return "not known"
    form = "${:,.2f}" if cost.low >= 1 else "${:,.4f}"
    limit = facts["max_cost_usd"]
    stops = f", stopped at ${limit:,}" if limit is not None and limit < cost.high else ""
    return f"{_span(cost, form)} at list prices of {facts['prices_of']}{stops}"


def _time(facts: Mapping[str, Any]) -> str:
    if facts["seconds"] is not None:
        low, high = (duration(end) for end in facts["seconds"])
        return low if low == high else f"{low} to {high}"
    tiers = facts["seconds_at_tiers"]
    if not tiers:
        return "not known"
    times = ", ".join(duration(seconds.high) for seconds in tiers.values())
    rates = ", ".join(f"{rate / 1e6:g}" for rate in tiers)
    return f"not known; up to {times} at {rates} million tokens a minute"


def _span(estimate: Any, form: str) -> str:
    low, high = (form.format(end) for end in estimate)
    return low if low == high else f"{low} to {high}"
