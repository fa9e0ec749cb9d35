"""What a user calls a table, as the native module takes it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streetlens.exceptions import InvalidInput, MissingLibrary
from streetlens.results import Table

__all__ = ["native_rows"]


def native_rows(rows: Any, from_arrow: Callable[[Any], Any]) -> Any:
    """A native table.

    Raises:
        InvalidInput: It is no table.
        MissingLibrary: pyarrow is needed to read it and not installed.
    """
    if isinstance(rows, Table):
        return rows._native  # noqa: SLF001 - the native half of our own table
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        rows = _arrow_of(rows)
    if not (hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__")):
        raise InvalidInput(
            f"the rows are a {type(rows).__name__}",
            hint="pass a table (this package's, pandas, polars, pyarrow) or a list of dictionaries",
        )
    try:
        return from_arrow(rows)
    except ImportError as error:
        raise _missing(f"the {type(rows).__name__} cannot be read: {error}") from error
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the {type(rows).__name__} is no table that can be read: {error}") from error


def _arrow_of(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Dictionaries as an Arrow table; a column is what any of them names."""
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
    except ImportError as error:
        raise _missing("a list of dictionaries is read by pyarrow, which is not installed") from error
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        return pyarrow.Table.from_pydict({name: [row.get(name) for row in rows] for name in names})
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise InvalidInput(
            f"the dictionaries make no table: {error}", hint="give each column values of one type"
        ) from error


def _missing(message: str) -> MissingLibrary:
    return MissingLibrary(message, hint='run `pip install "streetlens[arrow]"`')
