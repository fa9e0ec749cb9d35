"""A BigQuery emulator on a loopback port, with Google's own client pointed at it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from aiohttp import web
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from streetlens.emulator.bigquery import Engine, routes

OBSERVATION_FIELDS: list[dict[str, Any]] = [
    {"name": "observation_id", "type": "STRING", "mode": "REQUIRED"},
    {"name": "asset_id", "type": "STRING"},
    {"name": "asset_type", "type": "STRING"},
    {
        "name": "location",
        "type": "RECORD",
        "fields": [{"name": "latitude", "type": "FLOAT"}, {"name": "longitude", "type": "FLOAT"}],
    },
    {"name": "capture_time", "type": "TIMESTAMP"},
    {"name": "gcs_uri", "type": "STRING"},
    {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {"name": "views", "type": "INTEGER"},
]


@dataclass
class World:
    """What `routes` needs."""

    engine: Engine


@dataclass
class Service:
    """A running emulator."""

    url: str
    engine: Engine


def observation(index: int) -> dict[str, Any]:
    """Return one row of the test table."""
    return {
        "observation_id": f"o1:{index:04d}",
        "asset_id": f"t1:{index // 2}",
        "asset_type": "ASSET_CLASS_ROAD_SIGN" if index % 2 else "ASSET_CLASS_UTILITY_POLE",
        "location": {"latitude": 48.0 + index / 100, "longitude": 2.0},
        "capture_time": datetime(2025, 1, 1 + index % 28, 12, tzinfo=timezone.utc),
        "gcs_uri": f"gs://bucket/snapshot/v0/o1:{index:04d}.jpg" if index != 3 else None,
        "tags": ["a", "b"][: index % 3],
        "views": index,
    }


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Serve one engine with a published, a linked, an own and a forbidden data set."""
    engine = Engine("streetlens-demo")
    engine.create_dataset("published", project="publisher")
    engine.load_table(
        "published",
        "latest_observations",
        OBSERVATION_FIELDS,
        map(observation, range(20)),
        project="publisher",
    )
    engine.alias_dataset("publisher.published", "imagery")
    engine.create_dataset("own")
    engine.create_dataset("forbidden")
    engine.create_dataset("tokyo", location="asia-northeast1")
    engine.load_table("tokyo", "t", [{"name": "a", "type": "INTEGER"}], [{"a": 1}])
    started, loop, port = threading.Event(), asyncio.new_event_loop(), 0

    async def start() -> web.AppRunner:
        nonlocal port
        application = web.Application()
        application.add_routes(routes(World(engine)))
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return runner

    def serve() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    started.wait(10)
    yield Service(f"http://127.0.0.1:{port}", engine)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    engine.close()


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[bigquery.Client]:
    """Return Google's client on the emulator."""
    options = {"api_endpoint": service.url}
    with bigquery.Client(
        "streetlens-demo", credentials=AnonymousCredentials(), client_options=options
    ) as made:
        yield made
