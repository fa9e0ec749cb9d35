"""What was answered is not paid for again, neither by a retry nor by a run with little money."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import streetlens as sl
from engine.echo import PROMPT, asked, uris_of
from streetlens.emulator import Emulator
from waiting import wait_until

URIS = uris_of(60)
TOO_LITTLE = 1e-6


@pytest.fixture
def keeping(echoing: Emulator, tmp_path: Path) -> sl.Client:
    """A client with a store."""
    return sl.Client("demo", "us", endpoint=echoing.url, store=tmp_path / "answers.sqlite")


def cancelled(client: sl.Client, echoing: Emulator) -> sl.Results:
    """A run that was cancelled while it waited for its first answer."""
    echoing.faults.add("slow", service="gemini", seconds=0.5)
    run = client.start(URIS, PROMPT, concurrency=1, progress=False)
    wait_until(lambda: len(echoing.requests) == 1)
    run.cancel()
    results = run.wait()
    echoing.faults.clear()
    assert Counter(results["status"])["skipped"] > 0
    return results


def test_a_retry_after_a_cancelled_run_asks_nothing_that_another_run_has_answered(
    keeping: sl.Client, echoing: Emulator
) -> None:
    results = cancelled(keeping, echoing)
    keeping.classify(URIS, PROMPT, progress=False)
    echoing.requests.clear()
    assert results.retry_failed(progress=False)["classification"] == URIS
    assert len(echoing.requests) == 0


def test_a_retry_after_a_cancelled_run_asks_the_rest_once(keeping: sl.Client, echoing: Emulator) -> None:
    results = cancelled(keeping, echoing)
    assert results.retry_failed(progress=False)["classification"] == URIS
    assert asked(echoing.requests) == Counter(URIS)


def test_a_retry_after_a_run_that_broke_off_asks_only_its_failed_row_of_what_is_known(
    keeping: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("403", service="gemini", after=25)
    with pytest.raises(sl.PermissionDenied) as raised:
        keeping.classify(URIS, PROMPT, concurrency=1, progress=False)
    results = raised.value.results
    assert results is not None
    [failed] = [row["gcs_uri"] for row in results if row["status"] == "failed"]
    echoing.faults.clear()
    keeping.classify(URIS, PROMPT, progress=False)
    echoing.requests.clear()
    assert results.retry_failed(progress=False)["classification"] == URIS
    assert asked(echoing.requests) == Counter([failed])


def test_a_duplicate_that_was_skipped_is_not_asked_when_its_first_row_was_answered(
    client: sl.Client, echoing: Emulator
) -> None:
    # So many rows lie between them that the run breaks off before it has read the second one.
    images = [*uris_of(2_000), URIS[0]]
    echoing.faults.add("403", service="gemini", after=3)
    with pytest.raises(sl.PermissionDenied) as raised:
        client.classify(images, PROMPT, concurrency=1, progress=False)
    results = raised.value.results
    assert results is not None
    assert (results[0]["status"], results[-1]["status"]) == ("ok", "skipped")
    echoing.faults.clear()
    again = results.retry_failed(progress=False)
    assert again["classification"] == images
    assert asked(echoing.requests)[URIS[0]] == 1


def test_a_limit_that_pays_for_no_request_is_enough_for_what_is_in_the_store(
    keeping: sl.Client, echoing: Emulator
) -> None:
    keeping.classify(URIS, PROMPT, progress=False)
    echoing.requests.clear()
    results = keeping.classify(URIS, PROMPT, max_cost_usd=TOO_LITTLE, progress=False)
    assert results["classification"] == URIS
    assert len(echoing.requests) == 0


def test_a_limit_that_pays_for_no_request_is_an_error_when_one_row_is_not_in_the_store(
    keeping: sl.Client, echoing: Emulator
) -> None:
    keeping.classify(URIS[1:], PROMPT, progress=False)
    echoing.requests.clear()
    with pytest.raises(sl.BudgetExceeded, match="does not pay for one request") as raised:
        keeping.classify(URIS, PROMPT, max_cost_usd=TOO_LITTLE, progress=False)
    assert raised.value.results is not None
    assert Counter(raised.value.results["source"])["store"] == len(URIS) - 1
    assert len(echoing.requests) == 0


def test_a_limit_that_pays_for_no_request_is_enough_for_no_rows(client: sl.Client) -> None:
    assert len(client.classify([], PROMPT, max_cost_usd=TOO_LITTLE, progress=False)) == 0
