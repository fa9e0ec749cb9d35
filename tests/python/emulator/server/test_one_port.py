"""One port for HTTP/1.1 and for gRPC over cleartext HTTP/2."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
import requests
from google.cloud import bigquery_analyticshub_v1 as analyticshub
from hypothesis import given
from hypothesis import strategies as st

from streetlens.emulator import Emulator, extra, start
from streetlens.emulator.frames import FrameBoundaries, rst_stream, stream_of, whole_frame
from streetlens.emulator.front import Front

PATH = "/storage/v1/b?project=p"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture
def connection(emulator: Emulator) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", emulator.port), 10) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield opened


def send_slowly(connection: socket.socket, data: bytes) -> None:
    for index in range(len(data)):
        connection.sendall(data[index : index + 1])
        time.sleep(0.002)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "PROPFIND"])
def test_a_request_that_arrives_byte_by_byte_is_answered(connection: socket.socket, method: str) -> None:
    send_slowly(connection, f"{method} {PATH} HTTP/1.1\r\nHost: x\r\n".encode())
    connection.sendall(b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 ")


def test_a_preface_that_arrives_byte_by_byte_reaches_the_grpc_server(connection: socket.socket) -> None:
    send_slowly(connection, PREFACE + SETTINGS)
    frame = connection.recv(1000)
    assert (frame[3], stream_of(frame)) == (4, 0)


def test_an_http2_connection_is_closed_where_grpcio_is_not_installed(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extra, "missing", lambda _: ["grpcio"])
    connection.sendall(PREFACE + SETTINGS)
    assert connection.recv(1000) == b""


def test_analytics_hub_is_served_over_grpc_on_the_same_port(emulator: Emulator) -> None:
    with grpc.insecure_channel(emulator.url.removeprefix("http://")) as channel:
        transport = analyticshub.AnalyticsHubServiceClient.get_transport_class("grpc")(channel=channel)
        hub: Any = analyticshub.AnalyticsHubServiceClient(transport=transport)
        parent = "projects/maps-platform-analytics-hub/locations/us"
        assert list(hub.list_data_exchanges(parent=parent))


def test_an_unknown_grpc_service_is_unimplemented(emulator: Emulator) -> None:
    with grpc.insecure_channel(emulator.url.removeprefix("http://")) as channel:
        call = channel.unary_unary("/google.cloud.unknown.v1.Service/Method")
        with pytest.raises(grpc.RpcError) as raised:
            call(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_http_is_served_while_a_grpc_connection_is_open(
    emulator: Emulator, connection: socket.socket
) -> None:
    connection.sendall(PREFACE + SETTINGS)
    assert connection.recv(9)
    assert requests.get(emulator.url + PATH, timeout=10).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"P", PREFACE + SETTINGS])
def test_stopping_closes_connections_of_every_kind(sent: bytes) -> None:
    with (
        start(observations=2) as emulator,
        socket.create_connection(("127.0.0.1", emulator.port), 10) as connection,
    ):
        connection.sendall(sent)
        requests.get(emulator.url + PATH, timeout=10)
        started = time.monotonic()
        emulator.stop()
        assert time.monotonic() - started < 5
        with suppress(ConnectionResetError):
            while connection.recv(1000):
                assert time.monotonic() - started < 10


def test_an_emulator_that_is_only_asked_over_http_does_not_import_grpc() -> None:
    code = (
        "import sys, urllib.request; from streetlens.emulator import start\n"
        "with start(observations=2) as emulator:\n"
        "    urllib.request.urlopen(emulator.url + '/storage/v1/b?project=p').read()\n"
        "    assert not {'grpc', 'pyarrow'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


async def _flooded(size: int) -> tuple[int, int]:
    """Return the bytes a server gets rid of while its client reads nothing, and those the client reads then."""
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        chunk = rst_stream(1, 0) * 5000
        for _turn in range(size // len(chunk)):
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    front = Front(asyncio.Protocol, lambda: int(server.sockets[0].getsockname()[1]))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", await front.listen("127.0.0.1", 0), limit=1 << 16
    )
    writer.write(PREFACE)
    before = -1
    while before < sent or not sent:
        before = sent
        await asyncio.sleep(0.2)
    stuck, read = sent, 0
    while data := await reader.read(1 << 20):
        read += len(data)
    writer.close()
    front.close()
    server.close()
    return stuck, read


def test_a_client_that_does_not_read_stops_the_server_and_loses_nothing() -> None:
    size = 64_000_000 // 65_000 * 65_000
    stuck, read = asyncio.run(_flooded(size))
    assert stuck < size / 2
    assert read == size


@st.composite
def frames_and_cuts(draw: st.DrawFn) -> tuple[list[bytes], list[int]]:
    payloads = draw(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
    frames = [
        len(payload).to_bytes(3, "big") + b"\x00\x00" + (2 * index + 1).to_bytes(4, "big") + payload
        for index, payload in enumerate(payloads)
    ]
    size = sum(map(len, frames))
    return frames, sorted(draw(st.lists(st.integers(0, size), max_size=10)))


@given(drawn=frames_and_cuts(), skip=st.integers(0, 24))
def test_boundaries_are_found_however_the_bytes_are_divided(
    drawn: tuple[list[bytes], list[int]], skip: int
) -> None:
    frames, cuts = drawn
    data = bytes(skip) + b"".join(frames)
    boundaries = {skip + sum(map(len, frames[:index])) for index in range(len(frames) + 1)}
    following = FrameBoundaries(skip)
    for first, last in zip([0, *cuts], [*cuts, len(data)], strict=True):
        following.pass_over(data[first:last])
        assert following.between_frames == (last in boundaries)


@given(drawn=frames_and_cuts())
def test_a_piece_is_followed_to_the_end_of_the_frame_it_begins_in(
    drawn: tuple[list[bytes], list[int]],
) -> None:
    frames, cuts = drawn
    data = b"".join(frames)
    for cut in cuts:
        following = FrameBoundaries()
        following.pass_over(data[:cut])
        ends = [sum(map(len, frames[:index])) for index in range(len(frames) + 1)]
        assert cut + following.until_boundary(data[cut:]) == min(end for end in ends if end >= cut)


def test_a_frame_is_whole_when_its_last_byte_is_there() -> None:
    frame = rst_stream(5, 2)
    assert [whole_frame(frame[:size]) for size in range(len(frame) + 1)] == [0] * len(frame) + [len(frame)]
    assert (stream_of(frame), whole_frame(frame + b"more")) == (5, 13)
