"""Carries out faults on gRPC calls, each after the number of messages its rule's `messages` says.

* `400` to `504`: the google.rpc.Code of that HTTP status; with `retry_delay` a RetryInfo. `502` and `html` are
  what a gRPC client makes of a proxy that answers in place of the service.
* `slow` and `stall`: a call that starts late, a stream that does not go on.
* `reset` and `cut_body`: the connection ends by a TCP reset or in order, at a message or after so many `bytes`.
* `rst_stream`: the call ends by that HTTP/2 frame, its connection stays.
* `bad_json`: a message that is no protocol buffer. `arrow_malformed`: a record batch that ends too early.
* `session_expired`: the answer to a ReadRows of a session that is older than six hours.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from streetlens.emulator.authorization import unauthenticated
from streetlens.emulator.errors import ServiceError
from streetlens.emulator.fault_answers import error_of
from streetlens.emulator.faults import FaultRule, parse_header
from streetlens.emulator.rpc_errors import RpcError, of_service_error
from streetlens.emulator.services import Service
from streetlens.emulator.splice import Ending, Splice, Splices
from streetlens.emulator.tokens import Verdict, bearer

if TYPE_CHECKING:
    from streetlens.emulator.request_log import LoggedRequest
    from streetlens.emulator.world import World

Messages = Iterator[bytes]

_STREAM = re.compile(r'"(?:readStream|read_stream)"\s*:\s*"([^"]+)"')
_PARENT = re.compile(r'"parent"\s*:\s*"([^"]+)"')
_NO_MESSAGE = b"\xff\xff\xff\xff not a message"
_PAUSE = 0.02
_MARKER_REPEATED = 4


class RpcFaults:
    """Draws the rules that strike a call, and applies them to its messages."""

    def __init__(
        self, world: World, loop: asyncio.AbstractEventLoop, splices: Splices, stopping: threading.Event
    ) -> None:
        self._world = world
        self._loop = loop
        self._splices = splices
        self._stopping = stopping

    def strike(self, entry: LoggedRequest, context: Any, answer: Callable[[], Messages]) -> Messages:
        """Yield the messages of `answer` as the drawn rules leave them. Raises RpcError."""
        for rule in self._drawn(entry, context):
            if rule.kind == "slow":
                self._stopping.wait(rule.number("seconds", 1.0))
            else:
                yield from self._struck(rule, entry, context, answer)
                return
        yield from answer()

    def _drawn(self, entry: LoggedRequest, context: Any) -> list[FaultRule]:
        header = dict(context.invocation_metadata()).get("x-streetlens-fault")
        if header is None:
            rules = self._world.faults.draw(entry.method, entry.path, entry.body)
        else:
            try:
                rules = [parse_header(header)]
            except ValueError as error:
                raise RpcError("INVALID_ARGUMENT", f"x-streetlens-fault: {error}") from error
            if not rules[0].may_strike(cast("Service", entry.service), entry.path, entry.body):
                raise RpcError("INVALID_ARGUMENT", f"x-streetlens-fault: {header} cannot happen to this call")
        entry.fault = ",".join(rule.kind for rule in rules) or None
        return rules

    def _struck(
        self, rule: FaultRule, entry: LoggedRequest, context: Any, answer: Callable[[], Messages]
    ) -> Messages:
        kind = rule.kind
        passing = int(rule.number("messages", 0))
        if kind in {"reset", "cut_body"} and "bytes" in rule.options:
            count = int(rule.number("bytes", 0))
            self._with_splice(context, lambda splice: splice.end_after(count, cast("Ending", kind)))
            yield from answer()
            return
        messages = answer() if passing or kind == "arrow_malformed" else iter(())
        if kind == "arrow_malformed":
            # Only ReadRows meets this fault, and where it is served its module can be imported.
            reading = importlib.import_module("streetlens.emulator.bigquery.storage_read.service")
            yield from reading.malformed(messages, rule)
            return
        yield from itertools.islice(messages, passing)
        if kind == "stall":
            self._wait(context)
        elif kind in {"reset", "cut_body", "rst_stream"}:
            marker = secrets.token_bytes(16)
            self._with_splice(context, lambda splice: splice.end_at(marker, cast("Ending", kind)))
            yield marker * _MARKER_REPEATED
            self._wait(context)
        elif kind == "bad_json":
            yield _NO_MESSAGE
        else:
            raise self._status(rule, entry, context)

    def _status(self, rule: FaultRule, entry: LoggedRequest, context: Any) -> RpcError:
        service = cast("Service", entry.service)
        kind, text = rule.kind, rule.text("message")
        body = entry.body.decode(errors="replace")
        if kind == "session_expired":
            stream = _STREAM.search(body)
            expired = datetime.fromtimestamp(time.time() - 1, timezone.utc).isoformat(timespec="seconds")
            message = f"there was an error operating on '{stream[1] if stream else ''}': session expired at {expired}"
            return RpcError("FAILED_PRECONDITION", text or message)
        if kind == "html":
            return RpcError("UNKNOWN", text or "Received http2 header with unexpected content-type text/html")
        if kind == "502":
            return RpcError("UNAVAILABLE", text or "Received http2 header with status: 502")
        if kind in {"401", "expired_token"}:
            value = bearer(dict(context.invocation_metadata()).get("authorization", ""))
            if kind == "expired_token" and value:
                self._world.tokens.expire(value)
            verdict: Verdict = "expired" if kind == "expired_token" else "unknown"
            return of_service_error(unauthenticated(service, verdict))
        named = _PARENT.search(body) or _STREAM.search(body)
        error: ServiceError = error_of(rule, service, named[1] if named else entry.path)
        return of_service_error(error)

    def _with_splice(self, context: Any, action: Callable[[Splice], None]) -> None:
        """Run `action` on the caller's connection, and wait for it. Raises RpcError when nothing is in between."""
        port = int(context.peer().rpartition(":")[2])
        done = threading.Event()
        found: list[Splice] = []

        def act() -> None:
            splice = self._splices.by_port.get(port)
            if splice is not None:
                found.append(splice)
                action(splice)
            done.set()

        self._loop.call_soon_threadsafe(act)
        done.wait()
        if not found:
            raise RpcError("UNAVAILABLE", "Socket closed")

    def _wait(self, context: Any) -> None:
        """Wait until the call is over for its client. Raises RpcError when the emulator stops before that."""
        while context.is_active():
            if self._stopping.wait(_PAUSE):
                raise RpcError("UNAVAILABLE", "the emulator stopped")
