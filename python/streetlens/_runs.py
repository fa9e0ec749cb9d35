"""Runs over many images: from a call's arguments to native ones, and what is waited for, kept and told of each."""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streetlens import _calls, _streetlens, _tracing
from streetlens._calls import Call, NativeTable, Ready, Session, Then
from streetlens._classify_options import check_concurrency, completed, native_options
from streetlens._images import is_query, native_image, native_images
from streetlens._lazy import LazyRows
from streetlens._only_new import new_rows
from streetlens._progress import Progress, Wish, facts, watch
from streetlens._streetlens import Run as NativeRun
from streetlens._warnings import warn_caller
from streetlens.exceptions import Cancelled, InvalidInput
from streetlens.options import Schema
from streetlens.plan import Estimate, Plan
from streetlens.results import Results

__all__ = ["NativeRun", "RunHandle", "again", "classify", "plan", "prepare"]

_SECONDS_FOR_LAST_COMMITS = 1.0
_SECONDS_BETWEEN_LOOKS = 0.005
_ROWS_COUNTED_FOR_A_PLAN = 8
_USUAL_URI_COLUMN = "gcs_uri"
_OBSERVATION = "observation_id"
_LISTED = "image"

_of_parents: list[NativeRun] = []


class RunHandle:
    """A native run, in the process that it belongs to."""

    def __init__(self, native: NativeRun, session: Session, identities: list[str]) -> None:
        self._native = native
        self.session = session
        """The session that it belongs to."""
        self._identities = identities
        self._process = os.getpid()
        self.trouble: BaseException | None = None
        """What went wrong in showing the progress of a run in the background."""

    @property
    def native(self) -> NativeRun:
        """The native run.

        Raises:
            Cancelled: This process is a fork of the one that goes on with the run.
        """
        if os.getpid() != self._process:
            raise Cancelled(
                "the run belongs to the process that this one was forked from",
                hint="use it there, or begin a run of this process",
            )
        return self._native

    def __del__(self) -> None:
        if os.getpid() != self._process:
            # Dropping the parent's run would wake threads that this process does not have.
            _of_parents.append(self._native)

    def is_going_here(self) -> bool:
        """Whether it goes on, in this process, and Python does so too."""
        return os.getpid() == self._process and not self._native.is_over and not sys.is_finalizing()

    def results(self) -> Results:
        """The results so far."""
        return Results(self.native.table(), run=self)

    def progress(self) -> Progress:
        """The counters at this moment."""
        return Progress(**self.native.progress())

    def set_concurrency(self, value: object) -> None:
        """Changes how many requests may be under way."""
        self.native.set_concurrency(check_concurrency(value))

    def ended(self, tick: Callable[[], None] | None = None) -> Call[Results]:
        """The end of a run that goes on in the background."""
        return Call(self.native.ended(), lambda _: self.results(), tick=tick)

    def over(self) -> Call[None]:
        """The end of such a run, of which nobody wants the results as a whole."""
        return Call(self.native.ended(), lambda _: None)

    def key(self, columns: list[str]) -> list[str]:
        """What tells rows of the results apart, wherever they are kept."""
        return [name for name in self._identities if name in columns][:1]

    def unanswered(self) -> Call[RunHandle]:
        """The same question for the rows that the store has no answer for."""
        return Call(
            self.native.unanswered(), lambda native: RunHandle(native, self.session, self._identities)
        )

    def again(self) -> RunHandle:
        """The same question for the rows without a good answer.

        Raises:
            InvalidInput: The run goes on.
        """
        if not self.native.is_over:
            raise InvalidInput(
                "the run goes on, and its rows may still get their answers",
                hint="wait for its end with `run.wait()`, or end it with `run.cancel()` first",
            )
        return RunHandle(self.native.again(), self.session, self._identities)

    def reparse(self, schema: Schema | None) -> RunHandle:
        """The answers so far, read by another schema."""
        return RunHandle(self.native.reparse(_native_schema(schema)), self.session, self._identities)

    def settle(self) -> None:
        """Stops the run, and waits a moment for what it is keeping."""
        self.native.stop(True)
        deadline = time.monotonic() + _SECONDS_FOR_LAST_COMMITS
        while not self.native.is_over and time.monotonic() < deadline:
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    async def settle_awaited(self) -> None:
        """The same without blocking the loop."""
        import asyncio  # noqa: PLC0415 - most programs never need it

        self.native.stop(True)
        ended = asyncio.ensure_future(self.native.ended().future())
        try:
            await asyncio.wait({ended}, timeout=_SECONDS_FOR_LAST_COMMITS)
        finally:
            # The error that is being told came first; asking for a later one keeps asyncio from reporting it as lost.
            if not ended.cancel() and not ended.cancelled():
                ended.exception()

    def warn_of_changes(self) -> None:
        """Warns the caller of what was changed from the wish: a widened region, a replaced model."""
        self._warn([note for _, _, notes in self.native.places for note in notes])

    def _warn(self, notes: Iterable[str]) -> None:
        for note in notes:
            warn_caller(note)

    def facts(self) -> Callable[[], dict[str, Any]]:
        """What gives the facts that are summed up at the end; the time is counted from now."""
        return facts(self.native)

    def operation(self, gather: Callable[[], dict[str, Any]]) -> _tracing.Operation:
        """What a span tells about the run."""
        model, location, _ = self.native.places[0]
        return _tracing.classification(model, location, gather)

    def tell(self, gather: Callable[[], dict[str, Any]]) -> None:
        """Tells what the user should hear at the end."""
        try:
            self._warn(self.native.take_notes())
        finally:
            _calls.tell_summary(gather())


class _Execution(Call[Results]):
    """A run that lasts as long as somebody waits for it."""

    def __init__(self, run: RunHandle, wish: Wish) -> None:
        self._run = run
        self._facts = run.facts()
        self._is_settled = False
        self._display = watch(run.progress, wish)
        super().__init__(
            run.native.execute(),
            lambda _: run.results(),
            tick=self._display.tick if self._display.is_shown else None,
            operation=run.operation(self._facts),
        )

    async def _stopping(self) -> None:
        self._is_settled = True
        await self._run.settle_awaited()

    def _failed(self, error: BaseException) -> None:
        try:
            if not self._is_settled:
                self._run.settle()
        finally:
            # Finished rows were paid for: they are never lost with the error, nor with a second Ctrl-C.
            error.results = self._run.results()  # type: ignore[attr-defined]  # exceptions take attributes
            self._display.close()
            self._run.tell(self._facts)

    def _succeeded(self, result: Any, span: _tracing.Span) -> Results:
        try:
            self._display.show_last()
        except BaseException as error:
            self._failed(error)
            raise
        self._run.tell(self._facts)
        return super()._succeeded(result, span)


def classify(session: Session, images: Any, prompt: str, given: Mapping[str, Any]) -> Call[Results]:
    """A run that is waited for."""
    options = completed("classify", _grouped(images, given))
    return _prepared(session, images, prompt, options, lambda run, _: _Execution(run, options["progress"]))


def prepare(session: Session, images: Any, prompt: str, given: Mapping[str, Any]) -> Call[RunHandle]:
    """A run that has not begun."""
    options = completed("start", _grouped(images, given))
    return _prepared(session, images, prompt, options, lambda run, _: Ready(lambda: run))


def plan(session: Session, images: Any, prompt: str, given: Mapping[str, Any]) -> Call[Plan]:
    """What a run would take."""
    options = completed("plan", _grouped(images, given))

    def planned(run: RunHandle, source: Any) -> Call[Plan]:
        def wrap(values: Mapping[str, Any]) -> Plan:
            return _plan(
                values,
                bytes_billed=source.stats.bytes_billed
                if is_query(images) or isinstance(images, LazyRows)
                else None,
                max_cost_usd=options["max_cost_usd"],
                model=run.native.places[0][0],
                locations=tuple(location for _, location, _ in run.native.places),
            )

        return Call(run.native.plan(_ROWS_COUNTED_FOR_A_PLAN), wrap)

    return _prepared(session, images, prompt, options, planned, is_made=False)


def again(run: RunHandle, wish: Wish) -> Call[Results]:
    """The same question for the rows without a good answer, waited for."""
    return _Execution(run.again(), wish)


def _prepared(
    session: Session,
    images: Any,
    prompt: str,
    options: Mapping[str, Any],
    go: Callable[[RunHandle, Any], Call[Any]],
    *,
    is_made: bool = True,
) -> Call[Any]:
    if not isinstance(prompt, str):
        raise InvalidInput(f"the prompt is a {type(prompt).__name__}, not a text")
    choice = {
        "model": options["model"],
        "on_retired": session.on_retired,
        "strict_region": session.strict_region,
    }
    identities = _identities(options)
    natively = {
        **native_options(options, native_image=native_image),
        "into": None if options["into"] is None else (options["into"], identities),
    }
    schema = _native_schema(options["schema"])

    def from_source(source: Any) -> Call[Any]:
        converted = native_images(source, options["uri_column"], NativeTable.from_arrow)
        native = _streetlens.classify(session.native(), converted, prompt, schema, choice, natively)
        run = RunHandle(native, session, identities)
        run.warn_of_changes()
        known: Call[RunHandle] = Ready(lambda: run)
        if options["into"] is not None:
            # What the table holds was paid for; a table that does not fit is told before anything is asked.
            known = Then(Call(native.recall(is_made), _nothing), lambda _: Ready(lambda: run))
        if options["only_new"] is True:
            return Then(Then(known, lambda run: run.unanswered()), lambda fewer: go(fewer, source))
        return Then(known, lambda run: go(run, source))

    rows = _source(session, images)
    if isinstance(options["only_new"], str):
        rows = new_rows(session, images, rows, options["only_new"], options)
    return Then(rows, from_source)


def _nothing(_: Any) -> None:
    """What a call gives that is waited for only."""


def _source(session: Session, images: Any) -> Call[Any]:
    if isinstance(images, LazyRows):
        return images.rows()
    return _calls.query(session, images) if is_query(images) else Ready(lambda: images)


def _identities(options: Mapping[str, Any]) -> list[str]:
    """What may tell rows apart wherever their results are kept: the first of these columns that they have."""
    if options["group_by"] is not None:
        return [options["group_by"]]
    uri_column = options["uri_column"]
    usual = [_OBSERVATION] if uri_column == _USUAL_URI_COLUMN else []
    return [*usual, uri_column, _LISTED]


def _grouped(images: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with the groups of a selection by asset, unless they say otherwise."""
    if not isinstance(images, LazyRows) or images.group_by is None:
        return given
    return {"group_by": images.group_by, "max_images": images.max_images, **given}


def _plan(
    values: Mapping[str, Any],
    *,
    bytes_billed: int | None,
    max_cost_usd: float | None,
    model: str,
    locations: tuple[str, ...],
) -> Plan:
    """A plan from the native one."""

    def tokens(name: str) -> Estimate:
        low, high = values[name]
        return Estimate(int(low), int(high))

    def optional(name: str) -> Estimate | None:
        return None if values[name] is None else Estimate(*values[name])

    names = ("rows", "rows_to_ask", "stored_rows", "duplicate_rows", "unusable_rows", "sampled_rows")
    return Plan(
        **{name: values[name] for name in names},
        bytes_billed=bytes_billed,
        input_tokens=tokens("input_tokens"),
        output_tokens=tokens("output_tokens"),
        cost_usd=optional("cost_usd"),
        max_cost_usd=max_cost_usd,
        seconds=optional("seconds"),
        seconds_at_tiers={rate: Estimate(*seconds) for rate, seconds in values["seconds_at_tiers"]},
        model=model,
        locations=locations,
        prices_of=dt.date.fromisoformat(values["prices_of"]),
        notes=tuple(values["notes"]),
    )


def _native_schema(schema: Schema | None) -> str | list[str] | None:
    if schema is None:
        return None
    from streetlens import _schema  # noqa: PLC0415 - many runs have none

    native, root = _schema.native_schema(schema)
    # A query may come before the run: nothing is billed for a schema that is refused.
    for warning in _streetlens.check_schema(native, root):
        warn_caller(warning)
    return native
