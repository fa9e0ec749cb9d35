"""Several regions share a run: each by its health, and one that is ill is left and asked again."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import streetlens as sl
from engine.echo import PROMPT, uris_of
from servers.answers import gemini_error, generated
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator
from streetlens.emulator.request_log import LoggedRequest

ROWS = 400
IN_FLIGHT = 16


@pytest.fixture
def spread(echoing: Emulator) -> sl.Client:
    """A client of two regions."""
    return sl.Client("demo", ["us", "eu"], endpoint=echoing.url)


def locations(log: Iterable[LoggedRequest]) -> list[str]:
    """Where the requests went, in their order."""
    return [entry.path.partition("/locations/")[2].partition("/")[0] for entry in log]


def test_two_regions_share_the_requests(spread: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("slow", service="gemini", seconds=0.02)
    results = spread.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    assert results["classification"] == uris_of(ROWS)
    shares = Counter(locations(echoing.requests))
    assert set(shares) == {"us", "eu"}
    assert sum(shares.values()) == ROWS
    assert min(shares.values()) >= ROWS // 4


def test_an_ill_region_is_left_and_taken_again_when_it_is_well(spread: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("503", service="gemini", match="/locations/eu/")

    def heal(progress: sl.Progress) -> None:
        if progress.done >= 200:
            echoing.faults.clear()

    results = spread.classify(
        uris_of(1_000), PROMPT, concurrency=IN_FLIGHT, requests_per_minute=6_000, progress=heal
    )
    assert set(results["status"]) == {"ok"}
    in_eu = [entry.status for entry in echoing.requests if "/locations/eu/" in entry.path]
    assert 5 <= in_eu.count(503) <= 5 + IN_FLIGHT
    assert in_eu.count(200) >= 50


def test_a_region_that_stays_ill_costs_no_row(spread: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("503", service="gemini", match="/locations/eu/")
    results = spread.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    assert results["classification"] == uris_of(ROWS)
    assert locations(echoing.requests).count("eu") <= 5 + IN_FLIGHT


def test_a_region_without_quota_leaves_the_rows_to_the_other(spread: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("429", service="gemini", match="/locations/eu/")
    results = spread.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    assert results["classification"] == uris_of(ROWS)
    assert set(results["attempts"]) == {1}


def test_a_region_that_does_not_serve_the_model_is_left_with_a_note(
    spread: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("404", service="gemini", match="/locations/eu/")
    with pytest.warns(UserWarning, match="`eu` is left, and the other regions go on: the model") as told:
        results = spread.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    assert len(told) == 1
    assert results["classification"] == uris_of(ROWS)
    assert locations(echoing.requests).count("eu") <= IN_FLIGHT


def test_a_refusal_of_every_region_ends_the_run(spread: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("403", service="gemini")
    with (
        pytest.warns(UserWarning, match="is left"),
        pytest.raises(sl.PermissionDenied, match="roles/aiplatform"),
    ):
        spread.classify(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    assert len(echoing.requests) <= 2 * IN_FLIGHT


def test_an_answer_counts_wherever_it_was_given(echoing: Emulator, tmp_path: Path) -> None:
    store = tmp_path / "answers.sqlite"
    for region in (["us", "eu"], "eu", ["global", "us"]):
        client = sl.Client("demo", region, endpoint=echoing.url, store=store)
        client.classify(uris_of(20), PROMPT, progress=False)
    assert len(echoing.requests) == 20


def test_regions_that_come_to_the_same_place_are_one(echoing: Emulator) -> None:
    client = sl.Client("demo", ["us", "us", "us-east1"], endpoint=echoing.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # us-east1 is widened to us
        client.classify(uris_of(20), PROMPT, progress=False)
    assert set(locations(echoing.requests)) == {"us"}


def test_a_region_that_was_refused_once_and_serves_again_is_there_when_another_is_left(
    serve: Callable[[Script], ScriptedServer],
) -> None:
    refused: list[str] = []
    served: list[str] = []

    def answer(request: Received) -> Answer:
        region = "us" if "/locations/us/" in request.path else "eu"
        # The third request to `us` goes when its first answer is there, and only then `eu` is refused.
        is_refused = region == "us" or served.count("us") >= 3
        if region not in refused and is_refused:
            refused.append(region)
            return gemini_error(403, "Permission 'aiplatform.endpoints.predict' denied")
        served.append(region)
        return generated(seconds=0.1)

    client = sl.Client("demo", ["us", "eu"], endpoint=serve(answer).url)
    with pytest.warns(UserWarning, match="is left, and the other regions go on"):
        results = client.classify(uris_of(160), PROMPT, concurrency=2, progress=False)
    assert refused == ["us", "eu"]
    assert set(results["status"]) == {"ok"}


def test_credentials_that_are_refused_for_a_moment_are_no_reason_to_leave_a_region(
    spread: sl.Client, echoing: Emulator
) -> None:
    # A note that a region is left would be an error here.
    echoing.faults.add("401", service="gemini", after=20, times=2)
    results = spread.classify(uris_of(60), PROMPT, concurrency=2, progress=False)
    assert results["classification"] == uris_of(60)
    assert [entry.status for entry in echoing.requests].count(401) == 2
