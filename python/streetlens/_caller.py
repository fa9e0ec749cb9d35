"""Where in the program a warning belongs."""

from __future__ import annotations

import inspect


def level_of_caller() -> int:
    """How many calls away the program is that called this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("streetlens."):
        frame, level = frame.f_back, level + 1
    return level
