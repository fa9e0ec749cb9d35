"""Tokens that live for two seconds, and one that is withdrawn in the middle of a run."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

import streetlens as sl
from engine.echo import PROMPT, SCHEMA, asked, table_of
from streetlens.emulator import Emulator

LIFETIME = 2.0


def run_for(client: sl.Client, seconds: float, rows_a_second: int = 100) -> sl.Results:
    """A run that takes so long because its pace is limited."""
    rows = int(seconds * rows_a_second)
    return client.classify(
        table_of(rows),
        PROMPT,
        schema=SCHEMA,
        concurrency=8,
        requests_per_minute=60 * rows_a_second,
        progress=False,
    )


@pytest.mark.parametrize("tells_expiry", [True, False])
def test_a_run_outlives_tokens_of_two_seconds_and_fetches_few(echoing: Emulator, tells_expiry: bool) -> None:
    echoing.world.require_token = True
    echoing.world.tokens.lifetime = LIFETIME
    fetched: list[float] = []

    def token() -> tuple[str, datetime] | str:
        fetched.append(time.monotonic())
        value = echoing.world.tokens.issue().value
        if not tells_expiry:
            return value
        return value, datetime.now(timezone.utc) + timedelta(seconds=LIFETIME)

    client = sl.Client("demo", "us", endpoint=echoing.url, credentials=token)
    began = time.monotonic()
    results = run_for(client, 8.0)
    took = time.monotonic() - began
    assert set(results["status"]) == {"ok"}
    assert results["uri"] == results["gcs_uri"]
    # One for each half of a lifetime would do; one for each request would be 800.
    assert took / LIFETIME - 1 <= len(fetched) <= 4 * took / LIFETIME + 4


def test_a_token_that_is_withdrawn_costs_no_row_an_attempt(echoing: Emulator) -> None:
    echoing.world.require_token = True
    tokens = echoing.world.tokens

    def withdraw(progress: sl.Progress) -> None:
        if progress.done >= 50 and not withdrawn:
            withdrawn.append(progress.done)
            tokens.expire_all()

    withdrawn: list[int] = []
    client = sl.Client("demo", "us", endpoint=echoing.url, credentials=lambda: tokens.issue().value)
    results = client.classify(
        table_of(400), PROMPT, concurrency=8, requests_per_minute=12_000, progress=withdraw
    )
    assert withdrawn
    assert set(results["status"]) == {"ok"}
    assert set(results["attempts"]) == {1}


def test_credentials_that_are_withdrawn_for_good_end_the_run_after_a_handful_of_requests(
    echoing: Emulator,
) -> None:
    echoing.world.require_token = True
    tokens = echoing.world.tokens
    good = tokens.issue().value

    def withdraw(progress: sl.Progress) -> None:
        if progress.done >= 50:
            tokens.expire_all()

    client = sl.Client("demo", "us", endpoint=echoing.url, credentials=lambda: good)
    with pytest.raises(sl.AuthenticationError) as raised:
        client.classify(table_of(2_000), PROMPT, concurrency=8, requests_per_minute=12_000, progress=withdraw)
    results = raised.value.results
    assert results is not None
    answered = sum(status == "ok" for status in results["status"])
    assert 50 <= answered < 2_000
    # Three rounds of what is under way, each sent twice because the first refusal renews the token.
    assert sum(asked(echoing.requests).values()) - answered <= 3 * 2 * 8


@pytest.mark.parametrize("hours", [10, -10])
def test_a_clock_that_is_wrong_by_hours_costs_no_row(echoing: Emulator, hours: int) -> None:
    """What the token says of its expiry is then far too late, or long past."""
    echoing.world.require_token = True
    echoing.world.tokens.lifetime = LIFETIME
    fetched: list[str] = []

    def token() -> tuple[str, datetime]:
        fetched.append(echoing.world.tokens.issue().value)
        return fetched[-1], datetime.now(timezone.utc) + timedelta(hours=hours)

    client = sl.Client("demo", "us", endpoint=echoing.url, credentials=token)
    results = run_for(client, 5.0)
    assert set(results["status"]) == {"ok"}
    assert results["uri"] == results["gcs_uri"]
    assert len(fetched) <= 8
