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
    missing = [distribution for module, distribution in packages.items() if not _is_importable(module)]
    if missing:
        raise ImportError(
            f"this part of the streetlens emulator needs {', '.join(missing)}, not installed here; "
            f"run: {instead}"
        )


def _is_importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False
