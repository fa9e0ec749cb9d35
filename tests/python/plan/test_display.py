"""How a plan looks, as text and in a notebook."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

import streetlens as sl


def plan(**changed: Any) -> sl.Plan:
    """A plan of a hundred thousand rows."""
    values: dict[str, Any] = {
        "rows": 100_000,
        "rows_to_ask": 90_000,
        "stored_rows": 9_000,
        "duplicate_rows": 900,
        "unusable_rows": 100,
        "sampled_rows": 8,
        "bytes_billed": None,
        "input_tokens": sl.Estimate(95_000_000, 105_000_000),
        "output_tokens": sl.Estimate(4_500_000, 18_000_000),
        "cost_usd": sl.Estimate(39.75, 76.5),
        "max_cost_usd": None,
        "seconds": None,
        "seconds_at_tiers": {2_000_000: sl.Estimate(2_985.0, 3_690.0), 4_000_000: sl.Estimate(60.0, 90.0)},
        "model": "gemini-3.5-flash-lite",
        "locations": ("global", "eu"),
        "prices_of": dt.date(2026, 11, 22),
        "notes": ("the quota is not known until a run has met it",),
    }
    return sl.Plan(**{**values, **changed})


def test_a_plan_reads_as_a_few_lines() -> None:
    assert repr(plan()).splitlines() == [
        "Plan for gemini-3.5-flash-lite in global, eu",
        "rows           90,000 to ask of 100,000, 9,000 in the store, 900 asked once, 100 unusable, "
        "tokens counted for 8",
        "input tokens   95,000,000 to 105,000,000",
        "output tokens  4,500,000 to 18,000,000",
        "cost           $39.75 to $76.50 at list prices of 2026-11-22",
        "time           not known; up to 62 min, 90 s at 2, 4 million tokens a minute",
        "· the quota is not known until a run has met it",
    ]


def test_what_is_known_of_time_and_bytes_is_shown() -> None:
    shown = repr(plan(seconds=sl.Estimate(4_000, 200_000), bytes_billed=10_485_760))
    assert "time           67 min to 2.3 days\n" in shown
    assert "bytes billed   10,485,760 for the query\n" in shown


def test_nothing_in_a_plan_is_markup() -> None:
    evil = plan(model="<img src=x>", notes=("cannot be asked: <script>alert(1)</script>",))
    shown = evil._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_plan_stays_as_it_was_made() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().rows = 1  # type: ignore[misc]  # the mistake is the point
