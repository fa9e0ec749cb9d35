"""Runs the emulator: one web server in a daemon thread, on a loopback address only."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import ipaddress
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, cast

from aiohttp import web

from streetlens.emulator import extra
from streetlens.emulator import world as worlds
from streetlens.emulator.application import build_application
from streetlens.emulator.front import Front

if TYPE_CHECKING:
    from streetlens.emulator.faults import FaultSet
    from streetlens.emulator.request_log import RequestLog
    from streetlens.emulator.rpc import RpcServer
    from streetlens.emulator.world import World

WORKERS = 8
_LONGEST_LINE = 1 << 16
_STOP_SECONDS = 10.0


def start(
    port: int = 0,
    *,
    observations: int = 300,
    seed: int = 7,
    project: str = "streetlens-demo",
    location: str = "US",
    require_token: bool = False,
    subscribed: bool = False,
    host: str = "127.0.0.1",
    generation: int | None = None,
) -> Emulator:
    """Start the emulator and return it; use it as a context manager, or call `stop()`.

    `port` 0 takes a free one. `observations`: rows of synthetic data, drawn from `seed`. `require_token`:
    accept only tokens issued by this emulator. `subscribed`: the linked data set exists from the beginning.
    `generation`: publish the tables of one generation only, 1 to 4, under its names; all of them otherwise.
    Raises ValueError for an address that is not loopback, OSError when the port is taken.
    """
    host = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(host):
        raise ValueError(f"the emulator binds loopback addresses only, not {host!r}: use 127.0.0.1 or ::1")
    world = worlds.build(
        project,
        location,
        observations,
        seed,
        require_token=require_token,
        subscribed=subscribed,
        generation=generation,
    )
    return Emulator(world, host, port)


class Emulator:
    """A running emulator."""

    def __init__(self, world: World, host: str = "127.0.0.1", port: int = 0) -> None:
        self.world = world
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._rpc: RpcServer | None = None
        self._rpc_lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="streetlens-emulator", daemon=True)
        self._thread.start()
        try:
            self._runner, self.port = asyncio.run_coroutine_threadsafe(
                self._listen(port), self._loop
            ).result()
        except BaseException:
            self._end_thread()
            world.close()
            raise
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """The base URL of every service, for HTTP/1.1 and for gRPC over cleartext HTTP/2."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def faults(self) -> FaultSet:
        """The fault rules."""
        return self.world.faults

    @property
    def requests(self) -> RequestLog:
        """The requests served so far."""
        return self.world.request_log

    def environment(self) -> dict[str, str]:
        """Return the variables that point this package and Google's own clients at the emulator."""
        authority = self.url.removeprefix("http://")
        return {
            "STREETLENS_ENDPOINT": self.url,
            "GOOGLE_CLOUD_PROJECT": self.world.project,
            "BIGQUERY_EMULATOR_HOST": self.url,
            "STORAGE_EMULATOR_HOST": self.url,
            "GOOGLE_VERTEX_BASE_URL": self.url,
            "GCE_METADATA_HOST": authority,
            "GCE_METADATA_IP": authority,
            "GCE_METADATA_ROOT": authority,
        }

    def grpc_port(self) -> int:
        """Return the gRPC server's own loopback port, where no fault can damage the connection; `url` serves it too.

        Needs grpcio and Google's google-cloud-bigquery-analyticshub and -data-exchange, which the emulator
        extra does not install. Raises ImportError that names what is missing.
        """
        distributions = importlib.import_module("streetlens.emulator.sharing.rpc").DISTRIBUTIONS
        extra.require(distributions, instead="pip install " + " ".join(distributions.values()))
        started = self._started_rpc()
        if started is None:
            raise RuntimeError("the emulator has stopped: start another one")
        return started.port

    def reset(self) -> None:
        """Go back to the start, except for objects and tables that were stored since."""
        self.world.reset()

    def stop(self) -> None:
        """Stop serving, cut what is still open, and end the thread; a second call does nothing."""
        if self._loop.is_closed():
            return
        atexit.unregister(self.stop)
        with self._rpc_lock:
            self._stopped = True
        if self._rpc is not None:
            self._rpc.stop()
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(_STOP_SECONDS)
        self._end_thread()
        self.world.close()

    def __enter__(self) -> Emulator:
        """Return the running emulator."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def __repr__(self) -> str:
        """Show where it listens, or that it has stopped."""
        return f"<Emulator {'stopped' if self._loop.is_closed() else self.url}>"

    def _rpc_port(self) -> int | None:
        """Return the port of the gRPC server for an HTTP/2 connection, None where grpcio is not installed."""
        started = None if extra.missing({"grpc": "grpcio"}) else self._started_rpc()
        return started.port if started is not None else None

    def _started_rpc(self) -> RpcServer | None:
        """Return the gRPC server, None after the end; it starts when it is first needed, as it imports much."""
        with self._rpc_lock:
            if self._rpc is None and not self._stopped:
                rpc = importlib.import_module("streetlens.emulator.rpc")
                self._rpc = rpc.RpcServer(self.world, self._loop, self._front.splices)
            return self._rpc

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="streetlens-emulator-work")
        self._loop.set_default_executor(executor)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        executor.shutdown()
        asyncio.set_event_loop(None)

    async def _listen(self, port: int) -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(
            build_application(self.world, self._closing),
            access_log=None,
            keepalive_timeout=120.0,
            shutdown_timeout=0.1,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        await runner.setup()
        self._front = Front(cast("Callable[[], asyncio.Protocol]", runner.server), self._rpc_port)
        try:
            port = await self._front.listen(self._host, port)
        except OSError:
            await runner.cleanup()
            raise
        return runner, port

    async def _shut(self) -> None:
        self._closing.set()
        self._front.close()
        await self._runner.cleanup()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        self._loop.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
