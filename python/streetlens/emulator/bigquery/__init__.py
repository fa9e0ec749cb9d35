"""BigQuery's REST API on DuckDB: `Engine` holds data and runs GoogleSQL, `routes` serves it."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from streetlens.emulator.bigquery.dataset_routes import dataset_routes
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.job_routes import job_routes
from streetlens.emulator.bigquery.jobs import Jobs
from streetlens.emulator.bigquery.table_routes import table_routes


class HasJobs(Protocol):
    """The part of the emulator's world that BigQuery needs."""

    @property
    def jobs(self) -> Jobs:
        """The jobs, and by them the engine."""
        ...


def routes(world: HasJobs) -> list[web.AbstractRouteDef]:
    """Return the routes of BigQuery's REST API under `/bigquery/v2/`."""
    engine = world.jobs.engine
    return [*job_routes(world.jobs), *dataset_routes(engine), *table_routes(engine)]


__all__ = ["Engine", "Jobs", "routes"]
