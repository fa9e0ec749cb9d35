"""Every example in a public docstring runs offline and prints what it says."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType

import pytest

MODULES = [
    "streetlens.aio",
    "streetlens.client",
    "streetlens.exceptions",
    "streetlens.observations",
    "streetlens.options",
    "streetlens.plan",
    "streetlens.profile",
    "streetlens.results",
    "streetlens.store",
    "streetlens.tables",
    "streetlens.run",
    "streetlens.queries",
    "streetlens._answers",
    "streetlens._verbs.dataset",
    "streetlens._verbs.queries",
    "streetlens._display.cells",
    "streetlens._display.plan",
    "streetlens._display.progress",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_say(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    outcome = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > 0
    assert outcome.failed == 0
