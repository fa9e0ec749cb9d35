"""The drop-in pointed at the emulator by the environment alone, as a notebook would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streetlens import emulator as emulators
from streetlens.compat import vertexai
from streetlens.compat.vertexai import _configuration
from streetlens.emulator import Emulator

MODEL = "gemini-3.5-flash-lite"
DATASET = "imagery_insights___preview___us"
TABLE = f"`streetlens-demo.{DATASET}.latest_observations`"


@pytest.fixture(scope="session")
def subscribed_emulator() -> Iterator[Emulator]:
    """An emulator whose linked data set exists from the beginning."""
    with emulators.start(observations=60, subscribed=True) as emulator:
        yield emulator


@pytest.fixture
def served(subscribed_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """That emulator without faults, as the service behind every module; `vertexai.init` names a served location."""
    subscribed_emulator.faults.clear()
    subscribed_emulator.requests.clear()
    monkeypatch.setenv("STREETLENS_ENDPOINT", subscribed_emulator.url)
    monkeypatch.setattr(_configuration, "_current", _configuration.Configuration())
    monkeypatch.setattr(_configuration, "_told", set())
    vertexai.init(project="streetlens-demo", location="us")
    yield subscribed_emulator
    subscribed_emulator.faults.clear()


@pytest.fixture
def uris(served: Emulator) -> list[str]:
    """The first images of the data set, in order."""
    rows = served.world.dataset.tables["latest_observations"].rows
    return sorted(row["gcs_uri"] for row in rows if row["gcs_uri"])[:8]
