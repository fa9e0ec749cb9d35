"""The service goes away in the middle of a run and comes back."""

from __future__ import annotations

import pytest

import streetlens as sl
from engine.door import Door
from engine.echo import PROMPT, SCHEMA, table_of
from streetlens.emulator import Emulator

ROWS = 1_500
SOME = 300


@pytest.mark.parametrize("seconds", [5.0, 30.0])
def test_a_server_that_is_gone_for_a_while_costs_no_row(echoing: Emulator, seconds: float) -> None:
    with Door(echoing.url) as door:
        was_shut: list[int] = []

        def shut_once(progress: sl.Progress) -> None:
            if progress.done >= SOME and not was_shut:
                was_shut.append(progress.done)
                door.shut_for(seconds)

        client = sl.Client("demo", "us", endpoint=door.url)
        with pytest.warns(UserWarning, match="the service does not answer"):
            results = client.classify(
                table_of(ROWS),
                PROMPT,
                schema=SCHEMA,
                concurrency=8,
                requests_per_minute=30_000,
                progress=shut_once,
            )
    assert was_shut[0] < ROWS
    assert set(results["status"]) == {"ok"}
    assert results["uri"] == results["gcs_uri"]


def test_while_the_server_is_gone_it_is_asked_now_and_then_only(echoing: Emulator) -> None:
    with Door(echoing.url) as door:
        requests: list[int] = []

        def look(progress: sl.Progress) -> None:
            if progress.done >= SOME and not requests:
                door.shut_for(6.0)
            if progress.done >= SOME:
                requests.append(progress.requests)

        client = sl.Client("demo", "us", endpoint=door.url)
        with pytest.warns(UserWarning, match="the service does not answer"):
            results = client.classify(
                table_of(SOME + 500),
                PROMPT,
                schema=SCHEMA,
                concurrency=8,
                requests_per_minute=30_000,
                progress=look,
            )
    assert set(results["status"]) == {"ok"}
    # Those under way when it went, the five that show that it is gone, and probes of at least 1/4 s and up to 5 s.
    assert requests[-1] <= len(results) + 8 + 8 + 12
