"""INFORMATION_SCHEMA: tables, columns, options, storage and data sets, by data set or region; `__TABLES__`."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from streetlens.emulator.bigquery.catalog import Catalog, Dataset
from streetlens.emulator.bigquery.errors import invalid_query, unsupported
from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.sql.scope import TableSource
from streetlens.emulator.bigquery.types import (
    BOOL,
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
_OPTIONS = (
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("option_name", STRING),
    ("option_type", STRING), ("option_value", STRING),
)  # fmt: skip
_STORAGE = (
    ("project_id", STRING), ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING),
    ("creation_time", TIMESTAMP), ("total_rows", INT64), ("total_logical_bytes", INT64),
    ("active_logical_bytes", INT64), ("long_term_logical_bytes", INT64), ("storage_last_modified_time", TIMESTAMP),
    ("deleted", BOOL), ("table_type", STRING),
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
    if view == "SCHEMATA":
        region = _region(qualifier[-1]) if qualifier else None
        owner = qualifier[0] if qualifier and (region is None or len(qualifier) > 1) else project
        return _source(_SCHEMATA, _schemata(catalog, owner, region))
    if view not in _VIEWS:
        raise unsupported(f"INFORMATION_SCHEMA.{view}")
    columns, rows_of = _VIEWS[view]
    datasets = _datasets(catalog, view, qualifier, project, default)
    return _source(columns, (row for dataset in datasets for row in rows_of(catalog, dataset)))


def _datasets(
    catalog: Catalog, view: str, qualifier: Sequence[str], project: str, default: tuple[str, str] | None
) -> list[Dataset]:
    """Return the data sets a qualifier means: one, or all of a region."""
    region = _region(qualifier[-1]) if qualifier else None
    owner = qualifier[0] if len(qualifier) > 1 else project
    if region is not None:
        return [found for found in catalog.datasets(owner) if found.location.lower() == region]
    if view in _REGIONAL:
        raise invalid_query(f"INFORMATION_SCHEMA.{view} must be qualified with a region, e.g. `region-us`")
    if qualifier:
        return [catalog.dataset(owner, qualifier[-1])]
    if default is None:
        raise unsupported(f"INFORMATION_SCHEMA.{view} without a data set")
    return [catalog.dataset(*default)]


def _region(name: str) -> str | None:
    return name.lower().removeprefix("region-") if name.lower().startswith("region-") else None


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


def _options(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        labels = ", ".join(
            f"STRUCT({json.dumps(key)}, {json.dumps(value)})"
            for key, value in table.properties.get("labels", {}).items()
        )
        expires = datetime.fromtimestamp(table.expires or 0, timezone.utc)
        moment = f"{expires.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
        friendly = table.properties.get("friendlyName")
        for option, kind, value in (
            ("description", "STRING", json.dumps(table.description) if table.description else None),
            ("expiration_timestamp", "TIMESTAMP", f'TIMESTAMP "{moment}"' if table.expires else None),
            ("friendly_name", "STRING", json.dumps(friendly) if friendly else None),
            ("labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{labels}]" if labels else None),
        ):
            if value is not None:
                yield dataset.project, dataset.dataset_id, name, option, kind, value


def _storage(catalog: Catalog, dataset: Dataset) -> Rows:
    """Yield what the tables of a data set of one's own take; those of a linked one are stored by its publisher."""
    for name, table in sorted(catalog.tables(dataset).items()) if dataset.source is None else ():
        if table.kind == "TABLE":
            yield (
                dataset.project, dataset.project, dataset.dataset_id, name, table.created, table.rows, table.bytes,
                table.bytes, 0, table.modified, False, "BASE TABLE",
            )  # fmt: skip


def _schemata(catalog: Catalog, project: str, region: str | None) -> Rows:
    for dataset in catalog.datasets(project):
        if region is None or dataset.location.lower() == region:
            yield project, dataset.dataset_id, dataset.created, dataset.modified, dataset.location


def _meta(catalog: Catalog, dataset: Dataset) -> Rows:
    for name, table in sorted(catalog.tables(dataset).items()):
        created, modified = int(table.created * 1000), int(table.modified * 1000)
        kind = 1 if table.kind == "TABLE" else 2
        yield dataset.project, dataset.dataset_id, name, created, modified, table.rows, table.bytes, kind


_VIEWS: dict[str, tuple[Sequence[tuple[str, Type]], Callable[[Catalog, Dataset], Rows]]] = {
    "TABLES": (_TABLES, _tables),
    "COLUMNS": (_COLUMNS, _columns),
    "COLUMN_FIELD_PATHS": (_PATHS, _paths),
    "TABLE_OPTIONS": (_OPTIONS, _options),
    "TABLE_STORAGE": (_STORAGE, _storage),
}
_REGIONAL = ("TABLE_STORAGE",)
