"""Reads a column's type, which the native table tells in words, as BigQuery's."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Described", "describe"]

_KINDS = {
    "string": "STRING",
    "json": "JSON",
    "geography": "GEOGRAPHY",
    "int64": "INTEGER",
    "double": "FLOAT",
    "bool": "BOOLEAN",
    "binary": "BYTES",
    "date": "DATE",
    "time": "TIME",
    "datetime": "DATETIME",
    "timestamp[UTC]": "TIMESTAMP",
    "decimal(38, 9)": "NUMERIC",
    "decimal(76, 38)": "BIGNUMERIC",
    "interval": "INTERVAL",
}


class Described(NamedTuple):
    """A type."""

    kind: str
    """BigQuery's name of it."""
    is_repeated: bool = False
    """Whether it is an ARRAY of that."""
    fields: tuple[tuple[str, Described], ...] = ()
    """Names and types of a RECORD's fields."""


def describe(words: str) -> Described:
    """The type of a column as `Table.schema` tells it.

    Example:
        >>> described = describe("list<struct<x: double, y: string>>")
        >>> described.kind, described.is_repeated, [name for name, _ in described.fields]
        ('RECORD', True, ['x', 'y'])
    """
    if words.startswith("list<"):
        return describe(words[len("list<") : -1])._replace(is_repeated=True)
    if words.startswith("struct<"):
        return Described("RECORD", fields=tuple(map(_field, _split(words[len("struct<") : -1]))))
    return Described(_KINDS.get(words, words.upper()))


def _field(text: str) -> tuple[str, Described]:
    name, _, words = text.partition(": ")
    return name, describe(words)


def _split(text: str) -> list[str]:
    """Splits at the commas that are within no bracket."""
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter in "<([") - (letter in ">)]")
        if letter == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces if piece.strip()]
