"""The data sets and tables of every project, and how a path in SQL finds one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streetlens.emulator.bigquery.errors import access_denied, duplicate, invalid, not_found
from streetlens.emulator.bigquery.types import Type, from_rest_field

# A data set whose id contains this word stands for one the caller may not read.
FORBIDDEN = "forbidden"


@dataclass
class Table:
    """A stored table or view; `physical` is its DuckDB name, `column_bytes` what a scan of each column costs.

    `expires` is in epoch seconds; `properties` are parts of its resource that mean nothing to the rows;
    `version` counts the changes of its rows.
    """

    project: str
    dataset_id: str
    table_id: str
    fields: list[dict[str, Any]]
    physical: str
    kind: str = "TABLE"
    view_query: str | None = None
    description: str | None = None
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    rows: int = 0
    column_bytes: dict[str, int] = field(default_factory=dict)
    expires: float | None = None
    exists: bool = True
    version: int = 0
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[tuple[str, Type], ...]:
        """The columns with their types."""
        return tuple((str(item["name"]), from_rest_field(item)) for item in self.fields)

    @property
    def bytes(self) -> int:
        """The logical size."""
        return sum(self.column_bytes.values())

    @property
    def name(self) -> str:
        """The name as error messages write it: `project:dataset.table`."""
        return f"{self.project}:{self.dataset_id}.{self.table_id}"


@dataclass
class Dataset:
    """A data set; `source` is the published (project, data set) a linked one reads from."""

    project: str
    dataset_id: str
    location: str
    source: tuple[str, str] | None = None
    description: str | None = None
    friendly_name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    hidden: bool = False
    table_lifetime: float | None = None
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name as error messages write it: `project:dataset`."""
        return f"{self.project}:{self.dataset_id}"


class Catalog:
    """All data sets, by project and id; ids are case-sensitive, as in BigQuery."""

    def __init__(self, project: str, location: str, wall_clock: Callable[[], float] = time.time) -> None:
        self.project = project
        self.location = location
        self.expired: list[Table] = []
        self._wall_clock = wall_clock
        self._datasets: dict[tuple[str, str], Dataset] = {}

    def add(self, dataset: Dataset) -> Dataset:
        """Add a data set; raises duplicate when it exists."""
        key = (dataset.project, dataset.dataset_id)
        if key in self._datasets:
            raise duplicate(f"Dataset {dataset.name}")
        if not dataset.dataset_id.replace("_", "").isalnum() or len(dataset.dataset_id) > 1024:
            message = f'Invalid dataset ID "{dataset.dataset_id}". Dataset IDs must be alphanumeric (plus underscores)'
            raise invalid(f"{message} and must be at most 1024 characters long.")
        self._datasets[key] = dataset
        return dataset

    def remove(self, dataset: Dataset) -> None:
        """Forget a data set."""
        del self._datasets[dataset.project, dataset.dataset_id]

    def find(self, project: str, dataset_id: str) -> Dataset | None:
        """Return a data set without the tables that have expired since, or None."""
        dataset = self._datasets.get((project, dataset_id))
        for table in list(dataset.tables.values()) if dataset is not None else ():
            if dataset is not None and table.expires is not None and table.expires <= self._wall_clock():
                table.exists = False
                self.expired.append(dataset.tables.pop(table.table_id))
        return dataset

    def dataset(self, project: str, dataset_id: str) -> Dataset:
        """Return a data set; raises notFound, or accessDenied for a forbidden one."""
        found = self.find(project, dataset_id)
        if found is None:
            raise not_found(f"Dataset {project}:{dataset_id}")
        if FORBIDDEN in dataset_id:
            message = f"Dataset {found.name}: Permission bigquery.datasets.get denied on dataset {found.name}"
            raise access_denied(f"{message} (or it may not exist).")
        return found

    def datasets(self, project: str) -> Iterator[Dataset]:
        """Yield the visible data sets of a project in order of their ids."""
        for key in sorted(self._datasets):
            if key[0] == project and not self._datasets[key].hidden:
                yield self._datasets[key]

    def tables(self, dataset: Dataset) -> dict[str, Table]:
        """Return the tables a data set shows: a linked one shows those of its source."""
        if dataset.source is None:
            return dataset.tables
        source = self.find(*dataset.source)
        return source.tables if source is not None else {}

    def table(self, project: str, dataset_id: str, table_id: str, location: str | None = None) -> Table:
        """Return a table; raises notFound or accessDenied in BigQuery's words."""
        dataset = self.find(project, dataset_id)
        where = f" was not found in location {location}" if location is not None else ""
        if dataset is None or (location is not None and not _same(dataset.location, location)):
            raise not_found(f"Dataset {project}:{dataset_id}{where}")
        if FORBIDDEN in dataset_id:
            name = f"{project}:{dataset_id}.{table_id}"
            message = f"Table {name}: User does not have permission to query table {name}, or perhaps it does not exist"
            raise access_denied(f"{message} in location {location or dataset.location}.")
        found = self.tables(dataset).get(table_id)
        if found is None:
            raise not_found(f"Table {project}:{dataset_id}.{table_id}{where}")
        return found

    def writable(self, project: str, dataset_id: str) -> Dataset:
        """Return a data set that may be changed; a linked one may not."""
        dataset = self.dataset(project, dataset_id)
        if dataset.source is not None:
            message = f"Dataset {dataset.name}: Permission denied: a linked dataset is read-only"
            raise access_denied(f"{message} (it is a view on {':'.join(dataset.source)}).")
        return dataset

    def split(self, path: Sequence[str], default: tuple[str, str] | None) -> tuple[str, str, str]:
        """Return (project, data set, table) of a dotted path; raises when no data set is named or set as default."""
        parts = [piece for part in path for piece in part.split(".")] if len(path) < 3 else list(path)
        if len(parts) > 3:
            parts = [".".join(parts[:-2]), *parts[-2:]]
        if len(parts) == 3:
            return parts[0], parts[1], parts[2]
        if len(parts) == 2:
            return (default[0] if default else self.project), parts[0], parts[1]
        if default is None:
            raise invalid(
                f'Table "{parts[0]}" must be qualified with a dataset (e.g. dataset.table).',
            )
        return default[0], default[1], parts[0]


def _same(left: str, right: str) -> bool:
    return left.lower() == right.lower()
