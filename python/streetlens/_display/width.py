"""How wide text is in a terminal, where some letters take two columns and some none."""

from __future__ import annotations

import unicodedata

__all__ = ["cut", "padded", "shares", "width_of", "without_controls"]


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns.

    Example:
        >>> cut("停车 stop", 6)
        '停车 …'
    """
    if _width(text) <= width:
        return text
    kept, left = "", width - 1
    for letter in text:
        left -= _width(letter)
        if left < 0:
            break
        kept += letter
    return kept + "…"


def padded(text: str, width: int) -> str:
    """The text filled up with spaces to `width` columns.

    Example:
        >>> padded("停", 4)
        '停  '
    """
    return text + " " * (width - _width(text))


def width_of(texts: list[str]) -> int:
    """Columns that the widest of these texts takes."""
    return max(map(_width, texts), default=0)


def shares(wanted: list[int], room: int) -> list[int]:
    """Widths of columns side by side: narrow ones get what they want, wide ones share the rest.

    Example:
        >>> shares([4, 50, 100], 64)
        [4, 30, 30]
    """
    given = [0] * len(wanted)
    by_width = sorted(range(len(wanted)), key=lambda column: wanted[column])
    for place, column in enumerate(by_width):
        given[column] = min(wanted[column], room // (len(wanted) - place))
        room -= given[column]
    return given


def without_controls(text: str) -> str:
    """The text without what would steer a terminal or turn the writing round.

    Example:
        >>> without_controls("\\x1b[31mred")
        '�[31mred'
    """
    if text.isprintable():
        return text
    return "".join(_harmless(letter) for letter in text)


def _harmless(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cf":
        return ""
    return "�" if category in {"Cc", "Cs"} else letter


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
