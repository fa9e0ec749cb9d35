"""Reads stored rows as Arrow record batches and serializes them as BigQuery does."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import duckdb
import pyarrow as pa

from streetlens.emulator.bigquery.arrow import ArrowOptions
from streetlens.emulator.bigquery.arrow_types import arrow_schema, converted
from streetlens.emulator.bigquery.engine import PAGE_BYTES, Engine
from streetlens.emulator.bigquery.errors import FAILURE_MARKER, BigQueryError, from_duckdb
from streetlens.emulator.bigquery.types import Type, field_keys, literal, quoted

Cells = Sequence[tuple[str, Type]]

# DuckDB hands out whole vectors of 2048 rows. A message is what several of them make, near this many bytes.
_ROWS_AT_ONCE = 2048
_MESSAGE_BYTES = 1 << 20
# Arrow counts the time part of an interval in 64-bit nanoseconds.
_MOST_MICROSECONDS = (2**63 - 1) // 1000
INTERNAL = (
    "An internal error occurred while the job was running and the job could not be completed."
    " Retrying the job with exponential back-off may solve the problem."
)


class ArrowRows:
    """Rows of a stored table as record batches, from DuckDB expressions named by BigQuery's columns."""

    def __init__(self, engine: Engine, physical: str, names: Sequence[str], cells: Cells) -> None:
        self._engine = engine
        self._physical = physical
        self._cells = cells
        self.schema: Any = arrow_schema(
            [(name, type_) for name, (_, type_) in zip(names, cells, strict=True)]
        )

    @classmethod
    def of_result(cls, engine: Engine, physical: str, columns: Sequence[tuple[str, Type]]) -> ArrowRows:
        """Return the rows of a query's result; raises `jobInternalError` for a STRUCT with an unnamed field."""
        if any(_has_unnamed(type_) for _, type_ in columns):
            raise BigQueryError(400, "jobInternalError", INTERNAL)
        names = [name for name, _ in columns]
        return cls(engine, physical, names, [(quoted(name), type_) for name, type_ in columns])

    def batches(self, start: int, limit: int | None) -> Iterator[Any]:
        """Yield record batches of about one megabyte; raises `invalidQuery` for a value Arrow cannot hold."""
        chosen = ", ".join(_normal(sql, type_, 0) for sql, type_ in self._cells)
        sql = f"SELECT {chosen} FROM {self._physical}"
        if limit is not None:
            sql += f" LIMIT {limit}"
        if start:
            sql += f" OFFSET {start}"
        types = [type_ for _, type_ in self._cells]
        try:
            with closing(self._engine.cursor()) as cursor:
                reader = cursor.sql(sql).to_arrow_reader(_ROWS_AT_ONCE)
                yield from _gathered(self._converted(batch, types) for batch in reader)
        except (duckdb.Error, pa.ArrowException) as error:
            raise from_duckdb(duckdb.Error(str(error))) from error

    def page(self, start: int, limit: int | None) -> Any:
        """Return one record batch from `start`: at most `limit` rows and about PAGE_BYTES (at least one row)."""
        pieces: list[Any] = []
        size = 0
        for batch in self.batches(start, limit):
            fitting = _fitting(batch, PAGE_BYTES - size)
            if fitting or not pieces:
                pieces.append(batch.slice(0, max(fitting, 1)))
            size += batch.nbytes
            if size >= PAGE_BYTES:
                break
        return pa.concat_batches(pieces) if pieces else None

    def _converted(self, batch: Any, types: Sequence[Type]) -> Any:
        arrays = [converted(array, type_) for array, type_ in zip(batch.columns, types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def serialized_schema(schema: Any) -> bytes:
    """Return the schema as one encapsulated IPC message."""
    return bytes(schema.serialize())


def serialized_batch(batch: Any, options: ArrowOptions) -> bytes:
    """Return a record batch as encapsulated IPC messages without the schema."""
    sink = pa.BufferOutputStream()
    writer = pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=options.codec))
    writer.write_batch(batch)
    return bytes(memoryview(sink.getvalue())[batch.schema.serialize().size :])


def _gathered(batches: Iterable[Any]) -> Iterator[Any]:
    """Join small batches and divide large ones, so that each is about _MESSAGE_BYTES."""
    held: list[Any] = []
    size = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        rows = max(1, batch.num_rows * _MESSAGE_BYTES // max(batch.nbytes, 1))
        for first in range(0, batch.num_rows, rows):
            piece = batch.slice(first, rows)
            held.append(piece)
            size += piece.nbytes
            if size >= _MESSAGE_BYTES:
                yield pa.concat_batches(held)
                held, size = [], 0
    if held:
        yield pa.concat_batches(held)


def _fitting(batch: Any, room: int) -> int:
    """Count the leading rows of a batch that fit into `room` bytes, were all rows of one size."""
    if batch.nbytes <= room:
        return int(batch.num_rows)
    return max(0, int(batch.num_rows * room // batch.nbytes))


def _has_unnamed(type_: Type) -> bool:
    if type_.element is not None:
        return _has_unnamed(type_.element)
    return any(field.name is None or _has_unnamed(field.type) for field in type_.fields)


def _normal(sql: str, type_: Type, depth: int) -> str:
    """Return DuckDB SQL whose value Arrow can hold: a NULL array is an empty one, an interval is in range."""
    if not _needs_care(type_):
        return sql
    if type_.kind == "ARRAY":
        name = f"a{depth}"
        items = (
            f"list_transform({sql}, lambda {name}: {_normal(name, type_.item, depth + 1)})"
            if _needs_care(type_.item)
            else sql
        )
        return f"coalesce({items}, [])"
    if type_.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(key)}: {_normal(f'({sql}).{quoted(key)}', field.type, depth)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{parts}}} END"
    message = literal(f"{FAILURE_MARKER}Out of range conversion for microseconds value{FAILURE_MARKER}")
    test = f"abs(bq_interval_micros({sql})) > {_MOST_MICROSECONDS}"
    return f"CASE WHEN {test} THEN CAST({message} AS INTERVAL) ELSE {sql} END"


def _needs_care(type_: Type) -> bool:
    if type_.kind in ("ARRAY", "INTERVAL"):
        return True
    return any(_needs_care(field.type) for field in type_.fields)
