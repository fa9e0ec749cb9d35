"""Parses and applies the `fields=` parameter that every Google JSON API understands (partial responses)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping

Selection = dict[str, "Selection"]
"""Each wanted key with the selection below it; empty means everything below it."""


def parse_fields(text: str | None) -> Selection | None:
    """Parse a selector such as `items(name,size),nextPageToken`; None selects everything.

    Grammar: "partial response" in Google's API guides. Raises ValueError that quotes the selector.
    """
    if not text:
        return None
    tokens = deque(re.findall(r"[^,()/\s]+|[,()/]", text))
    selection = _many(tokens, text)
    if tokens:
        raise ValueError(f"Invalid field selection {text}")
    return None if "*" in selection else selection


def select(value: object, selection: Selection | None) -> object:
    """Keep only the selected keys of a JSON value; lists are selected element by element."""
    if not selection:
        return value
    if isinstance(value, list):
        return [select(element, selection) for element in value]
    if isinstance(value, Mapping):
        return {key: select(below, selection[key]) for key, below in value.items() if key in selection}
    return value


def _many(tokens: deque[str], text: str) -> Selection:
    selection: Selection = {}
    while True:
        name, below = _one(tokens, text)
        selection.setdefault(name, {}).update({} if "*" in below else below)
        if not tokens or tokens[0] != ",":
            return selection
        tokens.popleft()


def _one(tokens: deque[str], text: str) -> tuple[str, Selection]:
    name = tokens.popleft() if tokens else ","
    if name in {",", "(", ")", "/"}:
        raise ValueError(f"Invalid field selection {text}")
    below: Selection = {}
    if tokens and tokens[0] == "/":
        tokens.popleft()
        child, deeper = _one(tokens, text)
        below = {child: deeper}
    elif tokens and tokens[0] == "(":
        tokens.popleft()
        below = _many(tokens, text)
        if not tokens or tokens.popleft() != ")":
            raise ValueError(f"Invalid field selection {text}")
    return name, below
