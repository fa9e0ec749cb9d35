"""The engine: one in-memory DuckDB database with BigQuery's data sets, loads, and compiled statements on it."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from streetlens.emulator.bigquery import loading, runtime
from streetlens.emulator.bigquery.catalog import Catalog, Dataset, Table
from streetlens.emulator.bigquery.encode import FormatOptions, row_json
from streetlens.emulator.bigquery.errors import BigQueryError, duplicate, from_duckdb, invalid, not_found
from streetlens.emulator.bigquery.types import Type, duckdb_type, quoted

# BigQuery ends a page of rows once it has this many bytes, however many rows were asked for.
PAGE_BYTES = 10 * 1024 * 1024


@dataclass
class Page:
    """Rows of a table as JSON texts, and the index of the row after the last one."""

    rows: list[str]
    next_index: int


class Engine:
    """BigQuery's storage and SQL on DuckDB; safe to use from several threads."""

    def __init__(
        self,
        project: str,
        location: str = "US",
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.project = project
        self.location = location
        self.clock = clock
        self.wall_clock = wall_clock
        self.catalog = Catalog(project, location, wall_clock)
        self._connection = duckdb.connect(":memory:")
        # An engine that nobody closed is closed at exit, or DuckDB complains about leaked objects on stderr.
        weakref.finalize(self, self._connection.close)
        # A query that needs more ends with an error instead of filling the memory or the working directory.
        self._connection.execute("SET GLOBAL memory_limit = '2GB'")
        self._connection.execute("SET GLOBAL temp_directory = ''")
        # One thread per statement keeps the order of rows without ORDER BY, and of ARRAY_AGG, the same on every run.
        self._connection.execute("SET GLOBAL threads = 1")
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET GLOBAL ieee_floating_point_ops = false")
        runtime.install(self._connection)
        self._names = itertools.count(1)
        self.writing = threading.RLock()
        self._closing: list[Callable[[], None]] = []

    def at_close(self, action: Callable[[], None]) -> None:
        """Call `action` when the engine closes."""
        self._closing.append(action)

    def close(self) -> None:
        """Stop what uses the database and release it."""
        for action in self._closing:
            action()
        self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for one thread."""
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute("SET ieee_floating_point_ops = false")
        return cursor

    def create_dataset(
        self,
        dataset_id: str,
        *,
        location: str | None = None,
        linked_source: str | None = None,
        if_exists: Literal["error", "keep"] = "error",
        project: str | None = None,
    ) -> Dataset:
        """Create a data set; `linked_source` is `project.dataset` or a data set id; raises duplicate when it exists."""
        project = project or self.project
        existing = self.catalog.find(project, dataset_id)
        if existing is not None and if_exists == "keep":
            return existing
        source = self._source(linked_source) if linked_source is not None else None
        where = location or self.location
        if source is not None:
            published = self.catalog.find(*source)
            assert published is not None
            where = location or published.location
        return self.catalog.add(Dataset(project, dataset_id, where, source))

    def alias_dataset(
        self, source_dataset: str, linked_dataset: str, *, project: str | None = None
    ) -> Dataset:
        """Create `linked_dataset` as a read-only view on `source_dataset` (`project.dataset` or an id)."""
        return self.create_dataset(linked_dataset, linked_source=source_dataset, project=project)

    def delete_dataset(self, dataset_id: str, *, project: str | None = None) -> None:
        """Delete a data set with its tables; raises notFound."""
        dataset = self.catalog.find(project or self.project, dataset_id)
        if dataset is None:
            raise not_found(f"Dataset {project or self.project}:{dataset_id}")
        for table in list(dataset.tables.values()):
            self.drop_table(table)
        self.catalog.remove(dataset)

    def load_table(
        self,
        dataset_id: str,
        table_id: str,
        schema: list[dict[str, Any]],
        rows: Iterable[Mapping[str, Any]],
        *,
        project: str | None = None,
    ) -> Table:
        """Create a table from REST schema fields and Python rows; raises notFound, duplicate or invalid."""
        dataset = self.catalog.dataset(project or self.project, dataset_id)
        table = self.create_table(dataset, table_id, schema)
        self.insert_rows(table, rows)
        return table

    def create_table(
        self,
        dataset: Dataset,
        table_id: str,
        fields: Sequence[Mapping[str, Any]],
        *,
        query_sql: str | None = None,
        replace: bool = False,
        cursor: duckdb.DuckDBPyConnection | None = None,
    ) -> Table:
        """Create a table, empty or with the rows of DuckDB SQL, in the place of an old one if that may be replaced.

        Raises duplicate when it exists and invalid for a schema with equal names; then the old one is as it was.
        """
        with self.writing:
            old = dataset.tables.get(table_id)
            if old is not None and not replace:
                raise duplicate(f"Table {dataset.name}.{table_id}")
            names = [str(item["name"]).lower() for item in fields]
            if len(set(names)) != len(names):
                raise invalid(f"Duplicate field names in the schema of {dataset.name}.{table_id}")
            self._forget_expired()
            normal = [loading.normalized_field(item) for item in fields]
            table = Table(dataset.project, dataset.dataset_id, table_id, normal, self.fresh_name())
            required = {str(item["name"]) for item in normal if item["mode"] == "REQUIRED"}
            columns = ", ".join(
                f"{quoted(name)} {duckdb_type(type_)}{' NOT NULL' if name in required else ''}"
                for name, type_ in table.columns
            )
            cursor = cursor or self.cursor()
            self.run(cursor, f"CREATE TABLE {table.physical} ({columns})")
            if query_sql is not None:
                try:
                    self.run(cursor, f"INSERT INTO {table.physical} {query_sql}")
                except BigQueryError:
                    self.run(cursor, f"DROP TABLE {table.physical}")
                    raise
                self.measure(table, cursor)
            if old is not None:
                self.drop_table(old)
            table.created = table.modified = self.wall_clock()
            if dataset.table_lifetime is not None:
                table.expires = table.created + dataset.table_lifetime
            dataset.tables[table_id] = table
            return table

    def _forget_expired(self) -> None:
        while self.catalog.expired:
            table = self.catalog.expired.pop()
            if table.kind == "TABLE":
                self.run(self.cursor(), f"DROP TABLE IF EXISTS {table.physical}")

    def fresh_name(self) -> str:
        """Return a physical table name that is not in use."""
        return f"table_{next(self._names)}"

    def insert_rows(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append Python rows to a table; raises invalid for a value that does not fit its column."""
        cursor = self.cursor()
        try:
            loading.insert(cursor, table, rows)
        except duckdb.Error as error:
            raise from_duckdb(error) from error
        self.measure(table, cursor)

    def measure(self, table: Table, cursor: duckdb.DuckDBPyConnection | None = None) -> None:
        """Count the rows and bytes of a table again, after it changed."""
        found = self.run(
            cursor or self.cursor(), loading.measure_sql(table.physical, table.columns)
        ).fetchone()
        assert found is not None
        table.version += 1
        table.rows = int(found[0])
        table.column_bytes = {
            name: int(size or 0) for (name, _), size in zip(table.columns, found[1:], strict=True)
        }
        table.modified = self.wall_clock()

    def drop_table(self, table: Table) -> None:
        """Drop a table or view."""
        table.exists = False
        dataset = self.catalog.find(table.project, table.dataset_id)
        if dataset is not None:
            dataset.tables.pop(table.table_id, None)
        if table.kind == "TABLE":
            self.run(self.cursor(), f"DROP TABLE IF EXISTS {table.physical}")

    def read_rows(
        self,
        physical: str,
        columns: Sequence[tuple[str, Type]],
        options: FormatOptions,
        start: int,
        limit: int | None,
    ) -> Page:
        """Return encoded rows from `start`, at most `limit` and at most PAGE_BYTES of text (at least one row)."""
        cells = [(quoted(name), type_) for name, type_ in columns]
        return self.read_expressions(physical, cells, options, start, limit)

    def read_expressions(
        self,
        physical: str,
        cells: Sequence[tuple[str, Type]],
        options: FormatOptions,
        start: int,
        limit: int | None,
    ) -> Page:
        """Return rows as `read_rows` does, from DuckDB expressions instead of whole columns."""
        sql = f"SELECT {row_json(cells, options)} FROM {physical}"
        if limit is not None:
            sql += f" LIMIT {limit}"
        if start:
            sql += f" OFFSET {start}"
        result = self.run(self.cursor(), sql)
        rows: list[str] = []
        size = 0
        while batch := result.fetchmany(1000):
            for (text,) in batch:
                if rows and size + len(text) > PAGE_BYTES:
                    return Page(rows, start + len(rows))
                rows.append(text)
                size += len(text)
        return Page(rows, start + len(rows))

    def run(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
        """Execute DuckDB SQL; raises DuckDB's error in BigQuery's words."""
        try:
            return cursor.execute(sql)
        except duckdb.Error as error:
            raise from_duckdb(error) from error

    def _source(self, name: str) -> tuple[str, str]:
        project, _, dataset_id = name.replace(":", ".").rpartition(".")
        source = (project or self.project, dataset_id)
        if self.catalog.find(*source) is None:
            raise not_found(f"Dataset {source[0]}:{source[1]}")
        return source
