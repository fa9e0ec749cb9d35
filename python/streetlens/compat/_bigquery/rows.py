"""Rows in the form of google-cloud-bigquery, from a native table."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, KeysView, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from streetlens.compat._absent import absent_member, refuse_options
from streetlens.compat._bigquery.frames import to_dataframe
from streetlens.compat._bigquery.types import Described, describe
from streetlens.compat._bigquery.values import converter
from streetlens.results import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Row", "RowIterator", "SchemaField"]


class SchemaField(NamedTuple):
    """A column of a result."""

    name: str
    """Name."""
    field_type: str
    """BigQuery's name of the type, for example `"STRING"`."""
    mode: str = "NULLABLE"
    """`"NULLABLE"` or `"REPEATED"`."""
    fields: tuple[Any, ...] = ()
    """The fields of a RECORD."""


class Row:
    """A row that is read by column name, by position, or by attribute.

    Example:
        >>> row = Row(("gs://b/a.jpg", 2), {"gcs_uri": 0, "views": 1})
        >>> row["gcs_uri"], row.views, row[1], dict(row)
        ('gs://b/a.jpg', 2, 2, {'gcs_uri': 'gs://b/a.jpg', 'views': 2})
    """

    __slots__ = ("_field_positions", "_row_values")

    def __init__(self, values: tuple[Any, ...], field_to_index: Mapping[str, int]) -> None:
        self._row_values = values
        self._field_positions = field_to_index

    def values(self) -> tuple[Any, ...]:
        """The values in the order of the columns."""
        return copy.deepcopy(self._row_values)

    def keys(self) -> KeysView[str]:
        """The columns' names."""
        return self._field_positions.keys()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names with values."""
        return zip(self.keys(), self.values(), strict=True)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a column, or `default` where there is no such column."""
        position = self._field_positions.get(key)
        return default if position is None else self._row_values[position]

    def __getattr__(self, name: str) -> Any:
        position = self._field_positions.get(name)
        if position is None:
            raise AttributeError(f"no row field {name!r}; the row has {', '.join(self._field_positions)}")
        return self._row_values[position]

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self._row_values[key]
        position = self._field_positions.get(key)
        if position is None:
            raise KeyError(f"no row field {key!r}; the row has {', '.join(self._field_positions)}")
        return self._row_values[position]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._row_values)

    def __len__(self) -> int:
        return len(self._row_values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return self._row_values == other._row_values and self._field_positions == other._field_positions

    __hash__ = None  # type: ignore[assignment]  # values may be lists, as in the original

    def __reduce__(self) -> tuple[object, ...]:
        return Row, (self._row_values, dict(self._field_positions))

    def __repr__(self) -> str:
        return f"Row({self._row_values!r}, {dict(self._field_positions)!r})"


class RowIterator:
    """The rows of a query; they may be gone through more than once."""

    def __init__(
        self, table: Table, query: str, project: str, start_index: int = 0, max_results: int | None = None
    ) -> None:
        self.query = query
        """The SQL."""
        self.project = project
        """The project that was billed."""
        self._table = table
        self._start = start_index
        self._stop = len(table) if max_results is None else min(len(table), start_index + max_results)
        self._next: Iterator[Row] | None = None

    @property
    def total_rows(self) -> int:
        """Rows of the whole result, also where fewer were asked for."""
        return len(self._table)

    @property
    def schema(self) -> list[SchemaField]:
        """The columns."""
        return [_schema_field(name, describe(words)) for name, words in self._table.schema.items()]

    @property
    def job_id(self) -> str | None:
        """BigQuery's id of the job."""
        return self._table.stats.job_id

    @property
    def location(self) -> str | None:
        """Where it ran."""
        return self._table.stats.location

    @property
    def total_bytes_processed(self) -> int | None:
        """Bytes read."""
        return self._table.stats.bytes_processed

    @property
    def num_dml_affected_rows(self) -> int | None:
        """Rows that a DML statement changed."""
        return self._table.stats.affected_rows

    def __iter__(self) -> Iterator[Row]:
        positions = {name: position for position, name in enumerate(self._table.column_names)}
        convert = _converter(self._table)
        for values in islice(iter(self._table), self._start, self._stop):
            yield Row(convert(tuple(values.values())), positions)

    def __next__(self) -> Row:
        if self._next is None:
            self._next = iter(self)
        return next(self._next)

    def to_dataframe(
        self,
        bqstorage_client: Any = None,  # noqa: ARG002 - chooses a transport, which is the core's matter
        dtypes: Mapping[str, Any] | None = None,
        progress_bar_type: str | None = None,  # noqa: ARG002 - the rows are here already
        create_bqstorage_client: bool = True,  # noqa: ARG002 - the original's signature
        **others: Any,
    ) -> pd.DataFrame:
        """A `pandas.DataFrame` with the types the original gives; `dtypes` overrides them by column.

        Raises:
            ImportError: pandas is not installed.
            NotImplementedError: An option of the original is given that is not implemented.
        """
        options = ("dtypes", "bqstorage_client", "progress_bar_type", "create_bqstorage_client")
        refuse_options("RowIterator.to_dataframe", others, options, "Convert columns of the frame instead.")
        frame = to_dataframe(self._table).iloc[self._start : self._stop].reset_index(drop=True)
        return frame.astype(dict(dtypes)) if dtypes else frame

    def to_arrow(self, **transport: Any) -> pa.Table:
        """A `pyarrow.Table`.

        Raises:
            ImportError: pyarrow is not installed.
            NotImplementedError: An option of the original is given that is not implemented.
        """
        known = ("bqstorage_client", "create_bqstorage_client", "progress_bar_type")
        others = {name: value for name, value in transport.items() if name not in known}
        refuse_options("RowIterator.to_arrow", others, known, "Slice the table instead.")
        return self._table.to_arrow().slice(self._start, max(0, self._stop - self._start))

    def __getattr__(self, name: str) -> NoReturn:
        raise absent_member(self, name, "See `streetlens.Client.query` for the native table.")

    def __repr__(self) -> str:
        return f"<RowIterator of {self.total_rows} rows: {', '.join(self._table.column_names)}>"


def _schema_field(name: str, described: Described) -> SchemaField:
    fields = tuple(_schema_field(inner, kind) for inner, kind in described.fields)
    return SchemaField(name, described.kind, "REPEATED" if described.is_repeated else "NULLABLE", fields)


def _converter(table: Table) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    needed = [converter(describe(words)) for words in table.schema.values()]
    if not any(needed):
        return lambda values: values

    def convert(values: tuple[Any, ...]) -> tuple[Any, ...]:
        pairs = zip(needed, values, strict=True)
        return tuple(value if change is None else change(value) for change, value in pairs)

    return convert
