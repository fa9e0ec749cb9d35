"""Compares answers with what was drawn. Pure functions over plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streetlens.emulator.scenes import Truth

UNANSWERED = "no answer"
FIELDS = {
    "All labels": "label",
    "Asset": "asset",
    "Speed limit read": "speed_limit",
    "Attachment": "attachment",
}
"""What is judged: the name people read, and the field of an answer."""


@dataclass(frozen=True)
class Labels:
    """What an image shows: as drawn, or as answered."""

    asset: str
    label: str
    speed_limit: int | None
    attachment: str | None


@dataclass(frozen=True)
class JudgedRow:
    """One image, its answer, and what was drawn."""

    position: int
    uri: str
    asset_id: str
    captured: datetime | None
    status: str
    error: str | None
    answer: Labels | None
    """None unless the status is `ok`."""
    truth: Labels
    wrong: tuple[str, ...]
    """The fields of the answer that differ from what was drawn."""
    description: str | None
    model: str | None
    attempts: int
    latency_ms: float | None
    picture: str | None
    """A `data:` URI; None where Cloud Storage has no such object."""

    @property
    def verdict(self) -> str:
        """`right`, `wrong` or `no answer`."""
        return UNANSWERED if self.answer is None else "wrong" if self.wrong else "right"

    @property
    def answered_label(self) -> str:
        """The answered label, or `no answer`."""
        return UNANSWERED if self.answer is None else self.answer.label


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    right: int
    of: int

    @property
    def percent(self) -> str:
        """As people write it; a dash of nothing.

        Example:
            >>> Share(9, 10).percent, Share(0, 0).percent
            ('90.0 %', '–')
        """
        return f"{100 * self.right / self.of:.1f} %" if self.of else "–"


def judge(position: int, row: Mapping[str, Any], truth: Truth, picture: str | None) -> JudgedRow:
    """One row of the results beside the truth of its image."""
    drawn = Labels(truth.asset_class, truth.label, truth.speed, truth.attachment)
    answer = None
    if row["status"] == "ok":
        answer = Labels(row["asset"], row["label"], row["speed_limit"], row["attachment"])
    return JudgedRow(
        position=position,
        uri=row["gcs_uri"],
        asset_id=row["asset_id"],
        captured=row["capture_time"],
        status=row["status"],
        error=row["error"],
        answer=answer,
        truth=drawn,
        wrong=() if answer is None else _differing(answer, drawn),
        description=row["description"],
        model=row["model"],
        attempts=row["attempts"],
        latency_ms=row["latency_ms"],
        picture=picture,
    )


def accuracy(rows: Iterable[JudgedRow], field: str = "label") -> Share:
    """The share of right values of one field among the answered rows whose drawing has that field."""
    asked = [row for row in rows if row.answer is not None and getattr(row.truth, field) is not None]
    return Share(sum(field not in row.wrong for row in asked), len(asked))


def accuracy_by_label(rows: Sequence[JudgedRow], labels: Sequence[str]) -> dict[str, Share]:
    """The label accuracy of every drawn label, in the order of `labels`."""
    drawn = {row.truth.label for row in rows}
    return {
        label: accuracy(row for row in rows if row.truth.label == label) for label in labels if label in drawn
    }


def _differing(answer: Labels, truth: Labels) -> tuple[str, ...]:
    wrong = [
        name for name in ("asset", "label", "speed_limit") if getattr(answer, name) != getattr(truth, name)
    ]
    # Nothing is mounted on a sign, which is answered as null or as `none`.
    if (answer.attachment or "none") != (truth.attachment or "none"):
        wrong.append("attachment")
    return tuple(wrong)
