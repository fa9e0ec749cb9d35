"""The images with their answers as HTML: one card a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from streetlens._display.cells import cell_html
from streetlens.demo.charts import show_attribute
from streetlens.demo.judging import UNANSWERED, JudgedRow, Labels
from streetlens.demo.question import title

_LONGEST_ERROR = 220
_LONGEST_DESCRIPTION = 160


def gallery_html(rows: Sequence[JudgedRow], counts: Mapping[str, int]) -> str:
    """Filter buttons, then a card for every row."""
    cards = "\n".join(_card(row) for row in rows)
    return f'{_filters(rows, counts)}\n<div class="gallery">\n{cards}\n</div>'


def _filters(rows: Sequence[JudgedRow], counts: Mapping[str, int]) -> str:
    buttons = [_button("All", len(rows))]
    for verdict, name in (("wrong", "Wrong"), ("right", "Right"), (UNANSWERED, "No answer")):
        if count := sum(row.verdict == verdict for row in rows):
            buttons.append(_button(name, count, verdict=verdict))
    if retried := sum(row.attempts > 1 for row in rows):
        buttons.append(_button("Retried", retried, retried="yes"))
    statuses = [_button(status, count, status=status) for status, count in counts.items()]
    return (
        f'<p class="filters">{"".join(buttons)}<span class="gap">status</span>{"".join(statuses)}</p>'
        f'<p class="hint" id="shown" aria-live="polite">{len(rows):,} of {len(rows):,} images</p>'
    )


def _button(name: str, count: int, **wanted: str) -> str:
    pressed = "false" if wanted else "true"
    return f'<button {show_attribute(**wanted)} aria-pressed="{pressed}">{escape(name)} <b>{count:,}</b></button>'


def _card(row: JudgedRow) -> str:
    data = {
        "row": str(row.position),
        "status": row.status,
        "verdict": row.verdict,
        "truth": row.truth.label,
        "answer": row.answered_label,
        "retried": "yes" if row.attempts > 1 else "no",
    }
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    text = _verdict(row) + _told(row) + _small_print(row)
    return f'<article {attributes}>{_picture(row)}<div class="text">{text}</div></article>'


def _picture(row: JudgedRow) -> str:
    if row.picture is None:
        return '<div class="missing">no such object in Cloud Storage</div>'
    return (
        f'<img loading="lazy" src="{escape(row.picture)}" alt="Synthetic scene: {escape(_words(row.truth))}">'
    )


def _verdict(row: JudgedRow) -> str:
    drawn = f'<p><span class="name">drawn</span> {escape(_words(row.truth))}</p>'
    if row.answer is None:
        status = escape(row.status)
        return f'<p class="answer"><i class="dot status-{status}"></i><b>{status}</b></p>{drawn}'
    mark = "✗" if row.wrong else "✓"
    answer = f'<p class="answer {row.verdict}"><b>{escape(_words(row.answer))}</b> <span>{mark}</span></p>'
    return answer + drawn


def _told(row: JudgedRow) -> str:
    if row.error is not None:
        return f'<p class="error">{cell_html(row.error, _LONGEST_ERROR)}</p>'
    return f'<p class="said">{cell_html(row.description, _LONGEST_DESCRIPTION)}</p>'


def _small_print(row: JudgedRow) -> str:
    facts = [f"#{row.position}"]
    if row.captured is not None:
        facts.append(f"captured {row.captured:%Y-%m-%d}")
    if row.latency_ms is not None:
        facts.append(f"{row.latency_ms:,.0f} ms")
    if row.attempts != 1:
        facts.append(f"{row.attempts} attempts")
    name = row.uri.rsplit("/", 1)[-1]
    return f'<p class="small">{escape(" · ".join(facts))}<br><code title="{escape(row.uri)}">{escape(name)}</code></p>'


def _words(labels: Labels) -> str:
    words = [title(labels.label)]
    if labels.speed_limit is not None:
        words.append(str(labels.speed_limit))
    if labels.attachment not in (None, "none"):
        words.append(f"with {labels.attachment}")
    return " ".join(words)
