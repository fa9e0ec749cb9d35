"""An operation of the native module, and the two ways to wait for it."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from streetlens import _logging, _streetlens, _tracing
from streetlens._streetlens import Call as NativeCall

T = TypeVar("T")
F = TypeVar("F", bound=Exception)

_SECONDS_BETWEEN_TICKS = 0.1

_events = _logging.Delivery(_streetlens.follow_events, _streetlens.take_events)
_events.survive_forks(_streetlens.hold_events, _streetlens.release_events)
atexit.register(_events.close)
atexit.register(_streetlens.shut_down)


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


class Otherwise(Call[T], Generic[T, F]):
    """An operation, and what makes its result, or raises, where it fails in one way."""

    def __init__(self, call: Call[T], failure: type[F], recover: Callable[[F], T]) -> None:
        self._call = call
        self._failure = failure
        self._recover = recover

    def wait(self) -> T:
        try:
            return self._call.wait()
        except self._failure as error:
            return self._recover(error)

    def __await__(self) -> Generator[Any, None, T]:
        try:
            return (yield from self._call.__await__())
        except self._failure as error:
            return self._recover(error)


class Together(Call[list[Any]]):
    """Operations of which some run at the same time; the first failure stops the others, or is a result."""

    def __init__(self, calls: Sequence[Call[T]], *, limit: int, returns_errors: bool) -> None:
        native = [call._native for call in calls]  # noqa: SLF001 - the same class
        wraps = [call._wrap for call in calls]  # noqa: SLF001 - the same class
        super().__init__(
            _streetlens.join(native, limit, returns_errors),
            lambda results: [
                result if isinstance(result, Exception) else wrap(result)
                for wrap, result in zip(wraps, results, strict=True)
            ],
            operation=_tracing.query(len(calls)),
        )
