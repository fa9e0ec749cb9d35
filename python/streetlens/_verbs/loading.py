"""The verb that writes rows into a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streetlens import _calls
from streetlens.options import LoadMode, NewColumns
from streetlens.results import LoadStats


class LoadVerbs:
    """What a client can be told to write."""

    _session: _calls.Session

    def load(
        self,
        rows: Any,
        table: str,
        *,
        mode: LoadMode = "append",
        key: str | Sequence[str] | None = None,
        new_columns: NewColumns = "refuse",
        load_id: str | None = None,
    ) -> LoadStats:
        """Writes rows into a BigQuery table, which is made where it is missing.

        All rows arrive, or none. The same call, repeated after any failure (also by another process, after the first
        was killed), leaves the table as one call would: an upsert and a replacement by their nature, an append because
        the very same rows are appended to a table once for each `load_id`, which a warning tells.

        STRUCT, REPEATED, TIMESTAMP, DATETIME, NUMERIC, JSON and GEOGRAPHY columns of a query's table arrive as such;
        so does text where the table has JSON or GEOGRAPHY. Nothing is written where a type does not fit. A STRUCT is
        one value: fields of it that the rows lack become NULL. Times are kept to the microsecond.

        Args:
            rows: A table (this package's, pandas, polars, pyarrow, anything that speaks Arrow), or a list of
                dictionaries, which pyarrow reads.
            table: `"dataset.table"` or `"project.dataset.table"`.
            mode: `"append"` adds the rows; `"upsert"` gives those with the key of a new row its values and adds the
                others; `"replace"` puts the rows in the place of all rows, at one moment.
            key: The column, or the columns, that tell rows apart in an upsert.
            new_columns: What to do about columns that the table lacks: `"refuse"` the rows, or `"add"` the columns.
            load_id: A name of your own for an append: the same rows are appended once more under another one.

        Raises:
            InvalidInput: The rows, their types or the key do not fit, two rows have the same key, or the table lacks
                a column. Nothing was written.
            QueryError: There is no such data set, or BigQuery refused or failed the job; with its `job_id`.
            PermissionDenied: The credentials may not write there.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     _ = client.query("CREATE SCHEMA signs")
            ...     table = client.query("SELECT 1 AS id, 'stop' AS kind UNION ALL SELECT 2, 'yield'")
            ...     first = client.load(table, "signs.kinds", mode="upsert", key="id")
            ...     again = client.load(table, "signs.kinds", mode="upsert", key="id")
            >>> (first.inserted, first.updated), (again.inserted, again.updated)
            ((2, 0), (0, 2))
        """
        return _calls.load(
            self._session, rows, table, mode=mode, key=key, new_columns=new_columns, load_id=load_id
        ).wait()
