"""Gives every test one running emulator, and hands it over clean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streetlens.emulator import Emulator


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    """One emulator for the whole test process, not subscribed."""
    from streetlens.emulator import start

    with start(observations=60) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: Emulator) -> Iterator[Emulator]:
    """The running emulator without faults, tokens, subscriptions or logged requests of an earlier test."""
    running_emulator.reset()
    yield running_emulator
    running_emulator.reset()
