"""Load jobs: a file becomes rows of a table, all of them or none."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from streetlens.emulator.bigquery import loading
from streetlens.emulator.bigquery.catalog import Dataset, Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, duplicate, invalid, not_found
from streetlens.emulator.bigquery.loads.autodetect import detected_csv, detected_json
from streetlens.emulator.bigquery.loads.parquet import column_expressions, found_schema, read_nodes
from streetlens.emulator.bigquery.loads.request import LoadRequest, read_load
from streetlens.emulator.bigquery.loads.rows import fitting
from streetlens.emulator.bigquery.loads.schema import merged
from streetlens.emulator.bigquery.loads.texts import csv_rows, json_rows
from streetlens.emulator.bigquery.outcomes import Loaded, Outcome
from streetlens.emulator.bigquery.reshaping import create_physical, replace_physical, reshaped
from streetlens.emulator.bigquery.types import quoted

Fields = list[dict[str, Any]]


@dataclass
class _File:
    """A file that is to be loaded: the schema found in it, and what writes its rows to a physical table."""

    fields: Fields | None
    write: Callable[[str, Fields], list[BigQueryError]]


def load(engine: Engine, request: LoadRequest, data: bytes, cursor: duckdb.DuckDBPyConnection) -> Outcome:
    """Run a load job; raises its error, and then the table is as it was."""
    with tempfile.TemporaryDirectory(prefix="streetlens-load-") as folder:
        file = _open(engine, request, data, cursor, Path(folder) / "upload")
        with engine.writing:
            return _load(engine, request, file, data, cursor)


def _load(
    engine: Engine, request: LoadRequest, file: _File, data: bytes, cursor: duckdb.DuckDBPyConnection
) -> Outcome:
    destination = request.destination
    dataset = engine.catalog.writable(destination.project, destination.dataset_id)
    existing = dataset.tables.get(destination.table_id)
    _check_dispositions(dataset, existing, request)
    appends = existing is not None and destination.write != "WRITE_TRUNCATE"
    fields = _final_fields(
        existing if appends else None, file, request, f"{dataset.name}.{destination.table_id}"
    )
    staging = create_physical(engine, cursor, fields)
    try:
        problems = file.write(staging, fields)
        columns = Table("", "", "", fields, staging).columns
        measured = engine.run(cursor, loading.measure_sql(staging, columns)).fetchone()
        assert measured is not None
        if appends:
            assert existing is not None
            _append(engine, cursor, existing, fields, staging)
            table = existing
        else:
            table = _replace(engine, dataset, request, fields, staging)
    except BaseException:
        engine.run(engine.cursor(), f"DROP TABLE IF EXISTS {staging}")
        raise
    engine.measure(table)
    counts = Loaded(int(measured[0]), len(data), sum(int(size or 0) for size in measured[1:]), problems)
    return Outcome("LOAD", dataset.location, loaded=counts)


def _check_dispositions(dataset: Dataset, existing: Table | None, request: LoadRequest) -> None:
    destination = request.destination
    name = f"{dataset.name}.{destination.table_id}"
    if existing is None and destination.create == "CREATE_NEVER":
        raise not_found(f"Table {name}")
    if existing is not None and existing.kind != "TABLE":
        raise invalid(f"{name} is not allowed for this operation because it is currently a {existing.kind}.")
    if existing is not None and destination.write == "WRITE_EMPTY" and existing.rows:
        raise duplicate(f"Table {name}")


def _final_fields(existing: Table | None, file: _File, request: LoadRequest, name: str) -> Fields:
    """Return the table's schema after the load; raises invalid where it may not become that."""
    arriving = request.fields or file.fields
    if existing is None or not existing.fields:
        if arriving is None:
            raise invalid("No schema specified on job or table.")
        return arriving
    if arriving is None:
        return existing.fields
    return merged(existing.fields, arriving, request.schema_updates, name)


def _append(
    engine: Engine, cursor: duckdb.DuckDBPyConnection, table: Table, fields: Fields, staging: str
) -> None:
    names = ", ".join(quoted(str(item["name"])) for item in fields)
    if fields == table.fields:
        engine.run(cursor, f"INSERT INTO {table.physical} ({names}) SELECT {names} FROM {staging}")
    else:
        physical = reshaped(engine, cursor, table, fields)
        engine.run(cursor, f"INSERT INTO {physical} ({names}) SELECT {names} FROM {staging}")
        replace_physical(engine, table, fields, physical)
    engine.run(cursor, f"DROP TABLE {staging}")


def _replace(engine: Engine, dataset: Dataset, request: LoadRequest, fields: Fields, staging: str) -> Table:
    table = dataset.tables.get(request.destination.table_id)
    if table is not None:
        replace_physical(engine, table, fields, staging)
        return table
    table = Table(dataset.project, dataset.dataset_id, request.destination.table_id, fields, staging)
    table.created = engine.wall_clock()
    table.description = request.properties.get("description")
    dataset.tables[table.table_id] = table
    return table


def _open(
    engine: Engine, request: LoadRequest, data: bytes, cursor: duckdb.DuckDBPyConnection, path: Path
) -> _File:
    if request.source_format == "PARQUET":
        return _open_parquet(engine, request, data, cursor, path)
    detects = request.autodetect and request.fields is None
    if request.source_format == "CSV":
        detected, header = detected_csv(data, request) if detects else (None, request.csv.skipped_rows)
        options = replace(request, csv=replace(request.csv, skipped_rows=header))
    else:
        detected, options = detected_json(data, request) if detects else None, request

    def write(physical: str, fields: Fields) -> list[BigQueryError]:
        # The columns of a CSV file are those of the schema of the job, or else of the table, in its order.
        names = [str(item["name"]) for item in request.fields or detected or fields]
        rows = csv_rows(data, names, options) if request.source_format == "CSV" else json_rows(data, options)
        found = fitting(rows, fields, options)
        loading.insert(cursor, Table("", "", "", fields, physical), found.good)
        return found.problems

    return _File(detected, write)


def _open_parquet(
    engine: Engine, request: LoadRequest, data: bytes, cursor: duckdb.DuckDBPyConnection, path: Path
) -> _File:
    path.write_bytes(data)
    source = str(path)
    nodes = read_nodes(cursor, source)

    def write(physical: str, fields: Fields) -> list[BigQueryError]:
        values = ", ".join(column_expressions(nodes, fields, request))
        quoted_source = source.replace("'", "''")
        try:
            engine.run(cursor, f"INSERT INTO {physical} SELECT {values} FROM read_parquet('{quoted_source}')")
        except BigQueryError as error:
            if error.reason == "stopped":
                raise
            raise invalid(f"Error while reading data, error message: {error.message}") from error
        return []

    return _File(found_schema(nodes, request) if request.fields is None else None, write)


__all__ = ["LoadRequest", "load", "read_load"]
