"""A run in the background: answers as they come, how far it is, and what it may still be told."""

from __future__ import annotations

import contextvars
import threading
import time
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streetlens import _calls, _tracing
from streetlens._calls import Call, NativeTable
from streetlens._checks import check_seconds
from streetlens._progress import Wish, watch
from streetlens.exceptions import DeadlineExceeded
from streetlens.results import Results

if TYPE_CHECKING:
    from streetlens._progress import Progress
    from streetlens._runs import RunHandle

__all__ = ["Answer", "Run"]

_ROWS_AT_A_TIME = 512
_SECONDS_BETWEEN_LOOKS = 0.1


class Answer(dict[str, Any]):
    """A row of the results that came to an end: its columns by name.

    Example:
        >>> answer = Answer({"gcs_uri": "gs://bucket/a.jpg", "classification": "stop", "status": "ok"}, row=7)
        >>> answer["classification"], answer.row
        ('stop', 7)
    """

    __slots__ = ("row",)

    row: int
    """Its place in the input, counted from 0."""

    def __init__(self, values: Mapping[str, Any], *, row: int) -> None:
        super().__init__(values)
        self.row = row


class Run:
    """A run that goes on in the background; `client.start` gives one.

    Iterating, with `for` or `async for`, gives an `Answer` for each row as it ends, and ends with the run, or with the
    error that stopped it. Every row comes once: another iteration goes on where the last one stopped. `await run` is
    `run.wait()` for `async` programs. Interrupting or cancelling what waits leaves the run going; `cancel()` ends it,
    and so does dropping the last reference to it, with a `ResourceWarning`, and the end of the program. What was
    answered is in the store then, unless that is turned off.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, endpoint=server.url)
        ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
        ...     run = client.start(sql, "Is it a sign or a pole?", schema=["sign", "pole"])
        ...     sorted(answer.row for answer in run)
        [0, 1, 2]
        >>> run.done, run.progress.done, len(run.results())
        (True, 3, 3)
    """

    def __init__(self, handle: RunHandle, progress: Wish = None) -> None:
        self._handle = handle
        self._wish = progress
        self._ended: deque[Answer] = deque()
        self._taken = 0
        self._taking = threading.Lock()
        self._error: BaseException | None = None
        self._is_cancelled = False
        handle.native.start()
        follower = _Follower(handle, False if progress is None else progress)
        # The spans of whoever starts the run are above the run's own.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(follower,), name="streetlens-run", daemon=True)
        thread.start()

    @property
    def id(self) -> str:
        """The run's id: the label `streetlens-run` of its requests."""
        return self._handle.native.id

    @property
    def done(self) -> bool:
        """Whether it ended: every row has an outcome, an error stopped it, or it was cancelled."""
        return self._handle.native.is_over

    @property
    def progress(self) -> Progress:
        """The counters at this moment."""
        return self._handle.progress()

    @property
    def concurrency(self) -> int:
        """Requests that may be under way at this moment; set it to a number or to `"least-first-most"`.

        Raises:
            ConfigurationError: It is neither.
        """
        return self.progress.concurrency

    @concurrency.setter
    def concurrency(self, value: int | str) -> None:
        self._handle.set_concurrency(value)

    def results(self) -> Results:
        """The results so far: a row for each input row, `skipped` where there is no outcome yet."""
        return self._handle.results()

    def cancel(self) -> None:
        """Asks about no other row; the answers under way, which are paid for, are taken in for a few seconds.

        It returns at once; `wait()` waits for the rest. Rows that were not asked are `skipped`.
        """
        self._is_cancelled = True
        self._handle.native.stop(False)

    def wait(self, timeout: float | None = None) -> Results:
        """Blocks until the run ends, shows its progress meanwhile, and returns the results.

        Args:
            timeout: Seconds to wait; the run goes on after them.

        Raises:
            DeadlineExceeded: The time passed and the run goes on; `results` has those so far.
            StreetlensError: What stopped the run, with the finished rows in `results`.
        """
        check_seconds("timeout", timeout, optional=True)
        until = None if timeout is None else time.monotonic() + timeout
        with self._shown() as tick_display:

            def tick() -> None:
                tick_display()
                if until is not None and time.monotonic() >= until:
                    raise DeadlineExceeded(
                        f"the run was not done after {timeout:g} s and goes on",
                        hint="wait again, or end it with `run.cancel()`",
                    )

            return self._handle.ended(tick).wait()

    def __await__(self) -> Generator[Any, None, Results]:
        with self._shown() as tick:
            return (yield from self._handle.ended(tick).__await__())

    @contextmanager
    def _shown(self) -> Iterator[Callable[[], None]]:
        """Shows the progress while somebody waits, unless it is shown already, and tells how the run ended."""
        if self._error is not None:
            raise self._error
        shown = watch(self._handle.progress, self._wish if self._wish is None else False)
        try:
            yield shown.tick
            if self._handle.trouble is not None:
                raise self._handle.trouble
            shown.show_last()
        except BaseException as error:
            # Finished rows are never lost with an error.
            error.results = self._handle.results()  # type: ignore[attr-defined]  # exceptions take attributes
            if self.done and isinstance(error, Exception) and not isinstance(error, DeadlineExceeded):
                self._error = error
            raise
        finally:
            shown.close()

    def __iter__(self) -> Iterator[Answer]:
        while True:
            while (answer := self._pop()) is not None:
                yield answer
            if not self._next().wait():
                with self._shown():
                    self._handle.over().wait()
                return

    async def __aiter__(self) -> AsyncIterator[Answer]:
        while True:
            while (answer := self._pop()) is not None:
                yield answer
            if not await self._next():
                with self._shown():
                    await self._handle.over()
                return

    def _pop(self) -> Answer | None:
        try:
            return self._ended.popleft()
        except IndexError:
            return None

    def _next(self) -> Call[bool]:
        """Adds rows that ended meanwhile, and gives whether there are any."""
        taken = self._taken

        def take(ended: tuple[list[int], NativeTable] | None) -> bool:
            if ended is None:
                return False
            rows, table = ended
            values = table.to_dicts(0, table.num_rows)
            answers = [Answer(value, row=row) for row, value in zip(rows, values, strict=True)]
            with self._taking:
                # Another thread may have been faster.
                if self._taken == taken:
                    self._taken += len(answers)
                    self._ended.extend(answers)
            return True

        return Call(self._handle.native.next_rows(taken, _ROWS_AT_A_TIME), take)

    def __repr__(self) -> str:
        from streetlens._display.progress import run_text  # noqa: PLC0415 - scripts show no runs

        return run_text(self.id, self._state(), self.progress._asdict())

    def _repr_html_(self) -> str:
        from streetlens._display.progress import run_html  # noqa: PLC0415 - scripts show no runs

        return run_html(self.id, self._state(), self.progress._asdict())

    def _state(self) -> str:
        return "done" if self.done else "running"

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is None or not handle.is_going_here():
            return
        handle.native.stop(False)
        if self._is_cancelled:
            return
        warnings.warn(
            f"the run {handle.native.id} is stopped: nothing refers to it any more",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def __getstate__(self) -> object:
        raise TypeError("a Run goes on in one process and is not pickled; pass its results")


class _Follower:
    """Shows a run's progress and tells of its end, from a thread of its own; knows the run, but not its holder."""

    def __init__(self, handle: RunHandle, wish: Wish) -> None:
        self._handle = handle
        self._wish = wish

    def __call__(self) -> None:
        facts = self._handle.facts()
        run = self._handle.native
        shown = watch(self._handle.progress, self._wish)
        over = threading.Event()
        span = _tracing.start(self._handle.operation(facts), is_current=False)
        with span, _calls.in_background():
            try:
                while not run.is_over:
                    shown.tick()
                    over.wait(_SECONDS_BETWEEN_LOOKS)
                shown.show_last()
            except BaseException as error:  # noqa: BLE001 - raised where somebody waits for the run
                self._handle.trouble = error
                run.stop(True)
            finally:
                shown.close()
                self._tell(facts)
                span.tell(None)

    def _tell(self, facts: Callable[[], dict[str, Any]]) -> None:
        try:
            self._handle.tell(facts)
        except UserWarning as warning:
            # A filter makes errors of warnings, and on this thread nobody would meet it.
            self._handle.trouble = self._handle.trouble or warning
