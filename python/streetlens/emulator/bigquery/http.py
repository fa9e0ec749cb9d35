"""HTTP conventions of the REST API: JSON bodies (gzip too), error envelopes, numbers as strings, blocking work."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from streetlens.emulator.bigquery.errors import BigQueryError, invalid

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Result = TypeVar("Result")


def answered(handler: Handler) -> Handler:
    """Return a handler that answers BigQueryError with BigQuery's error body."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BigQueryError as error:
            return json_response(error.body(), error.status)

    return answer


def json_response(body: dict[str, Any], status: int = 200, rows: list[str] | None = None) -> web.Response:
    """Return a JSON response; `rows` are JSON texts that become the body's last member, `rows`."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if rows:
        text = f'{text[:-1]},"rows":[{",".join(rows)}]}}'
    return web.Response(text=text, status=status, content_type="application/json", charset="UTF-8")


async def json_body(request: web.Request) -> dict[str, Any]:
    """Return the request's JSON object; an empty body is an empty object; raises `parseError` for anything else."""
    data = await request.read()
    # aiohttp has already undone a content-encoding it knows, so only a body that is still packed is unpacked.
    if request.headers.get("Content-Encoding", "").lower() == "gzip" and data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise BigQueryError(400, "badRequest", "The request body is not valid gzip") from None
    if not data.strip():
        return {}
    try:
        body = json.loads(data)
    except ValueError:
        raise BigQueryError(400, "parseError", "Parse Error") from None
    if not isinstance(body, dict):
        raise BigQueryError(400, "parseError", "Parse Error")
    return body


def flag(value: object) -> bool:
    """Return a Boolean from a body or a query string (Python clients send `True`)."""
    return str(value).lower() in ("true", "1")


def whole(value: object, name: str, default: int | None = None) -> int | None:
    """Return a non-negative integer from a body or query string; raises `invalid` for anything else."""
    if value is None or value == "":
        return default
    try:
        number = int(str(value))
    except ValueError:
        raise invalid(f"Invalid value for {name}: {value}") from None
    if number < 0:
        raise invalid(f"Invalid value for {name}: {value}. It must not be negative.")
    return number


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)
