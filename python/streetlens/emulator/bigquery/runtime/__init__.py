"""The functions that the compiled SQL calls: DuckDB macros and Python functions with BigQuery's semantics."""

from __future__ import annotations

import duckdb

from streetlens.emulator.bigquery.runtime import (
    bignumeric,
    formatting,
    geography,
    hashing,
    jsons,
    macros,
    numeric,
    texts,
    times,
)


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every runtime function in the database of `connection`."""
    for module in (numeric, bignumeric, texts, times, formatting, hashing, geography, jsons):
        for name, (function, parameters, result) in module.FUNCTIONS.items():
            connection.create_function(name, function, parameters, result)
    for statement in macros.statements():
        connection.execute(statement)
