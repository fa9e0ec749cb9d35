"""Public names are exactly those of `__all__`, and every exception has its place in the tree."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType

import pytest

import streetlens as sl
from streetlens import exceptions

MODULES = [
    "aio",
    "client",
    "exceptions",
    "observations",
    "options",
    "plan",
    "profile",
    "results",
    "run",
    "store",
]


def public_names(module: ModuleType) -> set[str]:
    """What a module defines itself, and says so by its name."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }


def test_all_is_sorted_and_every_name_exists() -> None:
    assert sl.__all__ == sorted(sl.__all__)
    assert [name for name in sl.__all__ if not hasattr(sl, name)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_lists_what_it_defines(name: str) -> None:
    module = importlib.import_module(f"streetlens.{name}")
    assert sorted(module.__all__) == module.__all__
    assert public_names(module) <= set(module.__all__)
    assert [listed for listed in module.__all__ if not hasattr(module, listed)] == []


def test_every_class_that_a_result_may_be_can_be_imported_from_the_top() -> None:
    for name in ("results", "exceptions", "plan", "run"):
        assert set(importlib.import_module(f"streetlens.{name}").__all__) <= set(sl.__all__)


def test_everything_public_is_documented() -> None:
    undocumented = [
        name for name in sl.__all__ if not name.startswith("__") and not inspect.getdoc(getattr(sl, name))
    ]
    assert undocumented == []


def test_a_star_import_brings_the_public_names_only() -> None:
    names: dict[str, object] = {}
    exec("from streetlens import *", names)
    assert set(names) - {"__builtins__"} == set(sl.__all__)


def tree() -> dict[str, tuple[str, str | None, str]]:
    """The tree that the module draws: name to its parent, a second base if any, and its meaning."""
    drawn: dict[str, tuple[str, str | None, str]] = {}
    above = ["StreetlensError"]
    line = re.compile(r"^((?:│   |    )*)[├└]── (\w+)(?: \((\w+)\))? +(.+)$", re.MULTILINE)
    for indentation, name, base, meaning in line.findall(exceptions.__doc__ or ""):
        depth = len(indentation) // 4 + 1
        drawn[name] = above[depth - 1], base or None, meaning
        above[depth:] = [name]
    return drawn


def test_the_tree_names_every_exception() -> None:
    assert {"StreetlensError", *tree()} == set(exceptions.__all__)


@pytest.mark.parametrize("name", sorted(tree()))
def test_an_exception_is_where_the_tree_puts_it(name: str) -> None:
    parent, second, _ = tree()[name]
    bases = [base.__name__ for base in getattr(exceptions, name).__bases__]
    assert bases == ([parent] if second is None else [parent, second])


@pytest.mark.parametrize("name", sorted(exceptions.__all__))
def test_an_exception_can_be_caught_by_the_name_at_the_top(name: str) -> None:
    assert getattr(sl, name) is getattr(exceptions, name)
    assert issubclass(getattr(sl, name), sl.StreetlensError)
