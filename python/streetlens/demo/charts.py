"""Statuses, accuracy and confusion as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

from streetlens.demo.confusion import Confusion
from streetlens.demo.judging import FIELDS, UNANSWERED, JudgedRow, Share, accuracy, accuracy_by_label
from streetlens.demo.question import LABELS, title

_SHADES = 9


def show_attribute(**wanted: str) -> str:
    """The attribute that makes a button show only the images with these values; none shows all.

    Example:
        >>> show_attribute(status="ok")
        'data-show="{&quot;status&quot;: &quot;ok&quot;}"'
    """
    return f'data-show="{escape(json.dumps(wanted))}"'


def status_bar_html(counts: Mapping[str, int]) -> str:
    """How many rows have each status, as one bar and a legend."""
    total = sum(counts.values())
    pieces, legend, start = [], [], 0.0
    for status, count in counts.items():
        name, width = escape(status), 100 * count / total
        pieces.append(f'<rect class="status-{name}" x="{start:.3f}" width="{width:.3f}" height="8"/>')
        legend.append(f'<span><i class="dot status-{name}"></i>{name} <b>{count:,}</b></span>')
        start += width
    drawing = "".join(pieces)
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="Statuses">'
        f"{drawing}</svg>"
        f'<p class="legend">{"".join(legend)}</p>'
    )


def confusion_html(confusion: Confusion) -> str:
    """Drawn labels down, answers across, right answers on the diagonal; every number filters the images."""
    heads = "".join(
        f'<th scope="col"><span>{escape(_name(label))}</span></th>' for label in confusion.answered
    )
    rows = "".join(_confusion_row(confusion, drawn) for drawn in confusion.drawn)
    return (
        f'<div class="wide"><table class="confusion"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _confusion_row(confusion: Confusion, drawn: str) -> str:
    cells = []
    for answered in confusion.answered:
        count = confusion.count(drawn, answered)
        if not count:
            cells.append("<td>·</td>")
            continue
        kind = "right" if drawn == answered else "none" if answered == UNANSWERED else "wrong"
        shade = max(1, round(_SHADES * count / confusion.total(drawn)))
        wanted = show_attribute(truth=drawn, answer=answered)
        spoken = f"{count} drawn as {_name(drawn)}, answered {_name(answered)}"
        cells.append(
            f'<td class="{kind} shade-{shade}"><button {wanted} aria-label="{escape(spoken)}">{count}</button></td>'
        )
    return f'<tr><th scope="row">{escape(_name(drawn))}</th>{"".join(cells)}</tr>'


def accuracy_html(rows: Sequence[JudgedRow]) -> str:
    """The accuracy of every label and of every field, as bars."""
    by_label = "".join(
        _accuracy_row(title(name), share) for name, share in accuracy_by_label(rows, LABELS).items()
    )
    by_field = "".join(_accuracy_row(name, accuracy(rows, field)) for name, field in FIELDS.items())
    return f'<table class="accuracy"><tbody>{by_label}</tbody><tbody>{by_field}</tbody></table>'


def _accuracy_row(name: str, share: Share) -> str:
    width = 100 * share.right / share.of if share.of else 0
    bar = (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/>'
        f'<rect class="filled" width="{width:.2f}" height="8"/></svg>'
    )
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="meter">{bar}</td>'
        f"<td>{share.percent}</td><td>{share.right}/{share.of}</td></tr>"
    )


def _name(label: str) -> str:
    return UNANSWERED.capitalize() if label == UNANSWERED else title(label)
