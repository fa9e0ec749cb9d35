"""The web application: all services' routes behind the request log, the faults and the token check."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import web

from streetlens.emulator import control
from streetlens.emulator.authorization import unauthenticated
from streetlens.emulator.errors import ServiceError
from streetlens.emulator.fault_answers import Handler, strike
from streetlens.emulator.faults import FaultRule, parse_header
from streetlens.emulator.services import service_of

if TYPE_CHECKING:
    from streetlens.emulator.request_log import LoggedRequest
    from streetlens.emulator.world import World

SERVICE_PACKAGES = ("bigquery", "gemini", "storage", "sharing", "tokens")
MAX_BODY = 1 << 30
_GZIP_FROM = 1400
_GZIP_IN_THREAD_FROM = 1 << 16

_logger = logging.getLogger("streetlens.emulator")


def build_application(world: World, closing: asyncio.Event) -> web.Application:
    """Mount every service on one application; `closing` ends the stalled requests at shutdown."""
    gate = _Gate(world, closing)
    application = web.Application(middlewares=[gate.handle], client_max_size=MAX_BODY)
    for name in SERVICE_PACKAGES:
        application.add_routes(importlib.import_module(f"streetlens.emulator.{name}").routes(world))
    application.add_routes(control.routes(world))
    return application


class _Gate:
    """The one middleware, in the order that is visible in `handle`: log, errors, faults, token, service."""

    def __init__(self, world: World, closing: asyncio.Event) -> None:
        self._world = world
        self._closing = closing

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/emulator/"):
            return await _answered(request, handler)
        started = time.perf_counter()
        body = await request.read()
        entry = self._world.request_log.record(
            request.method, request.rel_url.raw_path, request.query, request.headers, body
        )

        async def respond(request: web.Request) -> web.StreamResponse:
            return await self._faulty(request, handler, body, entry)

        response = await _answered(request, respond)
        entry.seconds = time.perf_counter() - started
        if request.transport is not None and not request.transport.is_closing():
            entry.status = response.status
        return await _compressed(request, response)

    async def _faulty(
        self, request: web.Request, handler: Handler, body: bytes, entry: LoggedRequest
    ) -> web.StreamResponse:
        async def pass_on(request: web.Request) -> web.StreamResponse:
            return await _answered(request, self._authorized(handler))

        service = service_of(request.path)
        rules = self._rules(request, body)
        entry.fault = ",".join(rule.kind for rule in rules) or None
        for rule in rules:
            if rule.kind == "slow":
                await asyncio.sleep(rule.number("seconds", 1.0))
            elif service is not None:
                return await strike(
                    rule,
                    request,
                    service,
                    pass_on,
                    ledger=self._world.tokens,
                    degenerate=self._degenerate,
                    closing=self._closing,
                )
        return await pass_on(request)

    def _rules(self, request: web.Request, body: bytes) -> list[FaultRule]:
        header = request.headers.get("x-streetlens-fault")
        if header is None:
            return self._world.faults.draw(request.method, request.path, body, request.query_string)
        service = service_of(request.path)
        try:
            rule = parse_header(header)
        except ValueError as error:
            raise ServiceError(service, 400, f"x-streetlens-fault: {error}") from error
        if rule.service not in {None, service}:
            raise ServiceError(service, 400, f"x-streetlens-fault: only {rule.service} answers {rule.kind}")
        return [rule]

    def _authorized(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            service = service_of(request.path)
            if self._world.require_token and service not in {None, "token"}:
                verdict = self._world.tokens.check(request.headers.get("Authorization"))
                if verdict != "valid":
                    raise unauthenticated(service, verdict)
            return await handler(request)

        return checked

    async def _degenerate(self, rule: FaultRule, request: web.Request) -> web.StreamResponse:
        gemini = importlib.import_module("streetlens.emulator.gemini")
        response: web.StreamResponse = await gemini.degenerate(rule.kind, request, **rule.options)
        return response


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call the handler and turn what it raises into the answer that the service would give."""
    service = service_of(request.path)
    try:
        return await handler(request)
    except ServiceError as error:
        return error.response()
    except web.HTTPException as error:
        if error.status not in {404, 405}:
            raise
        what = f"{request.method} {request.path}"
        if service is None:
            return web.Response(status=404, text=f"the streetlens emulator serves nothing at {what}\n")
        message = f"the streetlens emulator does not implement {what} ({service})"
        return ServiceError(service, 501, message).response()
    except Exception as error:
        _logger.exception("the emulator failed on %s %s", request.method, request.path)
        message = f"the streetlens emulator itself failed: {type(error).__name__}: {error}"
        return ServiceError(service, 500, message).response()


async def _compressed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Compress a JSON answer for a client that accepts gzip; stored objects are never touched."""
    if (
        not isinstance(response, web.Response)
        or not isinstance(response.body, bytes)
        or len(response.body) < _GZIP_FROM
        or response.content_type != "application/json"
        or "Content-Encoding" in response.headers
        or "gzip" not in request.headers.get("Accept-Encoding", "")
        or service_of(request.path) == "storage"
        or response.prepared
    ):
        return response
    body = response.body
    if len(body) < _GZIP_IN_THREAD_FROM:
        response.body = gzip.compress(body, 1)
    else:
        response.body = await asyncio.to_thread(gzip.compress, body, 1)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
