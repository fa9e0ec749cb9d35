"""The HTTP side: routes, where a model is served, and the executor that does the looking."""

from __future__ import annotations

import asyncio
import json
import os
import re
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Protocol

from aiohttp import web

from streetlens.emulator.errors import ServiceError, html_page, json_response
from streetlens.emulator.gemini import refusals
from streetlens.emulator.gemini.answers import (
    Json,
    PromptTokens,
    compose,
    prompt_tokens,
    response,
    text_tokens,
)
from streetlens.emulator.gemini.degenerate import degenerate_body
from streetlens.emulator.gemini.facts import facts_of
from streetlens.emulator.gemini.media import Eyes, Objects
from streetlens.emulator.gemini.models import LOCATION, Model, ServedModels
from streetlens.emulator.gemini.request import GenerateRequest, read_count, read_request
from streetlens.emulator.vision import Sighting

_PATH = re.compile(
    r"/v1(?:beta1)?/(?:projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/)?"
    r"publishers/google/models/(?P<model>[^/:]+):(?P<method>\w+)"
)
CHUNKS = 3


class GeminiWorld(Protocol):
    """What this service needs of the world."""

    @property
    def objects(self) -> Objects: ...

    @property
    def models(self) -> ServedModels: ...


def routes(world: GeminiWorld) -> list[web.AbstractRouteDef]:
    """Returns the routes of both API versions, with a project or in express mode."""
    service = _Service(world)
    model = "publishers/google/models/{call:[^/]+:(generateContent|streamGenerateContent|countTokens)}"
    return [
        web.post(f"/{{version:v1|v1beta1}}/{place}{model}", service.handle)
        for place in ("projects/{project}/locations/{location}/", "")
    ]


class _Service:
    def __init__(self, world: GeminiWorld) -> None:
        self._world = world
        self._eyes = Eyes(world.objects)
        self._executor: Executor = ThreadPoolExecutor(
            max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="streetlens-stand-in"
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise web.HTTPNotFound
        location = match["location"] or "global"
        if not LOCATION.fullmatch(location):
            return web.Response(status=404, text=html_page(404, "Not Found"), content_type="text/html")
        model = self._world.models.find(match["model"], location)
        if model is None:
            raise refusals.model_not_found(match["project"] or "express", location, match["model"])
        loop = asyncio.get_running_loop()
        body = await request.read()
        if match["method"] == "countTokens":
            return json_response(await loop.run_in_executor(self._executor, self._count, model, body))
        answer = await loop.run_in_executor(self._executor, self._generate, model, body)
        if match["method"] == "generateContent":
            return json_response(answer)
        chunks = in_chunks(answer)
        if request.query.get("alt") != "sse":
            return json_response(chunks)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for chunk in chunks:
            await stream.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\r\n\r\n")
        await stream.write_eof()
        return stream

    def _generate(self, model: Model, body: bytes) -> Json:
        request = read_request(parsed(body))
        request.thought_tokens(model)  # refuses an unsupported level before any picture is read
        sightings = self._sightings(request)
        made = compose(request, facts_of(sightings[request.subject :]))
        return response(model, request, made, prompt_tokens(request, sightings, model))

    def _count(self, model: Model, body: bytes) -> Json:
        request = read_count(parsed(body))
        tokens = prompt_tokens(request, self._sightings(request), model)
        return {
            "totalTokens": tokens.total,
            "totalBillableCharacters": len("".join(request.text.split())),
            "promptTokensDetails": tokens.details(),
        }

    def _sightings(self, request: GenerateRequest) -> list[Sighting]:
        return [self._eyes.see(media) for media in request.media]


def parsed(body: bytes) -> Any:
    """Returns the JSON value of a body. Raises the service's 400."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise refusals.invalid(f"Invalid JSON payload received. {error}") from error


def in_chunks(answer: Json) -> list[Json]:
    """Returns the answer as a stream gives it: the text in pieces, finish reason and usage last."""
    first = answer["candidates"][0]
    parts = first["content"].get("parts") or []
    text = parts[-1]["text"] if parts else ""
    if len(text) < 2 * CHUNKS:
        return [answer]
    step = -(-len(text) // CHUNKS)
    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    shared = {key: answer[key] for key in ("modelVersion", "createTime", "responseId")}
    chunks: list[Json] = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        before = parts[:-1] if number == 0 else []
        part = {**parts[-1], "text": piece} if last else {"text": piece}
        candidate: Json = {"content": {"role": "model", "parts": [*before, part]}}
        if last:
            candidate |= {key: value for key, value in first.items() if key != "content"}
        usage = answer["usageMetadata"] if last else {"trafficType": answer["usageMetadata"]["trafficType"]}
        chunks.append({"candidates": [candidate], "usageMetadata": usage, **shared})
    return chunks


async def degenerate(kind: str, request: web.Request, **_options: object) -> web.Response:
    """Answers a generateContent request with one of the degenerate bodies; the pictures are not read."""
    match = _PATH.fullmatch(request.path)
    if match is None or match["method"] == "countTokens":
        raise ServiceError(
            "gemini", 400, f"fault {kind!r} is an answer of generateContent, not of {request.path}"
        )
    model = Model(match["model"])
    try:
        parsed_request = read_request(parsed(await request.read()))
    except ServiceError:
        tokens = PromptTokens(1, 0)  # a fault answers anything, also what the service would refuse
    else:
        image = sum(model.image_tokens(400, 300, media.resolution) for media in parsed_request.media)
        tokens = PromptTokens(max(1, text_tokens(parsed_request.text)), image)
    return json_response(degenerate_body(kind, match["model"], tokens))
