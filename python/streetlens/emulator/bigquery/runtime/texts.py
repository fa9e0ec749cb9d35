"""String functions that work on code points or bytes in a way DuckDB has not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_WORD = re.compile(r"[^\s\[\](){}/|<>!?@\"^#$&~_,.:;*%+\-]+")


def characters(text: str) -> list[str]:
    """Return the code points of a text as one-character strings."""
    return list(text)


def reverse(text: str) -> str:
    """Return the code points in reverse order."""
    return text[::-1]


def initcap(text: str) -> str:
    """Return the text with each word's first letter in upper case and the rest in lower case."""
    return _WORD.sub(lambda word: word.group()[:1].upper() + word.group()[1:].lower(), text.lower())


def contains_substr(text: str, part: str) -> bool:
    """Whether a text contains another, compared in NFKC form and without case."""
    one, other = (
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
        for value in (text, part)
    )
    return other in one


def group_unmatched(text: str, pattern: str) -> bool:
    """Whether the first match of an RE2 pattern leaves its only group out, which DuckDB shows as an empty text."""
    try:
        matched = re.search(pattern, text)
    except re.error:
        return False
    return matched is not None and matched.group(1) is None


def bytes_slice(data: bytes, start: int, length: int) -> bytes:
    """Return `length` bytes from position `start`, counted from 1."""
    return data[start - 1 : start - 1 + length]


def decode_lossy(data: bytes) -> str:
    """Return bytes as text with U+FFFD in place of what is not UTF-8."""
    return data.decode("utf-8", "replace")


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_characters": (characters, ["VARCHAR"], "VARCHAR[]"),
    "bq_reverse": (reverse, ["VARCHAR"], "VARCHAR"),
    "bq_initcap": (initcap, ["VARCHAR"], "VARCHAR"),
    "bq_contains_substr": (contains_substr, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_group_unmatched": (group_unmatched, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_bytes_slice": (bytes_slice, ["BLOB", "BIGINT", "BIGINT"], "BLOB"),
    "bq_decode_lossy": (decode_lossy, ["BLOB"], "VARCHAR"),
}
