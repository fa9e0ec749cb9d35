"""Stores to look into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import streetlens as sl
from store.filled import answer, fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of two runs: three answers, and two of another model."""
    first = [answer(number) for number in range(3)]
    second = [answer(number, run="run-2", model="gemini-3.5-pro", cost_usd=1.0) for number in range(3, 5)]
    return fill(tmp_path / "answers.sqlite", first + second)


@pytest.fixture
def store(path: Path) -> Iterator[sl.Store]:
    """The same, open."""
    with sl.open_store(path) as opened:
        yield opened
