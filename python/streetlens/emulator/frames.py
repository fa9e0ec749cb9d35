"""Finds the boundaries of HTTP/2 frames in a stream of bytes (RFC 9113 section 4.1)."""

from __future__ import annotations

import struct

_HEADER = 9
_RST_STREAM = 3


class FrameBoundaries:
    """Follows one direction of a connection; `skip` bytes come before its first frame."""

    def __init__(self, skip: int = 0) -> None:
        self._left = skip
        self._head = b""

    @property
    def between_frames(self) -> bool:
        """Whether the last byte seen ended a frame."""
        return self._left == 0 and not self._head

    def pass_over(self, data: bytes | memoryview) -> None:
        """Follow bytes that are sent on as they are."""
        self._advance(data, stop_between=False)

    def until_boundary(self, data: bytes) -> int:
        """Follow `data` to the end of the frame it begins in; return how many bytes that is."""
        return self._advance(data, stop_between=True)

    def _advance(self, data: bytes | memoryview, *, stop_between: bool) -> int:
        at, size = 0, len(data)
        while at < size:
            if stop_between and self.between_frames:
                return at
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
            else:
                step = min(_HEADER - len(self._head), size - at)
                self._head += bytes(data[at : at + step])
                if len(self._head) == _HEADER:
                    self._left, self._head = int.from_bytes(self._head[:3], "big"), b""
            at += step
        return at


def whole_frame(data: bytes | bytearray) -> int:
    """Return the length of the frame that `data` begins with, or 0 when not all of it is there."""
    if len(data) < _HEADER:
        return 0
    length = _HEADER + int.from_bytes(data[:3], "big")
    return length if len(data) >= length else 0


def stream_of(frame: bytes | bytearray) -> int:
    """Return the stream a frame belongs to."""
    return int.from_bytes(frame[5:_HEADER], "big") & 0x7FFFFFFF


def rst_stream(stream: int, code: int) -> bytes:
    """Return an RST_STREAM frame with an error code of RFC 9113 section 7."""
    return struct.pack("!I", 4)[1:] + struct.pack("!BBII", _RST_STREAM, 0, stream, code)
