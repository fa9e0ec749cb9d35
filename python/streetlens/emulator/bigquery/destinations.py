"""Writes a query's result to the destination table its job names."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from dataclasses import dataclass

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import duplicate, invalid, not_found
from streetlens.emulator.bigquery.outcomes import Outcome
from streetlens.emulator.bigquery.types import to_rest_schema


@dataclass(frozen=True)
class Destination:
    """A destination table with its dispositions."""

    project: str
    dataset_id: str
    table_id: str
    write: str = "WRITE_EMPTY"
    create: str = "CREATE_IF_NEEDED"


def write_result(engine: Engine, destination: Destination, outcome: Outcome) -> Table:
    """Put the result table where the job wants it; raises notFound, duplicate, invalid or accessDenied."""
    assert outcome.physical is not None
    assert outcome.columns is not None
    dataset = engine.catalog.writable(destination.project, destination.dataset_id)
    existing = dataset.tables.get(destination.table_id)
    name = f"{dataset.name}.{destination.table_id}"
    if existing is None:
        if destination.create == "CREATE_NEVER":
            raise not_found(f"Table {name}")
        table = engine.create_table(dataset, destination.table_id, to_rest_schema(outcome.columns)["fields"])
    elif destination.write == "WRITE_TRUNCATE":
        engine.drop_table(existing)
        table = engine.create_table(dataset, destination.table_id, to_rest_schema(outcome.columns)["fields"])
    elif destination.write == "WRITE_EMPTY" and existing.rows:
        raise duplicate(f"Table {name}")
    else:
        if [(column.lower(), type_) for column, type_ in existing.columns] != [
            (column.lower(), type_) for column, type_ in outcome.columns
        ]:
            raise invalid(f"Provided Schema does not match Table {name}.")
        table = existing
    engine.run(engine.cursor(), f"INSERT INTO {table.physical} SELECT * FROM {outcome.physical}")
    engine.measure(table)
    return table
