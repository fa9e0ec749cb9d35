"""INFORMATION_SCHEMA: TABLES, COLUMNS, COLUMN_FIELD_PATHS and SCHEMATA, and `__TABLES__`."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from streetlens.emulator.bigquery.catalog import Catalog, Dataset
from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.sql.scope import TableSource
from streetlens.emulator.bigquery.types import (
    INT64,
    STRING,
    TIMESTAMP,
    Type,
    duckdb_type,
    from_rest_field,
    literal,
    quoted,
)

Rows = Iterator[tuple[Any, ...]]

_TABLES = (
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("table_type", STRING),
    ("is_insertable_into", STRING), ("is_typed", STRING), ("creation_time", TIMESTAMP), ("ddl", STRING),
)  # fmt: skip
_COLUMNS = (
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("column_name", STRING),
    ("ordinal_position", INT64), ("is_nullable", STRING), ("data_type", STRING), ("is_hidden", STRING),
    ("is_partitioning_column", STRING),
)  # fmt: skip
_PATHS = (
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("column_name", STRING),
    ("field_path", STRING), ("data_type", STRING), ("description", STRING),
)  # fmt: skip
_SCHEMATA = (
    ("catalog_name", STRING), ("schema_name", STRING), ("creation_time", TIMESTAMP), ("last_modified_time", TIMESTAMP),
    ("location", STRING),
)  # fmt: skip
_META = (
    ("project_id", STRING), ("dataset_id", STRING), ("table_id", STRING), ("creation_time", INT64),
    ("last_modified_time", INT64), ("row_count", INT64), ("size_bytes", INT64), ("type", INT64),
)  # fmt: skip


def information_schema(
    catalog: Catalog, path: Sequence[str], project: str, default: tuple[str, str] | None
) -> TableSource | None:
    """Return an INFORMATION_SCHEMA view or `__TABLES__` for a path, None for any other path."""
    parts = [piece for part in path for piece in part.split(".")]
    upper = [part.upper() for part in parts]
    if upper[-1] == "__TABLES__" and len(parts) > 1:
        dataset = catalog.dataset(parts[0] if len(parts) > 2 else project, parts[-2])
        return _source(_META, _meta(catalog, dataset))
    if "INFORMATION_SCHEMA" not in upper:
        return None
    at = upper.index("INFORMATION_SCHEMA")
    view, qualifier = ".".join(upper[at + 1 :]), parts[:at]
    if view in ("SCHEMATA", "SCHEMATA_OPTIONS"):
        if view == "SCHEMATA":
            return _source(_SCHEMATA, _schemata(catalog, qualifier[0] if qualifier else project))
        raise unsupported("INFORMATION_SCHEMA.SCHEMATA_OPTIONS")
    if not qualifier and default is None:
        raise unsupported(f"INFORMATION_SCHEMA.{view} without a data set")
    if qualifier:
        owner, dataset_id = (qualifier[0] if len(qualifier) > 1 else project), qualifier[-1]
    else:
        assert default is not None
        owner, dataset_id = default
    if dataset_id.lower().startswith("region-"):
        raise unsupported(f"INFORMATION_SCHEMA.{view} of a region")
    dataset = catalog.dataset(owner, dataset_id)
    if view == "TABLES":
        return _source(_TABLES, _tables(catalog, dataset))
    if view == "COLUMNS":
        return _source(_COLUMNS, _columns(catalog, dataset))
    if view == "COLUMN_FIELD_PATHS":
        return _source(_PATHS, _paths(catalog, dataset))
    raise unsupported(f"INFORMATION_SCHEMA.{view}")


def _source(columns: Sequence[tuple[str, Type]], rows: Rows) -> TableSource:
    lines = ", ".join(
        "(" + ", ".join(_value(value, type_) for value, (_, type_) in zip(row, columns, strict=True)) + ")"
        for row in rows
    )
    names = ", ".join(quoted(name) for name, _ in columns)
    if lines:
        return TableSource(f"(SELECT * FROM (VALUES {lines}) AS v({names}))", tuple(columns))
    empty = ", ".join(f"CAST(NULL AS {duckdb_type(type_)}) AS {quoted(name)}" for name, type_ in columns)
    return TableSource(f"(SELECT {empty} LIMIT 0)", tuple(columns))


def _value(value: Any, type_: Type) -> str:
    if value is None:
        return f"CAST(NULL AS {duckdb_type(type_)})"
    if type_ == TIMESTAMP:
        text = datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        return cast_sql(literal(text), STRING, TIMESTAMP)
    return cast_sql(literal(str(value)), STRING, type_)


def _tables(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        kind = "BASE TABLE" if table.kind == "TABLE" else table.kind
        insertable = "YES" if table.kind == "TABLE" and dataset.source is None else "NO"
        yield dataset.project, dataset.dataset_id, name, kind, insertable, "NO", table.created, None


def _columns(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        for place, field in enumerate(table.fields, 1):
            nullable = "NO" if field.get("mode") == "REQUIRED" else "YES"
            kind = str(from_rest_field(field))
            yield dataset.project, dataset.dataset_id, name, field["name"], place, nullable, kind, "NO", "NO"


def _paths(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        for field in table.fields:
            for path, sub in _walk(field, ""):
                kind = str(from_rest_field(sub))
                yield (
                    dataset.project,
                    dataset.dataset_id,
                    name,
                    field["name"],
                    path,
                    kind,
                    sub.get("description"),
                )


def _walk(field: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    path = f"{prefix}{field['name']}"
    yield path, field
    for sub in field.get("fields", ()):
        yield from _walk(sub, f"{path}.")


def _schemata(catalog: Catalog, project: str) -> Rows:
    for dataset in catalog.datasets(project):
        yield project, dataset.dataset_id, dataset.created, dataset.modified, dataset.location


def _meta(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        created, modified = int(table.created * 1000), int(table.modified * 1000)
        kind = 1 if table.kind == "TABLE" else 2
        yield dataset.project, dataset.dataset_id, name, created, modified, table.rows, table.bytes, kind
