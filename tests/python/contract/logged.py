"""Checks the requests in an emulator's log against Google's discovery documents."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import TYPE_CHECKING

from contract.discovery import Service, check_request

if TYPE_CHECKING:
    from streetlens.emulator.request_log import LoggedRequest

_SERVICES: dict[str, Service] = {
    "bigquery": "bigquery",
    "gemini": "aiplatform",
    "storage": "storage",
    "sharing": "analyticshub",
}


def check_logged(entry: LoggedRequest) -> list[str]:
    """List what is wrong with a logged request; the token endpoints have no discovery document."""
    service = _SERVICES.get(entry.service or "")
    if service is None:
        return []
    return check_request(service, entry.method, entry.path, entry.query, _resource(entry))


def _resource(entry: LoggedRequest) -> object:
    """Return the JSON in a body: the whole of it, the first part of a multipart upload, or None for media."""
    kind = {name.lower(): value for name, value in entry.headers.items()}.get("content-type", "")
    if kind.startswith("multipart/related"):
        message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + entry.body)
        _, resource, *_ = message.walk()
        return json.loads(str(resource.get_payload()))
    if not entry.body or entry.method == "PUT" or entry.query.get("uploadType") == "media":
        return None
    return entry.json
