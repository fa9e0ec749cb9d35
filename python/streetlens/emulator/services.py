"""Tells which Google service a request path belongs to."""

from __future__ import annotations

import re
from typing import Literal

Service = Literal["bigquery", "bigquery_storage", "gemini", "storage", "sharing", "token"]

SERVICES: tuple[Service, ...] = ("bigquery", "bigquery_storage", "gemini", "storage", "sharing", "token")

_LOCATION = r"(projects|organizations)/[^/]+/locations/[^/]+/"
_PATTERNS: tuple[tuple[Service, re.Pattern[str]], ...] = (
    ("bigquery", re.compile(r"/(resumable/)?(upload/)?bigquery/v2/")),
    ("bigquery_storage", re.compile(r"/google\.cloud\.bigquery\.storage\.v1\.BigQueryRead/")),
    ("storage", re.compile(r"/(resumable/)?(upload/|download/)?storage/v1/")),
    ("gemini", re.compile(rf"/v1(beta1|beta)?/({_LOCATION})?(publishers/[^/]+/)?models/")),
    ("sharing", re.compile(rf"/v1(beta1)?/{_LOCATION}(dataExchanges|subscriptions)")),
    ("token", re.compile(r"/(token$|computeMetadata/)")),
)


def service_of(path: str) -> Service | None:
    """Name the service that `path` belongs to, or None for the emulator's own routes and unknown paths."""
    for service, pattern in _PATTERNS:
        if pattern.match(path):
            return service
    return None
