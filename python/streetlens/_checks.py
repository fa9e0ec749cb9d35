"""Checks of plain arguments before anything is sent."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from streetlens.exceptions import ConfigurationError
from streetlens.options import StorePlace

__all__ = [
    "check_choice",
    "check_count",
    "check_flag",
    "check_labels",
    "check_number",
    "check_rate",
    "check_seconds",
    "check_store",
    "check_text",
]


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


def check_number(name: str, value: object, least: float, most: float, *, optional: bool = False) -> None:
    """Refuses what is not a number in a range, both ends included.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if not _is_number(value) or not least <= value <= most:
        raise ConfigurationError(f"`{name}={value!r}` is not a number from {least:g} to {most:g}")


def check_text(name: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is not a text with something in it.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if not isinstance(value, str):
        raise ConfigurationError(f"`{name}` is a {type(value).__name__}, not a text")
    if not value.strip():
        raise ConfigurationError(f"`{name}` is empty")


def check_choice(name: str, value: object, choices: Sequence[str], *, optional: bool = False) -> None:
    """Refuses what is not one of a few words.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if value is None and optional:
        return
    if value not in choices:
        raise ConfigurationError(f"`{name}={value!r}` is not one of {', '.join(map(repr, choices))}")


def check_flag(name: str, value: object) -> None:
    """Refuses what is neither True nor False.

    Raises:
        ConfigurationError: The value cannot be used; the message names the argument.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"`{name}={value!r}` is neither True nor False")


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


def check_labels(value: object) -> list[tuple[str, str]]:
    """Gives the labels of a request or a job as pairs, refusing what Google would.

    Raises:
        ConfigurationError: They cannot be used; the message names the label.
    """
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"`labels` is a {type(value).__name__}", hint='pass a dictionary: `labels={"team": "signs"}`'
        )
    pairs = [(str(key), str(text)) for key, text in value.items()]
    for key, text in pairs:
        if (
            not re.fullmatch(r"[^\W\d_][\w-]{0,62}", key)
            or not re.fullmatch(r"[\w-]{0,63}", text)
            or key + text != (key + text).lower()
        ):
            raise ConfigurationError(
                f"the label `{key}: {text}` is not allowed: lower-case letters, digits, `_` and `-`, at most 63, "
                "the key starting with a letter"
            )
    return pairs


def _is_positive(value: object) -> bool:
    return _is_number(value) and value > 0


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
