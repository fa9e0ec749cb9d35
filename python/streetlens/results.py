"""Tables: rows and columns held by Arrow, handed to whatever library the user likes."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from streetlens._writing import Writable
from streetlens.exceptions import InvalidInput, MissingLibrary
from streetlens.queries import QueryStats

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from streetlens._calls import NativeTable, Session
    from streetlens._progress import Progress
    from streetlens._runs import RunHandle
    from streetlens.options import LoadMode, Schema
    from streetlens.run import Run

__all__ = ["Interval", "LinkedDataset", "LoadStats", "Results", "Table", "Usage"]

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


class LinkedDataset(NamedTuple):
    """A data set that a subscription linked."""

    project: str
    """Project."""
    dataset: str
    """Data set id."""
    location: str
    """BigQuery location."""
    listing: str
    """Resource name of the listing."""
    subscription: str | None
    """Resource name of the subscription, where Analytics Hub tells it."""
    is_new: bool
    """Whether this call created it."""

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}"


class LoadStats(NamedTuple):
    """What became of rows that were written into a table."""

    table: str
    """The table: `project.dataset.table`."""
    rows: int
    """Rows that were given."""
    inserted: int
    """Rows that are new in the table."""
    updated: int
    """Rows of the table that got new values."""
    bytes: int
    """Bytes that were sent."""
    job_id: str | None = None
    """The job that wrote the rows; None where there was nothing to write."""
    location: str | None = None
    """Where it ran."""


class Usage(NamedTuple):
    """Tokens and list price of a run."""

    input_tokens: int
    """Input tokens, cached ones included."""
    output_tokens: int
    """Output tokens."""
    thinking_tokens: int
    """Thinking tokens, which cost as much as output."""
    cached_tokens: int
    """Input tokens read from the cache."""
    cost_usd: float
    """US dollars at list price."""


class Table(Writable):
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
        return f"{_counted(len(self), 'row')} × {_counted(len(self.column_names), 'column')}"


class Results(Table):
    """The answers of a run: row i answers input i.

    The columns are the input's, then `classification` or the schema's fields, then `status`, `error`,
    `model`, `finish_reason`, `input_tokens`, `output_tokens`, `thinking_tokens`, `cached_tokens`,
    `cost_usd`, `latency_ms`, `attempts` and `source`. `status` is `ok`, `blocked`, `truncated`, `invalid`,
    `image_error`, `failed` or `skipped`.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, endpoint=server.url)
        ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
        ...     rule = server.faults.add("blocked", service="gemini", times=1)
        ...     results = client.classify(sql, "Is it a sign or a pole?", progress=False)
        ...     complete = results.retry_failed(progress=False)
        >>> complete.status_counts
        {'ok': 3}
    """

    def __init__(self, native: NativeTable, *, run: RunHandle | None = None) -> None:
        super().__init__(native, session=run.session if run is not None else None)
        self._run = run

    def _usual_mode(self) -> LoadMode:
        return "upsert"

    def _usual_key(self) -> list[str]:
        return self._asked().key(self.column_names)

    @property
    def run_id(self) -> str:
        """The run's id: the label `streetlens-run` of its requests.

        Raises:
            InvalidInput: The results do not come from a run of this process.
        """
        return self._asked().native.id

    @property
    def texts(self) -> list[str | None]:
        """Each row's answer as the model gave it, also where it does not fit the schema; None where there is none.

        Raises:
            InvalidInput: The results do not come from a run of this process.
        """
        return self._asked().native.texts()

    def retry_failed(self, *, progress: bool | Callable[[Progress], Any] | None = None) -> Results:
        """Asks anew about the rows that are not `ok`, and returns all rows; the others keep their answers.

        The options are the run's. These results are returned where every row is `ok`. It blocks; in `async` programs
        `await results.start_retry()`.

        Args:
            progress: True, False, or a function of `Progress`; shown in notebooks and terminals otherwise.

        Raises:
            InvalidInput: The run goes on, or the results do not come from a run of this process.
            StreetlensError: What stopped the new run, with all rows in `results`.
        """
        from streetlens import _runs  # noqa: PLC0415 - which makes results

        run = self._asked()
        return _runs.again(run, progress).wait() if set(self.status_counts) - {"ok"} else self

    def start_retry(self, *, progress: bool | Callable[[Progress], Any] | None = None) -> Run:
        """Does what `retry_failed` does in the background; await it, wait for it, or iterate over it.

        Args:
            progress: True or a function of `Progress` to show it; otherwise it is shown while somebody waits.

        Raises:
            InvalidInput: The run goes on, or the results do not come from a run of this process.
        """
        from streetlens.run import Run  # noqa: PLC0415 - which makes results

        return Run(self._asked().again(), progress)

    def reparse(self, schema: Schema | None) -> Results:
        """Reads the answers by another schema, without asking or paying for anything.

        An answer that does not fit it is `invalid`; `retry_failed` of what is returned asks with the new schema.

        Args:
            schema: As in `Client.classify`; None for the plain text.

        Raises:
            SchemaError: It is no schema.
            InvalidInput: The results do not come from a run of this process.
        """
        return self._asked().reparse(schema).results()

    def _asked(self) -> RunHandle:
        if self._run is None:
            raise InvalidInput(
                "these results are not connected to a run",
                hint="what `client.classify` and `run.results()` return is, in the process that asked",
            )
        return self._run

    @property
    def status_counts(self) -> Mapping[str, int]:
        """How many rows have each status, the most frequent first."""
        return dict(Counter(self._native.column("status")).most_common())

    @property
    def errors(self) -> Table:
        """The rows that are not `ok`."""
        others = [status for status in self.status_counts if status != "ok"]
        return Table(self._native.filter("status", others), session=self._session)

    @property
    def usage(self) -> Usage:
        """Tokens and list price of what was asked; answers from the store were paid for earlier."""
        paid = self._native.filter("source", ["online"])

        def total(name: str) -> int:
            return sum(value or 0 for value in paid.column(name))

        return Usage(
            total("input_tokens"),
            total("output_tokens"),
            total("thinking_tokens"),
            total("cached_tokens"),
            float(sum(value or 0.0 for value in paid.column("cost_usd"))),
        )

    def _text_columns(self) -> list[str]:
        names = self.column_names
        end = names.index("status")
        images = ["gcs_uri"] if "gcs_uri" in names else names[:1]
        first = list(dict.fromkeys([*images, *names[max(0, end - 3) : end], "status", "error"]))
        return first + [name for name in names if name not in first]

    def _summary(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.status_counts.items())
        by_status = f" ({counts})" if counts else ""
        return f"{_counted(len(self), 'row')}{by_status}, ${self.usage.cost_usd:,.4f} at list price"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _required(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise _missing(module, extra) from None


def _missing(module: str, extra: str) -> MissingLibrary:
    return MissingLibrary(f"{module} is not installed", hint=f'run `pip install "streetlens[{extra}]"`')
