"""Results know their run: what failed is asked anew, and answers are read by another schema, without paying twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import streetlens as sl
from streetlens.emulator import Emulator
from streetlens.results import Results
from waiting import wait_until

QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]


def test_only_the_rows_that_failed_are_asked_anew(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("blocked", service="gemini", after=3, times=2)
    first = client.classify(uris[:8], QUESTION, schema=LABELS, concurrency=1, progress=False)
    assert first.status_counts == {"ok": 6, "blocked": 2}
    emulator.requests.clear()
    second = first.retry_failed(progress=False)
    assert second.status_counts == {"ok": 8}
    assert len(emulator.requests.of("gemini")) == 2
    kept = [row for row in range(8) if first["status"][row] == "ok"]
    assert [second["latency_ms"][row] for row in kept] == [first["latency_ms"][row] for row in kept]


def test_results_without_a_failure_are_returned_as_they_are(client: sl.Client, uris: list[str]) -> None:
    results = client.classify(uris[:2], QUESTION, progress=False)
    assert results.retry_failed() is results


def test_a_retry_in_the_background_is_awaited(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("blocked", service="gemini", times=1)

    async def ask() -> sl.Results:
        first = await client.aio.classify(uris[:4], QUESTION, progress=False)
        assert first.status_counts == {"ok": 3, "blocked": 1}
        return await first.start_retry()

    assert asyncio.run(ask()).status_counts == {"ok": 4}


def test_a_retry_in_the_background_gives_the_new_rows_only(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("blocked", service="gemini", after=2, times=1)
    first = client.classify(uris[:4], QUESTION, concurrency=1, progress=False)
    assert [answer.row for answer in first.start_retry()] == [first["status"].index("blocked")]


def test_rows_of_a_run_that_goes_on_are_not_asked_twice(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("stall", service="gemini", after=1)
    run = client.start(uris[:4], QUESTION, concurrency=1)
    wait_until(lambda: run.progress.done == 1)
    with pytest.raises(sl.InvalidInput, match="the run goes on"):
        run.results().retry_failed()
    run.cancel()


@dataclass
class Kind:
    kind: str


def test_answers_are_read_by_another_schema_without_a_request(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("wrong_schema", service="gemini", times=1)
    first = client.classify(uris[:4], QUESTION, schema=Kind, concurrency=1, progress=False)
    emulator.requests.clear()
    plain = first.reparse(None)
    assert plain["classification"] == first.texts
    assert "kind" in plain.reparse(Kind).column_names
    assert emulator.requests.of("gemini") == []


def test_the_text_of_an_answer_that_does_not_fit_is_kept(client: sl.Client, uris: list[str]) -> None:
    plain = client.classify(uris[:2], QUESTION, progress=False)
    typed = plain.reparse(Kind)
    assert typed.status_counts == {"invalid": 2}
    assert typed.texts == plain["classification"]


def test_texts_are_the_answers_as_the_model_gave_them(client: sl.Client, uris: list[str]) -> None:
    results = client.classify([uris[0], "gs://bucket/none.jpg"], QUESTION, schema=Kind, progress=False)
    text, missing = results.texts
    assert json.loads(text or "") == {"kind": results["kind"][0]}
    assert missing is None


def test_a_schema_that_is_none_is_refused_by_reparse(client: sl.Client, uris: list[str]) -> None:
    with pytest.raises(sl.SchemaError):
        client.classify(uris[:1], QUESTION, progress=False).reparse(7)  # type: ignore[arg-type]  # as a user might


def test_the_runs_id_is_on_its_requests(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    results = client.classify(uris[:1], QUESTION, progress=False)
    (request,) = emulator.requests.of("gemini")
    assert results.run_id
    assert results.run_id in str(request)


def test_usage_counts_what_was_asked_and_nothing_that_was_there(client: sl.Client, uris: list[str]) -> None:
    one = client.classify(uris[:1], QUESTION, concurrency=1, progress=False)
    same = client.classify([uris[0]] * 3, QUESTION, concurrency=1, progress=False)
    assert same.usage == one.usage
    assert sorted(same["source"])[-1] == "online"


USES: dict[str, Callable[[sl.Results], object]] = {
    "texts": lambda results: results.texts,
    "run_id": lambda results: results.run_id,
    "start_retry": lambda results: results.start_retry(),
    "reparse": lambda results: results.reparse(None),
    "retry_failed": lambda results: results.retry_failed(),
}


@pytest.mark.parametrize("use", USES)
def test_results_without_a_run_say_so(client: sl.Client, uris: list[str], use: str) -> None:
    results = Results(client.classify(uris[:1], QUESTION, progress=False)._native)
    with pytest.raises(sl.InvalidInput, match="not connected to a run"):
        USES[use](results)
