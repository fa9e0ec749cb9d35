"""A handler may fail, be slow, or call streetlens again: no call breaks, hangs or repeats itself for that."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

import streetlens as sl
from streetlens._logging import Delivery
from waiting import wait_until

Told = tuple[int, str, str, dict[str, object], float, str, int]


class Function(logging.Handler):
    """Calls a function with each record."""

    def __init__(self, function: Callable[[logging.LogRecord], object]) -> None:
        super().__init__(logging.DEBUG)
        self.function = function

    def emit(self, record: logging.LogRecord) -> None:
        self.function(record)


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[logging.LogRecord], object]], None]]:
    """Has a function called with each record of streetlens from DEBUG on."""
    logger = logging.getLogger("streetlens")
    handlers: list[logging.Handler] = []

    def add(function: Callable[[logging.LogRecord], object]) -> None:
        handlers.append(Function(function))
        logger.addHandler(handlers[-1])

    logger.setLevel(logging.DEBUG)
    yield add
    logger.setLevel(logging.NOTSET)
    for handler in handlers:
        logger.removeHandler(handler)


Listen = Callable[[Callable[[logging.LogRecord], object]], None]


def fail(_: logging.LogRecord) -> None:
    raise RuntimeError("this handler is broken")


def test_a_handler_that_raises_does_not_break_the_call(
    client: sl.Client, listen: Listen, capsys: pytest.CaptureFixture[str]
) -> None:
    listen(fail)
    assert client.query("SELECT 1 AS one").to_dicts() == [{"one": 1}]
    assert "this handler is broken" in capsys.readouterr().err


def test_a_handler_that_raises_does_not_break_an_awaited_call(
    client: sl.Client, listen: Listen, capsys: pytest.CaptureFixture[str]
) -> None:
    listen(fail)

    async def ask() -> sl.Table:
        return await client.aio.query("SELECT 1 AS one")

    assert asyncio.run(ask()).to_dicts() == [{"one": 1}]
    assert "this handler is broken" in capsys.readouterr().err


def test_a_handler_that_raises_does_not_keep_the_others_from_hearing(
    client: sl.Client, listen: Listen, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []
    listen(lambda record: heard.append(record.name))
    listen(fail)
    client.query("SELECT 1 AS one")
    assert "this handler is broken" in capsys.readouterr().err
    assert "streetlens.http" in heard
    assert "streetlens.bigquery" in heard


def test_a_handler_may_ask_streetlens_something(client: sl.Client, listen: Listen) -> None:
    """Each of its calls tells something, which must not go on for ever."""
    answers: list[int] = []
    listen(lambda _: answers.append(len(client.query("SELECT 1 AS one"))))
    assert len(client.query("SELECT 1 AS one")) == 1
    assert answers
    assert set(answers) == {1}


def test_a_handler_may_ask_streetlens_something_while_a_call_is_awaited(
    client: sl.Client, listen: Listen
) -> None:
    answers: list[int] = []
    listen(lambda _: answers.append(len(client.query("SELECT 1 AS one"))))

    async def ask() -> sl.Table:
        return await client.aio.query("SELECT 1 AS one")

    assert len(asyncio.run(ask())) == 1
    assert answers


def test_a_handler_may_wait_for_a_thread_that_asks_streetlens(client: sl.Client, listen: Listen) -> None:
    def ask_elsewhere(_: logging.LogRecord) -> None:
        thread = threading.Thread(target=client.query, args=("SELECT 1",))
        thread.start()
        thread.join()

    listen(ask_elsewhere)
    assert len(client.query("SELECT 1")) == 1


def told(message: str) -> Told:
    return (logging.INFO, "http", message, {}, 1_800_000_000.0, "stack.rs", 1)


class Source:
    """Events to deliver, written by a test."""

    def __init__(self) -> None:
        self.events: list[Told] = []
        self.dropped = 0
        self.threshold = 0

    def follow(self, level: int) -> None:
        self.threshold = level

    def take(self) -> tuple[list[Told], int]:
        taken, self.events = self.events, []
        dropped, self.dropped = self.dropped, 0
        return taken, dropped


@pytest.fixture
def source() -> Source:
    return Source()


def test_records_that_were_dropped_are_told(source: Source, listen: Listen) -> None:
    heard: list[str] = []
    listen(lambda record: heard.append(f"{record.levelname} {record.name} {record.getMessage()}"))
    source.dropped = 3
    source.events = [told("the fourth")]
    Delivery(source.follow, source.take).deliver()
    assert heard == [
        "WARNING streetlens older records were dropped, because they came too fast: dropped=3",
        "INFO streetlens.http the fourth",
    ]


def test_nothing_is_collected_where_nobody_listens(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler()])
    with Delivery(source.follow, source.take).while_waiting(None) as tick:
        assert (source.threshold, tick) == (255, None)


def test_what_is_collected_follows_the_level(source: Source, listen: Listen) -> None:
    listen(lambda _: None)
    logging.getLogger("streetlens").setLevel(logging.ERROR)
    with Delivery(source.follow, source.take).while_waiting(None):
        assert source.threshold == logging.ERROR


def test_one_logger_that_wants_more_is_enough_to_collect_it(source: Source, listen: Listen) -> None:
    listen(lambda _: None)
    logging.getLogger("streetlens").setLevel(logging.ERROR)
    logging.getLogger("streetlens.auth").setLevel(logging.DEBUG)
    try:
        with Delivery(source.follow, source.take).while_waiting(None):
            assert source.threshold == logging.DEBUG
    finally:
        logging.getLogger("streetlens.auth").setLevel(logging.NOTSET)


def test_logging_that_is_disabled_collects_nothing(source: Source, listen: Listen) -> None:
    listen(lambda _: None)
    logging.disable(logging.CRITICAL)
    try:
        with Delivery(source.follow, source.take).while_waiting(None):
            assert source.threshold > logging.CRITICAL
    finally:
        logging.disable(logging.NOTSET)


def test_a_tick_delivers_and_goes_on_to_the_callers_own(source: Source, listen: Listen) -> None:
    heard: list[str] = []
    listen(lambda record: heard.append(record.getMessage()))
    with Delivery(source.follow, source.take).while_waiting(lambda: heard.append("ticked")) as tick:
        assert tick is not None
        source.events = [told("meanwhile")]
        tick()
        assert heard == ["meanwhile", "ticked"]


def test_the_thread_of_awaited_calls_ends_with_the_last_of_them(source: Source, listen: Listen) -> None:
    heard: list[str] = []
    listen(lambda record: heard.append(record.threadName or ""))
    delivery = Delivery(source.follow, source.take)
    with delivery.in_background():
        source.events = [told("meanwhile")]
        wait_until(lambda: heard == ["streetlens-log"])
        thread = delivery._thread
        assert thread is not None
        assert thread.daemon
    thread.join(30)
    assert delivery._thread is None


def test_a_handler_that_hangs_delays_the_end_of_a_program_only_a_little(
    source: Source, listen: Listen
) -> None:
    entered, released = threading.Event(), threading.Event()

    def hang(_: logging.LogRecord) -> None:
        entered.set()
        released.wait(60)

    listen(hang)
    delivery = Delivery(source.follow, source.take)
    with delivery.in_background():
        source.events = [told("meanwhile")]
        entered.wait(30)
        thread = delivery._thread
        source.events = [told("never heard")]
        delivery.close()
        assert len(source.events) == 1
        released.set()
    assert thread is not None
    thread.join(30)
