"""The same call again asks only what is missing, and nothing that was paid for is asked twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import streetlens as sl
from engine.echo import PROMPT, SCHEMA, asked, table_of, uris_of
from streetlens.emulator import Emulator

URIS = uris_of(60)


@pytest.fixture
def keeping(echoing: Emulator, tmp_path: Path) -> sl.Client:
    """A client with a store."""
    return sl.Client("demo", "us", endpoint=echoing.url, store=tmp_path / "answers.sqlite")


def test_the_rest_of_a_run_that_broke_off_is_asked_and_no_more(keeping: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("403", service="gemini", after=25)
    with pytest.raises(sl.PermissionDenied) as raised:
        keeping.classify(URIS, PROMPT, concurrency=4, progress=False)
    results = raised.value.results
    assert results is not None
    answered = Counter(results["status"])["ok"]
    echoing.faults.clear()
    echoing.requests.clear()
    results = keeping.classify(URIS, PROMPT, progress=False)
    assert results["classification"] == URIS
    assert Counter(results["source"]) == {"store": answered, "online": 60 - answered}
    assert sum(asked(echoing.requests).values()) == 60 - answered


def test_what_comes_from_the_store_costs_nothing(keeping: sl.Client) -> None:
    keeping.classify(URIS, PROMPT, progress=False)
    assert sum(keeping.classify(URIS, PROMPT, progress=False)["cost_usd"]) == 0


def test_another_question_is_asked(keeping: sl.Client, echoing: Emulator) -> None:
    keeping.classify(URIS, PROMPT, progress=False)
    keeping.classify(URIS, PROMPT + " Really?", progress=False)
    assert set(asked(echoing.requests).values()) == {2}


def test_refresh_asks_anew_and_keeps_the_new_answer(keeping: sl.Client, echoing: Emulator) -> None:
    keeping.classify(URIS, PROMPT, progress=False)
    again = keeping.classify(URIS, PROMPT, refresh=True, progress=False)
    third = keeping.classify(URIS, PROMPT, progress=False)
    assert [set(results["source"]) for results in (again, third)] == [{"online"}, {"store"}]
    assert set(asked(echoing.requests).values()) == {2}


def test_the_same_question_is_sent_once_in_a_run(keeping: sl.Client, echoing: Emulator) -> None:
    images = [uri for uri in URIS[:20] for _ in range(5)]
    results = keeping.classify(images, PROMPT, progress=False)
    assert results["classification"] == images
    assert Counter(results["source"]) == {"online": 20, "duplicate": 80}
    assert asked(echoing.requests) == Counter(URIS[:20])


def test_the_same_question_is_asked_once_without_a_store_too(client: sl.Client, echoing: Emulator) -> None:
    client.classify(URIS[:3] * 10, PROMPT, progress=False)
    assert asked(echoing.requests) == Counter(URIS[:3])


def test_a_duplicate_of_a_row_that_failed_failed_too(client: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("400", service="gemini", match=URIS[0])
    results = client.classify([URIS[0], URIS[1], URIS[0]], PROMPT, progress=False)
    assert results["status"] == ["failed", "ok", "failed"]


def test_failed_rows_are_asked_again_and_the_others_stay(keeping: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("400", service="gemini", times=7)
    results = keeping.classify(table_of(60), PROMPT, concurrency=4, progress=False)
    failed = [row["gcs_uri"] for row in results.errors]
    assert len(failed) == 7
    echoing.requests.clear()
    again = results.retry_failed(progress=False)
    assert set(again["status"]) == {"ok"}
    assert list(again["number"]) == list(range(60))
    assert asked(echoing.requests) == Counter(failed)


def test_an_answer_that_did_not_fit_is_asked_for_again(keeping: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("wrong_schema", service="gemini", match=URIS[5], times=2)
    results = keeping.classify(URIS, PROMPT, schema=SCHEMA, progress=False)
    assert Counter(results["status"]) == {"ok": 59, "invalid": 1}
    assert results.retry_failed(progress=False)["uri"] == URIS


def test_reading_by_another_schema_asks_nothing(keeping: sl.Client, echoing: Emulator) -> None:
    results = keeping.classify(URIS, PROMPT, schema=SCHEMA, progress=False)
    echoing.requests.clear()
    wider = {**SCHEMA, "properties": {**SCHEMA["properties"], "note": {"type": "string"}}}
    read = results.reparse(wider)
    assert (read["uri"], set(read["note"])) == (URIS, {None})
    assert len(echoing.requests) == 0
