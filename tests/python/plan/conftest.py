"""Our client on the emulator with a store of its own, and servers that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import streetlens as sl
from servers.scripted import Script, ScriptedServer
from streetlens.emulator import Emulator


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where answers are kept."""
    return tmp_path / "answers.sqlite"


@pytest.fixture
def client(emulator: Emulator, store: Path) -> sl.Client:
    """Our client on the clean emulator, where a model of the default's is served."""
    return sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url, store=store)


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    """Pictures that exist."""
    return list(emulator.world.dataset.truth)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptedServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedServer(script))
