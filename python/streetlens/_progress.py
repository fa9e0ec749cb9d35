"""Shows how far a run is: a tqdm bar where tqdm is, else a line every few seconds."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from streetlens._runs import NativeRun

__all__ = ["Progress", "Watch", "Wish", "facts", "watch"]

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


Wish = bool | Callable[[Progress], Any] | None
"""Whether or to whom progress is shown; None where somebody watches."""


class Watch:
    """Shows a run's progress from time to time."""

    def __init__(self, read: Callable[[], Progress], display: _Display | None) -> None:
        self._read = read
        self._display = display
        self._due = 0.0

    @property
    def is_shown(self) -> bool:
        """Whether anything is."""
        return self._display is not None

    def tick(self) -> None:
        """Shows it if that is due; may be called as often as one likes."""
        now = time.monotonic()
        if self._display is not None and now >= self._due:
            self._due = now + _SECONDS_BETWEEN_UPDATES
            self._display.show(self._read())

    def show_last(self) -> None:
        """Shows how it ended, and nothing more."""
        display, self._display = self._display, None
        if display is not None:
            try:
                display.show(self._read())
            finally:
                display.close()

    def close(self) -> None:
        """Shows nothing more."""
        display, self._display = self._display, None
        if display is not None:
            display.close()


def watch(read: Callable[[], Progress], wish: Wish) -> Watch:
    """What shows the progress that `read` gives."""
    return Watch(read, _display(wish))


def facts(run: NativeRun) -> Callable[[], dict[str, Any]]:
    """What gives the facts about `run` that are summed up at its end; its time is counted from now."""
    started = time.monotonic()
    places = run.places

    def gather() -> dict[str, Any]:
        counted = run.progress()
        names = (
            "ok",
            "from_store",
            "requests",
            "retries",
            "refusals",
            "input_tokens",
            "output_tokens",
            "cost_usd",
        )
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


def _display(wish: Wish) -> _Display | None:
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


class _Display:
    """Something that shows progress and can be ended."""

    def show(self, progress: Progress) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to end by default."""


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
        facts: dict[str, object] = {"ok": progress.ok, "usd": f"{progress.cost_usd:.4f}"}
        if progress.from_store:
            facts["from_store"] = progress.from_store
        if progress.throttled:
            facts["waiting_on"] = "quota"
        self._bar.set_postfix(facts, refresh=False)
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

        sys.stderr.write(progress_line(progress._asdict(), now - self._started) + "\n")
