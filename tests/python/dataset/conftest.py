"""A client on the emulator with the data set subscribed, and servers that publish one generation of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import streetlens as sl
from streetlens import emulator as emulators
from streetlens.emulator import Emulator


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator, subscribed."""
    emulator.world.subscribe()
    return sl.Client(project=emulator.world.project, endpoint=emulator.url)


@pytest.fixture
def rows(emulator: Emulator) -> list[dict[str, Any]]:
    """What the table of cropped observations of the newest snapshot holds."""
    return emulator.world.dataset.tables["cropped_observations_latest"].rows


@pytest.fixture
def newest(rows: list[dict[str, Any]]) -> str:
    """The newest snapshot's id."""
    return str(rows[0]["snapshot_id"])


@pytest.fixture
def earlier(emulator: Emulator, newest: str) -> str:
    """The id of the snapshot before it."""
    snapshots = emulator.world.dataset.tables["snapshots"].rows
    return next(str(row["snapshot_id"]) for row in snapshots if row["snapshot_id"] != newest)


@pytest.fixture
def publish() -> Iterator[Callable[..., Emulator]]:
    """Starts emulators that end with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(emulators.start(observations=30, **options))
