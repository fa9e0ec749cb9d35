"""Arguments to native calls. Beside `_runs` the only importer of the native module."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from streetlens import _logging, _streetlens, _tracing
from streetlens._checks import check_count, check_seconds, check_store
from streetlens._streetlens import Call as NativeCall
from streetlens._streetlens import NativeStore, NativeTable
from streetlens._streetlens import Session as NativeSession
from streetlens.exceptions import ConfigurationError, InvalidInput
from streetlens.options import Endpoints, OnRetired, StorePlace
from streetlens.results import LinkedDataset, QueryStats, Table

__all__ = [
    "Call",
    "NativeStore",
    "NativeTable",
    "Ready",
    "Session",
    "Then",
    "generate_content",
    "in_background",
    "open_store",
    "place",
    "query",
    "query_all",
    "subscribe",
    "subscribe_listing",
    "tell_summary",
]

NativeHttp = Callable[
    [str, str, "list[tuple[str, str]]", "bytes | None", float], "tuple[int, list[tuple[str, str]], bytes]"
]

T = TypeVar("T")

_SECONDS_BETWEEN_TICKS = 0.1

_events = _logging.Delivery(_streetlens.follow_events, _streetlens.take_events)
_events.survive_forks(_streetlens.hold_events, _streetlens.release_events)
atexit.register(_events.close)
atexit.register(_streetlens.shut_down)


class Session:
    """The configuration of a client, and its native session once something is asked."""

    def __init__(
        self,
        *,
        project: str | None,
        region: str | Sequence[str] | None,
        location: str | None,
        credentials: Any,
        endpoint: str | Endpoints | Mapping[str, str] | None,
        on_retired: OnRetired,
        strict_region: bool,
        store: StorePlace = None,
    ) -> None:
        self._given = {**_given_settings(project, region, location, endpoint), "store": check_store(store)}
        self.settings = _check_settings(
            self._given, may_lack_project=credentials is None or hasattr(credentials, "refresh")
        )
        from streetlens import _credentials  # noqa: PLC0415 - an import of the package should cost nothing

        self.source = _credentials.resolve(
            credentials, is_loopback=self.settings["is_loopback"], http=_streetlens.http_request
        )
        if on_retired not in {"raise", "replace", "allow"}:
            raise ConfigurationError(f"`on_retired={on_retired!r}` is not one of 'raise', 'replace', 'allow'")
        self.on_retired = on_retired
        self.strict_region = strict_region
        self._native: tuple[int, NativeSession] | None = None

    def native(self) -> NativeSession:
        """The session of this process: made when first needed, and again after a fork."""
        made = self._native
        if made is None or made[0] != os.getpid():
            with _making_sessions:
                made = self._native
                if made is None or made[0] != os.getpid():
                    if made is not None:
                        # Dropping the parent's would touch connections that the parent still uses.
                        _of_parents.append(made)
                    made = self._native = os.getpid(), NativeSession(self._complete(), self.source)
        return made[1]

    @property
    def project(self) -> str:
        """The project, asking the credentials for it where nothing else names one."""
        if self.settings["project"] is None:
            self.settings = _streetlens.settings(self._complete())
        return str(self.settings["project"])

    def _complete(self) -> dict[str, Any]:
        project = self.settings["project"]
        default_project = getattr(self.source, "default_project", None)
        if project is None and default_project is not None:
            project = default_project()
        return {**self._given, "project": project} if project else self._given


# Threads that ask at the same time share one session, and with it one token. Held during a fork, so that no child
# inherits it locked by a thread that it does not have.
_making_sessions = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_making_sessions.acquire,
        after_in_parent=_making_sessions.release,
        after_in_child=_making_sessions.release,
    )
_of_parents: list[object] = []


def _given_settings(
    project: str | None,
    region: str | Sequence[str] | None,
    location: str | None,
    endpoint: str | Endpoints | Mapping[str, str] | None,
) -> dict[str, Any]:
    for name, value in (("project", project), ("location", location)):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"`{name}` is a {type(value).__name__}", hint=f"pass `{name}` as a text")
    first, others = _regions(region)
    given: dict[str, Any] = {
        "project": project,
        "region": first,
        "more_regions": others,
        "location": location,
    }
    if isinstance(endpoint, str) or endpoint is None:
        given["endpoint"] = endpoint
        return given
    if not isinstance(endpoint, (Endpoints, Mapping)):
        raise ConfigurationError(
            f"`endpoint` is a {type(endpoint).__name__}",
            hint="pass an address as a text, or `sl.Endpoints` with one for each service",
        )
    named = endpoint._asdict() if isinstance(endpoint, Endpoints) else dict(endpoint)
    unknown = set(named) - set(Endpoints._fields)
    if unknown:
        raise ConfigurationError(
            f"`endpoint` names unknown services: {', '.join(sorted(unknown))}",
            hint=f"the services are {', '.join(Endpoints._fields)}",
        )
    given["endpoints"] = [(name, url) for name, url in named.items() if url is not None]
    return given


def _regions(region: object) -> tuple[str | None, list[str]]:
    """The first region, and those that share its requests."""
    if region is None or isinstance(region, str):
        return region, []
    hint = 'pass a text, or several in a list: `region=["global", "us", "eu"]`'
    if not isinstance(region, Sequence) or isinstance(region, (bytes, bytearray)):
        raise ConfigurationError(f"`region` is a {type(region).__name__}", hint=hint)
    named = list(region)
    if not named:
        raise ConfigurationError("`region` is an empty list", hint=hint)
    for each in named:
        if not isinstance(each, str):
            raise ConfigurationError(f"`region` holds a {type(each).__name__}", hint=hint)
    return named[0], named[1:]


def _check_settings(given: dict[str, Any], *, may_lack_project: bool) -> dict[str, Any]:
    try:
        return _streetlens.settings(given)
    except ConfigurationError as error:
        if (
            given["project"] is not None
            or "`project` is not set" not in error.message
            or not may_lack_project
        ):
            raise
    # The credentials may name the project; asking them now would contact something.
    return {**_streetlens.settings({**given, "project": "unknown"}), "project": None}


class Call(Generic[T]):
    """An operation that has not begun: wait for it, or await it, once."""

    def __init__(
        self,
        native: NativeCall,
        wrap: Callable[[Any], T],
        *,
        tick: Callable[[], None] | None = None,
        operation: _tracing.Operation | None = None,
    ) -> None:
        self._native = native
        self._wrap = wrap
        self._tick = tick
        self._operation = operation

    def wait(self) -> T:
        """Blocks until the result is there; Ctrl-C stops the work."""
        span = _tracing.start(self._operation, is_current=True)
        with span, _events.while_waiting(self._tick) as tick:
            try:
                result = self._native.wait(tick)
            except BaseException as error:
                self._failed(error)
                span.tell(error)
                raise
            return self._succeeded(result, span)

    def __await__(self) -> Generator[Any, None, T]:
        span = _tracing.start(self._operation, is_current=False)
        with span, _events.in_background():
            try:
                result = yield from self._awaited().__await__()
            except BaseException as error:
                if not isinstance(error, GeneratorExit):
                    yield from self._stopping().__await__()
                self._failed(error)
                span.tell(error)
                raise
            return self._succeeded(result, span)

    async def _awaited(self) -> Any:
        if self._tick is None:
            return await self._native.future()
        import asyncio  # noqa: PLC0415 - most programs never need it

        future = asyncio.ensure_future(self._native.future())
        try:
            while not future.done():
                await asyncio.wait({future}, timeout=_SECONDS_BETWEEN_TICKS)
                self._tick()
        finally:
            future.cancel()
        return future.result()

    async def _stopping(self) -> None:
        """What an awaited operation that failed or was cancelled still has to wait for."""

    def _failed(self, error: BaseException) -> None:
        """Adds to an error what is known of the operation."""

    def _succeeded(self, result: Any, span: _tracing.Span) -> T:
        wrapped = self._wrap(result)
        span.tell(wrapped)
        return wrapped


def in_background() -> AbstractContextManager[None]:
    """Delivers what the native module tells to `logging` while something goes on that nobody waits for."""
    return _events.in_background()


def tell_summary(facts: Mapping[str, Any]) -> None:
    """Tells what a run came to, after all that was told of it."""
    _events.deliver()
    _logging.summary(facts)


class Ready(Call[T]):
    """A result that takes no waiting."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def wait(self) -> T:
        return self._make()

    def __await__(self) -> Generator[Any, None, T]:
        yield from ()
        return self._make()


class Then(Call[T]):
    """Two operations, the second made from the result of the first."""

    def __init__(self, first: Call[Any], second: Callable[[Any], Call[T]]) -> None:
        self._first = first
        self._second = second

    def wait(self) -> T:
        return self._second(self._first.wait()).wait()

    def __await__(self) -> Generator[Any, None, T]:
        first = yield from self._first.__await__()
        return (yield from self._second(first).__await__())


class _Together(Call[list[T]]):
    """Operations that run at the same time; the first failure stops the others."""

    def __init__(self, calls: Sequence[Call[T]]) -> None:
        self._calls = calls
        joined = _streetlens.join([call._native for call in calls])  # noqa: SLF001 - the same class
        super().__init__(
            joined,
            lambda results: [call._wrap(result) for call, result in zip(calls, results, strict=True)],  # noqa: SLF001 - the same class
            operation=_tracing.query(len(calls)),
        )


def query(
    session: Session,
    sql: str,
    *,
    params: Mapping[str, Any] | Sequence[Any] | None = None,
    location: str | None = None,
    page_size: int | None = None,
    timeout: float | None = None,
) -> Call[Table]:
    """A query."""
    if not isinstance(sql, str):
        raise InvalidInput(f"the query is a {type(sql).__name__}, not a text")
    check_count("page_size", page_size, optional=True)
    check_seconds("timeout", timeout, optional=True)
    native = _streetlens.query(session.native(), sql, _encoded(params), location, page_size, timeout)
    return Call(native, _table, operation=_tracing.query())


def _encoded(params: Mapping[str, Any] | Sequence[Any] | None) -> list[tuple[str | None, tuple[Any, ...]]]:
    if params is None:
        return []
    from streetlens import _parameters  # noqa: PLC0415 - most queries have none

    return _parameters.encode(params)


def query_all(session: Session, sqls: Iterable[str], *, timeout: float | None = None) -> Call[list[Table]]:
    """Queries that run at the same time."""
    if isinstance(sqls, str):
        raise InvalidInput("`query_all` takes a list of queries", hint="use `query` for one")
    return _Together([query(session, sql, timeout=timeout) for sql in sqls])


def _table(result: tuple[NativeTable, dict[str, Any]]) -> Table:
    native, statistics = result
    return Table(native, QueryStats(**statistics))


def subscribe(session: Session, customer_id: str, **names: str | None) -> Call[LinkedDataset]:
    """A subscription to a customer's data set."""
    if not isinstance(customer_id, str):
        raise ConfigurationError(
            f"`customer_id` is a {type(customer_id).__name__}", hint='pass it as a text: "1234-5678"'
        )
    native = _streetlens.subscribe(session.native(), customer_id, names)
    return Call(native, lambda values: LinkedDataset(**values), operation=_tracing.subscription())


def subscribe_listing(
    session: Session,
    listing: str,
    *,
    project: str,
    dataset: str,
    location: str,
    friendly_name: str | None,
    description: str | None,
) -> Call[str]:
    """A subscription to one listing by its resource name; the result is the subscription's name."""
    native = _streetlens.subscribe_listing(
        session.native(), listing, project, dataset, location, friendly_name, description
    )
    return Call(native, str)


def place(session: Session, model: str | None, *, on_retired: OnRetired) -> tuple[str, str, list[str]]:
    """Model, location and notes of what was changed from the user's wish."""
    choice = {"model": model, "on_retired": on_retired, "strict_region": session.strict_region}
    return _streetlens.place(session.native(), choice)


def generate_content(session: Session, model: str, location: str, body: str, *, timeout: float) -> Call[str]:
    """A request of the caller's own; the result is the answer's JSON."""
    return Call(_streetlens.generate_content(session.native(), model, location, body, timeout), str)


def open_store(path: StorePlace) -> NativeStore:
    """The store of paid answers that is at `path`."""
    return _streetlens.open_store(check_store(path))
