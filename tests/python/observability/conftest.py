"""Our client on the emulator, and what it tells."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

import streetlens as sl
from streetlens._calls import call as _calls
from streetlens.emulator import Emulator
from waiting import wait_until


@pytest.fixture(autouse=True)
def _nothing_is_left_to_tell() -> Iterator[None]:
    """What a test did is told before the next one listens."""
    yield
    wait_until(lambda: _calls._events._thread is None)
    _calls._events.deliver()


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator, where a model of the default's is served."""
    return sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url)


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    """Pictures that exist."""
    return list(emulator.world.dataset.truth)


class Heard(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, name: str) -> list[logging.LogRecord]:
        """The records of one logger."""
        return [record for record in self.records if record.name == name]

    @property
    def text(self) -> str:
        """Every message, a line each."""
        return "\n".join(record.getMessage() for record in self.records)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything that streetlens tells from DEBUG on."""
    handler = Heard()
    logger = logging.getLogger("streetlens")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
