"""The emulator's own routes: other processes add faults, read the request log, change tokens, models and buckets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streetlens.emulator.errors import json_response

if TYPE_CHECKING:
    from streetlens.emulator.world import World


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the routes under /emulator."""

    async def add_fault(request: web.Request) -> web.StreamResponse:
        try:
            rule = world.faults.add(**await _object(request))
        except (TypeError, ValueError) as error:
            return json_response({"error": str(error)}, status=400)
        return json_response({"id": rule.identifier, "kind": rule.kind, "service": rule.service})

    async def list_faults(_: web.Request) -> web.StreamResponse:
        return json_response({"faults": world.faults.rules()})

    async def clear_faults(_: web.Request) -> web.StreamResponse:
        world.faults.clear()
        return json_response({})

    async def list_requests(request: web.Request) -> web.StreamResponse:
        service = request.query.get("service")
        entries = [entry.describe() for entry in world.request_log if service in {None, entry.service}]
        return json_response({"requests": entries})

    async def clear_requests(_: web.Request) -> web.StreamResponse:
        world.request_log.clear()
        return json_response({})

    async def change_tokens(request: web.Request) -> web.StreamResponse:
        try:
            _change_tokens(world, await _object(request))
        except ValueError as error:
            return json_response({"error": str(error)}, status=400)
        ledger = world.tokens
        return json_response(
            {
                "requests": ledger.requests,
                "lifetime": ledger.lifetime,
                "signedIn": ledger.signed_in,
                "required": world.require_token,
            }
        )

    async def change_models(request: web.Request) -> web.StreamResponse:
        try:
            wanted = await _object(request)
            _known(wanted, "enable", "disable")
            enabled, disabled = (_names(wanted, key, "model") for key in ("enable", "disable"))
        except ValueError as error:
            return json_response({"error": str(error)}, status=400)
        for name in enabled:
            world.models.enable(name)
        for name in disabled:
            world.models.disable(name)
        return json_response({})

    async def change_buckets(request: web.Request) -> web.StreamResponse:
        try:
            wanted = await _object(request)
            _known(wanted, "openToAgent", "closeToAgent")
            opened, closed = (_names(wanted, key, "bucket") for key in ("openToAgent", "closeToAgent"))
        except ValueError as error:
            return json_response({"error": str(error)}, status=400)
        for name in opened:
            world.objects.open_to_agent(name)
        for name in closed:
            world.objects.close_to_agent(name)
        return json_response({})

    async def reset(_: web.Request) -> web.StreamResponse:
        await asyncio.to_thread(world.reset)
        return json_response({})

    async def describe(_: web.Request) -> web.StreamResponse:
        return json_response(
            {"project": world.project, "location": world.location, "bucket": world.dataset.bucket}
        )

    return [
        web.get("/emulator/world", describe),
        web.post("/emulator/reset", reset),
        web.post("/emulator/faults", add_fault),
        web.get("/emulator/faults", list_faults),
        web.delete("/emulator/faults", clear_faults),
        web.get("/emulator/requests", list_requests),
        web.delete("/emulator/requests", clear_requests),
        web.post("/emulator/tokens", change_tokens),
        web.post("/emulator/models", change_models),
        web.post("/emulator/buckets", change_buckets),
    ]


def _change_tokens(world: World, wanted: dict[str, Any]) -> None:
    _known(wanted, "expire", "lifetime", "signedIn", "required")
    lifetime = wanted.get("lifetime", world.tokens.lifetime)
    if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
        raise ValueError(f"lifetime must be seconds, not {lifetime!r}")
    if wanted.get("expire"):
        world.tokens.expire_all()
    world.tokens.lifetime = float(lifetime)
    world.tokens.signed_in = bool(wanted.get("signedIn", world.tokens.signed_in))
    world.require_token = bool(wanted.get("required", world.require_token))


def _names(wanted: dict[str, Any], key: str, kind: str) -> list[str]:
    names = wanted.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} must be a list of {kind} names, not {names!r}")
    return names


def _known(wanted: dict[str, Any], *known: str) -> None:
    unknown = set(wanted) - set(known)
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}; known: {', '.join(known)}")


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.text())
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
