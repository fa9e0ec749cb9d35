"""JSON values in BigQuery's normal form: no spaces, members sorted by name, the first of equal names kept."""

from __future__ import annotations

import json
import math
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


def normal(text: str) -> str:
    """Return a JSON text in normal form; raises for text that is not JSON."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_first_kept,
            parse_constant=_no_constant,
            parse_int=_exact_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise failure(f"Invalid input to PARSE_JSON: syntax error while parsing value - {error}") from None
    except ValueError as error:
        raise failure(f"Invalid input to PARSE_JSON: {error}") from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_json_normal": (normal, ["VARCHAR"], "VARCHAR")
}
