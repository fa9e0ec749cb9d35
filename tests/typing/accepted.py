"""Programs that must type-check: what users write, with the types they may rely on."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypedDict

from typing_extensions import assert_type

import streetlens as sl


def clients() -> Iterator[sl.Client]:
    yield sl.Client()
    yield sl.Client("my-project")
    yield sl.Client(project="my-project", region="global", location="eu")
    yield sl.Client(credentials="token", endpoint="http://localhost:9050")
    yield sl.Client(credentials=lambda: ("token", datetime.now(timezone.utc)))
    yield sl.Client(endpoint=sl.Endpoints(vertex="https://vertex.example.com"))
    yield sl.Client(endpoint={"bigquery": "http://localhost:9050"}, on_retired="replace", strict_region=True)


def queries(client: sl.Client) -> None:
    table = client.query("SELECT @kind", params={"kind": "sign"}, timeout=60)
    assert_type(table, sl.Table)
    assert_type(client.query("SELECT ?", params=[1, "two", None]), sl.Table)
    assert_type(client.query("SELECT @p", params={"p": sl.Parameter("POINT(0 0)", "GEOGRAPHY")}), sl.Table)
    assert_type(client.query_all(f"SELECT {n}" for n in range(3)), list[sl.Table])
    assert_type(table.column_names, list[str])
    assert_type(table.schema, dict[str, str])
    assert_type(table.to_dicts(), list[dict[str, Any]])
    assert_type(table.stats, sl.QueryStats)
    assert_type(table.stats.bytes_billed, int | None)
    assert_type(len(table), int)
    for row in table:
        assert_type(row, dict[str, Any])


def subscriptions(client: sl.Client) -> None:
    linked = client.subscribe("1234-5678", dataset="imagery")
    assert_type(linked, sl.LinkedDataset)
    assert_type(linked.is_new, bool)


def runs(client: sl.Client, table: sl.Table) -> None:
    results = client.classify(["gs://bucket/a.jpg", Path("b.jpg"), b"\xff\xd8"], "What is it?")
    assert_type(results, sl.Results)
    assert_type(results.usage, sl.Usage)
    assert_type(results.usage.cost_usd, float)
    assert_type(results.errors, sl.Table)
    client.classify(table, "What is it?", schema=["sign", "pole"], model="gemini-3.5-flash-lite")
    client.classify("SELECT gcs_uri FROM t", "What?", schema={"type": "object"}, concurrency=64, timeout=30)
    client.classify(table, "What?", thinking="low", temperature=0, labels={"team": "signs"}, progress=show)
    client.classify(table, "What?", thinking=0, media_resolution="low", progress=False)
    accepts_tables(results)
    for schema in schemas():
        client.classify(table, "What?", schema=schema)


def background(client: sl.Client, table: sl.Table) -> None:
    options: sl.ClassifyOptions = {"schema": ["sign", "pole"], "max_cost_usd": 2.5, "store": False}
    assert_type(client.start(table, "What?", **options), sl.Run)
    run = client.start(table, "What?", group_by="asset_id", max_images=3, crop="bbox", hedge=True)
    assert_type(run, sl.Run)
    for answer in run:
        assert_type(answer, sl.Answer)
        assert_type(answer.row, int)
    assert_type(run.wait(timeout=5), sl.Results)
    assert_type(run.results().texts, list[str | None])
    assert_type(run.results().retry_failed().reparse(None), sl.Results)
    assert_type(run.results().start_retry(), sl.Run)
    assert_type(run.progress.from_store, int)
    run.concurrency = 8


class Kind(enum.Enum):
    STOP = "stop"


@dataclass
class Sign:
    kind: Kind


class Pole(TypedDict):
    material: str


def schemas() -> Iterator[sl.Schema | None]:
    yield from (None, ["stop", "yield"], ("stop", "yield"), {"stop": "a red octagon"}, {"type": "object"})
    yield Kind
    yield Sign
    yield Pole
    yield bool


def accepts_tables(table: sl.Table) -> int:
    return len(table)


def show(progress: sl.Progress) -> None:
    assert_type(progress.done, int)


async def awaited(client: sl.Client) -> None:
    assert_type(await client.aio.query("SELECT 1"), sl.Table)
    assert_type(await client.aio.query_all(["SELECT 1"]), list[sl.Table])
    assert_type(await client.aio.subscribe("1234"), sl.LinkedDataset)
    assert_type(await client.aio.classify([], "What?"), sl.Results)
    run = await client.aio.start([], "What?", examples=[("gs://bucket/a.jpg", "sign")], refresh=True)
    async for answer in run:
        assert_type(answer, sl.Answer)
    assert_type(await run, sl.Results)
    first, second = await asyncio.gather(client.aio.query("SELECT 1"), client.aio.subscribe("1234"))
    assert_type(first, sl.Table)
    assert_type(second, sl.LinkedDataset)


def errors(client: sl.Client) -> None:
    try:
        client.query("SELECT 1")
    except sl.QueryError as error:
        assert_type(error.reason, str | None)
        assert_type(error.job_id, str | None)
    except (sl.DeadlineExceeded, TimeoutError):
        pass
    except sl.StreetlensError as error:
        assert_type(error.hint, str | None)
        assert_type(error.results, sl.Results | None)
