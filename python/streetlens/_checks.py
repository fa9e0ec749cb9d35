"""Checks of plain arguments before anything is sent."""

from __future__ import annotations

import math

from streetlens.exceptions import ConfigurationError

__all__ = ["check_count", "check_seconds"]


def check_count(name: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is not a whole number of at least 1.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ConfigurationError(f"`{name}={value!r}` is not a whole number of at least 1")


def check_seconds(name: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is not a time of more than 0 seconds.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value <= 0
    ):
        hint = f"leave `{name}` out for no limit" if optional else None
        raise ConfigurationError(f"`{name}={value!r}` is not a number of seconds above 0", hint=hint)
