"""The summary of a play as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from streetlens.demo.judging import FIELDS, Share, accuracy, accuracy_by_label
from streetlens.demo.question import LABELS, title
from streetlens.demo.trouble import THROTTLED_SHARE

if TYPE_CHECKING:
    from streetlens.demo.workflow import Played

STAND_IN = (
    "The answers come from a stand-in: a small vision program that looks at synthetic scenes. "
    "Its accuracy says nothing about Gemini's."
)
_COLUMNS = 100
_WIDTH = 14
_BAR = 20


def summary_text(played: Played) -> str:
    """Rows, statuses, tokens, would-be cost, time and accuracy, for a terminal."""
    results, usage = played.results, played.results.usage
    statuses = ", ".join(f"{count:,} {status}" for status, count in results.status_counts.items())
    retried = sum(row.attempts > 1 for row in played.rows)
    rate = len(results) / played.classify_seconds
    facts = [
        ("rows", f"{len(results):,} images in, {len(results):,} rows out"),
        ("statuses", statuses),
        (
            "retries",
            f"{retried} rows needed more than one attempt, {played.trouble.throttled} requests got a 429",
        ),
        (
            "tokens",
            f"{usage.input_tokens:,} in, {usage.output_tokens:,} out, {usage.thinking_tokens:,} thinking",
        ),
        ("would cost", f"${usage.cost_usd:,.4f} at list price ({played.model}); nothing was billed"),
        (
            "wall time",
            f"{played.classify_seconds:.1f} s ({rate:,.1f} rows/s), {played.total_seconds:.1f} s in all",
        ),
        ("", "most of it is the emulator drawing pictures and looking at them"),
    ]
    lines = [
        "",
        *(f"{name:<{_WIDTH}}{text}" for name, text in facts),
        "",
        *_planted(played),
        "",
        *_accuracy(played),
    ]
    lines += _problems(played)
    return "\n".join([*lines, "", *textwrap.wrap(STAND_IN, _COLUMNS)])


def told_trouble(played: Played) -> list[str]:
    """What was planted, one sentence each."""
    return [
        *played.trouble.planted,
        f"{THROTTLED_SHARE:.0%} of the requests are throttled (429) and tried again",
    ]


def _planted(played: Played) -> list[str]:
    told = (f"  · {each}" for each in told_trouble(played))
    return ["Trouble planted on purpose, so that the statuses are real:", *told]


def _accuracy(played: Played) -> list[str]:
    lines = ["Accuracy of the stand-in, among answered rows:"]
    for name, share in accuracy_by_label(played.rows, LABELS).items():
        filled = round(_BAR * share.right / share.of) if share.of else 0
        lines.append(_accuracy_line(title(name), "█" * filled + "░" * (_BAR - filled), share))
    return lines + [_accuracy_line(name, "", accuracy(played.rows, field)) for name, field in FIELDS.items()]


def _accuracy_line(name: str, bar: str, share: Share) -> str:
    return f"  {name:<22}{bar:<{_BAR}} {share.percent:>8}  {share.right}/{share.of}"


def _problems(played: Played) -> list[str]:
    bad = [row for row in played.rows if row.answer is None]
    if not bad:
        return []
    lines = ["", "Rows without an answer, each with its reason:"]
    for row in bad[:8]:
        reason = " ".join((row.error or "no reason given").split())
        lines.append(f"  {row.status:<12}{reason if len(reason) <= 84 else reason[:83] + '…'}")
    return [*lines, *([f"  … {len(bad) - 8} more"] if len(bad) > 8 else [])]
