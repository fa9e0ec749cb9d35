"""Our client on the clean emulator, and pictures to ask about."""

from __future__ import annotations

import pytest

import streetlens as sl
from streetlens.emulator import Emulator


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    return sl.Client(project=emulator.world.project, region="global", endpoint=emulator.url)


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    """Pictures that exist, each once."""
    dataset = emulator.world.dataset
    return [f"gs://{dataset.bucket}/{name}" for name in sorted(dataset.images)]
