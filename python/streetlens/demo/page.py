"""The page of a play: one self-contained HTML file that loads nothing. Everything from data is escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from streetlens.demo.charts import accuracy_html, confusion_html, status_bar_html
from streetlens.demo.confusion import Confusion
from streetlens.demo.gallery import gallery_html
from streetlens.demo.judging import accuracy
from streetlens.demo.question import LABELS, PROMPT
from streetlens.demo.summary import STAND_IN, told_trouble

if TYPE_CHECKING:
    from streetlens.demo.workflow import Played

CREDIT = "Imagery: synthetic scenes drawn by streetlens' emulator."


def page_html(played: Played) -> str:
    """The whole page."""
    style, script = _part("page.css"), _part("page.js")
    # Should anything escape escaping after all, the browser still runs and loads nothing but these two.
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>streetlens demo: {len(played.rows):,} images</title>
<style>{style}</style>
</head>
<body>
{_body(played)}
<script>{script}</script>
</body>
</html>
"""


def _body(played: Played) -> str:
    confusion = Confusion.of(played.rows, LABELS)
    trouble = "".join(f"<li>{escape(each)}</li>" for each in told_trouble(played))
    return f"""<header>
<h1>streetlens demo</h1>
<p>Subscribe, query, classify: the workflow of Street View Insights, played on this machine over the services' real
protocols. Nothing was sent to Google, and nothing was billed.</p>
<p class="notice"><strong>A stand-in, not Gemini.</strong> {escape(STAND_IN)}</p>
</header>
<section class="facts">{_facts(played)}</section>
<section>
<h2>Statuses</h2>
{status_bar_html(played.results.status_counts)}
<details><summary>Some of the trouble is planted, so that the statuses are real</summary><ul>{trouble}</ul></details>
</section>
<div class="columns">
<section>
<h2>Drawn and answered</h2>
<p class="hint">Rows: what was drawn. Columns: what was answered. A number shows its images.</p>
{confusion_html(confusion)}
</section>
<section>
<h2>Accuracy of the stand-in</h2>
<p class="hint">Among answered rows, against what was drawn.</p>
{accuracy_html(played.rows)}
</section>
</div>
<section id="images">
<h2>Images</h2>
<p class="hint">The question: “{escape(PROMPT)}”</p>
{gallery_html(played.rows, played.results.status_counts)}
</section>
<footer>{CREDIT} Data set: <code>{escape(played.dataset)}</code>, synthetic, snapshot
{played.snapshot_age_days} days old. Model in the answers: <code>{escape(played.model)}</code>.</footer>"""


def _facts(played: Played) -> str:
    usage, rows = played.results.usage, len(played.rows)
    label = accuracy(played.rows)
    facts = [
        (f"{rows:,}", "images in, rows out"),
        (f"{sum(row.answer is not None for row in played.rows):,}", "with a good answer"),
        (label.percent, "labels right (stand-in)"),
        (f"{usage.input_tokens:,}", "input tokens"),
        (f"{usage.output_tokens + usage.thinking_tokens:,}", "output tokens"),
        (f"${usage.cost_usd:,.4f}", "would-be cost at list price"),
        (f"{played.classify_seconds:.1f} s", f"wall time, {rows / played.classify_seconds:,.0f} rows/s"),
        (f"{sum(row.attempts > 1 for row in played.rows):,}", "rows that were retried"),
    ]
    return "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in facts)


def _part(name: str) -> str:
    return resources.files("streetlens.demo").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
