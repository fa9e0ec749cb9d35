"""`client.aio`: awaited verbs give what blocking ones do, run side by side, and stop with their task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator
from waiting import until

ONE = "SELECT 1 AS one"

Verb = Callable[[sl.Client], Coroutine[Any, Any, object]]
VERBS: dict[str, tuple[str, Verb]] = {
    "query": ("bigquery", lambda client: client.aio.query(ONE)),
    "query_all": ("bigquery", lambda client: client.aio.query_all([ONE, ONE])),
    "subscribe": ("sharing", lambda client: client.aio.subscribe("1234-5678")),
    "classify": (
        "gemini",
        lambda client: client.aio.classify(["gs://bucket/a.jpg"], "What?", progress=False),
    ),
}


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    return sl.Client(project=emulator.world.project, region="global", endpoint=emulator.url)


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    dataset = emulator.world.dataset
    return [f"gs://{dataset.bucket}/{name}" for name in sorted(dataset.images)]


def test_an_awaited_query_gives_the_same_table(client: sl.Client) -> None:
    async def ask() -> sl.Table:
        return await client.aio.query("SELECT @n AS n", params={"n": 7})

    assert asyncio.run(ask()).to_dicts() == client.query("SELECT @n AS n", params={"n": 7}).to_dicts()


def test_awaited_queries_come_back_in_order(client: sl.Client) -> None:
    async def ask() -> list[sl.Table]:
        return await client.aio.query_all([f"SELECT {number} AS n" for number in range(8)])

    assert [table["n"] for table in asyncio.run(ask())] == [[number] for number in range(8)]


def test_an_awaited_subscription_is_the_same(client: sl.Client) -> None:
    async def ask() -> sl.LinkedDataset:
        return await client.aio.subscribe("1234-5678")

    first = asyncio.run(ask())
    assert first.is_new
    assert client.subscribe("1234-5678") == first._replace(is_new=False)


def test_an_awaited_run_gives_the_same_answers(client: sl.Client, uris: list[str]) -> None:
    async def ask() -> sl.Results:
        return await client.aio.classify(uris[:6], "Sign or pole?", schema=["sign", "pole"], progress=False)

    awaited = asyncio.run(ask())
    blocking = client.classify(uris[:6], "Sign or pole?", schema=["sign", "pole"], progress=False)
    assert awaited["gcs_uri"] == uris[:6]
    assert awaited["classification"] == blocking["classification"]


def test_a_run_over_a_query_is_awaited_as_one(client: sl.Client) -> None:
    linked = client.subscribe("1234-5678")
    sql = f"SELECT gcs_uri FROM `{linked}.latest_observations` WHERE gcs_uri IS NOT NULL LIMIT 3"

    async def ask() -> sl.Results:
        return await client.aio.classify(sql, "Sign or pole?", progress=False)

    assert len(asyncio.run(ask())) == 3


def test_an_awaited_verb_raises_the_same_error(client: sl.Client) -> None:
    async def ask() -> sl.Table:
        return await client.aio.query("SELEC 1")

    with pytest.raises(sl.QueryError) as awaited:
        asyncio.run(ask())
    with pytest.raises(sl.QueryError) as blocking:
        client.query("SELEC 1")
    assert awaited.value.message == blocking.value.message
    assert (awaited.value.status, awaited.value.reason) == (400, "invalidQuery")


def test_blocking_verbs_work_inside_a_running_loop(client: sl.Client, uris: list[str]) -> None:
    """As in a notebook, whose cells run inside a loop."""

    async def cell() -> tuple[int, int]:
        return len(client.query(ONE)), len(client.classify(uris[:2], "What?", progress=False))

    assert asyncio.run(cell()) == (1, 2)


def test_one_client_serves_one_loop_after_another(client: sl.Client) -> None:
    async def ask() -> int:
        return len(await client.aio.query(ONE))

    assert [asyncio.run(ask()) for _ in range(3)] == [1, 1, 1]


def test_awaited_verbs_run_side_by_side(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("slow", service="bigquery", seconds=1.0)

    async def ask() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(client.aio.query(ONE) for _ in range(10)))
        return time.perf_counter() - began

    assert asyncio.run(ask()) < 5.0


def test_the_loop_runs_on_while_a_verb_is_awaited(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("slow", service="bigquery", seconds=0.5)

    async def ask() -> int:
        query = asyncio.ensure_future(client.aio.query(ONE))
        turns = 0
        while not query.done():
            await asyncio.sleep(0.001)
            turns += 1
        await query
        return turns

    assert asyncio.run(ask()) > 20


@pytest.mark.parametrize("name", VERBS)
def test_cancelling_the_task_ends_the_request_on_the_server(
    client: sl.Client, emulator: Emulator, name: str
) -> None:
    service, verb = VERBS[name]
    emulator.faults.add("stall", service=service)  # type: ignore[arg-type]  # a key of SERVICES

    async def cancel() -> None:
        task = asyncio.ensure_future(verb(client))
        await until(lambda: emulator.requests.of(service))  # type: ignore[arg-type]  # as above
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The stall ends only when the client hangs up.
        await until(lambda: all(entry.seconds for entry in emulator.requests))

    asyncio.run(cancel())
    assert {entry.status for entry in emulator.requests} == {None}


def test_a_cancelled_run_sends_nothing_more(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.1)

    async def cancel() -> int:
        run = client.aio.classify(uris, "What?", concurrency=2, progress=False)
        task = asyncio.ensure_future(run)
        await until(lambda: len(emulator.requests.of("gemini")) >= 4)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sent = len(emulator.requests.of("gemini"))
        await asyncio.sleep(0.5)  # time for eight more requests
        return len(emulator.requests.of("gemini")) - sent

    assert asyncio.run(cancel()) <= 1


def test_a_timeout_of_asyncio_cancels_the_query(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("stall", service="bigquery")

    async def ask() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.aio.query(ONE), 0.3)
        await until(lambda: all(entry.seconds for entry in emulator.requests))

    asyncio.run(ask())


def test_the_first_failure_of_several_queries_stops_the_others(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("stall", service="bigquery", match="SELECT 1")

    async def ask() -> None:
        with pytest.raises(sl.QueryError):
            await client.aio.query_all([ONE, "SELEC 2"])
        await until(lambda: all(entry.seconds for entry in emulator.requests))

    asyncio.run(ask())


def test_awaiting_releases_the_interpreter_for_other_threads(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("slow", service="bigquery", seconds=0.5)

    async def ask() -> int:
        counted = asyncio.create_task(asyncio.to_thread(_count_for, 0.3))
        await client.aio.query(ONE)
        return await counted

    assert asyncio.run(ask()) > 20


def _count_for(seconds: float) -> int:
    deadline, count = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        time.sleep(0.001)
        count += 1
    return count
