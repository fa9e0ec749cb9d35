"""A run that is killed again and again loses at most what was in flight, and ends complete."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from engine.children import begin
from engine.echo import answered, uris_of
from streetlens.emulator import Emulator
from waiting import wait_until

ROWS = 400
KILLS = 50
IN_FLIGHT = 4


@pytest.mark.timeout(600)
def test_fifty_kills_cost_at_most_what_was_in_flight_each_time(echoing: Emulator, tmp_path: Path) -> None:
    """One test, because fifty processes take half a minute."""
    store = tmp_path / "answers.sqlite"
    chance = random.Random(7)
    echoing.faults.add("slow", service="gemini", seconds=0.03)
    for _ in range(KILLS):
        enough = len(echoing.requests) + chance.randrange(1, 14)
        with begin(echoing.url, store, ROWS, concurrency=IN_FLIGHT) as child:
            _wait_for(echoing, enough, child)
            child.kill()
    with begin(echoing.url, store, ROWS, concurrency=IN_FLIGHT) as child:
        said, complaints = child.communicate(timeout=30)
    results = json.loads(said)
    assert complaints == ""
    assert results["uri"] == uris_of(ROWS)
    assert Counter(results["source"])["store"] > 0
    assert set(answered(echoing.requests)) == set(uris_of(ROWS))
    assert sum(answered(echoing.requests).values()) - ROWS <= KILLS * IN_FLIGHT


def _wait_for(emulator: Emulator, requests: int, child: subprocess.Popen[str]) -> None:
    wait_until(lambda: len(emulator.requests) >= requests or child.poll() is not None)
