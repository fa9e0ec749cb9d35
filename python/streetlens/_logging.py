"""Hands what the native module tells over to `logging`, under `streetlens.*`; quiet unless a program listens.

Events wait in a bounded queue of the native module and are fetched by threads of Python's: by the one that waits for
a call, several times a second and at the call's end, and by a daemon thread while calls are awaited or run in the
background. So no thread that serves the network ever waits for Python or for a handler.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging

__all__ = ["Delivery", "summary"]

_ROOT = "streetlens"
_AREAS = (
    "auth",
    "bigquery",
    "classify",
    "gemini",
    "http",
    "insights",
    "retry",
    "session",
    "sharing",
    "storage",
)
_INFO = 20
_WARNING = 30
_NOBODY_LISTENS = 255
_SECONDS_BETWEEN_DELIVERIES = 0.1
_SECONDS_FOR_ANOTHER_THREAD = 0.25
_SECONDS_AT_THE_END = 1.0

# Level, area, message, fields, seconds since 1970, file, line.
_Told = tuple[int, str, str, dict[str, Any], float, str, int]


class Delivery:
    """Brings events to the handlers of `logging`."""

    def __init__(self, follow: Callable[[int], None], take: Callable[[], tuple[list[_Told], int]]) -> None:
        self._follow = follow
        self._take = take
        self._begin_anew()

    def survive_forks(self, hold: Callable[[], None], release: Callable[[bool], None]) -> None:
        """Begins anew in a forked child, which has none of its parent's threads and tells nothing of its parent's."""

        def begin_anew() -> None:
            release(True)
            self._begin_anew()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=hold, after_in_parent=lambda: release(False), after_in_child=begin_anew
            )

    def _begin_anew(self) -> None:
        self._delivering = threading.Lock()
        self._deliverer: int | None = None
        self._counting = threading.Lock()
        self._in_background = 0
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @contextmanager
    def while_waiting(self, tick: Callable[[], None] | None) -> Iterator[Callable[[], None] | None]:
        """Gives what to call while this thread waits, and delivers the rest at the end."""
        if not self._listen():
            yield tick
            return

        def tick_and_deliver() -> None:
            self._deliver(patience=0)
            if tick is not None:
                tick()

        try:
            yield tick_and_deliver
        finally:
            self.deliver()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Delivers from another thread meanwhile, and the rest at the end."""
        if not self._listen():
            yield
            return
        self._begin()
        try:
            yield
        finally:
            self._end()
            self.deliver()

    def deliver(self) -> None:
        """Delivers what there is; waits for another thread that does so, but not for long: it may wait for this one."""
        self._deliver(patience=_SECONDS_FOR_ANOTHER_THREAD)

    def close(self) -> None:
        """Delivers the rest; for `atexit`."""
        self._stopping.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_SECONDS_AT_THE_END)
            if thread.is_alive():
                return  # a handler that hangs must not keep the program from ending
        self.deliver()

    def _listen(self) -> bool:
        threshold = _threshold()
        self._follow(threshold)
        return threshold != _NOBODY_LISTENS

    def _begin(self) -> None:
        with self._counting:
            self._in_background += 1
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(
                    target=self._keep_delivering, name="streetlens-log", daemon=True
                )
                self._thread.start()

    def _end(self) -> None:
        with self._counting:
            self._in_background = max(self._in_background - 1, 0)

    def _keep_delivering(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_DELIVERIES):
            self.deliver()
            with self._counting:
                if self._in_background == 0:
                    self._thread = None
                    return

    def _deliver(self, *, patience: float) -> None:
        # A handler that calls streetlens gets here again: its records wait for the next turn, or it would never end.
        if self._deliverer == threading.get_ident() or not self._delivering.acquire(timeout=patience):
            return
        delivering = self._delivering
        self._deliverer = threading.get_ident()
        try:
            events, dropped = self._take()
            if dropped:
                _hand_over(
                    _ROOT,
                    _WARNING,
                    "older records were dropped, because they came too fast",
                    {"dropped": dropped},
                )
            for level, area, message, fields, seconds, file, line in events:
                _hand_over(f"{_ROOT}.{area}", level, message, fields, seconds=seconds, file=file, line=line)
        finally:
            self._deliverer = None
            delivering.release()


def summary(facts: Mapping[str, Any]) -> None:
    """Tells in one record what a run came to; `facts` become its `streetlens` attribute and the message's pairs.

    Example:
        >>> import logging, sys
        >>> logger = logging.getLogger("streetlens.classify")
        >>> handler = logging.StreamHandler(sys.stdout)
        >>> logger.addHandler(handler)
        >>> logger.setLevel("INFO")
        >>> summary({"rows": 3, "statuses": {"ok": 2, "blocked": 1}, "cost_usd": 0.00042, "locations": ["us", "eu"]})
        the run is done: rows=3 ok=2 blocked=1 cost_usd=0.00042 locations=us,eu
        >>> logger.removeHandler(handler)
        >>> logger.setLevel("NOTSET")
    """
    _logger(_ROOT)
    _hand_over(f"{_ROOT}.classify", _INFO, "the run is done", dict(facts))


def _logger(name: str) -> logging.Logger:
    import logging  # noqa: PLC0415 - an import of the package should cost nothing

    root = logging.getLogger(_ROOT)
    if not any(isinstance(handler, logging.NullHandler) for handler in root.handlers):
        # Without it Python prints warnings that no handler takes.
        root.addHandler(logging.NullHandler())
    return logging.getLogger(name)


def _threshold() -> int:
    """The lowest level that would reach a handler."""
    return min(_level_of(_logger(name)) for name in (_ROOT, *(f"{_ROOT}.{area}" for area in _AREAS)))


def _level_of(logger: logging.Logger) -> int:
    import logging  # noqa: PLC0415 - an import of the package should cost nothing

    above: logging.Logger | None = logger
    while above is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in above.handlers):
            level = max(logger.getEffectiveLevel(), logger.manager.disable + 1)
            return min(level, _NOBODY_LISTENS)
        above = above.parent if above.propagate else None
    return _NOBODY_LISTENS


def _hand_over(
    name: str,
    level: int,
    message: str,
    fields: dict[str, Any],
    *,
    seconds: float | None = None,
    file: str = "",
    line: int = 0,
) -> None:
    import logging  # noqa: PLC0415 - an import of the package should cost nothing

    logger = _logger(name)
    if not logger.isEnabledFor(level):
        return
    text = _text(message, fields)
    try:
        record = logger.makeRecord(name, level, file, line, text, (), None, extra={_ROOT: fields})
        if seconds is not None:
            record.relativeCreated -= (record.created - seconds) * 1000
            record.created = seconds
            record.msecs = float(int(seconds % 1 * 1000))
        logger.handle(record)
    except Exception:  # noqa: BLE001 - a handler of the user's must not break the call that it hears about
        # What logging does about a handler that fails: it prints the error, unless `raiseExceptions` is off.
        logging.Handler().handleError(logging.LogRecord(name, level, file, line, text, (), None))


def _text(message: str, fields: Mapping[str, Any]) -> str:
    pairs = " ".join(_pairs(fields))
    return f"{message}: {pairs}" if pairs else message


def _pairs(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _pairs(value)
        elif value is not None:
            yield f"{name}={_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ",".join(map(_shown, value))
    text = str(value)
    # Quoted where a reader could take it for something else; control characters never get through.
    return text if text.isprintable() and text and not set(text) & set(" =\"'") else repr(text)
