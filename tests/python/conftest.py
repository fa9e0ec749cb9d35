"""Gives every test one running emulator, and hands it over clean."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streetlens.emulator import Emulator

# Test folders import each other's checks (`from contract.discovery import check_request`).
sys.path.insert(0, str(Path(__file__).parent))


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
