"""Requests that stall or are slow hold up nothing but themselves, and hedging spares the wait for them."""

from __future__ import annotations

import time
from collections import Counter

import pytest

import streetlens as sl
from engine.echo import PROMPT, asked, uris_of
from streetlens.emulator import Emulator

ROWS = 600
IN_FLIGHT = 16
TIMEOUT = 2.0
SHARE = 0.05


def seconds_of(client: sl.Client, hedge: float = 0.0) -> tuple[float, sl.Results]:
    began = time.monotonic()
    results = client.classify(
        uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, timeout=TIMEOUT, progress=False, hedge=hedge
    )
    return time.monotonic() - began, results


def test_two_in_a_hundred_requests_that_stall_cost_half_as_much_again_and_one_timeout(
    client: sl.Client, echoing: Emulator
) -> None:
    # Each answer takes its time, so that the machine is not what is measured.
    echoing.faults.add("slow", service="gemini", seconds=0.1)
    without, _ = seconds_of(client)
    echoing.faults.clear()
    rule = echoing.faults.add("stall", service="gemini", rate=0.02)
    echoing.faults.add("slow", service="gemini", seconds=0.1)
    with_stalls, results = seconds_of(client)
    assert rule.struck >= 5
    assert set(results["status"]) == {"ok"}
    assert results["classification"] == uris_of(ROWS)
    assert with_stalls <= 1.5 * without + TIMEOUT


def test_hedging_spares_the_wait_for_the_slowest_and_keeps_to_its_share(
    client: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("stall", service="gemini", rate=0.01)
    echoing.faults.add("slow", service="gemini", seconds=0.05)
    plain, _ = seconds_of(client)
    before = asked(echoing.requests)
    hedged, results = seconds_of(client, hedge=SHARE)
    sent = asked(echoing.requests) - before
    assert set(results["status"]) == {"ok"}
    assert results["classification"] == uris_of(ROWS)
    assert sum(sent.values()) <= (1 + SHARE) * ROWS + Counter(results["attempts"])[2]
    assert hedged < plain


@pytest.mark.parametrize("hedge", [True, False])
def test_a_row_that_was_answered_twice_counts_once(client: sl.Client, echoing: Emulator, hedge: bool) -> None:
    echoing.faults.add("slow", service="gemini", rate=0.02, seconds=0.5)
    seen: list[sl.Progress] = []
    results = client.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, hedge=hedge, progress=seen.append)
    assert results["classification"] == uris_of(ROWS)
    assert (seen[-1].done, seen[-1].ok, seen[-1].in_flight) == (ROWS, ROWS, 0)
    assert seen[-1].requests >= ROWS
