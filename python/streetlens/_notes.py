"""Warnings that point at the user's line, however deep in this package they arise."""

from __future__ import annotations

import inspect
import warnings

__all__ = ["level_of_caller", "tell"]


def tell(note: str) -> None:
    """Warns the program that called this package."""
    warnings.warn(note, stacklevel=level_of_caller())


def level_of_caller() -> int:
    """How many calls away the program is that called this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("streetlens."):
        frame, level = frame.f_back, level + 1
    return level
