"""Tables: rows and columns held by Arrow, handed to whatever library the user likes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from streetlens.exceptions import InvalidInput, MissingLibrary
from streetlens.queries import QueryStats

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from streetlens._calls import NativeTable, Session
    from streetlens.options import LoadMode, NewColumns
    from streetlens.results import LoadStats

__all__ = ["Interval", "Table", "counted"]

_ROWS_SHOWN = 10
_ROWS_A_SLICE = 2_000


class Interval(NamedTuple):
    """A BigQuery INTERVAL.

    Example:
        >>> Interval(months=14, days=3, nanoseconds=0)
        Interval(months=14, days=3, nanoseconds=0)
    """

    months: int
    """Months, years included."""
    days: int
    """Days."""
    nanoseconds: int
    """The rest, in nanoseconds."""


class Table:
    """Rows and columns. Iterating gives a dictionary a row; nothing but streetlens is needed for that.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12) as server:
        ...     table = sl.Client(project="demo", endpoint=server.url).query("SELECT 1 AS one, 'x' AS letter")
        >>> table.to_dicts()
        [{'one': 1, 'letter': 'x'}]
    """

    def __init__(
        self, native: NativeTable, stats: QueryStats | None = None, *, session: Session | None = None
    ) -> None:
        self._native = native
        self._session = session
        self.stats = stats or QueryStats()
        """What the query took."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns in order."""
        return [name for name, _ in self._native.fields]

    @property
    def schema(self) -> dict[str, str]:
        """Types of the columns in words, by name."""
        return dict(self._native.fields)

    @property
    def nbytes(self) -> int:
        """Memory the data takes in bytes."""
        return self._native.num_bytes

    def __len__(self) -> int:
        return self._native.num_rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), _ROWS_A_SLICE):
            yield from self._native.to_dicts(start, start + _ROWS_A_SLICE)

    def __getitem__(self, key: int | str) -> Any:
        """Row `key` as a dictionary, or column `key` as a list.

        Raises:
            IndexError: There is no such row.
            KeyError: There is no such column.
        """
        if isinstance(key, str):
            return self._native.column(key)
        position = key + len(self) if key < 0 else key
        if not 0 <= position < len(self):
            raise IndexError(f"row {key} of {len(self)}")
        return self._native.to_dicts(position, position + 1)[0]

    def to_dicts(self) -> list[dict[str, Any]]:
        """All rows as dictionaries; STRUCT is a dictionary, REPEATED a list, NUMERIC a `Decimal`."""
        return self._native.to_dicts(0, len(self))

    def to_arrow(self) -> pa.Table:
        """A `pyarrow.Table` that shares this table's memory.

        Raises:
            ImportError: pyarrow is not installed.
        """
        # `pyarrow.table` would import pandas, which costs a second.
        return _required("pyarrow", "arrow").RecordBatchReader.from_stream(self).read_all()

    def to_pandas(self, **options: Any) -> pd.DataFrame:
        """A `pandas.DataFrame`; `options` go to pyarrow's `to_pandas`.

        Without pyarrow the columns are made from Python objects, and `options` are refused.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas_module = _required("pandas", "pandas")
        try:
            table = self.to_arrow()
        except MissingLibrary:
            if options:
                raise
            columns = {name: self._native.column(name) for name in self.column_names}
            frame: pd.DataFrame = pandas_module.DataFrame(columns, columns=self.column_names)
            return frame
        converted: pd.DataFrame = table.to_pandas(**options)
        return converted

    def to_polars(self) -> pl.DataFrame:
        """A `polars.DataFrame` that shares this table's memory where types allow.

        polars has no type for BIGNUMERIC, which becomes text, and none for INTERVAL, which becomes a struct of
        months, days and nanoseconds.

        Raises:
            ImportError: polars is not installed.
        """
        polars_module = _required("polars", "polars")
        frame: pl.DataFrame = polars_module.DataFrame(Table(self._native.for_polars()))
        return frame

    def to_bigquery(
        self,
        table: str,
        *,
        mode: LoadMode | None = None,
        key: str | Sequence[str] | None = None,
        new_columns: NewColumns = "refuse",
        load_id: str | None = None,
    ) -> LoadStats:
        """Writes the rows into a BigQuery table, as `Client.load` does; in `async` programs `await client.aio.load`.

        Results are an `"upsert"` unless `mode` says otherwise, by `observation_id` where they have it, else by the
        column of images, or by that of `group_by`; so a later run renews their rows. Any other table is an
        `"append"`.

        Args:
            table: `"dataset.table"` or `"project.dataset.table"`.
            mode: `"append"`, `"upsert"` or `"replace"`.
            key: The column, or the columns, that tell rows apart in an upsert.
            new_columns: What to do about columns that the table lacks: `"refuse"` the rows, or `"add"` the columns.
            load_id: A name of your own for an append: the same rows are appended once more under another one.

        Raises:
            InvalidInput: The rows do not fit the table, or were not made by a client.
            QueryError: There is no such data set, or BigQuery refused or failed the job.
            PermissionDenied: The credentials may not write there.
        """
        if self._session is None:
            raise InvalidInput(
                "this table was not made by a client", hint="pass it to one: `client.load(table, ...)`"
            )
        from streetlens import _calls  # noqa: PLC0415 - which makes tables

        mode = mode or self._usual_mode()
        key = self._usual_key() if key is None and mode == "upsert" else key
        return _calls.load(
            self._session, self, table, mode=mode, key=key, new_columns=new_columns, load_id=load_id
        ).wait()

    def _usual_mode(self) -> LoadMode:
        return "append"

    def _usual_key(self) -> list[str]:
        return []

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        from streetlens._display.table import table_text  # noqa: PLC0415 - scripts show no tables

        return table_text(self._head(), self._text_columns(), len(self), self._summary())

    def _repr_html_(self) -> str:
        from streetlens._display.table import table_html  # noqa: PLC0415 - scripts show no tables

        return table_html(self._head(), self.column_names, len(self), self._summary())

    def _text_columns(self) -> list[str]:
        """All columns, those that a narrow text shows first."""
        return self.column_names

    def _head(self) -> list[dict[str, Any]]:
        try:
            return self._native.to_dicts(0, _ROWS_SHOWN)
        except (TypeError, ValueError, OverflowError):
            # What has no Python form is shown as Arrow writes it.
            return self._native.to_texts(0, _ROWS_SHOWN)

    def _summary(self) -> str:
        return f"{counted(len(self), 'row')} × {counted(len(self.column_names), 'column')}"


def counted(count: int, what: str) -> str:
    """A number of things in words."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _required(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise _missing(module, extra) from None


def _missing(module: str, extra: str) -> MissingLibrary:
    return MissingLibrary(f"{module} is not installed", hint=f'run `pip install "streetlens[{extra}]"`')
