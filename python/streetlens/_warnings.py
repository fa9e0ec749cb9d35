"""Warnings that point at the program that called this package."""

from __future__ import annotations

import inspect
import warnings

__all__ = ["level_of_caller", "warn_caller"]


def warn_caller(note: str) -> None:
    """Warns the program that called this package."""
    warnings.warn(note, stacklevel=level_of_caller())


def level_of_caller() -> int:
    """How many calls away that program is from the caller of this function."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("streetlens."):
        frame, level = frame.f_back, level + 1
    return level
