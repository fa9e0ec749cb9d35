"""Query parameters: reads REST QueryParameters and compiles each to a typed DuckDB literal."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import (
    INT64,
    STRING,
    Field,
    Type,
    array_of,
    duckdb_type,
    field_keys,
    literal,
    range_of,
    scalar_type,
)

_FLOATS = {"nan": "nan", "inf": "inf", "+inf": "inf", "-inf": "-inf", "infinity": "inf", "-infinity": "-inf"}


def read_parameters(
    mode: str | None, items: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Typed], list[Typed]]:
    """Return the named (by lower-case name) and positional parameters; raises `invalid` for a malformed one."""
    named: dict[str, Typed] = {}
    positional: list[Typed] = []
    for item in items:
        name = item.get("name")
        if not isinstance(item.get("parameterType"), Mapping):
            raise invalid(f"Query parameter '{name or len(positional) + 1}' has no parameterType")
        type_ = read_type(item["parameterType"])
        value = _value(type_, item.get("parameterValue") or {}, str(name or len(positional) + 1))
        if name:
            if str(name).lower() in named:
                raise invalid(f"Duplicate parameter name: {name}")
            named[str(name).lower()] = value
        else:
            positional.append(value)
    if named and positional:
        raise invalid("Named and positional query parameters cannot be mixed")
    asked = (mode or "").upper()
    if (asked == "POSITIONAL" and named) or (asked == "NAMED" and positional):
        raise invalid(f"parameterMode {asked} does not agree with the names of the query parameters")
    return named, positional


def read_type(item: Mapping[str, Any]) -> Type:
    """Return the type of a QueryParameterType; raises `invalid` for an unknown one."""
    kind = str(item.get("type", "")).upper()
    if kind == "ARRAY":
        return array_of(read_type(item["arrayType"]))
    if kind == "RANGE":
        return range_of(read_type(item["rangeElementType"]))
    if kind in ("STRUCT", "RECORD"):
        fields = (
            Field(sub.get("name") or None, read_type(sub["type"])) for sub in item.get("structTypes", ())
        )
        return Type("STRUCT", tuple(fields))
    found = scalar_type(kind)
    if found is None:
        raise invalid(f"Invalid query parameter type: {item.get('type')}")
    return found


def _value(type_: Type, item: Mapping[str, Any], name: str) -> Typed:
    sql = _sql(type_, item, name)
    if type_ == INT64 and item.get("value") is not None:
        return Typed(sql, type_, "parameter", int(item["value"]))
    if type_ == STRING and item.get("value") is not None:
        return Typed(sql, type_, "parameter", str(item["value"]))
    return Typed(sql, type_)


def _sql(type_: Type, item: Mapping[str, Any], name: str) -> str:
    null = f"CAST(NULL AS {duckdb_type(type_)})"
    if type_.kind == "ARRAY":
        values = item.get("arrayValues")
        if values is None:
            # An array parameter without arrayValues is an empty array: BigQuery has no NULL array parameter.
            return f"CAST([] AS {duckdb_type(type_)})"
        return (
            f"CAST([{', '.join(_sql(type_.item, value, name) for value in values)}] AS {duckdb_type(type_)})"
        )
    if type_.kind == "STRUCT":
        values = item.get("structValues")
        if values is None:
            return null
        parts = ", ".join(
            f"{literal(key)}: {_sql(field.type, values.get(field.name or '') or {}, name)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return "{" + parts + "}"
    if type_.kind == "RANGE":
        bounds = item.get("rangeValue")
        if bounds is None:
            return null
        start, end = (_sql(type_.item, bounds.get(side) or {}, name) for side in ("start", "end"))
        return f"bq_range({start}, {end})"
    value = item.get("value")
    return (
        null
        if value is None
        else _scalar(type_, str(value).lower() if isinstance(value, bool) else str(value), name)
    )


def _scalar(type_: Type, text: str, name: str) -> str:
    problem = invalid(f"Invalid value for query parameter '{name}': {text!r} is not a valid {type_}")
    if type_.kind == "STRING":
        return literal(text)
    if type_.kind == "INT64":
        try:
            number = int(text)
        except ValueError:
            raise problem from None
        if not -(2**63) <= number < 2**63:
            raise problem
        return f"CAST({literal(str(number))} AS BIGINT)"
    if type_.kind == "FLOAT64":
        try:
            float(text)
        except ValueError:
            raise problem from None
        return f"CAST({literal(_FLOATS.get(text.lower(), text))} AS DOUBLE)"
    if type_.kind == "BYTES":
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise problem from None
        return f"from_hex({literal(data.hex())})"
    if type_.kind == "JSON":
        return f"bq_parse_json({literal(text)})"
    if type_.kind == "GEOGRAPHY":
        return f"bq_st_geogfromtext({literal(text)})"
    return cast_sql(literal(text), STRING, type_)
