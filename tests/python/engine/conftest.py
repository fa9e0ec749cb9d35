"""The engine on an emulator that repeats what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import streetlens as sl
from engine.echo import echo
from servers.scripted import Script, ScriptedServer
from streetlens.emulator import Emulator


@pytest.fixture
def echoing(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The clean emulator, answering each question with the URI of its image."""
    monkeypatch.setattr("streetlens.emulator.gemini.service._Service._generate", echo)
    return emulator


@pytest.fixture
def client(echoing: Emulator) -> sl.Client:
    """Our client on it."""
    return sl.Client(project=echoing.world.project, region="us", endpoint=echoing.url)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptedServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedServer(script))
