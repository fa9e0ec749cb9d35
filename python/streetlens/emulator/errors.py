"""Builds error answers in the shape that the real service gives them.

BigQuery and Cloud Storage carry `errors[]` with a reason; Vertex AI and Analytics Hub carry `status` and
typed `details`; OAuth answers `error` and `error_description` (RFC 6749 section 5.2).
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from streetlens.emulator.services import Service

CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP code to google.rpc.Code name."""

REASONS: dict[Service, dict[int, str]] = {
    "bigquery": {
        400: "invalid",
        401: "authError",
        403: "accessDenied",
        404: "notFound",
        409: "duplicate",
        429: "rateLimitExceeded",
        500: "internalError",
        501: "notImplemented",
        503: "backendError",
        504: "backendError",
    },
    "storage": {
        400: "invalid",
        401: "authError",
        403: "forbidden",
        404: "notFound",
        409: "conflict",
        412: "conditionNotMet",
        416: "requestedRangeNotSatisfiable",
        429: "rateLimitExceeded",
        500: "internalError",
        501: "notImplemented",
        503: "backendError",
        504: "gatewayTimeout",
    },
}
"""`errors[0].reason` by service and HTTP code."""


def error_body(
    service: Service | None,
    status: int,
    message: str,
    *,
    reason: str | None = None,
    location: tuple[str, str] | None = None,
    details: list[dict[str, Any]] | None = None,
    canonical: str | None = None,
) -> dict[str, Any]:
    """Build the JSON error body of `service`; `location` is (location, locationType) as in `errors[0]`."""
    if service == "token":
        return {"error": reason or "invalid_request", "error_description": message}
    error: dict[str, Any] = {"code": status, "message": message}
    if service in REASONS:
        entry = {
            "message": message,
            "domain": "global",
            "reason": reason or REASONS[service].get(status, "invalid"),
        }
        if location is not None:
            entry["location"], entry["locationType"] = location
        error["errors"] = [entry]
    if service != "storage":
        error["status"] = canonical or CANONICAL.get(status, "UNKNOWN")
        if details:
            error["details"] = details
    return {"error": error}


def json_response(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer `body` as compact JSON with the content type that Google's front end sends."""
    return web.Response(
        body=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="UTF-8",
    )


class ServiceError(Exception):
    """An error answer of one service; a handler raises it and the server turns it into a response."""

    def __init__(
        self,
        service: Service | None,
        status: int,
        message: str,
        *,
        reason: str | None = None,
        location: tuple[str, str] | None = None,
        details: list[dict[str, Any]] | None = None,
        canonical: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.service = service
        self.status = status
        self.message = message
        self.headers = headers
        self.body = error_body(
            service,
            status,
            message,
            reason=reason,
            location=location,
            details=details,
            canonical=canonical,
        )

    def response(self) -> web.Response:
        """Build the HTTP answer."""
        return json_response(self.body, status=self.status, headers=self.headers)


def error_info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """Build a google.rpc.ErrorInfo detail."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }


def html_page(status: int, title: str) -> str:
    """Build an HTML page like the one Google's front end answers when no backend was reached."""
    return (
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n"
        f"  <title>Error {status} ({title})!!1</title>\n"
        f"  <p><b>{status}.</b> <ins>That\u2019s an error.</ins>\n"
        "  <p>The server encountered a temporary error and could not complete your request.<p>"
        "Please try again in 30 seconds.  <ins>That\u2019s all we know.</ins>\n"
    )
