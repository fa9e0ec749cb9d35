"""Our client and Google's on the same emulator, and servers that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

import streetlens as sl
from servers.scripted import Script, ScriptedServer
from streetlens.emulator import Emulator


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator."""
    return sl.Client(project=emulator.world.project, endpoint=emulator.url)


@pytest.fixture
def google(emulator: Emulator) -> Iterator[bigquery.Client]:
    """Google's client on the same server."""
    options = {"api_endpoint": emulator.url}
    with bigquery.Client(
        emulator.world.project, credentials=AnonymousCredentials(), client_options=options
    ) as made:
        yield made


@pytest.fixture
def observations(emulator: Emulator) -> str:
    """The subscribed table as SQL names it."""
    return f"`{emulator.world.subscribe()}.latest_observations`"


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptedServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedServer(script))
