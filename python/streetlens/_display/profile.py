"""What a selection holds, as lines of text and as a table of HTML."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping
from typing import Any

from streetlens._display.cells import cell_html, cell_text

__all__ = ["profile_html", "profile_text"]

_WIDTH = 1_000


def profile_text(facts: Mapping[str, Any]) -> str:
    """A profile as one line a fact, the notes below."""
    lines = [cell_text(f"Profile of {facts['table']}", _WIDTH)]
    lines += [f"{name:<14} {cell_text(value, _WIDTH)}" for name, value in _rows(facts)]
    lines += [f"· {cell_text(note, _WIDTH)}" for note in facts["notes"]]
    return "\n".join(lines)


def profile_html(facts: Mapping[str, Any]) -> str:
    """The same as HTML; everything in it is escaped."""
    style = "padding:2px 10px;text-align:left;vertical-align:top;border-bottom:1px solid #8884"
    body = "".join(
        f'<tr><th style="{style}">{html.escape(name)}</th><td style="{style}">{cell_html(value, _WIDTH)}</td></tr>'
        for name, value in _rows(facts)
    )
    notes = "".join(f"<li>{cell_html(note, _WIDTH)}</li>" for note in facts["notes"])
    return (
        f"<div>{cell_html('Profile of ' + facts['table'], _WIDTH)}</div>"
        f'<table style="border-collapse:collapse;font-size:13px"><tbody>{body}</tbody></table>'
        f'<ul style="opacity:.75;font-size:12px">{notes}</ul>'
    )


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = [("snapshot", _snapshot(facts["snapshot"])), ("rows", f"{facts['rows']:,}")]
    if facts["assets"] is not None:
        shown.append(("assets", f"{facts['assets']:,}"))
    for name, key in (("views an asset", "views"), ("classes", "classes"), ("captured in", "years")):
        if facts[key]:
            shown.append((name, ", ".join(f"{value}: {count:,}" for value, count in facts[key].items())))
    if facts["first_capture"] is not None:
        shown.append(("captured", f"{facts['first_capture']:%Y-%m-%d} to {facts['last_capture']:%Y-%m-%d}"))
    if facts["known_assets"] is not None:
        without, known = facts["assets_without_observations"], facts["known_assets"]
        share = f" ({without / known:.0%})" if known else ""
        shown.append(("unseen assets", f"{without:,} of {known:,}{share} have no observation"))
    if facts["removed_rows"] is not None:
        assets = "" if facts["removed_assets"] is None else f" of {facts['removed_assets']:,} assets"
        shown.append(("removed", f"{facts['removed_rows']:,} observations{assets}"))
    return shown


def _snapshot(snapshot: Any) -> str:
    if snapshot is None:
        return "all"
    if snapshot.created is None:
        return str(snapshot.id)
    age = (dt.datetime.now(dt.timezone.utc) - snapshot.created).days
    return f"{snapshot.id}, {age} days old, removed about {snapshot.expires:%Y-%m-%d}"
