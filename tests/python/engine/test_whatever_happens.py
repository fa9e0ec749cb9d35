"""Runs with options, faults and ends drawn at random: what was promised holds in each of them."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from engine.echo import PROMPT, SCHEMA, answered, asked, table_of, uris_of
from streetlens.emulator import Emulator
from streetlens.emulator.faults import ARROW_KINDS, KINDS, STREAM_KINDS

ROWS = 300
RATES = (0.02, 0.1, 0.3)
# With these a run may end early, or a row be refused for good.
STATUSES = {"ok", "failed", "blocked", "truncated", "invalid", "skipped"}


@pytest.mark.parametrize("seed", range(8))
def test_no_answer_is_lost_doubled_or_swapped(echoing: Emulator, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    kinds = chance.sample(sorted(KINDS - ARROW_KINDS - STREAM_KINDS - {"401", "expired_token"}), 6)
    for kind in kinds:
        echoing.faults.add(kind, service="gemini", rate=chance.choice(RATES), seconds=0.2)
    options: dict[str, Any] = {
        "schema": SCHEMA,
        "concurrency": chance.choice([4, 16, "2-16-64"]),
        "hedge": chance.choice([0.0, 0.2]),
        "timeout": chance.choice([0.5, 2.0]),
    }
    region = chance.choice(["us", ["us", "eu"]])
    client = sl.Client("demo", region, endpoint=echoing.url, store=tmp_path / "answers.sqlite")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of regions that are left, and of outages
        first = _interrupted(client, options, end_at=chance.randrange(ROWS * 2))
        online = Counter(row["gcs_uri"] for row in first if row["status"] == "ok")
        # A second request of a hedged row may be answered as well.
        assert online <= answered(echoing.requests)
        echoing.faults.clear()
        before = asked(echoing.requests)
        second = client.classify(table_of(ROWS), PROMPT, progress=False, **options)
    known = {row["gcs_uri"] for row in second if row["source"] == "store"}
    assert set(online) <= known
    # What was in the store was not asked again, and the rest was.
    assert set(asked(echoing.requests) - before) == set(uris_of(ROWS)) - known
    for results in (first, second):
        assert list(results["number"]) == list(range(ROWS))
        assert set(results["status"]) <= STATUSES
        assert all(row["uri"] == row["gcs_uri"] for row in results if row["status"] == "ok")
    assert all(row["status"] == "ok" for row in second if row["source"] == "online")


def _interrupted(client: sl.Client, options: dict[str, Any], end_at: int) -> sl.Results:
    """The results of a run that is cancelled once so many rows are done, if it did not end before."""
    run = client.start(table_of(ROWS), PROMPT, progress=False, **options)
    try:
        for done, _ in enumerate(run):
            if done >= end_at:
                run.cancel()
        return run.wait()
    except sl.StreetlensError as error:
        return error.results or run.results()
