"""Says which packages of the `streetlens[emulator]` extra are missing, before anything fails half way."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

PACKAGES = {"aiohttp": "aiohttp", "duckdb": "duckdb", "sqlglot": "sqlglot", "numpy": "numpy", "PIL": "pillow"}
"""Import name to distribution name."""


def require(
    packages: Mapping[str, str] = PACKAGES, instead: str = 'pip install "streetlens[emulator]"'
) -> None:
    """Raise ImportError that names every missing package, and the command `instead` that installs them."""
    absent = missing(packages)
    if absent:
        raise ImportError(
            f"this part of the streetlens emulator needs {', '.join(absent)}, not installed here; "
            f"run: {instead}"
        )


def missing(packages: Mapping[str, str]) -> list[str]:
    """Return the distributions of the packages that cannot be imported."""
    return [distribution for module, distribution in packages.items() if not _is_importable(module)]


def _is_importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False
