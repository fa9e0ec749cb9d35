"""Our client on the emulator, with a data set of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

_numbers = itertools.count(1)

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    """Our client on the clean emulator, where a model of the default's is served."""
    return sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url, store=False)


@pytest.fixture
def dataset(client: sl.Client) -> str:
    """A data set that nobody else uses."""
    name = f"written_{next(_numbers)}"
    client.query(f"CREATE SCHEMA {name}")
    return name


@pytest.fixture
def rows(client: sl.Client) -> Rows:
    """The rows of a table, by their first column."""
    return lambda table: client.query(f"SELECT * FROM `{table}` ORDER BY 1").to_dicts()


def numbered(count: int, *, first: int = 0, kind: str = "stop") -> list[dict[str, Any]]:
    """Rows with an id each."""
    return [{"id": number, "kind": kind} for number in range(first, first + count)]
