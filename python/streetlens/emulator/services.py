"""Tells which Google service a request path belongs to."""

from __future__ import annotations

import re
from typing import Literal

Service = Literal["bigquery", "gemini", "storage", "sharing", "token"]

SERVICES: tuple[Service, ...] = ("bigquery", "gemini", "storage", "sharing", "token")

_PATTERNS: tuple[tuple[Service, re.Pattern[str]], ...] = (
    ("bigquery", re.compile(r"^/(upload/|resumable/upload/)?bigquery/v2/")),
    ("storage", re.compile(r"^/(upload/|download/|resumable/upload/)?storage/v1/")),
    ("gemini", re.compile(r"^/v1(beta1|beta)?/.*(publishers/[^/]+/models|^/v1(beta1|beta)?/models)/")),
    ("gemini", re.compile(r"^/v1(beta1|beta)?/(publishers/[^/]+/)?models(/|$)")),
    (
        "sharing",
        re.compile(
            r"^/v1(beta1)?/(projects|organizations)/[^/]+/locations/[^/]+/(dataExchanges|subscriptions)"
        ),
    ),
    ("token", re.compile(r"^/(token|computeMetadata/)")),
)


def service_of(path: str) -> Service | None:
    """Name the service that `path` belongs to, or None for the emulator's own routes and unknown paths."""
    for service, pattern in _PATTERNS:
        if pattern.search(path):
            return service
    return None
