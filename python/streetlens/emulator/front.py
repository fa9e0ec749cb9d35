"""Listens on the one port: HTTP/1.1 goes to aiohttp in this process, HTTP/2 is spliced to the gRPC server.

gRPC over cleartext HTTP/2 begins with a fixed preface (RFC 9113 section 3.4), so a connection's first bytes say
which of the two it is. Later bytes of an HTTP/1.1 connection do not pass through here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from streetlens.emulator.splice import Splice, Splices

_PREFACE = b"PRI "
BACKLOG = 4096


class Front:
    """The listening socket. `http` makes the protocol of one HTTP/1.1 connection, `rpc_port` finds the gRPC server.

    `rpc_port` is called in a thread of the pool, once for every HTTP/2 connection; None means there is no server.
    """

    def __init__(self, http: Callable[[], asyncio.Protocol], rpc_port: Callable[[], int | None]) -> None:
        self.http = http
        self.rpc_port = rpc_port
        self.waiting: set[asyncio.Transport] = set()
        self.splices = Splices()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Start listening and return the port. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Sniffer(self), host, port, backlog=BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening, and cut the connections that aiohttp does not know."""
        if self._server is not None:
            self._server.close()
        for transport in list(self.waiting):
            transport.abort()
        self.splices.close()


class _Sniffer(asyncio.Protocol):
    """Reads the first bytes of a connection and hands it over."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._first = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._front.waiting.add(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._first += data
        start = self._first[: len(_PREFACE)]
        if len(start) < len(_PREFACE) and _PREFACE.startswith(start):
            return
        self._front.waiting.discard(self._transport)
        if start == _PREFACE:
            Splice(self._transport, self._first, self._front.rpc_port, self._front.splices)
            return
        handler = self._front.http()
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(self._first)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._transport is not None:
            self._front.waiting.discard(self._transport)
