"""The gRPC server: one for every service that speaks gRPC, each served where its packages are installed.

It needs grpcio and Google's published message classes, which the emulator's extra does not install.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from streetlens.emulator.authorization import unauthenticated
from streetlens.emulator.extra import require
from streetlens.emulator.rpc_errors import RpcError, of_service_error
from streetlens.emulator.rpc_faults import RpcFaults

if TYPE_CHECKING:
    import asyncio

    from streetlens.emulator.request_log import LoggedRequest
    from streetlens.emulator.splice import Splices
    from streetlens.emulator.world import World

Messages = Iterator[bytes]
Answer = Callable[[Any], Messages]

SERVICE_PACKAGES = ("bigquery.storage_read", "sharing.rpc")
# A stream that stalls holds a thread for as long as its client waits.
_THREADS = 128
# Messages of any size, and as many pings as a client likes: Google's servers do not count them either.
_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.http2.max_ping_strikes", 0),
]


class RpcServer:
    """A gRPC server on a free port of 127.0.0.1. Raises ImportError without grpcio."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop, splices: Splices) -> None:
        require({"grpc": "grpcio"}, instead="pip install grpcio")
        self._grpc: Any = importlib.import_module("grpc")
        self._world = world
        self.stopping = threading.Event()
        self._faults = RpcFaults(world, loop, splices, self.stopping)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="streetlens-emulator-grpc")
        self._server = self._grpc.server(self._executor, options=_OPTIONS)
        for name in SERVICE_PACKAGES:
            importlib.import_module(f"streetlens.emulator.{name}").serve(self, world)
        self.port = int(self._server.add_insecure_port("127.0.0.1:0"))
        self._server.start()

    def add(self, service: str, handlers: dict[str, Any]) -> None:
        """Serve the methods of one service."""
        self._server.add_generic_rpc_handlers(
            (self._grpc.method_handlers_generic_handler(service, handlers),)
        )

    def stop(self) -> None:
        """Stop at once."""
        self.stopping.set()
        self._server.stop(grace=None).wait()
        self._executor.shutdown()

    def method(self, path: str, request_type: Any, answer: Answer) -> Any:
        """Return the handler of a method that streams its answer, or answers once: the wire knows no difference."""

        def call(request: Any, context: Any) -> Messages:
            entry = self._logged(path, request_type, request, context)
            yield from self._answered(entry, context, lambda: answer(request))

        return self._grpc.unary_stream_rpc_method_handler(call, request_deserializer=request_type.deserialize)

    def _logged(self, path: str, request_type: Any, request: Any, context: Any) -> LoggedRequest:
        text = request_type.to_json(request, always_print_fields_with_no_presence=False, indent=None)
        headers = {
            key: value if isinstance(value, str) else value.decode("latin-1")
            for key, value in context.invocation_metadata()
        }
        return self._world.request_log.record("POST", path, {}, headers, text.encode())

    def _answered(self, entry: LoggedRequest, context: Any, answer: Callable[[], Messages]) -> Messages:
        """Yield the answer as a fault leaves it, behind the token check; an error becomes the call's status."""
        started = time.perf_counter()
        try:
            yield from self._faults.strike(entry, context, lambda: self._authorized(context, answer))
            entry.status = 200
        except RpcError as error:
            entry.status = error.http_status
            context.set_trailing_metadata(error.trailing_metadata())
            context.set_code(getattr(self._grpc.StatusCode, error.code))
            context.set_details(error.message)
        finally:
            entry.seconds = time.perf_counter() - started

    def _authorized(self, context: Any, answer: Callable[[], Messages]) -> Messages:
        if self._world.require_token:
            verdict = self._world.tokens.check(dict(context.invocation_metadata()).get("authorization"))
            if verdict != "valid":
                raise of_service_error(unauthenticated("bigquery_storage", verdict))
        return answer()
