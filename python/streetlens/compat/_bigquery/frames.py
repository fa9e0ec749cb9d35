"""Makes the data frame that google-cloud-bigquery would make: nullable integers, dates as dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streetlens.results import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["to_dataframe"]


def to_dataframe(table: Table) -> pd.DataFrame:
    """A `pandas.DataFrame` of all rows.

    INT64 is `Int64` and BOOL is `boolean`, so that a NULL does not make them floats or objects; DATE and TIME are
    `dbdate` and `dbtime` where the package db-dtypes is installed.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional library
    except ImportError:
        frame = table.to_pandas()
        return _nullable(frame, table)
    import pandas as pd  # noqa: PLC0415 - an optional library

    mapping = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return _dated(table.to_pandas(types_mapper=mapping.get), table)


def _nullable(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - an optional library

    for name, words in table.schema.items():
        dtype = {"int64": "Int64", "bool": "boolean"}.get(words)
        if dtype is not None:
            # From the values, because a NULL has made floats of the frame's integers.
            frame[name] = pd.array(table[name], dtype=dtype)
    return _dated(frame, table)


def _dated(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    wanted: dict[Any, Any] = {
        name: {"date": "dbdate", "time": "dbtime"}[words]
        for name, words in table.schema.items()
        if words in {"date", "time"}
    }
    if not wanted:
        return frame
    try:
        import db_dtypes  # noqa: PLC0415, F401 - an optional library that registers the types
    except ImportError:
        return frame
    return frame.astype(wanted)
