"""`client.start` returns at once: answers come as they end, and the run can be watched, told and waited for."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import threading
import time

import pytest

import streetlens as sl
from streetlens.emulator import Emulator
from waiting import until, wait_until

QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]


def test_every_row_comes_once_with_its_place_in_the_input(client: sl.Client, uris: list[str]) -> None:
    answers = list(client.start(uris, QUESTION, schema=LABELS))
    assert sorted(answer.row for answer in answers) == list(range(len(uris)))
    assert all(answer["gcs_uri"] == uris[answer.row] for answer in answers)
    assert {answer["status"] for answer in answers} == {"ok"}


def test_a_row_comes_before_slower_ones_that_were_asked_first(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=1.0, times=1)
    run = client.start(uris[:3], QUESTION, concurrency=1)
    wait_until(lambda: emulator.requests.of("gemini"))
    run.concurrency = 3
    assert [answer.row for answer in run][-1] == 0


def test_another_iteration_goes_on_where_the_last_one_stopped(client: sl.Client, uris: list[str]) -> None:
    run = client.start(uris, QUESTION)
    first = [answer.row for answer in itertools.islice(run, 5)]
    rest = [answer.row for answer in run]
    assert sorted(first + rest) == list(range(len(uris)))
    assert list(run) == []


def test_what_was_iterated_over_is_in_the_results_too(client: sl.Client, uris: list[str]) -> None:
    run = client.start(uris, QUESTION, schema=LABELS)
    answers = {answer.row: dict(answer) for answer in run}
    assert [answers[row] for row in range(len(uris))] == run.results().to_dicts()


def test_a_background_run_gives_what_a_blocking_one_does(client: sl.Client, uris: list[str]) -> None:
    waited = client.start(uris[:6], QUESTION, schema=LABELS).wait()
    blocking = client.classify(uris[:6], QUESTION, schema=LABELS, progress=False)
    assert waited["classification"] == blocking["classification"]


def test_a_query_is_waited_for_before_the_run_begins(client: sl.Client) -> None:
    linked = client.subscribe("1234-5678")
    sql = f"SELECT gcs_uri FROM `{linked}.latest_observations` WHERE gcs_uri IS NOT NULL LIMIT 3"
    assert len(client.start(sql, QUESTION).wait()) == 3


def test_results_so_far_have_every_row(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("stall", service="gemini", after=2)
    run = client.start(uris[:6], QUESTION, concurrency=1)
    wait_until(lambda: run.progress.done == 2)
    assert run.results()["status"] == ["ok"] * 2 + ["skipped"] * 4
    assert not run.done
    run.cancel()


def test_a_wait_that_takes_too_long_leaves_the_run_going(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=1.0, times=1)
    run = client.start(uris[:3], QUESTION, concurrency=1)
    with pytest.raises(sl.DeadlineExceeded, match=r"not done after 0\.2 s and goes on") as raised:
        run.wait(timeout=0.2)
    assert raised.value.results is not None
    assert len(raised.value.results) == 3
    assert run.wait(timeout=30).status_counts == {"ok": 3}


def test_a_cancelled_run_takes_in_the_answers_under_way_and_asks_no_other(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.5)
    run = client.start(uris, QUESTION, concurrency=2)
    wait_until(lambda: run.progress.in_flight == 2)
    run.cancel()
    run.cancel()
    results = run.wait(timeout=10)
    assert results.status_counts == {"skipped": len(uris) - 2, "ok": 2}
    assert "cancelled" in results.errors[0]["error"]
    assert len(emulator.requests.of("gemini")) == 2


def test_the_number_of_requests_under_way_follows_at_once(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("stall", service="gemini")
    run = client.start(uris, QUESTION, concurrency=2)
    wait_until(lambda: run.progress.in_flight == 2)
    run.concurrency = 7
    wait_until(lambda: run.progress.in_flight == 7)
    assert run.concurrency == 7
    run.cancel()


@pytest.mark.parametrize("wish", [0, -1, 1.5, True, "many", "9-3-1"])
def test_a_concurrency_that_is_none_is_refused(client: sl.Client, uris: list[str], wish: object) -> None:
    run = client.start(uris[:1], QUESTION)
    with pytest.raises(sl.ConfigurationError, match="`concurrency="):
        run.concurrency = wish  # type: ignore[assignment]  # as a user might
    run.wait()


def test_what_stops_the_run_is_told_to_everyone_who_waits(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("403", service="gemini", after=2)
    run = client.start(uris[:8], QUESTION, concurrency=1)
    with pytest.raises(sl.PermissionDenied) as first:
        run.wait()
    with pytest.raises(sl.PermissionDenied) as second:
        list(run)
    assert second.value is first.value
    assert first.value.results is not None
    assert first.value.results["status"][:2] == ["ok", "ok"]


def test_iterating_gives_the_finished_rows_before_the_error(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("403", service="gemini", after=2)
    run, statuses = client.start(uris[:8], QUESTION, concurrency=1), list[str]()
    with pytest.raises(sl.PermissionDenied):
        statuses.extend(answer["status"] for answer in run)
    assert run.results().status_counts["ok"] == 2


def test_a_run_goes_on_while_nobody_waits(client: sl.Client, uris: list[str]) -> None:
    run = client.start(uris, QUESTION)
    wait_until(lambda: run.done)
    assert run.progress.done == len(uris)


def test_two_threads_share_the_rows_of_one_run(client: sl.Client, uris: list[str]) -> None:
    run, seen = client.start(uris, QUESTION), list[int]()
    threads = [threading.Thread(target=lambda: seen.extend(a.row for a in run)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(len(uris)))


def test_async_for_and_await_work_on_one_run(client: sl.Client, uris: list[str]) -> None:
    async def ask() -> tuple[list[int], sl.Results]:
        run = await client.aio.start(uris, QUESTION, schema=LABELS)
        rows = [answer.row async for answer in run]
        return rows, await run

    rows, results = asyncio.run(ask())
    assert sorted(rows) == list(range(len(uris)))
    assert results.status_counts == {"ok": len(uris)}


def test_an_awaited_error_has_the_finished_rows(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("403", service="gemini", after=2)

    async def ask() -> None:
        await (await client.aio.start(uris[:8], QUESTION, concurrency=1))

    with pytest.raises(sl.PermissionDenied) as raised:
        asyncio.run(ask())
    assert raised.value.results is not None
    assert raised.value.results.status_counts["ok"] == 2


def test_a_timeout_of_asyncio_leaves_the_run_going(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.8, times=1)

    async def ask() -> sl.Results:
        run = await client.aio.start(uris[:3], QUESTION, concurrency=1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run, 0.2)
        assert not run.done
        return await run

    assert asyncio.run(ask()).status_counts == {"ok": 3}


def test_a_blocking_cell_waits_inside_a_running_loop(client: sl.Client, uris: list[str]) -> None:
    async def cell() -> int:
        run = client.start(uris[:4], QUESTION)
        return len(list(run)) + len(run.wait())

    assert asyncio.run(cell()) == 8


def test_the_loop_goes_on_while_answers_are_awaited(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.5)

    async def ask() -> int:
        run = await client.aio.start(uris[:2], QUESTION)
        waiting = asyncio.ensure_future(anext_all(run))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    async def anext_all(run: sl.Run) -> list[sl.Answer]:
        return [answer async for answer in run]

    assert asyncio.run(ask()) > 20


def test_a_run_shows_how_far_it_is(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("stall", service="gemini", after=2)
    run = client.start(uris[:6], QUESTION, concurrency=1)
    wait_until(lambda: run.progress.done == 2)
    assert repr(run).startswith(f"Run {run.id}, running: 2/6 rows, 2 ok, $0.00")
    assert run._repr_html_().startswith(f"<div>Run {run.id}, running: 2/6 rows")
    assert '<progress value="2" max="6">' in run._repr_html_()
    run.cancel()
    run.wait()
    assert repr(run).startswith(f"Run {run.id}, done: 2/6 rows")


def test_progress_of_a_background_run_is_told_while_it_goes(client: sl.Client, uris: list[str]) -> None:
    told: list[sl.Progress] = []
    run = client.start(uris, QUESTION, progress=told.append)
    run.wait()
    wait_until(lambda: told and told[-1].done == len(uris))


def test_an_error_of_the_progress_function_ends_the_run_and_is_told_to_who_waits(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("stall", service="gemini", after=1)

    def fail(progress: sl.Progress) -> None:
        if progress.done:
            raise RuntimeError("enough")

    run = client.start(uris[:5], QUESTION, concurrency=1, progress=fail)
    with pytest.raises(RuntimeError, match="enough") as raised:
        run.wait()
    assert raised.value.results["status"].count("ok") == 1  # type: ignore[attr-defined]  # set by the run


def test_an_answer_keeps_its_row_when_it_is_pickled(client: sl.Client, uris: list[str]) -> None:
    (answer,) = client.start(uris[:1], QUESTION)
    copy = pickle.loads(pickle.dumps(answer))
    assert (copy, copy.row) == (answer, 0)


def test_a_run_is_not_pickled(client: sl.Client, uris: list[str]) -> None:
    run = client.start(uris[:1], QUESTION)
    run.wait()
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(run)


def test_starting_returns_before_the_first_answer(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("stall", service="gemini")
    began = time.perf_counter()
    run = client.start(uris, QUESTION)
    assert time.perf_counter() - began < 5.0
    assert not run.done
    run.cancel()


def test_a_cancelled_iteration_loses_no_row(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.02)

    async def ask() -> list[int]:
        run, rows = await client.aio.start(uris, QUESTION, concurrency=2), list[int]()

        async def take() -> None:
            async for answer in run:
                rows.append(answer.row)

        while not run.done:
            task = asyncio.ensure_future(take())
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait({task})
        await take()
        await until(lambda: run.done)
        return rows

    assert sorted(asyncio.run(ask())) == list(range(len(uris)))
