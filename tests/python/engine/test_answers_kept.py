"""An answer that was paid for is kept, whatever becomes of the request that was to follow it or beside it."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from classify.pictures import picture
from engine.echo import PROMPT, SCHEMA, uris_of
from servers.answers import generated
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from waiting import wait_until

Serve = Callable[[Script], ScriptedServer]
ROWS = 4
# 0.30 and 2.50 dollars per million tokens, and a tenth more outside `global`.
ONE_ANSWER = (1_100 * 0.30 + 5 * 2.50) / 1e6 * 1.1
NO_FIT, FIT = '{"other": 1}', '{"uri": "gs://a/b.jpg"}'
MISSING = json_answer({"error": {"code": 404, "message": "No such object: pictures/000000.jpg"}}, 404)
IMAGE = Answer(picture(), headers={"Content-Type": "image/jpeg"})


def is_asked_once_more(request: Received) -> bool:
    """Whether it holds an answer that did not fit, and asks for another."""
    return len(request.json["contents"]) > 1


@dataclass(frozen=True)
class Cancelled:
    """A run that was cancelled while all its rows were asked once more, and what came of the same call after it."""

    results: sl.Results
    progress: sl.Progress
    stored: Mapping[str, Any]
    resumed: sl.Results
    sent_by_resumed: Sequence[Received]


@pytest.fixture(scope="module")
def cancelled(tmp_path_factory: pytest.TempPathFactory) -> Cancelled:
    """One for all tests, because a cancelled run waits some seconds for what is under way."""
    is_over = threading.Event()

    def stalls_when_asked_once_more(request: Received) -> Answer:
        if not is_asked_once_more(request):
            return generated(NO_FIT)
        return generated(FIT, seconds=0 if is_over.is_set() else 60)

    store = tmp_path_factory.mktemp("cancelled") / "answers.sqlite"
    with ScriptedServer(stalls_when_asked_once_more) as server:
        client = sl.Client("demo", "us", endpoint=server.url, store=store)
        run = client.start(uris_of(ROWS), PROMPT, schema=SCHEMA, progress=False)
        wait_until(lambda: sum(map(is_asked_once_more, server.received)) == ROWS)
        run.cancel()
        results = run.wait()
        with sl.open_store(store) as opened:
            [stored] = opened.runs().to_dicts()
        is_over.set()
        server.received.clear()
        resumed = client.classify(uris_of(ROWS), PROMPT, schema=SCHEMA, progress=False)
        return Cancelled(results, run.progress, stored, resumed, server.received)


def test_a_row_that_is_being_asked_once_more_when_its_run_is_cancelled_has_its_first_answer(
    cancelled: Cancelled,
) -> None:
    assert cancelled.results["status"] == ["invalid"] * ROWS
    assert cancelled.results.texts == [NO_FIT] * ROWS
    assert all("before it was asked once more" in error for error in cancelled.results["error"])


def test_what_the_first_answers_cost_is_counted_in_a_cancelled_run(cancelled: Cancelled) -> None:
    assert cancelled.results.usage.cost_usd == pytest.approx(ROWS * ONE_ANSWER)


def test_the_first_answers_of_a_cancelled_run_are_in_its_store(cancelled: Cancelled) -> None:
    stored = cancelled.stored
    assert (stored["answers"], stored["cost_usd"]) == (ROWS, pytest.approx(ROWS * ONE_ANSWER))


def test_nothing_is_under_way_when_a_cancelled_run_has_ended(cancelled: Cancelled) -> None:
    assert (cancelled.progress.done, cancelled.progress.in_flight) == (ROWS, 0)


def test_a_run_that_is_resumed_asks_only_once_more_what_did_not_fit(cancelled: Cancelled) -> None:
    assert cancelled.resumed["status"] == ["ok"] * ROWS
    assert [is_asked_once_more(request) for request in cancelled.sent_by_resumed] == [True] * ROWS


def test_a_run_that_is_resumed_does_not_count_the_first_answers_again(cancelled: Cancelled) -> None:
    assert cancelled.resumed["source"] == ["online"] * ROWS
    assert cancelled.resumed["cost_usd"] == pytest.approx([ONE_ANSWER] * ROWS)


def test_an_answer_that_did_not_fit_twice_is_not_asked_for_a_third_time_by_itself(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(lambda _: generated(NO_FIT))
    client = sl.Client("demo", "us", endpoint=server.url, store=tmp_path / "answers.sqlite")
    for source in ("online", "store"):
        results = client.classify(uris_of(1), PROMPT, schema=SCHEMA, progress=False)
        assert (results["status"], results["source"]) == (["invalid"], [source])
    assert len(server.received) == 2


def test_the_first_answer_stays_when_the_image_is_gone_before_it_is_asked_once_more(serve: Serve) -> None:
    fetched: list[str] = []

    def gone_after_the_first_time(request: Received) -> Answer:
        if request.method == "POST":
            return generated(NO_FIT)
        fetched.append(request.path)
        return IMAGE if len(fetched) == 1 else MISSING

    client = sl.Client("demo", "us", endpoint=serve(gone_after_the_first_time).url)
    [row] = client.classify(uris_of(1), PROMPT, schema=SCHEMA, image_mode="inline", progress=False)
    assert len(fetched) == 2
    assert row["status"] == "invalid"
    assert "does not fit the schema" in row["error"]
    assert "No such object" in row["error"]
    assert row["cost_usd"] == pytest.approx(ONE_ANSWER)


def test_a_second_request_goes_on_when_the_image_of_the_first_cannot_be_fetched(
    serve: Serve, tmp_path: Path
) -> None:
    # Enough rows to know what is slow; the last one's image is, and then it is missing for the first request only.
    images = uris_of(60)
    last = images[-1].rpartition("/")[2]
    its_picture = picture(width=300)
    fetched: Counter[str] = Counter()

    def answer(request: Received) -> Answer:
        if request.method == "POST":
            is_last = base64.b64encode(its_picture) in request.body
            return generated(seconds=3.0 if is_last else 0.0)
        name = request.path.rpartition("/")[2]
        fetched[name] += 1
        if name != last:
            return IMAGE
        return replace(MISSING, seconds=1.5) if fetched[name] == 1 else replace(IMAGE, body=its_picture)

    store = tmp_path / "answers.sqlite"
    client = sl.Client("demo", "us", endpoint=serve(answer).url, store=store)
    results = client.classify(images, PROMPT, concurrency=4, hedge=0.5, image_mode="inline", progress=False)
    assert fetched[last] == 2
    assert results["status"] == ["ok"] * len(images)
    with sl.open_store(store) as opened:
        assert len(opened) == len(images)
