"""Waits for a condition that another thread or process brings about, and fails when it never does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_PAUSE = 0.005


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(_PAUSE)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as `condition()` is true, letting other tasks run meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        await asyncio.sleep(_PAUSE)
