"""Registers the drop-in modules under Google's names, and takes them away again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import cast

__all__ = ["announce", "install", "uninstall"]

_FAMILIES = (
    {"google.cloud.bigquery": "streetlens.compat.bigquery"},
    {
        "google.cloud.bigquery_data_exchange_v1beta1": "streetlens.compat.bigquery_data_exchange_v1beta1",
    },
    # These share what `init` was given, so they are never mixed with the originals.
    {
        "vertexai": "streetlens.compat.vertexai",
        "vertexai.generative_models": "streetlens.compat.vertexai.generative_models",
    },
)

_absent = object()
_before: dict[str, object] = {}
_attributes: list[tuple[ModuleType, str, object]] = []


def install(*, replace: bool = False) -> list[str]:
    """Registers the drop-in modules under Google's names, so that the guide's import lines work as they are.

    A module whose original can be imported is left alone unless `replace=True`. Modules that were imported from the
    originals before keep their names bound to those.

    Returns:
        Google's names that lead to streetlens now.

    Example:
        >>> from streetlens import compat
        >>> names = compat.install(replace=True)
        >>> from google.cloud import bigquery
        >>> bigquery.__name__
        'streetlens.compat.bigquery'
        >>> compat.uninstall()
    """
    for family in _FAMILIES:
        if replace or not all(name in sys.modules or _is_importable(name) for name in family):
            for name, ours in family.items():
                _register(name, importlib.import_module(ours))
    return [
        name
        for family in _FAMILIES
        for name, ours in family.items()
        if sys.modules.get(name) is sys.modules.get(ours)
    ]


def uninstall() -> None:
    """Takes away what `install` registered; the originals, where they are, can be imported again."""
    while _attributes:
        parent, name, value = _attributes.pop()
        if value is _absent:
            delattr(parent, name)
        else:
            setattr(parent, name, value)
    while _before:
        name, value = _before.popitem()
        if value is _absent:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = cast(ModuleType, value)


def announce(registered: list[str]) -> None:
    """Writes which of Google's names lead to streetlens, and which were left to the originals."""
    others = [name for family in _FAMILIES for name in family if name not in registered]
    if registered:
        sys.stdout.write(f"streetlens serves {', '.join(registered)}.\n")
    if others:
        sys.stdout.write(
            f"{', '.join(others)}: installed here and left alone; "
            "`streetlens.compat.install(replace=True)` replaces them.\n"
        )


def _register(name: str, module: ModuleType) -> None:
    _replace_module(name, module)
    parent, _, child = name.rpartition(".")
    if parent and not _is_ours(parent):
        _set_attribute(_package(parent), child, module)


def _is_ours(name: str) -> bool:
    return any(name in family for family in _FAMILIES)


def _replace_module(name: str, module: ModuleType) -> None:
    if sys.modules.get(name) is not module:
        _before.setdefault(name, sys.modules.get(name, _absent))
        sys.modules[name] = module


def _set_attribute(parent: ModuleType, name: str, value: object) -> None:
    if getattr(parent, name, None) is not value:
        _attributes.append((parent, name, getattr(parent, name, _absent)))
        setattr(parent, name, value)


def _package(name: str) -> ModuleType:
    """The package `google` or `google.cloud`: the one that is there, or an empty one in its place."""
    try:
        return importlib.import_module(name)
    except ImportError:
        parent, _, child = name.rpartition(".")
        package = ModuleType(name, "An empty namespace for streetlens.compat.")
        package.__path__ = _Folders(parent, child)  # type: ignore[assignment]  # any iterable of paths will do
        _replace_module(name, package)
        if parent:
            _set_attribute(_package(parent), child, package)
        return package


class _Folders:
    """The folders of a namespace package, looked up anew each time: `pip install` may add one while we run."""

    def __init__(self, parent: str, child: str) -> None:
        self._parent = parent
        self._child = child

    def __iter__(self) -> Iterator[str]:
        above = sys.modules[self._parent].__path__ if self._parent else sys.path
        folders = (Path(folder) / self._child for folder in above)
        return (str(folder) for folder in folders if folder.is_dir())


def _is_importable(name: str) -> bool:
    """Whether a module could be imported, without importing it or its parents: `vertexai` takes seconds."""
    path: list[str] | None = None
    known = ""
    for part in name.split("."):
        known = f"{known}.{part}".lstrip(".")
        spec = _find(known, path)
        if spec is None:
            return False
        if spec.origin is None:
            # A namespace such as `google.cloud` tells its folders only once it is imported, which costs nothing.
            path = list(importlib.import_module(known).__path__)
        else:
            path = list(spec.submodule_search_locations or [])
    return True


def _find(name: str, path: list[str] | None) -> importlib.machinery.ModuleSpec | None:
    for finder in cast(list[MetaPathFinder], sys.meta_path):
        try:
            spec = finder.find_spec(name, path)
        except ImportError:
            return None
        if spec is not None:
            return spec
    return None
