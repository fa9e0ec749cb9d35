"""Looking into a store of paid answers: what runs cost, every answer as it came, copies, and less of it."""

from __future__ import annotations

import importlib
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streetlens import _calls
from streetlens._checks import check_count
from streetlens.exceptions import InvalidInput, StoreError
from streetlens.results import Table

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Store", "open_store"]

_RUNS_SHOWN = 10


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Opens the store that runs with the same `store=` have filled; nothing is created.

    Args:
        path: The file or its folder; `STREETLENS_STORE` or the file in the user's data folder otherwise.

    Raises:
        StoreError: There is no such file, or it is no store; the message names it.
        ConfigurationError: `path` is not one, or `STREETLENS_STORE` turns the store off.

    Example:
        >>> import streetlens as sl
        >>> try:
        ...     sl.open_store("nowhere.sqlite")
        ... except sl.StoreError as error:
        ...     print(error.message)
        the store `nowhere.sqlite` cannot be used: there is no such file
    """
    return Store(_calls.open_store(path))


class Store:
    """Paid answers in one file; `open_store` gives one. Its length is the number of answers.

    Runs may go on filling it meanwhile. The file holds no images. The status `asked again` marks an answer that did not
    fit the schema, kept because it was paid for, until the answer to the second question takes its place.
    """

    def __init__(self, native: _calls.NativeStore) -> None:
        self._native = native
        self._is_open = True

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._native.path or "")

    @property
    def size_bytes(self) -> int:
        """What the file and its journal take on the disk, in bytes."""
        # The files are not opened: closing one would end the locks that this process holds on it.
        files = [self.path, *(self.path.with_name(f"{self.path.name}-{part}") for part in ("wal", "journal"))]
        return sum(file.stat().st_size for file in files if file.exists())

    def __len__(self) -> int:
        return _calls.Call(self._native.count(), int).wait()

    def __bool__(self) -> bool:
        return True

    def runs(self) -> Table:
        """A row for each run and model, the latest first: answers, cost in US dollars at list price, tokens, times.

        Raises:
            StoreError: The file cannot be read.
        """
        return _calls.Call(self._native.runs(), Table).wait()

    def answers(self, *, run: str | None = None, model: str | None = None, limit: int | None = None) -> Table:
        """A row for each answer, the newest first; `body` is the answer's JSON as it came.

        Args:
            run: Of this run only.
            model: Of this model only.
            limit: No more rows than this.

        Raises:
            StoreError: The file cannot be read.
        """
        check_count("limit", limit, optional=True)
        return _calls.Call(self._native.answers(run, model, limit), Table).wait()

    def export(self, path: str | os.PathLike[str]) -> int:
        """Copies every answer into a `.jsonl` or `.parquet` file, and returns how many there are.

        The file appears when it is whole; one that is there is replaced then. `.parquet` holds the columns of
        `answers()`, newest first; a line of `.jsonl` holds the same with `body` as JSON, oldest first.

        Raises:
            InvalidInput: The name ends otherwise.
            StoreError: The store cannot be read, or the file cannot be written.
            MissingLibrary: `.parquet` needs pyarrow, which is not installed.
        """
        target = Path(path)
        if target.suffix.lower() == ".jsonl":
            return _calls.Call(self._native.export(target), int).wait()
        if target.suffix.lower() == ".parquet":
            return self._export_parquet(target)
        raise InvalidInput(
            f"`{target}` ends with `{target.suffix}`",
            hint="name a file that ends with `.jsonl` or `.parquet`",
        )

    def _export_parquet(self, target: Path) -> int:
        answers = self.answers().to_arrow()
        parquet = importlib.import_module("pyarrow.parquet")
        partial = target.with_name(f"{target.name}.{secrets.token_hex(8)}.partial")
        try:
            parquet.write_table(answers, partial)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StoreError(
                f"`{target}` cannot be written: {error}",
                hint="check that the folder exists, is writable and has space",
            ) from error
        return len(answers)

    def prune(
        self, *, older_than: timedelta | None = None, run: str | None = None, model: str | None = None
    ) -> int:
        """Removes the answers that meet every condition, gives the space back, and returns how many they were.

        They are asked and paid for again when a run needs them.

        Args:
            older_than: Answered longer ago than this; `timedelta(0)` for all.
            run: Of this run.
            model: Of this model.

        Raises:
            InvalidInput: No condition is given, or one cannot be used.
            StoreError: The file cannot be written.
        """
        if older_than is None and run is None and model is None:
            raise InvalidInput(
                "`prune` without a condition would remove every answer",
                hint="pass `older_than=timedelta(0)` to remove them all",
            )
        if older_than is not None and not isinstance(older_than, timedelta):
            raise InvalidInput(
                f"`older_than` is a {type(older_than).__name__}", hint="pass a `datetime.timedelta`"
            )
        before = None if older_than is None else round((time.time() - older_than.total_seconds()) * 1_000)
        return _calls.Call(self._native.prune(before, run, model), int).wait()

    def close(self) -> None:
        """Closes the file. What is asked afterwards raises `StoreError`."""
        self._is_open = False
        self._native.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        from streetlens._display.table import table_text  # noqa: PLC0415 - scripts show no tables

        runs, summary = self._shown()
        return table_text(*runs, summary) if runs else summary

    def _repr_html_(self) -> str:
        from streetlens._display.table import table_html  # noqa: PLC0415 - scripts show no tables

        runs, summary = self._shown()
        return table_html(*(runs or ([], [], 0)), summary)

    def _shown(self) -> tuple[tuple[list[dict[str, Any]], list[str], int] | None, str]:
        if not self._is_open:
            return None, f"Store at {self.path}, closed"
        try:
            runs = self.runs()
        except StoreError as error:
            return None, f"Store at {self.path}: {error.message}"
        answers = sum(runs["answers"])
        cost = sum(cost or 0.0 for cost in runs["cost_usd"])
        size = self.size_bytes / 1_000_000
        summary = f"Store at {self.path}: {answers:,} answers, ${cost:,.4f} at list price, {size:,.1f} MB"
        rows = runs._native.to_dicts(0, _RUNS_SHOWN)  # noqa: SLF001 - the native half of our own table
        return (rows, runs.column_names, len(runs)), summary

    def __getstate__(self) -> object:
        raise TypeError("a Store is an open file and is not pickled; open it in each process")
