"""Changes what exists: deletes objects, and gets, lists, creates and deletes buckets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from streetlens.emulator.errors import json_response
from streetlens.emulator.partial_response import select
from streetlens.emulator.storage.requests import base_url, find_bucket, find_object, refuse, selection
from streetlens.emulator.storage.resources import bucket_resource

if TYPE_CHECKING:
    from streetlens.emulator.world import World


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the routes that delete objects and manage buckets."""
    store = world.objects

    async def delete_object(request: web.Request) -> web.StreamResponse:
        stored = find_object(request, store)
        store.delete(stored.bucket, stored.name)
        return web.Response(status=204)

    async def get_bucket(request: web.Request) -> web.StreamResponse:
        bucket = find_bucket(store, request.match_info["bucket"], "storage.buckets.get")
        return json_response(select(bucket_resource(bucket, base_url(request)), selection(request)))

    async def list_buckets(request: web.Request) -> web.StreamResponse:
        if not request.query.get("project"):
            refuse(400, "Required parameter: project", reason="required", location=("project", "parameter"))
        prefix = request.query.get("prefix", "")
        items = [
            bucket_resource(bucket, base_url(request))
            for bucket in store.buckets()
            if bucket.name.startswith(prefix)
        ]
        body: dict[str, object] = {"kind": "storage#buckets"} | ({"items": items} if items else {})
        return json_response(select(body, selection(request)))

    async def insert_bucket(request: web.Request) -> web.StreamResponse:
        try:
            resource = json.loads(await request.text())
        except ValueError:
            refuse(400, "Parse Error", reason="parseError")
        name = resource.get("name") if isinstance(resource, dict) else None
        if not isinstance(name, str) or not 3 <= len(name) <= 222:
            refuse(400, f"Invalid bucket name: '{name}'")
        if store.bucket(name) is not None:
            refuse(409, "Your previous request to create the named bucket succeeded and you already own it.")
        bucket = store.create_bucket(name, str(resource.get("location", "US")).upper())
        return json_response(select(bucket_resource(bucket, base_url(request)), selection(request)))

    async def delete_bucket(request: web.Request) -> web.StreamResponse:
        bucket = find_bucket(store, request.match_info["bucket"], "storage.buckets.delete")
        if bucket.objects:
            refuse(409, "The bucket you tried to delete is not empty.")
        store.delete_bucket(bucket.name)
        return web.Response(status=204)

    return [
        web.delete("/storage/v1/b/{bucket}/o/{object:.+}", delete_object),
        web.get("/storage/v1/b", list_buckets),
        web.post("/storage/v1/b", insert_bucket),
        web.get("/storage/v1/b/{bucket}", get_bucket),
        web.delete("/storage/v1/b/{bucket}", delete_bucket),
    ]
