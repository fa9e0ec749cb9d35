"""A way to a server that can be shut and opened again, as if the server itself were gone meanwhile."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Door:
    """Passes connections on to the server at `url` from an address of its own."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._behind = (split.hostname, split.port)
        self._connections: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="door", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.open()
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Let connections in."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def shut(self) -> None:
        """Break every connection, and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)

    def shut_for(self, seconds: float) -> None:
        """Shut it now, and open it again by itself."""
        self.shut()
        asyncio.run_coroutine_threadsafe(self._open_after(seconds), self._loop)

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port, backlog=1024)
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def _open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._open()

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.transport.abort()

    async def _leave(self) -> None:
        await self._shut()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._behind)
        both = {writer, inner_writer}
        self._connections |= both
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        except OSError:
            # One side broke off, and so does the other.
            pass
        finally:
            self._connections -= both
            for side in both:
                side.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
