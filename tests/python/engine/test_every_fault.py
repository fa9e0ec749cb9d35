"""Every fault that the emulator knows, all at once, in one long run."""

from __future__ import annotations

from collections import Counter

import pytest

import streetlens as sl
from engine.echo import PROMPT, SCHEMA, answered, table_of
from streetlens.emulator import Emulator
from streetlens.emulator.faults import ARROW_KINDS, KINDS, STREAM_KINDS

ROWS = 20_000
RATE = 0.05
# These concern every row, and end the run.
FATAL = ("403", "404")
STATUSES = {"ok", "failed", "blocked", "truncated", "invalid"}


@pytest.mark.timeout(600)
def test_no_row_is_lost_doubled_or_swapped_and_no_answer_counted_twice(echoing: Emulator) -> None:
    """One test, because the run takes more than a minute."""
    tokens = echoing.world.tokens
    echoing.world.require_token = True
    for kind in sorted(KINDS - ARROW_KINDS - STREAM_KINDS - set(FATAL)):
        echoing.faults.add(kind, service="gemini", rate=RATE, seconds=0.1)
    client = sl.Client("demo", "us", endpoint=echoing.url, credentials=lambda: tokens.issue().value)
    seen: list[sl.Progress] = []
    results = client.classify(
        table_of(ROWS),
        PROMPT,
        schema=SCHEMA,
        # An attempt that ends just before its answer is asked again, and paid twice: more than a busy machine takes.
        timeout=4,
        concurrency="20-200-200",
        progress=seen.append,
    )
    answers = [row for row in results if row["status"] == "ok"]
    assert list(results["number"]) == list(range(ROWS))
    assert set(results["status"]) <= STATUSES
    assert all(row["uri"] == row["gcs_uri"] for row in answers)
    assert all(row["error"] for row in results if row["status"] != "ok")
    # Every row whose answer came whole is good, and there is one such answer for each.
    assert answered(echoing.requests) == Counter(row["gcs_uri"] for row in answers)
    assert (seen[-1].done, seen[-1].ok, seen[-1].in_flight) == (ROWS, len(answers), 0)


@pytest.mark.parametrize("kind", FATAL)
def test_what_every_row_would_meet_ends_the_run_and_keeps_what_was_answered(
    client: sl.Client, echoing: Emulator, kind: str
) -> None:
    echoing.faults.add(kind, service="gemini", after=100, times=1)
    with pytest.raises(sl.StreetlensError) as raised:
        client.classify(table_of(1_000), PROMPT, schema=SCHEMA, concurrency=16, progress=False)
    results = raised.value.results
    assert results is not None
    answers = [row["uri"] for row in results if row["status"] == "ok"]
    assert Counter(results["status"]) == {"ok": len(answers), "failed": 1, "skipped": 999 - len(answers)}
    assert answered(echoing.requests) == Counter(answers)
    assert 100 <= len(answers) <= 100 + 16
