"""`max_cost_usd`: what a run may spend, what it says when that is spent, and how it is gone on with."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import streetlens as sl
from servers.answers import generated
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator
from streetlens.options import StorePlace

QUESTION = "Which sign is this?"
Serve = Callable[[Script], ScriptedServer]

# 0.30 and 2.50 dollars per million tokens, and a tenth more outside `global`.
ONE_ANSWER = (1_100 * 0.30 + 5 * 2.50) / 1e6 * 1.1


def images(count: int) -> list[str]:
    return [f"gs://bucket/{number}.jpg" for number in range(count)]


def on(server: ScriptedServer, store: StorePlace = False) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url, store=store)


def test_a_run_stops_where_its_money_ends_and_says_so(serve: Serve) -> None:
    server = serve(lambda _: generated())
    limit = 0.02
    with pytest.warns(
        UserWarning, match="budget of .0.02 was reached: .* were not sent.*raise `max_cost_usd=`"
    ):
        results = on(server).classify(images(200), QUESTION, max_cost_usd=limit)
    counts = results.status_counts
    assert set(counts) == {"ok", "skipped"}
    assert len(server.received) == counts["ok"]
    # The money is used, and not exceeded.
    assert limit - 3 * ONE_ANSWER <= counts["ok"] * ONE_ANSWER <= limit
    assert results.usage.cost_usd == pytest.approx(counts["ok"] * ONE_ANSWER)
    assert {row["error"] for row in results.errors} == {"the budget of $0.02 was reached"}


@pytest.mark.parametrize("in_flight", [1, 8, 32])
def test_dearer_answers_than_planned_exceed_the_limit_by_what_was_in_flight_only(
    serve: Serve, in_flight: int
) -> None:
    dear = (5_000 * 0.30 + 500 * 2.50) / 1e6 * 1.1
    limit = 0.1
    server = serve(
        lambda _: generated(
            seconds=0.02, promptTokenCount=5_000, candidatesTokenCount=500, totalTokenCount=5_500
        )
    )
    with pytest.warns(UserWarning, match="was reached"):
        on(server).classify(images(300), QUESTION, max_cost_usd=limit, concurrency=in_flight)
    spent = len(server.received) * dear
    assert limit - 3 * dear <= spent <= limit + in_flight * dear


def test_what_does_not_pay_for_one_request_is_refused_before_it(
    client: sl.Client, emulator: Emulator
) -> None:
    with pytest.raises(sl.BudgetExceeded, match="does not pay for one request"):
        client.classify(images(3), QUESTION, max_cost_usd=0.0001)
    assert emulator.requests.of("gemini") == []


def test_a_limit_without_a_price_is_refused_before_anything_is_sent(
    client: sl.Client, emulator: Emulator
) -> None:
    with pytest.raises(sl.ConfigurationError, match="the price of `gemini-9-nova` is not known"):
        client.classify(images(3), QUESTION, model="gemini-9-nova", max_cost_usd=1)
    assert emulator.requests.of("gemini") == []


def test_a_higher_limit_pays_the_rest_only(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda _: generated())
    client = on(server, tmp_path)
    with pytest.warns(UserWarning, match="was reached"):
        first = client.classify(images(100), QUESTION, max_cost_usd=0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = client.classify(images(100), QUESTION, max_cost_usd=0.1)
    assert second.status_counts == {"ok": 100}
    assert len(server.received) == 100
    assert first.usage.cost_usd + second.usage.cost_usd == pytest.approx(100 * ONE_ANSWER)


def test_what_was_paid_before_is_given_wherever_it_is(serve: Serve, tmp_path: Path) -> None:
    client = on(serve(lambda _: generated()), tmp_path)
    client.classify(images(1_000)[990:], QUESTION)
    with pytest.warns(UserWarning, match="was reached"):
        results = client.classify(images(1_000), QUESTION, max_cost_usd=0.002)
    rows = results.to_dicts()
    assert {row["source"] for row in rows[990:]} == {"store"}
    assert rows[900]["status"] == "skipped"


def test_an_answer_is_kept_when_there_is_no_money_to_ask_once_more(serve: Serve) -> None:
    server = serve(lambda _: generated("no JSON"))
    with pytest.warns(UserWarning, match="was reached"):
        results = on(server).classify(
            images(1), QUESTION, schema=["stop", "yield"], max_cost_usd=0.0008, max_error_ratio=1
        )
    (row,) = results
    assert (len(server.received), row["status"]) == (1, "invalid")
    assert "the run ended before it was asked once more" in row["error"]
    assert row["cost_usd"] == pytest.approx(ONE_ANSWER)


def test_the_progress_shows_the_money_as_it_is_spent(serve: Serve) -> None:
    seen: list[sl.Progress] = []

    def script(_: Received) -> Answer:
        return generated(seconds=0.2)

    results = on(serve(script)).classify(images(20), QUESTION, concurrency=2, progress=seen.append)
    spent = [progress.cost_usd for progress in seen]
    assert spent == sorted(spent)
    assert len(set(spent)) > 3
    assert seen[-1].cost_usd == pytest.approx(results.usage.cost_usd)
    assert all(p.cost_usd == pytest.approx(p.done * ONE_ANSWER, abs=1e-6) for p in seen)
