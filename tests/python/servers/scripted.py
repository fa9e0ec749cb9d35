"""A loopback server whose every answer a test writes itself, for what the emulator never says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

__all__ = ["Answer", "Received", "Script", "ScriptedServer", "json_answer"]


@dataclass(frozen=True)
class Received:
    """A request as it arrived; `path` is still percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer, after `seconds`."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


Script = Callable[[Received], Answer]


def json_answer(body: object, status: int = 200, seconds: float = 0.0, **headers: str) -> Answer:
    """JSON with a status; header names have underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        json.dumps(body).encode(), status, {"Content-Type": "application/json", **named}, seconds=seconds
    )


class ScriptedServer:
    """Runs a script in a thread; `received` holds the requests in order."""

    def __init__(self, script: Script) -> None:
        self.received: list[Received] = []
        self._script = script
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-server", daemon=True)
        self._thread.start()
        self._runner, port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> tuple[web.AppRunner, int]:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, int(runner.addresses[0][1])

    async def _close(self) -> None:
        await self._runner.cleanup()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.Response:
        split = urlsplit(request.raw_path)
        received = Received(
            request.method,
            split.path,
            dict(parse_qsl(split.query, keep_blank_values=True)),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        self.received.append(received)
        answer = self._script(received)
        if answer.seconds:
            await asyncio.sleep(answer.seconds)
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
