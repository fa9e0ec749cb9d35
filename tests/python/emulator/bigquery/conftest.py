"""A BigQuery emulator on a loopback port, with Google's own client pointed at it."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from aiohttp import web
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from streetlens.emulator.bigquery import Engine, Jobs, routes
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest
from streetlens.emulator.bigquery.statements import execute

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

    jobs: Jobs


@dataclass
class Service:
    """A running emulator."""

    url: str
    engine: Engine


@dataclass
class Sql:
    """Runs statements on an engine without HTTP, for tests of the language itself."""

    engine: Engine

    def outcome(self, sql: str) -> Outcome:
        """Execute a statement."""
        return execute(self.engine, StatementRequest(sql, self.engine.project), self.engine.cursor())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query as DuckDB hands them to Python."""
        return self.engine.cursor().execute(f"SELECT * FROM {self.outcome(sql).physical}").fetchall()

    def value(self, expression: str) -> Any:
        """Return the value of one expression."""
        return self.rows(f"SELECT {expression}")[0][0]

    def shown(self, expression: str) -> str:
        """Return an expression as FORMAT('%T') prints it, which tells its type as well."""
        return str(self.value(f"FORMAT('%T', {expression})"))

    def schema(self, sql: str) -> dict[str, str]:
        """Return the result columns with their GoogleSQL types."""
        columns = self.outcome(sql).columns
        assert columns is not None
        return {name: str(type_) for name, type_ in columns}


class Rest:
    """Sends plain HTTP, so that a test sees the bodies themselves."""

    def __init__(self, url: str) -> None:
        self.base = f"{url}/bigquery/v2/projects/streetlens-demo"

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON body of one request."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"{self.base}/{path}", data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def query(self, sql: str, **options: Any) -> dict[str, Any]:
        """Return the body of a jobs.query that must succeed."""
        status, body = self.call("POST", "queries", {"query": sql, "useLegacySql": False, **options})
        assert status == 200, body
        return body


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
        application.add_routes(routes(World(Jobs(engine))))
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
def sql(service: Service) -> Sql:
    """Return a way to run statements on the served engine."""
    return Sql(service.engine)


@pytest.fixture(scope="session")
def rest(service: Service) -> Rest:
    """Return a way to send plain HTTP to the emulator."""
    return Rest(service.url)


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[bigquery.Client]:
    """Return Google's client on the emulator."""
    options = {"api_endpoint": service.url}
    with bigquery.Client(
        "streetlens-demo", credentials=AnonymousCredentials(), client_options=options
    ) as made:
        yield made
