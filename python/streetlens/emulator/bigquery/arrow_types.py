"""BigQuery's types as Arrow types, and DuckDB's Arrow arrays turned into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from streetlens.emulator.bigquery.types import Field, Type, field_keys

_SCALARS: dict[str, Any] = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": pa.decimal128(38, 9),
    "BIGNUMERIC": pa.decimal256(76, 38),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "JSON": pa.string(),
    "GEOGRAPHY": pa.string(),
    "INTERVAL": pa.month_day_nano_interval(),
}
_METADATA = {
    "DATETIME": {"ARROW:extension:name": "google:sqlType:datetime"},
    "GEOGRAPHY": {
        "ARROW:extension:name": "google:sqlType:geography",
        "ARROW:extension:metadata": '{"encoding": "WKT"}',
    },
    "JSON": {"ARROW:extension:name": "google:sqlType:json"},
}
_BIGNUMERIC_SCALE = 38
_BIGNUMERIC_BYTES = 32


def arrow_schema(columns: Sequence[tuple[str, Type]]) -> Any:
    """Return the Arrow schema of named columns."""
    return pa.schema([_field(name, type_) for name, type_ in columns])


def _field(name: str, type_: Type) -> Any:
    """Return a field; a repeated one is not nullable, and the metadata of its element is its own."""
    inner = type_.item if type_.kind == "ARRAY" else type_
    return pa.field(
        name, arrow_type(type_), nullable=type_.kind != "ARRAY", metadata=_METADATA.get(inner.kind)
    )


def arrow_type(type_: Type) -> Any:
    """Return the Arrow type of a BigQuery type."""
    if type_.kind == "ARRAY":
        return pa.list_(pa.field("item", arrow_type(type_.item)))
    if type_.kind == "STRUCT":
        return pa.struct([_field(field.name or "", field.type) for field in _fields(type_)])
    if type_.kind == "RANGE":
        return pa.struct([(side, arrow_type(type_.item)) for side in ("start", "end")])
    return _SCALARS[type_.kind]


def _fields(type_: Type) -> list[Field]:
    if type_.kind == "RANGE":
        return [Field("start", type_.item), Field("end", type_.item)]
    return [Field(key, field.type) for key, field in zip(field_keys(type_), type_.fields, strict=True)]


def converted(array: Any, type_: Type) -> Any:
    """Return an array as DuckDB makes it in the Arrow type of `type_`."""
    target = arrow_type(type_)
    if type_.kind == "ARRAY":
        mask = array.is_null() if array.null_count else None
        return pa.ListArray.from_arrays(
            array.offsets, converted(array.values, type_.item), type=target, mask=mask
        )
    if type_.kind in ("STRUCT", "RANGE"):
        parts = [converted(array.field(index), field.type) for index, field in enumerate(_fields(type_))]
        mask = array.is_null() if array.null_count else None
        return pa.StructArray.from_arrays(parts, fields=list(target), mask=mask)
    if type_.kind == "BIGNUMERIC":
        return _decimals(array.to_pylist())
    return array if array.type == target else array.cast(target)


def _decimals(texts: Sequence[str | None]) -> Any:
    """Return 256-bit decimals of texts, up to BIGNUMERIC's 77 digits, one more than Arrow's own casts take."""
    values = b"".join(
        (0 if text is None else _unscaled(text)).to_bytes(_BIGNUMERIC_BYTES, "little", signed=True)
        for text in texts
    )
    validity = pa.array([True if text is not None else None for text in texts], pa.bool_()).buffers()[0]
    return pa.Array.from_buffers(
        _SCALARS["BIGNUMERIC"], len(texts), [validity, pa.py_buffer(values)], null_count=texts.count(None)
    )


def _unscaled(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(_BIGNUMERIC_SCALE, "0"))
