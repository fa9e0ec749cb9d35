"""The REST face of Analytics Hub, v1 and v1beta1, after the discovery documents of those names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streetlens.emulator.errors import ServiceError, json_response
from streetlens.emulator.sharing.catalog import invalid
from streetlens.emulator.sharing.subscriptions import Resource, Sharing

if TYPE_CHECKING:
    from streetlens.emulator.world import World

_PARENT = "projects/{project}/locations/{location}"
_EXCHANGE = _PARENT + "/dataExchanges/{exchange:[^/:]+}"
_LISTING = _EXCHANGE + "/listings/{listing:[^/:]+}"
_SUBSCRIPTION = _PARENT + "/subscriptions/{subscription:[^/:]+}"
_REQUEST_FIELDS = {
    "v1": {"destinationDataset", "destinationPubsubSubscription"},
    "v1beta1": {"destinationDataset"},
}


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the routes of both versions; v1beta1 has no subscriptions and answers `:subscribe` with `{}`."""
    sharing = world.sharing
    return [*_publisher(sharing, "v1"), *_publisher(sharing, "v1beta1"), *_subscriber(sharing)]


def _publisher(sharing: Sharing, version: str) -> list[web.AbstractRouteDef]:
    async def subscribe(request: web.Request) -> web.StreamResponse:
        body = await _body(request, _REQUEST_FIELDS[version])
        destination = body.get("destinationDataset")
        if version == "v1beta1" and isinstance(destination, dict) and "replicaLocations" in destination:
            raise _unknown("replicaLocations", "destination_dataset")
        subscription = await asyncio.to_thread(sharing.subscribe, _name(request), body)
        return json_response({"subscription": subscription} if version == "v1" else {})

    async def get_listing(request: web.Request) -> web.StreamResponse:
        return json_response(sharing.get_listing(_name(request), version))

    async def list_listings(request: web.Request) -> web.StreamResponse:
        return json_response(sharing.list_listings(_collection(request), version, *_page(request)))

    async def get_exchange(request: web.Request) -> web.StreamResponse:
        return json_response(sharing.get_exchange(_name(request)))

    async def list_exchanges(request: web.Request) -> web.StreamResponse:
        return json_response(sharing.list_exchanges(_collection(request), *_page(request)))

    return [
        web.post(f"/{version}/{_LISTING}:subscribe", subscribe),
        web.get(f"/{version}/{_LISTING}", get_listing),
        web.get(f"/{version}/{_EXCHANGE}/listings", list_listings),
        web.get(f"/{version}/{_EXCHANGE}", get_exchange),
        web.get(f"/{version}/{_PARENT}/dataExchanges", list_exchanges),
    ]


def _subscriber(sharing: Sharing) -> list[web.AbstractRouteDef]:
    async def list_subscriptions(request: web.Request) -> web.StreamResponse:
        expression = request.query.get("filter", "")
        return json_response(sharing.list(_collection(request), expression, *_page(request)))

    async def list_of_listing(request: web.Request) -> web.StreamResponse:
        return json_response(sharing.list_of_listing(_name(request), *_page(request)))

    def on(operation: Callable[[str], Resource], allowed: set[str]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.can_read_body:
                await _body(request, allowed)
            return json_response(await asyncio.to_thread(operation, _name(request)))

        return handle

    return [
        web.get(f"/v1/{_PARENT}/subscriptions", list_subscriptions),
        web.get(f"/v1/{_LISTING}:listSubscriptions", list_of_listing),
        web.get(f"/v1/{_SUBSCRIPTION}", on(sharing.get, set())),
        web.delete(f"/v1/{_SUBSCRIPTION}", on(sharing.delete, set())),
        web.post(f"/v1/{_SUBSCRIPTION}:refresh", on(sharing.refresh, set())),
        web.post(f"/v1/{_SUBSCRIPTION}:revoke", on(sharing.revoke, {"revokeCommercial"})),
    ]


def _name(request: web.Request) -> str:
    """Return the resource name in the path, without the version and the custom verb."""
    return request.path.split("/", 2)[2].partition(":")[0]


def _collection(request: web.Request) -> str:
    """Return the parent of the collection that the path names."""
    return _name(request).rpartition("/")[0]


def _page(request: web.Request) -> tuple[int, str]:
    size = request.query.get("pageSize", "0")
    if not size.isdigit():
        raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"")
    return int(size), request.query.get("pageToken", "")


async def _body(request: web.Request, allowed: set[str]) -> Resource:
    text = await request.text()
    try:
        body = json.loads(text or "{}")
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. The root must be an object.")
    for unknown in sorted(set(body) - allowed):
        raise _unknown(unknown)
    return body


def _unknown(name: str, where: str = "") -> ServiceError:
    return invalid(
        f'Invalid JSON payload received. Unknown name "{name}"'
        + (f" at '{where}'" if where else "")
        + ": Cannot find field."
    )
