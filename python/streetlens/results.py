"""The answers of a run, and what else a client gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from streetlens.exceptions import InvalidInput
from streetlens.tables import Interval, Table, counted

if TYPE_CHECKING:
    from streetlens._calls import NativeTable
    from streetlens._progress import Progress
    from streetlens._runs import RunHandle
    from streetlens.options import LoadMode, Schema
    from streetlens.run import Run

__all__ = ["Interval", "LinkedDataset", "LoadStats", "Results", "Table", "Usage"]


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
        return f"{counted(len(self), 'row')}{by_status}, ${self.usage.cost_usd:,.4f} at list price"
