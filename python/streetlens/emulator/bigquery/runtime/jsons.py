"""JSON values in BigQuery's normal form: no spaces, members sorted by name, the first of equal names kept."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from streetlens.emulator.bigquery.runtime.numeric import failure


def _first_kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        members.setdefault(name, value)
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _exact_integer(text: str) -> int | float:
    value = int(text)
    if -(2**63) <= value < 2**64:
        return value
    raise ValueError(f"Input number: {text} cannot round-trip through string representation")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"number overflow parsing '{text}'")
    return value


def _rounded_integer(text: str) -> int | float:
    value = int(text)
    return value if -(2**63) <= value < 2**64 else _finite(text)


def normal(text: str) -> str:
    """Return a JSON text in normal form; raises for text that is not JSON."""
    return _normal(text, _exact_integer)


def rounded(text: str) -> str:
    """Return a JSON text in normal form, whole numbers beyond 64 bits as the nearest FLOAT64."""
    return _normal(text, _rounded_integer)


def _normal(text: str, read_integer: Callable[[str], int | float]) -> str:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_first_kept,
            parse_constant=_no_constant,
            parse_int=read_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise failure(f"Invalid input to PARSE_JSON: syntax error while parsing value - {error}") from None
    except ValueError as error:
        raise failure(f"Invalid input to PARSE_JSON: {error}") from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


_STEP = re.compile(r'\.("(?:[^"\\]|\\.)*")|\[(\d+)\]')
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def found(text: str, path: str) -> str:
    """Return a document that holds only what `path` names in a malformed text, empty when it is not reached.

    BigQuery reads a text only as far as the path needs, so a value before the damage is still an answer.
    """
    steps = [json.loads(name) if name else int(index) for name, index in _STEP.findall(path)]
    try:
        at = 0
        for step in steps:
            at = _entered(text, at, step)
        value, _ = _DECODER.raw_decode(text, _skipped(text, at))
    except (ValueError, IndexError):
        return ""
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]
    return json.dumps(value, ensure_ascii=False)


def _skipped(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _entered(text: str, at: int, step: str | int) -> int:
    """Return where the member or element `step` of the value at `at` starts; raises ValueError when it has none."""
    at = _skipped(text, at)
    if text[at] != ("{" if isinstance(step, str) else "["):
        raise ValueError(text)
    position = 0
    while True:
        at = _skipped(text, at + 1)
        if isinstance(step, str):
            name, at = _DECODER.raw_decode(text, at)
            at = _skipped(text, at)
            if text[at] != ":":
                raise ValueError(text)
            if name == step:
                return at + 1
            at = _skipped(text, at + 1)
        elif position == step:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at, position = _skipped(text, at), position + 1
        if text[at] != ",":
            raise ValueError(text)


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_json_normal": (normal, ["VARCHAR"], "VARCHAR"),
    "bq_json_rounded": (rounded, ["VARCHAR"], "VARCHAR"),
    "bq_json_found": (found, ["VARCHAR", "VARCHAR"], "VARCHAR"),
}
