"""A local stand-in for the Google services of the Street View Insights workflow, on real wire protocols.

It serves BigQuery, Analytics Hub, Cloud Storage, Gemini on Vertex AI and the token endpoints on one
loopback address. The data set is synthetic, and a small vision program stands in for the model: never quote
its accuracy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streetlens.emulator.server import Emulator, start

__all__ = ["Emulator", "start"]


def __getattr__(name: str) -> Any:
    """Load the server when it is first asked for, so that importing this package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("streetlens.emulator.extra").require()
    return getattr(importlib.import_module("streetlens.emulator.server"), name)
