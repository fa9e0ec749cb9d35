"""BigQuery's types: the REST schema they come from and the DuckDB type that stores each one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streetlens.emulator.bigquery.errors import invalid_query


@dataclass(frozen=True)
class Field:
    """One field of a STRUCT; `name` is None for an unnamed field."""

    name: str | None
    type: Type


@dataclass(frozen=True)
class Type:
    """A BigQuery type by its GoogleSQL name; STRUCT has `fields`, ARRAY and RANGE have `element`."""

    kind: str
    fields: tuple[Field, ...] = ()
    element: Type | None = None

    def __str__(self) -> str:
        """Return the type as GoogleSQL writes it, for example `ARRAY<STRUCT<a INT64>>`."""
        if self.kind == "STRUCT":
            inner = ", ".join(
                f"{field.name} {field.type}" if field.name else str(field.type) for field in self.fields
            )
            return f"STRUCT<{inner}>"
        if self.element is not None:
            return f"{self.kind}<{self.element}>"
        return self.kind

    @property
    def item(self) -> Type:
        """The element type of an ARRAY or RANGE."""
        assert self.element is not None
        return self.element


INT64 = Type("INT64")
FLOAT64 = Type("FLOAT64")
NUMERIC = Type("NUMERIC")
BIGNUMERIC = Type("BIGNUMERIC")
BOOL = Type("BOOL")
STRING = Type("STRING")
BYTES = Type("BYTES")
DATE = Type("DATE")
TIME = Type("TIME")
DATETIME = Type("DATETIME")
TIMESTAMP = Type("TIMESTAMP")
JSON = Type("JSON")
GEOGRAPHY = Type("GEOGRAPHY")
INTERVAL = Type("INTERVAL")

SCALARS = {
    scalar.kind: scalar
    for scalar in (
        INT64, FLOAT64, NUMERIC, BIGNUMERIC, BOOL, STRING, BYTES,
        DATE, TIME, DATETIME, TIMESTAMP, JSON, GEOGRAPHY, INTERVAL,
    )
}  # fmt: skip

ALIASES = {
    "INTEGER": "INT64", "INT": "INT64", "SMALLINT": "INT64", "BIGINT": "INT64", "TINYINT": "INT64", "BYTEINT": "INT64",
    "FLOAT": "FLOAT64", "DOUBLE": "FLOAT64", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC", "BOOLEAN": "BOOL",
    "RECORD": "STRUCT",
}  # fmt: skip

REST_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}

# GEOGRAPHY is kept as WKT, BIGNUMERIC as decimal text: DuckDB has no type with their range.
DUCKDB_NAMES = {
    "INT64": "BIGINT", "FLOAT64": "DOUBLE", "NUMERIC": "DECIMAL(38,9)", "BIGNUMERIC": "VARCHAR", "BOOL": "BOOLEAN",
    "STRING": "VARCHAR", "BYTES": "BLOB", "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ", "JSON": "JSON", "GEOGRAPHY": "VARCHAR", "INTERVAL": "INTERVAL",
}  # fmt: skip


def array_of(element: Type) -> Type:
    """Return ARRAY<element>."""
    return Type("ARRAY", element=element)


def range_of(element: Type) -> Type:
    """Return RANGE<element>."""
    return Type("RANGE", element=element)


def struct_of(*fields: tuple[str | None, Type]) -> Type:
    """Return a STRUCT of (name, type) fields."""
    return Type("STRUCT", tuple(Field(name, type_) for name, type_ in fields))


def quoted(name: str) -> str:
    """Return `name` as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a DuckDB string literal."""
    if "\x00" in text:
        return " || chr(0) || ".join(literal(part) for part in text.split("\x00"))
    return "'" + text.replace("'", "''") + "'"


def field_keys(struct: Type) -> list[str]:
    """Return the DuckDB field names of a STRUCT: unnamed fields are `_field_1`, as BigQuery shows them."""
    return [field.name or f"_field_{index}" for index, field in enumerate(struct.fields, 1)]


def duckdb_type(type_: Type) -> str:
    """Return the DuckDB type that stores `type_`."""
    if type_.kind == "ARRAY":
        return f"{duckdb_type(type_.item)}[]"
    if type_.kind == "RANGE":
        element = duckdb_type(type_.item)
        return f'STRUCT("start" {element}, "end" {element})'
    if type_.kind == "STRUCT":
        keys = field_keys(type_)
        if len({key.lower() for key in keys}) != len(keys):
            raise invalid_query(
                "A STRUCT with two fields of the same name is not supported by the streetlens emulator"
            )
        fields = zip(keys, type_.fields, strict=True)
        return (
            "STRUCT(" + ", ".join(f"{quoted(key)} {duckdb_type(field.type)}" for key, field in fields) + ")"
        )
    return DUCKDB_NAMES[type_.kind]


def scalar_type(name: str) -> Type | None:
    """Return the scalar type of a GoogleSQL or REST type name, in any case; None when there is none."""
    upper = name.upper()
    return SCALARS.get(ALIASES.get(upper, upper))


def from_rest_field(field: Mapping[str, Any]) -> Type:
    """Return the type of one TableFieldSchema; raises `invalid` for a type BigQuery does not have."""
    name = str(field.get("type", "")).upper()
    if name in ("RECORD", "STRUCT"):
        type_ = Type(
            "STRUCT", tuple(Field(str(sub["name"]), from_rest_field(sub)) for sub in field.get("fields", ()))
        )
    elif name == "RANGE":
        type_ = range_of(from_rest_field(field["rangeElementType"]))
    else:
        found = scalar_type(name)
        if found is None:
            raise invalid_query(f"Invalid value for type: {name} is not a valid value", reason="invalid")
        type_ = found
    return array_of(type_) if str(field.get("mode", "")).upper() == "REPEATED" else type_


def to_rest_field(name: str, type_: Type, mode: str = "NULLABLE") -> dict[str, Any]:
    """Return the TableFieldSchema of a column, with the legacy type names REST responses use."""
    if type_.kind == "ARRAY":
        type_, mode = type_.item, "REPEATED"
    field: dict[str, Any] = {"name": name, "type": REST_NAMES.get(type_.kind, type_.kind), "mode": mode}
    if type_.kind == "STRUCT":
        fields = zip(field_keys(type_), type_.fields, strict=True)
        field["fields"] = [to_rest_field(key, sub.type) for key, sub in fields]
    if type_.kind == "RANGE":
        field["rangeElementType"] = {"type": type_.item.kind}
    return field


def to_rest_schema(columns: Sequence[tuple[str, Type]]) -> dict[str, Any]:
    """Return the TableSchema of named columns."""
    return {"fields": [to_rest_field(name, type_) for name, type_ in columns]}
