"""Carries out one fault on one request: an error body of the real service, or damage to the connection."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from streetlens.emulator.authorization import unauthenticated
from streetlens.emulator.errors import ServiceError, error_info, html_page
from streetlens.emulator.faults import ANSWER_KINDS, ARROW_KINDS, FOLLOWED, FaultRule
from streetlens.emulator.services import Service
from streetlens.emulator.tokens import TokenLedger, bearer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Degenerate = Callable[[FaultRule, web.Request], Awaitable[web.StreamResponse]]

_MODEL = re.compile(r"projects/[^/]+/locations/[^/]+/publishers/[^/]+/models/[^/:]+")
_PROJECT = re.compile(r"projects/([^/:]+)")

MESSAGES: dict[tuple[Service, str], str] = {
    ("gemini", "400"): "Request contains an invalid argument.",
    ("gemini", "429"): "Resource exhausted. Please try again later. Please refer to "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
    ("gemini", "500"): "Internal error encountered.",
    ("gemini", "503"): "The service is currently unavailable.",
    ("gemini", "504"): "Deadline expired before operation could complete.",
    (
        "bigquery",
        "403",
    ): "Access Denied: Project {project}: User does not have bigquery.jobs.create permission in "
    "project {project}.",
    ("bigquery", "404"): "Not found: Table {project}:fault.injected was not found in location US",
    (
        "bigquery",
        "429",
    ): "Exceeded rate limits: too many api requests per user per method for this user_method. "
    "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    ("bigquery", "500"): "An internal error occurred and the request could not be completed.",
    (
        "bigquery",
        "503",
    ): "Visibility check was unavailable. Please retry the request and contact support if the "
    "problem persists",
    (
        "storage",
        "403",
    ): "The caller does not have storage.objects.get access to the Google Cloud Storage object. "
    "Permission 'storage.objects.get' denied on resource (or it may not exist).",
    ("storage", "404"): "No such object: {path}",
    ("storage", "429"): "The rate of requests to this bucket exceeds the allowed rate, please reduce it.",
    ("storage", "500"): "We encountered an internal error. Please try again.",
    ("storage", "503"): "We encountered an internal error. Please try again.",
    (
        "bigquery_storage",
        "403",
    ): "request failed: the user does not have 'bigquery.readsessions.create' permission for 'projects/{project}'",
    ("bigquery_storage", "404"): "request failed: Not found: {path}",
    ("bigquery_storage", "429"): "request failed: quota exceeded, please retry later",
    ("bigquery_storage", "500"): "request failed: internal error",
    ("bigquery_storage", "503"): "request failed: the service is currently unavailable",
    ("bigquery_storage", "504"): "request failed: deadline exceeded",
    ("sharing", "403"): "Permission 'analyticshub.listings.subscribe' denied on resource '{resource}' "
    "(or it may not exist).",
    ("sharing", "404"): "Requested entity was not found.",
    ("sharing", "409"): "Requested entity already exists",
    (
        "sharing",
        "429",
    ): "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of "
    "service 'analyticshub.googleapis.com' for consumer 'project_number:100000000001'.",
    ("sharing", "503"): "The service is currently unavailable.",
}
"""Texts by service and kind; `{project}`, `{path}` and `{resource}` come from the request."""


async def strike(
    rule: FaultRule,
    request: web.Request,
    service: Service,
    handler: Handler,
    *,
    ledger: TokenLedger,
    degenerate: Degenerate,
    closing: asyncio.Event,
) -> web.StreamResponse:
    """Answer `request` the way `rule` says. Raises ServiceError for the faults that are error bodies."""
    kind = rule.kind
    if kind in ANSWER_KINDS:
        return await degenerate(rule, request)
    if kind in ARROW_KINDS:
        return await _followed(rule, request, handler)
    if kind == "stall":
        return await _stall(request, closing)
    if kind == "reset":
        return _reset(request)
    if kind == "html":
        status = int(rule.number("status", 200))
        return web.Response(status=status, text=html_page(status, "Server Error"), content_type="text/html")
    if kind == "502":
        return web.Response(status=502, text=html_page(502, "Server Error"), content_type="text/html")
    if kind in {"cut_body", "bad_json"}:
        return await _damaged(rule, request, await handler(request))
    if kind in {"401", "expired_token"} and service != "token":
        value = bearer(request.headers.get("Authorization", ""))
        if kind == "expired_token" and value:
            ledger.expire(value)
        raise unauthenticated(service, "expired" if kind == "expired_token" else "unknown")
    raise error_of(rule, service, request.path)


def error_of(rule: FaultRule, service: Service, path: str) -> ServiceError:
    """Build the error body that the real service gives for this kind of fault."""
    status = 401 if rule.kind == "expired_token" else int(rule.kind)
    model = _MODEL.search(path)
    project = _PROJECT.search(path)
    resource = f"//{'aiplatform' if service == 'gemini' else 'analyticshub'}.googleapis.com/" + (
        model[0] if model else path.lstrip("/").partition("/")[2].partition(":")[0]
    )
    reason = rule.text("reason")
    details: list[dict[str, Any]] = []
    message = MESSAGES.get((service, rule.kind), "").format(
        project=project[1] if project else "unknown", path=path, resource=resource
    )
    if service == "gemini" and status == 403:
        permission = "aiplatform.endpoints.predict"
        message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
        info = error_info(
            "IAM_PERMISSION_DENIED", "aiplatform.googleapis.com", permission=permission, resource=resource
        )
        details.append(info)
    if service == "gemini" and status == 404:
        message = (
            f"Publisher Model `{model[0] if model else path}` was not found or your project does not have "
            "access to it. Please ensure you are using a valid model version."
        )
    if reason and service in {"gemini", "sharing", "bigquery_storage"}:
        details = [error_info(reason)]
    if "retry_delay" in rule.options:
        delay = f"{rule.number('retry_delay', 0):g}s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    headers = {"Retry-After": f"{rule.number('retry_after', 0):g}"} if "retry_after" in rule.options else None
    if service == "token":
        reason = reason or ("invalid_grant" if status < 500 and status != 429 else "internal_failure")
    return ServiceError(
        service,
        status,
        rule.text("message") or message or "The request failed.",
        reason=reason,
        details=details,
        headers=headers,
    )


async def _followed(rule: FaultRule, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call the handler, which finds the rule and does what it says."""
    token = FOLLOWED.set(rule)
    try:
        return await handler(request)
    finally:
        FOLLOWED.reset(token)


async def _stall(request: web.Request, closing: asyncio.Event) -> web.StreamResponse:
    while request.transport is not None and not request.transport.is_closing():
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(closing.wait(), 0.02)
            break
    return _reset(request)


def _reset(request: web.Request) -> web.StreamResponse:
    """Drop the connection so that the client sees a reset, not an orderly end."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)


async def _damaged(rule: FaultRule, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if not isinstance(response, web.Response) or not isinstance(response.body, (bytes, bytearray)):
        raise TypeError(
            f"fault {rule.kind} needs an answer with a body in memory, got {type(response).__name__}"
        )
    body = bytes(response.body)
    kept = body[: int(rule.number("bytes", len(body) // 2))]
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
    if rule.kind == "bad_json":
        return web.Response(status=response.status, headers=headers, body=kept)
    partial = web.StreamResponse(status=response.status, headers=headers)
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(kept)
    if request.transport is not None:
        request.transport.close()  # not abort(): what was written must reach the client
    return partial
