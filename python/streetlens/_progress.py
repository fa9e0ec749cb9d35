"""Shows how far a run is: a tqdm bar where tqdm is, else a line every few seconds."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from streetlens._calls import NativeRun

__all__ = ["Progress", "facts", "watch"]

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_UPDATES = 0.25


class Progress(NamedTuple):
    """Counters of a run at one moment."""

    total: int
    """Rows in all."""
    done: int
    """Rows with an outcome."""
    ok: int
    """Rows whose outcome is a good answer."""
    from_store: int
    """Rows whose answer was paid for earlier."""
    in_flight: int
    """Requests under way."""
    concurrency: int
    """Requests that may be under way at this moment."""
    throttled: bool
    """Whether the service's quota sets the pace."""
    requests: int
    """Requests sent."""
    refusals: int
    """Requests refused for the quota."""
    retries: int
    """Requests sent again after a failure."""
    input_tokens: int
    """Input tokens so far."""
    output_tokens: int
    """Output and thinking tokens so far."""
    cost_usd: float
    """Cost so far at list price, in US dollars."""


class _Display:
    """Something that shows progress and can be ended."""

    def show(self, progress: Progress) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to end by default."""


def watch(
    run: NativeRun, wish: bool | Callable[[Progress], Any] | None
) -> tuple[Callable[[], None] | None, _Display]:
    """What to call while waiting for `run`, and what to close at its end."""
    display = _display(wish)
    if display is None:
        return None, _Display()
    due = 0.0

    def tick() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _SECONDS_BETWEEN_UPDATES
            display.show(Progress(**run.progress()))

    return tick, display


def facts(run: NativeRun) -> Callable[[], dict[str, Any]]:
    """What gives the facts about `run` that are summed up at its end; its time is counted from now."""
    started = time.monotonic()
    places = run.places

    def gather() -> dict[str, Any]:
        counted = run.progress()
        names = ("ok", "from_store", "requests", "retries", "refusals", "input_tokens", "output_tokens", "cost_usd")
        return {
            "run": run.id,
            "rows": counted["total"],
            "done": counted["done"],
            **{name: counted[name] for name in names},
            "seconds": time.monotonic() - started,
            "model": places[0][0],
            "locations": [location for _, location, _ in places],
        }

    return gather


def _display(wish: bool | Callable[[Progress], Any] | None) -> _Display | None:
    if callable(wish):
        return _Callback(wish)
    if wish is False or (wish is None and not _somebody_watches()):
        return None
    try:
        return _Bar()
    except ImportError:
        return _Lines()


def _somebody_watches() -> bool:
    return "ipykernel" in sys.modules or sys.stderr.isatty()


class _Callback(_Display):
    def __init__(self, function: Callable[[Progress], Any]) -> None:
        self._function = function

    def show(self, progress: Progress) -> None:
        self._function(progress)


class _Bar(_Display):
    def __init__(self) -> None:
        with warnings.catch_warnings():
            # Without ipywidgets tqdm warns and draws a text bar, which does as well.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm  # noqa: PLC0415 - an optional library

        self._bar = tqdm(unit="row", leave=False)

    def show(self, progress: Progress) -> None:
        self._bar.total = progress.total
        self._bar.n = progress.done
        waiting = {"waiting_on": "quota"} if progress.throttled else {}
        self._bar.set_postfix(ok=progress.ok, usd=f"{progress.cost_usd:.4f}", **waiting, refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _Lines(_Display):
    def __init__(self) -> None:
        self._started = time.monotonic()
        self._due = self._started + _SECONDS_BETWEEN_LINES

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _SECONDS_BETWEEN_LINES
        from streetlens._display.progress import progress_line  # noqa: PLC0415 - scripts show no progress

        line = progress_line(
            progress.done, progress.total, progress.ok, progress.cost_usd, now - self._started
        )
        sys.stderr.write(line + "\n")
