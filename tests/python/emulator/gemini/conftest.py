"""A Gemini endpoint of its own: the service on a small fake world, in a thread, on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import googleapiclient
import pytest
import requests
from aiohttp import web
from google import genai
from google.oauth2.credentials import Credentials
from jsonschema import Draft4Validator

from streetlens.emulator.errors import ServiceError
from streetlens.emulator.gemini import ServedModels, degenerate, routes
from streetlens.emulator.scenes import shipped_pictures

BUCKET = "pictures"
MODEL = "gemini-3.5-flash-lite"


@dataclass
class FakeObject:
    data: bytes


@dataclass
class FakeObjects:
    """Every shipped picture under its file name, with a colon in front as in real object names."""

    stored: dict[tuple[str, str], bytes] = field(default_factory=dict)
    reads: int = 0

    def get(self, bucket: str, name: str) -> FakeObject | None:
        self.reads += 1
        data = self.stored.get((bucket, name))
        return None if data is None else FakeObject(data)

    def agent_may_read(self, bucket: str) -> bool:
        return "forbidden" not in bucket


@dataclass
class FakeWorld:
    objects: FakeObjects = field(default_factory=FakeObjects)
    models: ServedModels = field(default_factory=ServedModels)


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        fault = request.headers.get("x-degenerate")
        return await (degenerate(fault, request) if fault else handler(request))
    except ServiceError as error:
        return error.response()


@dataclass
class Endpoint:
    """The running endpoint; `post` speaks plain HTTP, `client()` is Google's own client."""

    url: str
    world: FakeWorld
    clients: list[genai.Client] = field(default_factory=list)
    """Kept alive: a client that is garbage collected closes its connections in the middle of a call."""

    def post(self, body: Any, model: str = MODEL, **options: Any) -> requests.Response:
        location, method = options.get("location", "global"), options.get("method", "generateContent")
        version = options.get("version", "v1")
        url = f"{self.url}/{version}/projects/demo/locations/{location}/publishers/google/models/{model}:{method}"
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        response = requests.post(
            url + options.get("query", ""), data=data, headers=options.get("headers"), timeout=60
        )
        response.encoding = "utf-8"
        return response

    def ask(self, uri: str | None, text: str = "What is in this picture?", **config: Any) -> dict[str, Any]:
        """Asks about one stored picture and returns the body; fails the test if the status is not 200."""
        response = self.post(question(uri, text, **config))
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def answer(self, uri: str, schema: dict[str, Any], text: str = "Classify.") -> Any:
        """Returns the JSON answer in the form of a schema."""
        body = self.ask(uri, text, responseMimeType="application/json", responseSchema=schema)
        return json.loads(body["candidates"][0]["content"]["parts"][0]["text"])

    def client(self, location: str = "global") -> genai.Client:
        client = genai.Client(
            vertexai=True,
            project="demo",
            location=location,
            credentials=Credentials(token="x"),
            http_options={"base_url": self.url},
        )
        self.clients.append(client)
        return client


def question(uri: str | None, text: str = "What is in this picture?", **config: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": text}]
    if uri is not None:
        parts.insert(0, {"fileData": {"fileUri": uri, "mimeType": "image/jpeg"}})
    body: dict[str, Any] = {"contents": [{"role": "user", "parts": parts}]}
    if config:
        body["generationConfig"] = config
    return body


def uri_of(label: str, detail: str | int | None = None) -> str:
    """Returns the URI of the first shipped picture of this label (and speed or attachment)."""
    for picture in shipped_pictures():
        truth = picture.truth
        if truth.label == label and detail in (None, truth.speed, truth.attachment):
            return f"gs://{BUCKET}/o1:{picture.file}"
    raise LookupError(f"no shipped picture of {label} {detail}")


def bytes_of(label: str) -> bytes:
    return next(picture for picture in shipped_pictures() if picture.truth.label == label).read()


@pytest.fixture(scope="package")
def endpoint() -> Iterator[Endpoint]:
    world = FakeWorld()
    for picture in shipped_pictures():
        world.objects.stored[BUCKET, f"o1:{picture.file}"] = picture.read()
    started = threading.Event()
    loop = asyncio.new_event_loop()
    address: list[Any] = []

    async def serve() -> None:
        application = web.Application(middlewares=[_errors], client_max_size=1 << 26)
        application.add_routes(routes(world))
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.extend(runner.addresses[0])
        started.set()
        await closing.wait()
        await runner.cleanup()

    closing = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    running = Endpoint(f"http://127.0.0.1:{address[1]}", world)
    yield running
    for client in running.clients:
        client.close()
    loop.call_soon_threadsafe(closing.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def discovery() -> Any:
    """Returns `check(schema_name, value)`, which validates against Google's own discovery document."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    schemas = json.loads((folder / "aiplatform.v1.json").read_text(encoding="utf-8"))["schemas"]

    def converted(node: Any) -> Any:
        if isinstance(node, list):
            return [converted(each) for each in node]
        if not isinstance(node, dict):
            return node
        kept = {key: converted(value) for key, value in node.items() if key in KEPT}
        if node.get("type") == "any":
            kept.pop("type")
        if "$ref" in node:
            kept["$ref"] = f"#/definitions/{node['$ref']}"
        if "properties" in node:
            kept["properties"] = {name: converted(value) for name, value in node["properties"].items()}
            kept["additionalProperties"] = False
        return kept

    definitions = {name: converted(schema) for name, schema in schemas.items()}

    def check(name: str, value: Any) -> None:
        root = {"$ref": f"#/definitions/GoogleCloudAiplatformV1{name}", "definitions": definitions}
        problems = [f"{list(each.path)}: {each.message}" for each in Draft4Validator(root).iter_errors(value)]
        assert problems == []

    return check


KEPT = ("type", "items", "enum", "additionalProperties")
