"""Takes objects in: simple media, multipart/related, and resumable uploads in one piece or in chunks."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streetlens.emulator.errors import json_response
from streetlens.emulator.partial_response import select
from streetlens.emulator.storage.objects import ObjectStore, StoredObject
from streetlens.emulator.storage.requests import base_url, check_preconditions, find_bucket, refuse, selection
from streetlens.emulator.storage.resources import object_resource

if TYPE_CHECKING:
    from streetlens.emulator.world import World

_CONTENT_RANGE = re.compile(r"^bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")
_WRITABLE = (
    "metadata",
    "contentEncoding",
    "contentDisposition",
    "contentLanguage",
    "cacheControl",
    "customTime",
)
_SESSIONS = 1000
"""Unfinished resumable uploads that are remembered; the oldest is forgotten first."""


@dataclass
class Session:
    """One resumable upload that has begun."""

    bucket: str
    resource: dict[str, Any]
    content_type: str
    received: bytearray = field(default_factory=bytearray)
    stored: StoredObject | None = None


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the upload routes."""
    store = world.objects
    sessions: OrderedDict[str, Session] = OrderedDict()

    async def insert(request: web.Request) -> web.StreamResponse:
        find_bucket(store, request.match_info["bucket"], "storage.objects.create")
        kind = request.query.get("uploadType")
        if kind == "media":
            resource: dict[str, Any] = {"name": request.query.get("name")}
            content_type = request.headers.get("Content-Type", "application/octet-stream")
            return await _finish(request, store, resource, content_type, await request.read())
        if kind == "multipart":
            resource, content_type, data = await _multipart(request)
            return await _finish(request, store, resource, content_type, data)
        if kind == "resumable":
            return await _begin(request, store, sessions)
        return refuse(400, f"Unknown uploadType: {kind}", location=("uploadType", "parameter"))

    async def proceed(request: web.Request) -> web.StreamResponse:
        session = sessions.get(request.query.get("upload_id", ""))
        if session is None:
            refuse(404, "No such upload session: it was never started here, or it was cancelled.")
        return await _proceed(request, store, session)

    async def cancel(request: web.Request) -> web.StreamResponse:
        if sessions.pop(request.query.get("upload_id", ""), None) is None:
            refuse(404, "No such upload session: it was never started here, or it was cancelled.")
        return web.Response(status=499)

    path = "/upload/storage/v1/b/{bucket}/o"
    return [web.post(path, insert), web.put(path, proceed), web.delete(path, cancel)]


async def _begin(
    request: web.Request, store: ObjectStore, sessions: OrderedDict[str, Session]
) -> web.StreamResponse:
    text = await request.text()
    resource = _parse_resource(text) if text.strip() else {}
    resource.setdefault("name", request.query.get("name"))
    bucket, name = request.match_info["bucket"], _name(resource)
    check_preconditions(request, store.get(bucket, name))
    content_type = str(
        resource.get("contentType")
        or request.headers.get("X-Upload-Content-Type")
        or "application/octet-stream"
    )
    upload_id = secrets.token_urlsafe(32)
    sessions[upload_id] = Session(bucket, resource, content_type)
    while len(sessions) > _SESSIONS:
        sessions.popitem(last=False)
    query = dict(request.query) | {"upload_id": upload_id}
    location = str(request.url.with_query(query))
    return web.Response(status=200, headers={"Location": location, "X-GUploader-UploadID": upload_id})


async def _proceed(request: web.Request, store: ObjectStore, session: Session) -> web.StreamResponse:
    if session.stored is not None:
        return await _answer(request, session.stored)
    data = await request.read()
    header = request.headers.get("Content-Range")
    match = _CONTENT_RANGE.match(header) if header else None
    if header and match is None:
        refuse(400, f"Failed to parse Content-Range header: {header}", location=("Content-Range", "header"))
    total = None if match and match[3] == "*" else int(match[3]) if match else len(data)
    held = len(session.received)
    if match is None or match[1] is not None:
        start = int(match[1]) if match else 0
        if start > held:
            refuse(503, f"Invalid request. The upload continues at byte {held}, not at byte {start}.")
        session.received += data[held - start :]
    if total is None or len(session.received) < total:
        headers = {"Range": f"bytes=0-{len(session.received) - 1}"} if session.received else {}
        return web.Response(status=308, headers=headers)
    response = await _finish(
        request, store, session.resource, session.content_type, bytes(session.received), session=session
    )
    session.received = bytearray()
    return response


async def _finish(
    request: web.Request,
    store: ObjectStore,
    resource: dict[str, Any],
    content_type: str,
    data: bytes,
    *,
    session: Session | None = None,
) -> web.StreamResponse:
    bucket, name = request.match_info["bucket"], _name(resource)
    check_preconditions(request, store.get(bucket, name))
    candidate = StoredObject(bucket, name, lambda: data, content_type, generation=0)
    for key, attribute in (("crc32c", "crc32c"), ("md5Hash", "md5")):
        declared = resource.get(key)
        calculated = await asyncio.to_thread(getattr, candidate, attribute) if declared else None
        if declared != calculated:
            refuse(400, f'Provided {key} "{declared}" doesn\'t match calculated {key} "{calculated}".')
    custom = {key: resource[key] for key in _WRITABLE if key in resource}
    stored = store.put(bucket, name, data, str(resource.get("contentType") or content_type), custom=custom)
    if session is not None:
        session.stored = stored
    return await _answer(request, stored)


async def _answer(request: web.Request, stored: StoredObject) -> web.StreamResponse:
    body = await asyncio.to_thread(object_resource, stored, base_url(request))
    return json_response(select(body, selection(request)))


async def _multipart(request: web.Request) -> tuple[dict[str, Any], str, bytes]:
    """Split a multipart/related body into the object resource, the media type and the media."""
    header = Message()
    header["Content-Type"] = request.headers.get("Content-Type", "")
    boundary = header.get_boundary()
    if header.get_content_maintype() != "multipart" or not boundary:
        refuse(400, f"Expected a multipart/related body with a boundary, got {header['Content-Type']!r}")
    sections = (b"\r\n" + await request.read()).split(b"\r\n--" + boundary.encode())[1:-1]
    if len(sections) != 2:
        refuse(400, f"Expected two parts (the object resource, then the media), got {len(sections)}")
    (_, resource), (content_type, media) = (_part(section) for section in sections)
    return _parse_resource(resource.decode()), content_type, media


def _part(section: bytes) -> tuple[str, bytes]:
    head, _, body = section.partition(b"\r\n\r\n")
    headers = message_from_string(head.decode("latin-1").lstrip("\r\n"))
    return str(headers.get("Content-Type", "application/octet-stream")), body


def _parse_resource(text: str) -> dict[str, Any]:
    try:
        resource = json.loads(text)
    except ValueError:
        refuse(400, "Parse Error", reason="parseError")
    if not isinstance(resource, dict):
        refuse(400, "The object resource must be a JSON object", reason="parseError")
    return resource


def _name(resource: dict[str, Any]) -> str:
    name = resource.get("name")
    if not isinstance(name, str) or not name:
        refuse(400, "Required object name is missing: give name= or the resource's name.", reason="required")
    return name
