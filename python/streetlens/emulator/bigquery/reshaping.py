"""Gives a table another schema: its rows move to a new physical table, with NULL in fields they do not have."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.types import Type, duckdb_type, field_keys, from_rest_field, literal, quoted


def create_physical(
    engine: Engine, cursor: duckdb.DuckDBPyConnection, fields: Sequence[Mapping[str, Any]]
) -> str:
    """Create an empty physical table with the columns of `fields` and return its name."""
    physical = engine.fresh_name()
    columns = ", ".join(
        f"{quoted(str(item['name']))} {duckdb_type(from_rest_field(item))}"
        f"{' NOT NULL' if str(item.get('mode')).upper() == 'REQUIRED' else ''}"
        for item in fields
    )
    engine.run(cursor, f"CREATE TABLE {physical} ({columns})")
    return physical


def reshaped(
    engine: Engine, cursor: duckdb.DuckDBPyConnection, table: Table, fields: Sequence[Mapping[str, Any]]
) -> str:
    """Return a new physical table with the rows of `table` under `fields`, which keep every column it has."""
    physical = create_physical(engine, cursor, fields)
    existing = {name.lower(): (name, type_) for name, type_ in table.columns}
    values = []
    for item in fields:
        wanted = from_rest_field(item)
        found = existing.get(str(item["name"]).lower())
        values.append(_value(quoted(found[0]), found[1], wanted, 0) if found else _absent(wanted))
    engine.run(cursor, f"INSERT INTO {physical} SELECT {', '.join(values)} FROM {table.physical}")
    return physical


def reshape(engine: Engine, table: Table, fields: list[dict[str, Any]]) -> None:
    """Give `table` the schema `fields`; nothing changes if that fails."""
    with engine.writing:
        if [from_rest_field(item) for item in fields] == [type_ for _, type_ in table.columns] and _modes(
            fields
        ) == _modes(table.fields):
            table.fields = fields
            return
        replace_physical(engine, table, fields, reshaped(engine, engine.cursor(), table, fields))
        engine.measure(table)


def _modes(fields: Sequence[Mapping[str, Any]]) -> list[object]:
    return [item.get("mode") for item in fields]


def replace_physical(engine: Engine, table: Table, fields: list[dict[str, Any]], physical: str) -> None:
    """Let `table` be the rows of `physical` from now on."""
    old, table.physical, table.fields = table.physical, physical, fields
    engine.run(engine.cursor(), f"DROP TABLE IF EXISTS {old}")


def _absent(type_: Type) -> str:
    return f"CAST({'[]' if type_.kind == 'ARRAY' else 'NULL'} AS {duckdb_type(type_)})"


def _value(sql: str, old: Type, new: Type, depth: int) -> str:
    if duckdb_type(old) == duckdb_type(new):
        return sql
    if old.kind == "ARRAY":
        name = f"e{depth}"
        return f"list_transform({sql}, lambda {name}: {_value(name, old.item, new.item, depth + 1)})"
    if old.kind != "STRUCT":
        return cast_sql(sql, old, new)
    existing = {key.lower(): (key, sub.type) for key, sub in zip(field_keys(old), old.fields, strict=True)}
    parts = []
    for key, sub in zip(field_keys(new), new.fields, strict=True):
        found = existing.get(key.lower())
        value = (
            _value(f"({sql}).{quoted(found[0])}", found[1], sub.type, depth) if found else _absent(sub.type)
        )
        parts.append(f"{literal(key)}: {value}")
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{', '.join(parts)}}} END"
