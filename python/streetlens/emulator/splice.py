"""Joins a client's HTTP/2 connection to the gRPC server, and damages it where a fault says so."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Literal

from streetlens.emulator.frames import FrameBoundaries, rst_stream, stream_of, whole_frame

Ending = Literal["reset", "cut_body", "rst_stream"]

# The preface of a client, before its first frame.
_PREFACE_BYTES = 24
_HIGH_WATER = 1 << 20
_INTERNAL_ERROR, _CANCEL = 2, 8


class Splices:
    """The open ones; `by_port` finds one by its port at the gRPC server, all that a handler knows of its caller."""

    def __init__(self) -> None:
        self.every: set[Splice] = set()
        self.by_port: dict[int, Splice] = {}

    def close(self) -> None:
        """Cut them all."""
        for splice in list(self.every):
            splice.abort()


class Splice:
    """One spliced connection; every method is called in the event loop's thread."""

    def __init__(
        self,
        client: asyncio.Transport,
        first: bytes,
        rpc_port: Callable[[], int | None],
        splices: Splices,
    ) -> None:
        self._client = client
        self._server: asyncio.Transport | None = None
        self._splices = splices
        splices.every.add(self)
        self._port = 0
        self._asked = FrameBoundaries(_PREFACE_BYTES)
        self._answered = FrameBoundaries()
        self._to_server = b""
        self._bytes_left: int | None = None
        self._bytes_ending: Ending = "reset"
        self._markers: dict[bytes, Ending] = {}
        self._held = bytearray()
        self._ended = False
        client.set_write_buffer_limits(high=_HIGH_WATER)
        client.set_protocol(_End(self.from_client, self.abort, self._reading_of_server))
        client.pause_reading()
        self._joining = asyncio.get_running_loop().create_task(self._join(first, rpc_port))

    def end_after(self, count: int, ending: Ending) -> None:
        """End the connection once the client was sent `count` more bytes."""
        self._bytes_left, self._bytes_ending = count, ending
        if count <= 0:
            self._end(ending)

    def end_at(self, marker: bytes, ending: Ending) -> None:
        """End the connection, or by `rst_stream` the call, where the server sends a message with this text."""
        self._markers[marker] = ending

    def abort(self) -> None:
        """Cut both sides."""
        self._forget()
        self._joining.cancel()
        for transport in (self._client, self._server):
            if transport is not None:
                transport.abort()

    async def _join(self, first: bytes, rpc_port: Callable[[], int | None]) -> None:
        loop = asyncio.get_running_loop()
        port = await loop.run_in_executor(None, rpc_port)
        if port is None:
            self._client.close()
            return
        try:
            transport, _ = await loop.create_connection(
                lambda: _End(self.from_server, self._server_ended, self._reading_of_client), "127.0.0.1", port
            )
        except OSError:
            self._client.abort()
            return
        self._server = transport
        self._server.set_write_buffer_limits(high=_HIGH_WATER)
        self._port = int(transport.get_extra_info("sockname")[1])
        self._splices.by_port[self._port] = self
        self.from_client(first)
        self._client.resume_reading()

    def from_client(self, data: bytes) -> None:
        """Pass on what the client sent, with a frame of our own at the next boundary when there is one."""
        assert self._server is not None
        if self._to_server:
            boundary = self._asked.until_boundary(data)
            self._server.write(data[:boundary])
            if not self._asked.between_frames:
                return
            data = data[boundary:]
            self._server.write(self._to_server)
            self._to_server = b""
        self._asked.pass_over(data)
        self._server.write(data)

    def from_server(self, data: bytes) -> None:
        """Pass on what the server sent, up to the place where a fault strikes."""
        if self._bytes_left is not None:
            if len(data) >= self._bytes_left:
                self._client.write(data[: self._bytes_left])
                self._end(self._bytes_ending)
                return
            self._bytes_left -= len(data)
        if not self._markers and not self._held:
            self._answered.pass_over(data)
            self._client.write(data)
            return
        if not self._held:
            boundary = self._answered.until_boundary(data)
            self._client.write(data[:boundary])
            data = data[boundary:]
        self._held += data
        while not self._ended and (length := whole_frame(self._held)):
            frame = bytes(self._held[:length])
            del self._held[:length]
            self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        marker = next((found for found in self._markers if found in frame), None)
        if marker is None:
            self._client.write(frame)
            return
        ending = self._markers.pop(marker)
        if ending != "rst_stream":
            self._end(ending)
            return
        stream = stream_of(frame)
        self._client.write(rst_stream(stream, _INTERNAL_ERROR))
        # The server must not send trailers any more: the client would take them for a protocol error.
        cancel = rst_stream(stream, _CANCEL)
        if self._asked.between_frames and self._server is not None:
            self._server.write(cancel)
        else:
            self._to_server += cancel

    def _end(self, ending: Ending) -> None:
        self._ended = True
        self._forget()
        if ending == "reset":
            raw = self._client.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.close()
        if self._server is not None:
            self._server.abort()

    def _server_ended(self) -> None:
        self._forget()
        self._client.close()

    def _forget(self) -> None:
        self._splices.every.discard(self)
        self._splices.by_port.pop(self._port, None)

    def _reading_of_server(self, go_on: bool) -> None:
        _set_reading(self._server, go_on)

    def _reading_of_client(self, go_on: bool) -> None:
        _set_reading(self._client, go_on)


class _End(asyncio.Protocol):
    """One end of a splice; when its write buffer is full the other end is not read."""

    def __init__(
        self, received: Callable[[bytes], None], lost: Callable[[], None], reading: Callable[[bool], None]
    ) -> None:
        self._received = received
        self._lost = lost
        self._reading = reading

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lost()

    def pause_writing(self) -> None:
        self._reading(False)

    def resume_writing(self) -> None:
        self._reading(True)


def _set_reading(transport: asyncio.Transport | None, go_on: bool) -> None:
    if transport is None or transport.is_closing():
        return
    if go_on:
        transport.resume_reading()
    else:
        transport.pause_reading()
