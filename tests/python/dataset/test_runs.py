"""A selection is the images of a run: blocking, awaited, planned, one row an image or an asset."""

from __future__ import annotations

import asyncio

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

QUESTION = "Is it a sign or a pole?"


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator, subscribed."""
    emulator.world.subscribe()
    return sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url)


def test_a_run_keeps_the_columns_of_its_selection(client: sl.Client) -> None:
    selection = client.observations("sign", limit=3)
    results = client.classify(selection, QUESTION, progress=False)
    assert results["observation_id"] == selection.fetch()["observation_id"]
    assert {"asset_id", "asset_type", "capture_time", "location", "status"} <= set(results.column_names)


def test_an_asset_is_asked_about_once(client: sl.Client) -> None:
    selection = client.observations(min_views=2).by_asset(max_images=2)
    results = client.classify(selection, QUESTION, schema=["sign", "pole"], progress=False)
    assets = client.observations(min_views=2).describe().assets
    assert len(results) == len(set(results["asset_id"])) == assets
    assert set(results["views"]) <= {1, 2}
    alone = client.classify(selection, QUESTION, max_images=1, progress=False)
    assert set(alone["views"]) == {1}


def test_a_plan_tells_what_the_selection_billed(client: sl.Client) -> None:
    plan = client.plan(client.observations("sign", limit=3), QUESTION)
    assert plan.rows == 3
    assert plan.bytes_billed is not None


def test_a_run_in_the_background_takes_a_selection(client: sl.Client) -> None:
    run = client.start(client.observations("sign", limit=3), QUESTION)
    assert len(run.wait()) == 3


def test_the_selection_of_an_async_client_is_awaited(client: sl.Client) -> None:
    async def ask() -> tuple[int, int, int, str, int, int]:
        aio = client.aio
        selection = aio.observations("sign", limit=3)
        with pytest.raises(sl.InvalidInput, match="not looked up"):
            _ = selection.sql
        await selection.resolve()
        table, count, estimate, profile = await asyncio.gather(
            selection.fetch(), selection.count(), selection.estimate(), selection.describe()
        )
        results = await aio.classify(selection.by_asset(), QUESTION)
        assert len(await aio.snapshots()) == 2
        return len(table), count, profile.rows, selection.sql, estimate.bytes_processed, len(results)

    rows, count, described, sql, read, answered = asyncio.run(ask())
    assert (rows, count) == (3, 3)
    assert described == client.observations("sign").count()
    assert sql == client.observations("sign", limit=3).sql
    assert read == client.observations("sign", limit=3).estimate().bytes_processed > 0
    assert 0 < answered <= 3


def test_fewer_columns_are_estimated_lower(client: sl.Client) -> None:
    few = client.observations(columns=["asset_id"]).estimate().bytes_processed
    usual = client.observations().estimate().bytes_processed
    every = client.observations(columns="*").estimate().bytes_processed
    assert few < usual < every


def test_fetching_takes_the_options_of_a_query(client: sl.Client) -> None:
    table = client.observations(limit=2).fetch(labels={"team": "signs"}, timeout=30)
    assert len(table) == 2
    with pytest.raises(TypeError, match="did you mean `timeout`"):
        client.observations(limit=2).fetch(timeuot=30)  # type: ignore[call-arg] # the point of the test
