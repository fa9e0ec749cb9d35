"""What becomes of a table's schema when rows of another schema arrive, and BigQuery's refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streetlens.emulator.bigquery.errors import BigQueryError, invalid

Fields = list[dict[str, Any]]


def merged(
    existing: Sequence[Mapping[str, Any]],
    arriving: Sequence[Mapping[str, Any]],
    updates: frozenset[str],
    name: str,
) -> Fields:
    """Return the schema of the table `name` after `arriving` was appended; raises invalid where it may not change."""
    return _merged(existing, arriving, updates, name, "")


def _merged(
    existing: Sequence[Mapping[str, Any]],
    arriving: Sequence[Mapping[str, Any]],
    updates: frozenset[str],
    name: str,
    prefix: str,
) -> Fields:
    offered = {str(item["name"]).lower(): item for item in arriving}
    result: Fields = []
    for old in existing:
        new = offered.pop(str(old["name"]).lower(), None)
        path = f"{prefix}{old['name']}"
        if new is not None:
            result.append(_merged_field(old, new, updates, name, path))
        elif _mode(old) != "REQUIRED":
            result.append(dict(old))
        elif "ALLOW_FIELD_RELAXATION" in updates:
            result.append({**old, "mode": "NULLABLE"})
        else:
            raise _mismatch(name, f"Field {path} is missing in new schema")
    for new in offered.values():
        path = f"{prefix}{new['name']}"
        if "ALLOW_FIELD_ADDITION" not in updates:
            raise _mismatch(name, f"Cannot add fields (field: {path})")
        if _mode(new) == "REQUIRED":
            raise _mismatch(name, f"Cannot add required fields to an existing schema. (field: {path})")
        result.append(dict(new))
    return result


def _merged_field(
    old: Mapping[str, Any], new: Mapping[str, Any], updates: frozenset[str], name: str, path: str
) -> dict[str, Any]:
    if old["type"] != new["type"] or old.get("rangeElementType") != new.get("rangeElementType"):
        raise _mismatch(name, f"Field {path} has changed type from {old['type']} to {new['type']}")
    result = {**old, **new}
    if _mode(old) != _mode(new):
        relaxes = (_mode(old), _mode(new)) == ("REQUIRED", "NULLABLE")
        if not relaxes or "ALLOW_FIELD_RELAXATION" not in updates:
            raise _mismatch(name, f"Field {path} has changed mode from {_mode(old)} to {_mode(new)}")
        result["mode"] = "NULLABLE"
    result["name"] = old["name"]
    if old.get("fields"):
        result["fields"] = _merged(old["fields"], new.get("fields") or (), updates, name, f"{path}.")
    return result


def _mode(item: Mapping[str, Any]) -> str:
    return str(item.get("mode") or "NULLABLE").upper()


def _mismatch(name: str, detail: str) -> BigQueryError:
    return invalid(f"Provided Schema does not match Table {name}. {detail}")
