"""Which label was answered where which was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streetlens.demo.judging import UNANSWERED, JudgedRow


@dataclass(frozen=True)
class Confusion:
    """Counts by drawn label (rows) and answer (columns); labels nobody drew or answered are left out."""

    drawn: tuple[str, ...]
    answered: tuple[str, ...]
    """The last one is `no answer` where a row has none."""
    counts: dict[tuple[str, str], int]

    @classmethod
    def of(cls, rows: Sequence[JudgedRow], labels: Sequence[str]) -> Confusion:
        """The table of these rows, labels in the order of `labels`.

        Raises:
            ValueError: A row has a label that is not one of `labels`.
        """
        counts = Counter((row.truth.label, row.answered_label) for row in rows)
        drawn, answered = {truth for truth, _ in counts}, {answer for _, answer in counts}
        order = (*labels, UNANSWERED)
        if unknown := (drawn | answered) - set(order):
            raise ValueError(f"labels that were never asked for: {', '.join(sorted(unknown))}")
        shown = tuple(
            label for label in order if label in answered or (label in drawn and label != UNANSWERED)
        )
        return cls(tuple(label for label in labels if label in drawn), shown, dict(counts))

    def count(self, drawn: str, answered: str) -> int:
        """How often `answered` was the answer where `drawn` was drawn."""
        return self.counts.get((drawn, answered), 0)

    def total(self, drawn: str) -> int:
        """How many images show this label."""
        return sum(count for (truth, _), count in self.counts.items() if truth == drawn)
