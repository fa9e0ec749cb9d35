"""Loads Python rows into DuckDB tables, and measures tables the way BigQuery counts bytes."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb

from streetlens.emulator.bigquery import transport
from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.types import (
    REST_NAMES,
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
    """Append rows: each becomes one JSON text, checked here, that DuckDB reads into the columns' types."""
    columns = table.columns
    required = {str(item["name"]) for item in table.fields if item.get("mode") == "REQUIRED"}
    shape = literal(json.dumps({name: transport.shape(type_) for name, type_ in columns}))
    values = ", ".join(transport.received(f"r.{quoted(name)}", type_, 0) for name, type_ in columns)
    rows_sql = f"SELECT from_json_strict(unnest($1), {shape}) AS r"
    sql = f"INSERT INTO {table.physical} SELECT {values} FROM ({rows_sql})"
    for batch in _batches(rows):
        texts = []
        for row in batch:
            unknown = set(row) - {name for name, _ in columns}
            missing = [name for name in required if row.get(name) is None]
            if unknown:
                raise invalid(f"no such field: {sorted(unknown)[0]}")
            if missing:
                raise invalid(f"Missing required field: {missing[0]}.")
            texts.append(json.dumps({name: transport.sent(row.get(name), type_) for name, type_ in columns}))
        cursor.execute(sql, [texts])


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch


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
