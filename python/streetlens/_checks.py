"""Checks of plain arguments before anything is sent."""

from __future__ import annotations

import math
import os

from streetlens.exceptions import ConfigurationError
from streetlens.options import StorePlace

__all__ = ["check_count", "check_rate", "check_seconds", "check_store"]


def check_count(name: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is not a whole number of at least 1.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ConfigurationError(f"`{name}={value!r}` is not a whole number of at least 1")


def check_rate(name: str, value: object) -> None:
    """Refuses what is neither None nor a number above 0 a minute.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is not None and not _is_positive(value):
        raise ConfigurationError(
            f"`{name}={value!r}` is not a number above 0", hint=f"leave `{name}` out for no limit of your own"
        )


def check_seconds(name: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is not a time of more than 0 seconds.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if not _is_positive(value):
        hint = f"leave `{name}` out for no limit" if optional else None
        raise ConfigurationError(f"`{name}={value!r}` is not a number of seconds above 0", hint=hint)


def check_store(value: object) -> StorePlace:
    """Gives the place of a store, refusing what is neither a path nor False nor None.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None or value is False or isinstance(value, str):
        return value
    if isinstance(value, os.PathLike) and isinstance(path := os.fspath(value), str):
        return path
    raise ConfigurationError(
        f"`store={value!r}` is no place for a store",
        hint="pass a path, False to keep no answers, or nothing for the user's data folder",
    )


def _is_positive(value: object) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    )
