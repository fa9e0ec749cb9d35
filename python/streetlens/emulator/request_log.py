"""Remembers the requests that were served, for tests and for checks against Google's schemas."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streetlens.emulator.services import Service, service_of

SECRET_HEADERS = frozenset({"authorization", "x-goog-api-key", "proxy-authorization", "cookie"})
SECRET_PARAMETERS = frozenset(
    {"key", "access_token", "assertion", "refresh_token", "client_secret", "upload_id"}
)
_SECRET_FORM = re.compile(rb"(assertion|refresh_token|client_secret)=[^&]*")
_KEPT_BODY = 1 << 20
_KEPT_BODIES = 1 << 27


@dataclass
class LoggedRequest:
    """One request, its path as sent; `body` is its first MiB at most, `status` None until fully answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    body_length: int
    received_at: float
    status: int | None = None
    seconds: float | None = None
    fault: str | None = None

    @property
    def service(self) -> Service | None:
        """The service the path belongs to."""
        return service_of(self.path)

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none, or when it was longer than what is kept."""
        if self.body_length > len(self.body):
            raise ValueError(f"only {len(self.body)} of {self.body_length} bytes of this body were kept")
        return json.loads(self.body)

    def describe(self) -> dict[str, object]:
        """Return the entry as JSON values; a body that is not UTF-8 is given in base64."""
        try:
            body = {"body": self.body.decode()}
        except UnicodeDecodeError:
            body = {"bodyBase64": base64.b64encode(self.body).decode()}
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            **body,
            "bodyLength": self.body_length,
            "status": self.status,
            "seconds": self.seconds,
            "service": self.service,
            "fault": self.fault,
        }


class RequestLog:
    """The last 100,000 requests with at most 128 MiB of bodies, oldest first; secrets read as a length."""

    def __init__(self, capacity: int = 100_000, most_bytes: int = _KEPT_BODIES) -> None:
        self._entries: deque[LoggedRequest] = deque()
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def record(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> LoggedRequest:
        """Add a request that has just been read."""
        if service_of(path) == "token":
            body = _SECRET_FORM.sub(rb"\1=hidden", body)
        entry = LoggedRequest(
            method=method,
            path=path,
            query={
                name: _hidden(value) if name in SECRET_PARAMETERS else value for name, value in query.items()
            },
            headers={name: redact(name, value) for name, value in headers.items()},
            body=body[:_KEPT_BODY],
            body_length=len(body),
            received_at=time.time(),
        )
        with self._lock:
            self._entries.append(entry)
            self._bytes += len(entry.body)
            while len(self._entries) > self._capacity or self._bytes > self._most_bytes:
                self._bytes -= len(self._entries.popleft().body)
        return entry

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def of(self, service: Service) -> list[LoggedRequest]:
        """Return the requests to one service."""
        return [entry for entry in self if entry.service == service]

    def __iter__(self) -> Iterator[LoggedRequest]:
        """Iterate over a snapshot."""
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        """Count the requests that are remembered."""
        return len(self._entries)

    def __getitem__(self, index: int) -> LoggedRequest:
        """Return one request; -1 is the latest."""
        with self._lock:
            return self._entries[index]


def redact(name: str, value: str) -> str:
    """Hide the value of a header that carries a secret, keeping its scheme and length."""
    if name.lower() not in SECRET_HEADERS:
        return value
    scheme, separator, secret = value.partition(" ")
    return f"{scheme} {_hidden(secret)}" if separator else _hidden(value)


def _hidden(secret: str) -> str:
    return f"<{len(secret)} characters>"
