"""What a table, or the results of a run, can do about being written into BigQuery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streetlens.exceptions import InvalidInput

if TYPE_CHECKING:
    from streetlens._calls import Session
    from streetlens.options import LoadMode, NewColumns
    from streetlens.results import LoadStats

__all__ = ["Writable"]


class Writable:
    """Rows that a client made, and can write."""

    _session: Session | None

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
