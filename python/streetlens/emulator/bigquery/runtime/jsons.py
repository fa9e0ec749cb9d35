"""JSON values in BigQuery's normal form: no spaces, members sorted by name, the first of equal names kept."""

from __future__ import annotations

import json
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


def normal(text: str) -> str:
    """Return a JSON text in normal form; raises for text that is not JSON."""
    try:
        value = json.loads(text, object_pairs_hook=_first_kept, parse_constant=_no_constant)
    except ValueError as error:
        raise failure(f"Invalid input to PARSE_JSON: syntax error while parsing value - {error}") from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_json_normal": (normal, ["VARCHAR"], "VARCHAR")
}
