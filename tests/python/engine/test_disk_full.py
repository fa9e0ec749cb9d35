"""A store that cannot be written any more ends the run before more is paid for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from engine.children import begin
from engine.echo import asked, uris_of
from streetlens.emulator import Emulator

ROWS = 2_000
IN_FLIGHT = 8
# Room for some tens of answers, each with a commit of its own.
LARGEST_FILE = 300_000


@pytest.fixture
def ended(echoing: Emulator, tmp_path: Path) -> Mapping[str, Any]:
    """The results of a run whose disk is full after a while, with the answers that the store kept."""
    echoing.faults.add("slow", service="gemini", seconds=0.02)
    store = tmp_path / "answers.sqlite"
    with begin(echoing.url, store, ROWS, concurrency=IN_FLIGHT, largest_file=LARGEST_FILE) as child:
        said, complaints = child.communicate(timeout=30)
    assert complaints == ""
    with sl.open_store(store) as opened:
        return {**json.loads(said), "kept": len(opened)}


def test_the_error_says_so_and_what_to_do(ended: Mapping[str, Any]) -> None:
    kind, message = ended["error"]
    assert kind == "StoreError"
    assert "the disk" in message
    assert "`store=False`" in message


def test_the_answers_that_were_paid_for_are_in_the_results(
    ended: Mapping[str, Any], echoing: Emulator
) -> None:
    answered = [uri for uri, status in zip(ended["uri"], ended["status"], strict=True) if status == "ok"]
    assert IN_FLIGHT < len(answered) < ROWS
    assert answered == [
        uri for uri, found in zip(uris_of(ROWS), ended["status"], strict=True) if found == "ok"
    ]
    assert sum(asked(echoing.requests).values()) == len(answered)


def test_nothing_is_asked_after_it(ended: Mapping[str, Any], echoing: Emulator) -> None:
    # What was in the commit that failed, what was under way, and what went while that was heard of.
    assert sum(asked(echoing.requests).values()) - ended["kept"] <= 3 * IN_FLIGHT
