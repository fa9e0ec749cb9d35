"""Media uploads: a job's resource and its file, in one multipart body or piece by piece (resumable)."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.http import answered, json_body, json_response

Finish = Callable[[str, dict[str, Any], bytes], Awaitable[web.Response]]

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
# Pieces of a resumable upload, except for the last one, are multiples of this many bytes.
_GRANULE = 256 * 1024
_SESSIONS = 1000


@dataclass
class _Session:
    """A resumable upload that has begun; `answer` is what it ended with."""

    project: str
    resource: dict[str, Any]
    received: bytearray = field(default_factory=bytearray)
    answer: tuple[int, bytes] | None = None
    # Two requests of one session are served one after the other.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def upload_routes(path: str, finish: Finish) -> list[web.AbstractRouteDef]:
    """Return the upload routes for the jobs collection at `path`; `finish` inserts the job with its file."""
    uploads = _Uploads(finish)
    places = [f"/upload{path}", f"/resumable/upload{path}"]
    return [
        *(web.post(place, answered(uploads.begin)) for place in places),
        *(web.put(place, answered(uploads.proceed)) for place in places),
        *(web.delete(place, answered(uploads.cancel)) for place in places),
    ]


class _Uploads:
    def __init__(self, finish: Finish) -> None:
        self._finish = finish
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def begin(self, request: web.Request) -> web.StreamResponse:
        kind = request.query.get("uploadType") or request.headers.get("X-Goog-Upload-Protocol")
        project = request.match_info["project"]
        if kind == "multipart":
            resource, data = await _multipart(request)
            return await self._finish(project, resource, data)
        if kind != "resumable":
            raise invalid(f"Invalid value for uploadType: {kind}")
        upload_id = secrets.token_urlsafe(32)
        self._sessions[upload_id] = _Session(project, await json_body(request))
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        location = str(request.url.with_query(dict(request.query) | {"upload_id": upload_id}))
        headers = {"Location": location, "X-GUploader-UploadID": upload_id, "Content-Length": "0"}
        return web.Response(headers=headers)

    async def proceed(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        async with session.turn:
            if session.answer is None:
                response = await self._receive(request, session)
                if response is not None:
                    return response
            assert session.answer is not None
            status, body = session.answer
            return web.Response(body=body, status=status, content_type="application/json", charset="UTF-8")

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        self._session(request)
        del self._sessions[request.query["upload_id"]]
        return web.Response(status=499)

    def _session(self, request: web.Request) -> _Session:
        session = self._sessions.get(request.query.get("upload_id", ""))
        if session is None:
            raise BigQueryError(
                404, "notFound", "Not found: this upload session does not exist or has expired"
            )
        return session

    async def _receive(self, request: web.Request, session: _Session) -> web.Response | None:
        """Take a piece in; return the answer to an unfinished upload, None once it is finished."""
        data = await request.read()
        header = request.headers.get("Content-Range")
        match = _CONTENT_RANGE.fullmatch(header) if header else None
        if header and match is None:
            raise BigQueryError(400, "badRequest", f"Failed to parse Content-Range header: {header}")
        total = None if match and match[3] == "*" else int(match[3]) if match else len(data)
        if match is None or match[1] is not None:
            _keep(session, data, match, total)
        if total is None or len(session.received) < total:
            held = len(session.received)
            return web.Response(status=308, headers={"Range": f"bytes=0-{held - 1}"} if held else {})
        try:
            response = await self._finish(session.project, session.resource, bytes(session.received))
        except BigQueryError as error:
            response = json_response(error.body(), error.status)
        body = response.body
        assert isinstance(body, bytes)
        session.answer, session.received = (response.status, body), bytearray()
        return None


def _keep(session: _Session, data: bytes, match: re.Match[str] | None, total: int | None) -> None:
    """Append what is new of a piece; an unfinished upload keeps whole granules only."""
    held, start = len(session.received), int(match[1]) if match else 0
    if match is not None and len(data) != int(match[2]) - start + 1:
        message = (
            f"Invalid request. There were {len(data)} byte(s) in the request body. There should have been"
        )
        raise BigQueryError(400, "badRequest", f"{message} {int(match[2]) - start + 1} byte(s).")
    if start > held:
        message = (
            f"Invalid request. According to the Content-Range header, the upload offset is {start} byte(s)"
        )
        raise BigQueryError(
            503, "backendError", f"{message}, which exceeds already uploaded size of {held} byte(s)."
        )
    end = start + len(data)
    if total is None or end < total:
        if len(data) < _GRANULE:
            message = "Invalid request. The number of bytes uploaded is required to be equal or greater than "
            message += (
                f"{_GRANULE}, except for the final request (it's recommended to be the exact multiple of "
            )
            message += (
                f"{_GRANULE}). The received request contained {len(data)} bytes, which does not meet this "
            )
            raise BigQueryError(400, "badRequest", f"{message}requirement.")
        end -= end % _GRANULE
    session.received += data[held - start : max(end - start, held - start)]


async def _multipart(request: web.Request) -> tuple[dict[str, Any], bytes]:
    """Split a multipart/related body into the job resource and the file."""
    header = Message()
    header["Content-Type"] = request.headers.get("Content-Type", "")
    boundary = header.get_boundary()
    if header.get_content_maintype() != "multipart" or not boundary:
        raise BigQueryError(400, "badContent", "Media type of a multipart upload must be multipart/related")
    sections = (b"\r\n" + await request.read()).split(b"\r\n--" + boundary.encode())
    if len(sections) != 4 or not sections[-1].startswith(b"--"):
        raise BigQueryError(
            400, "badContent", "Multipart must have exactly two parts: the job, then its file"
        )
    head, _, resource = sections[1].partition(b"\r\n\r\n")
    kind = message_from_bytes(head.lstrip(b"\r\n")).get_content_type()
    if kind != "application/json":
        raise BigQueryError(400, "badContent", f"The first part must be application/json, not {kind}")
    try:
        body = json.loads(resource)
    except ValueError:
        raise BigQueryError(400, "parseError", "Parse Error") from None
    if not isinstance(body, dict):
        raise BigQueryError(400, "parseError", "Parse Error")
    return body, sections[2].partition(b"\r\n\r\n")[2]
