"""Loads Python rows into DuckDB tables, and measures tables the way BigQuery counts bytes."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import duckdb

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.types import (
    REST_NAMES,
    STRING,
    Type,
    field_keys,
    from_rest_field,
    literal,
    quoted,
)

_BATCH = 5000
# https://cloud.google.com/bigquery/pricing#data : bytes per value of each type.
_BYTES = {"INT64": 8, "FLOAT64": 8, "NUMERIC": 16, "BIGNUMERIC": 32, "BOOL": 1, "DATE": 8, "TIME": 8, "DATETIME": 8,
          "TIMESTAMP": 8, "INTERVAL": 16, "RANGE": 16}  # fmt: skip


def normalized_field(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a TableFieldSchema as responses show it: legacy type names and an explicit mode."""
    type_ = from_rest_field(item)
    inner = type_.item if type_.kind == "ARRAY" else type_
    field = dict(item)
    field["type"] = REST_NAMES.get(inner.kind, inner.kind)
    field["mode"] = str(item.get("mode") or "NULLABLE").upper()
    if inner.kind == "STRUCT":
        field["fields"] = [normalized_field(sub) for sub in item["fields"]]
    return field


def insert(cursor: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows: each becomes one JSON text of strings that DuckDB converts column by column."""
    columns = table.columns
    required = {str(item["name"]) for item in table.fields if item.get("mode") == "REQUIRED"}
    shape = json.dumps({name: _transport_shape(type_) for name, type_ in columns})
    values = ", ".join(_from_transport(f"r.{quoted(name)}", type_, 0) for name, type_ in columns)
    sql = f"INSERT INTO {table.physical} SELECT {values} FROM (SELECT from_json(unnest($1), {literal(shape)}) AS r)"
    for batch in _batches(rows):
        texts = []
        for row in batch:
            unknown = set(row) - {name for name, _ in columns}
            missing = [name for name in required if row.get(name) is None]
            if unknown:
                raise invalid(f"no such field: {sorted(unknown)[0]}")
            if missing:
                raise invalid(f"Missing required field: {missing[0]}.")
            texts.append(json.dumps({name: _transport(row.get(name), type_) for name, type_ in columns}))
        cursor.execute(sql, [texts])


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch


def _transport_shape(type_: Type) -> Any:
    if type_.kind == "ARRAY":
        return [_transport_shape(type_.item)]
    if type_.kind == "STRUCT":
        return {
            key: _transport_shape(field.type)
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        }
    if type_.kind == "RANGE":
        return {"start": "VARCHAR", "end": "VARCHAR"}
    return "VARCHAR"


def _transport(value: Any, type_: Type) -> Any:
    """Return a Python value as nested lists and dicts of texts."""
    if type_.kind == "ARRAY":
        return [_transport(item, type_.item) for item in value or ()]
    if value is None:
        return None
    if type_.kind == "STRUCT":
        fields = zip(field_keys(type_), type_.fields, strict=True)
        return {key: _transport(value.get(key), field.type) for key, field in fields}
    if type_.kind == "RANGE":
        start, end = (value["start"], value["end"]) if isinstance(value, Mapping) else value
        return {"start": _transport(start, type_.item), "end": _transport(end, type_.item)}
    if type_.kind == "TIMESTAMP":
        return _utc_text(value)
    if type_.kind == "JSON":
        return value if isinstance(value, str) else json.dumps(value)
    return _scalar(value)


def _utc_text(value: Any) -> str:
    """Return a TIMESTAMP as UTC text without a zone; texts may be ISO 8601 with Z, an offset or `UTC`."""
    moment = value
    if isinstance(value, str):
        plain = value.strip().removesuffix("UTC").rstrip()
        plain = f"{plain[:-1]}+00:00" if plain.endswith(("Z", "z")) else plain
        try:
            moment = datetime.fromisoformat(plain)
        except ValueError:
            raise invalid(f"Invalid timestamp: '{value}'") from None
    if not isinstance(moment, datetime):
        raise invalid(f"Invalid timestamp: {value!r}")
    return _scalar(moment)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        moment = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo is not None else value
        return moment.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _from_transport(sql: str, type_: Type, depth: int) -> str:
    if type_.kind == "ARRAY":
        name = f"e{depth}"
        return f"list_transform({sql}, lambda {name}: {_from_transport(name, type_.item, depth + 1)})"
    if type_.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(key)}: {_from_transport(f'({sql}).{quoted(key)}', field.type, depth)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{parts}}} END"
    if type_.kind == "RANGE":
        start, end = (_from_transport(f'({sql})."{side}"', type_.item, depth) for side in ("start", "end"))
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE bq_range({start}, {end}) END"
    if type_.kind == "TIMESTAMP":
        return f"(CAST({sql} AS TIMESTAMP) AT TIME ZONE 'UTC')"
    if type_.kind == "BYTES":
        return f"from_base64({sql})"
    if type_.kind == "JSON":
        return f"bq_parse_json({sql})"
    if type_.kind == "GEOGRAPHY":
        return f"bq_st_geogfromtext({sql})"
    return cast_sql(sql, STRING, type_)


def measure_sql(physical: str, columns: Sequence[tuple[str, Type]]) -> str:
    """Return SQL for the row count and the bytes of each column."""
    sizes = "".join(f", sum({_size(quoted(name), type_, 0)})" for name, type_ in columns)
    return f"SELECT count(*){sizes} FROM {physical}"


def _size(sql: str, type_: Type, depth: int) -> str:
    if type_.kind == "ARRAY":
        name = f"e{depth}"
        return f"coalesce(list_sum(list_transform({sql}, lambda {name}: {_size(name, type_.item, depth + 1)})), 0)"
    if type_.kind == "STRUCT":
        parts = [
            _size(f"({sql}).{quoted(key)}", field.type, depth)
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        ]
        return "(" + " + ".join(parts) + ")" if parts else "0"
    if type_.kind in _BYTES:
        return f"CASE WHEN {sql} IS NULL THEN 0 ELSE {_BYTES[type_.kind]} END"
    length = f"octet_length({sql})" if type_.kind == "BYTES" else f"strlen(CAST({sql} AS VARCHAR))"
    return f"coalesce(2 + {length}, 0)"
