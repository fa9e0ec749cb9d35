"""Our client on the emulator, and servers that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import streetlens as sl
from servers.scripted import Script, ScriptedServer
from streetlens.emulator import Emulator


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator."""
    return sl.Client(project=emulator.world.project, endpoint=emulator.url)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptedServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedServer(script))
