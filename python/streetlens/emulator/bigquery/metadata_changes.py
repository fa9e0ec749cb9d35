"""What a request or a statement may set about data sets and tables, apart from their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streetlens.emulator.bigquery.catalog import Dataset, Table
from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.http import whole

# What a table keeps as it was sent, because it changes nothing about its rows here.
_KEPT = (
    "friendlyName",
    "labels",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
    "requirePartitionFilter",
)
_DATASET_KEPT = {"description": "description", "friendlyName": "friendly_name"}


def set_dataset(dataset: Dataset, body: Mapping[str, Any], now: float) -> None:
    """Set what a Dataset resource says about a data set; null removes it."""
    for key, attribute in _DATASET_KEPT.items():
        if key in body:
            setattr(dataset, attribute, body[key])
    if "labels" in body:
        dataset.labels = _labels(dataset.labels, body["labels"])
    if "defaultTableExpirationMs" in body:
        lifetime = whole(body["defaultTableExpirationMs"], "defaultTableExpirationMs")
        dataset.table_lifetime = lifetime / 1000 if lifetime else None
    dataset.modified = now


def set_table(table: Table, body: Mapping[str, Any], now: float) -> None:
    """Set what a Table resource says about a table apart from its schema; null removes it."""
    if "description" in body:
        table.description = body["description"]
    if "expirationTime" in body:
        expires = whole(body["expirationTime"], "expirationTime")
        table.expires = expires / 1000 if expires else None
    for key in _KEPT:
        if key in body:
            value = _labels(table.properties.get(key), body[key]) if key == "labels" else body[key]
            table.properties = {name: kept for name, kept in table.properties.items() if name != key}
            table.properties |= {key: value} if value else {}
    table.modified = now


def set_schema(table: Table, fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the schema a request wants for an existing table; raises invalid when a column would be lost."""
    offered = {str(item["name"]).lower() for item in fields}
    for item in table.fields:
        if str(item["name"]).lower() not in offered:
            message = f"Provided Schema does not match Table {table.name}."
            raise invalid(f"{message} Field {item['name']} is missing in new schema")
    return fields


def _labels(old: Mapping[str, str] | None, new: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return labels after a patch: those sent as null are removed."""
    if new is None:
        return {}
    return {key: value for key, value in {**(old or {}), **new}.items() if value is not None}
