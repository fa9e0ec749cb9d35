"""Serves objects: metadata, bytes with Range, and listings."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import TYPE_CHECKING

from aiohttp import web

from streetlens.emulator.errors import ServiceError, json_response
from streetlens.emulator.partial_response import select
from streetlens.emulator.storage.objects import ObjectStore, StoredObject
from streetlens.emulator.storage.requests import base_url, find_bucket, find_object, refuse, selection
from streetlens.emulator.storage.resources import etag, object_resource

if TYPE_CHECKING:
    from streetlens.emulator.world import World

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_PAGE = 1000


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the read routes."""
    store = world.objects

    async def get(request: web.Request) -> web.StreamResponse:
        if request.query.get("alt") == "media":
            return await _media(request, store)
        stored = find_object(request, store)
        wanted = selection(request)
        body = await asyncio.to_thread(object_resource, stored, base_url(request), wanted)
        return json_response(select(body, wanted), headers={"ETag": etag(stored)})

    async def download(request: web.Request) -> web.StreamResponse:
        return await _media(request, store)

    async def listing(request: web.Request) -> web.StreamResponse:
        return json_response(await asyncio.to_thread(_list, request, store))

    return [
        web.get("/storage/v1/b/{bucket}/o", listing),
        web.get("/storage/v1/b/{bucket}/o/{object:.+}", get),
        web.get("/download/storage/v1/b/{bucket}/o/{object:.+}", download),
    ]


async def _media(request: web.Request, store: ObjectStore) -> web.StreamResponse:
    try:
        stored = find_object(request, store)
        data = await asyncio.to_thread(lambda: stored.data)
        part = _range(request, len(data))
    except ServiceError as error:
        # Media requests get the bare message: that is what official clients show as the error text.
        return web.Response(status=error.status, text=error.message, content_type="text/html")
    headers = await asyncio.to_thread(_media_headers, stored)
    headers["Accept-Ranges"] = "bytes"
    if part is None:
        return web.Response(body=data, headers=headers)
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    return web.Response(body=data[part.start : part.stop], status=206, headers=headers)


def _media_headers(stored: StoredObject) -> dict[str, str]:
    return {
        "Content-Type": stored.content_type,
        "ETag": etag(stored),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": "1",
        "X-Goog-Storage-Class": "STANDARD",
        "X-Goog-Stored-Content-Encoding": "identity",
        "X-Goog-Stored-Content-Length": str(stored.size),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
    }


def _range(request: web.Request, size: int) -> range | None:
    """Return the bytes wanted, or None for all; a Range that is not understood is ignored (RFC 9110 14.2)."""
    match = _RANGE.match(request.headers.get("Range", "").strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        wanted = range(max(0, size - int(match[2])), size)
    else:
        wanted = range(int(match[1]), min(size, int(match[2]) + 1) if match[2] else size)
        if match[2] and int(match[2]) < wanted.start:
            return None
    if wanted.start >= size:
        refuse(416, "Request range not satisfiable", location=("Range", "header"))
    return wanted


def _list(request: web.Request, store: ObjectStore) -> object:
    bucket, query = request.match_info["bucket"], request.query
    find_bucket(store, bucket, "storage.objects.list")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    wanted = selection(request)
    below = None if wanted is None else wanted.get("items", {})
    limit = _page_size(query.get("maxResults"))
    items: list[object] = []
    prefixes: list[str] = []
    body: dict[str, object] = {"kind": "storage#objects"}
    last, resume = "", _decode_token(query.get("pageToken"))
    for name in store.names(bucket, prefix, resume):
        folder = _folder(name, prefix, delimiter)
        if folder and (resume.startswith(folder) or folder in prefixes[-1:]):
            continue
        if query.get("startOffset", "") > name or name >= query.get("endOffset", "\U0010ffff"):
            continue
        if len(items) + len(prefixes) == limit:
            body["nextPageToken"] = base64.urlsafe_b64encode(last.encode()).decode()
            break
        last = folder or name
        if folder:
            prefixes.append(folder)
        elif wanted is None or "items" in wanted:
            stored = store.get(bucket, name)
            if stored is not None:
                items.append(object_resource(stored, base_url(request), below))
    if prefixes:
        body["prefixes"] = prefixes
    if items:
        body["items"] = items
    return select(body, wanted)


def _folder(name: str, prefix: str, delimiter: str) -> str:
    cut = name.find(delimiter, len(prefix)) if delimiter else -1
    return name[: cut + len(delimiter)] if cut >= 0 else ""


def _page_size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not text.isdigit():
        refuse(
            400,
            f"Invalid integer value: '{text}'.",
            reason="invalidParameter",
            location=("maxResults", "parameter"),
        )
    return min(int(text), _PAGE) or _PAGE


def _decode_token(token: str | None) -> str:
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        refuse(400, f"Invalid value for pageToken: {token}", location=("pageToken", "parameter"))
