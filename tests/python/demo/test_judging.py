"""Answers are compared with what was drawn, and unanswered rows count as neither right nor wrong."""

from __future__ import annotations

from typing import Any

import pytest

from streetlens.demo.confusion import Confusion
from streetlens.demo.judging import JudgedRow, accuracy, accuracy_by_label, judge
from streetlens.demo.question import LABELS
from streetlens.emulator.scenes import Truth

DRAWN: dict[str, Any] = {
    "asset_class": "road_sign",
    "label": "stop",
    "speed": None,
    "street": None,
    "attachment": None,
    "box": None,
    "width": 400,
    "height": 300,
    "light": "day",
    "rain": False,
    "blur": 0.0,
    "occluded": False,
    "asset": 1,
    "view": 0,
}
POLE = {"asset_class": "utility_pole", "label": "wood", "attachment": "lamp"}
LIMIT = {"label": "speed_limit", "speed": 35}


def _judged(drawn: dict[str, Any], *, status: str = "ok", **answer: Any) -> JudgedRow:
    truth = Truth(**{**DRAWN, **drawn})
    right: dict[str, Any] = {
        "asset": truth.asset_class,
        "label": truth.label,
        "speed_limit": truth.speed,
        "attachment": truth.attachment,
    }
    row: dict[str, Any] = {
        "gcs_uri": "gs://b/o.jpg",
        "asset_id": "t1:0:0",
        "capture_time": None,
        "error": None,
    }
    row |= {"description": None, "model": "m", "attempts": 1, "latency_ms": 1.0, "status": status}
    return judge(0, {**row, **right, **answer}, truth, None)


@pytest.mark.parametrize(
    ("drawn", "answer", "wrong"),
    [
        ({}, {}, ()),
        ({}, {"attachment": "none"}, ()),
        ({}, {"label": "yield"}, ("label",)),
        ({}, {"speed_limit": 25}, ("speed_limit",)),
        (LIMIT, {"speed_limit": 85}, ("speed_limit",)),
        (LIMIT, {"speed_limit": None}, ("speed_limit",)),
        (POLE, {"attachment": None}, ("attachment",)),
        (POLE, {"label": "stop", "asset": "road_sign"}, ("asset", "label")),
    ],
)
def test_the_fields_that_differ_are_named(
    drawn: dict[str, Any], answer: dict[str, Any], wrong: tuple[str, ...]
) -> None:
    """An invented speed is as wrong as a misread one."""
    assert _judged(drawn, **answer).wrong == wrong


def test_a_row_without_an_answer_is_neither_right_nor_wrong() -> None:
    """It lowers no accuracy and is counted on its own."""
    blocked = _judged({}, status="blocked")
    assert blocked.verdict == "no answer"
    assert accuracy([blocked, _judged({})]) == (accuracy([_judged({})]))


def test_a_field_is_counted_where_it_was_drawn() -> None:
    """Speed limits are judged on speed limit signs."""
    rows = [_judged({}), _judged(LIMIT), _judged(LIMIT, speed_limit=45), _judged(POLE)]
    share = accuracy(rows, "speed_limit")
    assert (share.right, share.of) == (1, 2)


def test_accuracy_is_given_for_each_drawn_label_in_their_order() -> None:
    """A label that was only answered has no accuracy."""
    rows = [_judged(POLE), _judged({}), _judged({}, label="yield")]
    shares = accuracy_by_label(rows, LABELS)
    assert [(label, share.right, share.of) for label, share in shares.items()] == [
        ("stop", 1, 2),
        ("wood", 1, 1),
    ]


def test_the_confusion_table_counts_every_row_once() -> None:
    """Right answers are on the diagonal, missing ones in a column of their own."""
    rows = [_judged({}), _judged({}), _judged({}, label="yield"), _judged(POLE, status="truncated")]
    table = Confusion.of(rows, LABELS)
    assert table.drawn == ("stop", "wood")
    assert table.answered == ("stop", "yield", "wood", "no answer")
    assert [table.count("stop", "stop"), table.count("stop", "yield"), table.count("wood", "no answer")] == [
        2,
        1,
        1,
    ]
    assert sum(table.counts.values()) == len(rows)


def test_a_label_that_was_never_asked_for_is_refused() -> None:
    """The schema lists the labels, so another one is a defect to hear about."""
    with pytest.raises(ValueError, match="moose"):
        Confusion.of([_judged({}, label="moose")], LABELS)
