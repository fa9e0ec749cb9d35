"""A job: what it does, what it did, and the names it goes by."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.destinations import Destination
from streetlens.emulator.bigquery.errors import BigQueryError
from streetlens.emulator.bigquery.outcomes import Outcome


@dataclass
class Job:
    """One job: `work` is what it does, on a cursor of its own; a statement of a script has its `parent`.

    `stop` says why it should end before it is done. What only reads is `cancelled` at once; what changes data ends
    as stopped only if nothing was changed.
    """

    project: str
    job_id: str
    configuration: dict[str, Any]
    work: Callable[[duckdb.DuckDBPyConnection], Outcome]
    created: float
    ready_at: float
    location: str
    kind: str = "QUERY"
    labels: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    error: BigQueryError | None = None
    started: float | None = None
    ended: float | None = None
    only_reads: bool = False
    stop: BigQueryError | None = None
    cancelled: bool = False
    expired: bool = False
    destination: Destination | None = None
    anonymous: Table | None = None
    executed: threading.Event = field(default_factory=threading.Event)
    cursor: duckdb.DuckDBPyConnection | None = None
    query_id: str = field(default_factory=lambda: f"job_{uuid.uuid4().hex}")
    session_id: str | None = None
    parent: Job | None = None
    children: list[Job] = field(default_factory=list)
    frame: dict[str, int | str] | None = None

    @property
    def reference(self) -> dict[str, str]:
        """The jobReference."""
        return {"projectId": self.project, "jobId": self.job_id, "location": self.location}

    @property
    def name(self) -> str:
        """The name as messages write it: `project:location.job`."""
        return f"{self.project}:{self.location}.{self.job_id}"
