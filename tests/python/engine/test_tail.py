"""Requests that stall or are slow hold up nothing but themselves, and hedging spares the wait for them."""

from __future__ import annotations

from collections import Counter

import pytest

import streetlens as sl
from engine.echo import PROMPT, asked, uris_of
from streetlens.emulator import Emulator

ROWS = 600
IN_FLIGHT = 16
TIMEOUT = 2.0
SHARE = 0.05


def results_of(client: sl.Client, hedge: float = 0.0) -> sl.Results:
    return client.classify(
        uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, timeout=TIMEOUT, progress=False, hedge=hedge
    )


def rows_that_waited_for_a_timeout(results: sl.Results) -> int:
    return sum(latency >= TIMEOUT * 1_000 for latency in results["latency_ms"])


def test_requests_that_stall_cost_their_rows_a_timeout_and_no_row_its_answer(
    client: sl.Client, echoing: Emulator
) -> None:
    rule = echoing.faults.add("stall", service="gemini", rate=0.02)
    results = results_of(client)
    assert rule.struck >= 5
    assert set(results["status"]) == {"ok"}
    assert results["classification"] == uris_of(ROWS)
    assert 0 < rows_that_waited_for_a_timeout(results) <= rule.struck


def test_hedging_spares_the_wait_for_the_slowest_and_keeps_to_its_share(
    client: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("stall", service="gemini", rate=0.01)
    echoing.faults.add("slow", service="gemini", seconds=0.05)
    plain = results_of(client)
    before = asked(echoing.requests)
    hedged = results_of(client, hedge=SHARE)
    sent = asked(echoing.requests) - before
    assert set(hedged["status"]) == {"ok"}
    assert hedged["classification"] == uris_of(ROWS)
    assert sum(sent.values()) <= (1 + SHARE) * ROWS + Counter(hedged["attempts"])[2]
    assert rows_that_waited_for_a_timeout(hedged) < rows_that_waited_for_a_timeout(plain)


@pytest.mark.parametrize("hedge", [True, False])
def test_a_row_that_was_answered_twice_counts_once(client: sl.Client, echoing: Emulator, hedge: bool) -> None:
    echoing.faults.add("slow", service="gemini", rate=0.02, seconds=0.5)
    seen: list[sl.Progress] = []
    results = client.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, hedge=hedge, progress=seen.append)
    assert results["classification"] == uris_of(ROWS)
    assert (seen[-1].done, seen[-1].ok, seen[-1].in_flight) == (ROWS, ROWS, 0)
    assert seen[-1].requests >= ROWS
