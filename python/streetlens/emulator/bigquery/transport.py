"""Carries Python values into DuckDB: each is checked, written as JSON, and read there as its column's type."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

from streetlens.emulator.bigquery.errors import FAILURE_MARKER, invalid
from streetlens.emulator.bigquery.runtime import bignumeric, geography, jsons, numeric
from streetlens.emulator.bigquery.types import Type, duckdb_type, field_keys, literal, quoted

# These arrive as text that DuckDB still has to convert; every other type is read directly.
_CONVERSIONS = {
    "BYTES": "from_base64({})",
    "JSON": "CAST({} AS JSON)",
    "INTERVAL": "bq_interval_from_text({})",
}


def shape(type_: Type) -> Any:
    """Return the structure that DuckDB's from_json expects for a type."""
    if type_.kind == "ARRAY":
        return [shape(type_.item)]
    if type_.kind == "STRUCT":
        pairs = zip(field_keys(type_), type_.fields, strict=True)
        return {key: shape(field.type) for key, field in pairs}
    if type_.kind == "RANGE":
        return {"start": shape(type_.item), "end": shape(type_.item)}
    return "VARCHAR" if type_.kind in _CONVERSIONS else duckdb_type(type_)


def received(sql: str, type_: Type, depth: int) -> str:
    """Return DuckDB SQL that turns what from_json read into the stored value."""
    if not _needs_conversion(type_):
        return sql
    if type_.kind == "ARRAY":
        name = f"e{depth}"
        return f"list_transform({sql}, lambda {name}: {received(name, type_.item, depth + 1)})"
    if type_.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(key)}: {received(f'({sql}).{quoted(key)}', field.type, depth)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{parts}}} END"
    return _CONVERSIONS[type_.kind].format(sql)


def _needs_conversion(type_: Type) -> bool:
    if type_.kind == "ARRAY":
        return _needs_conversion(type_.item)
    if type_.kind == "STRUCT":
        return any(_needs_conversion(field.type) for field in type_.fields)
    return type_.kind in _CONVERSIONS


def sent(value: Any, type_: Type) -> Any:
    """Return a Python value as JSON for its type; raises `invalid` for a value that does not fit."""
    if type_.kind == "ARRAY":
        return [sent(item, type_.item) for item in value or ()]
    if value is None:
        return None
    if type_.kind == "STRUCT":
        fields = zip(field_keys(type_), type_.fields, strict=True)
        return {key: sent(value.get(key), field.type) for key, field in fields}
    if type_.kind == "RANGE":
        start, end = (value["start"], value["end"]) if isinstance(value, Mapping) else value
        return {"start": sent(start, type_.item), "end": sent(end, type_.item)}
    try:
        return _SCALARS[type_.kind](value)
    except (ValueError, TypeError, OverflowError, ArithmeticError, binascii.Error) as error:
        detail = str(error).replace(FAILURE_MARKER, "")
        raise invalid(f"Could not convert value {value!r} to {type_.kind}: {detail}") from None


def _integer(value: Any) -> int:
    number = int(value)
    if isinstance(value, float | Decimal) and number != value:
        raise ValueError("it is not a whole number")
    if not -(2**63) <= number < 2**63:
        raise ValueError("it does not fit 64 bits")
    return number


def _float(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ValueError("it is not a boolean")


def _bytes(value: Any) -> str:
    data = value if isinstance(value, bytes) else base64.b64decode(value, validate=True)
    return base64.b64encode(data).decode()


def _date(value: Any) -> str:
    day = (
        value
        if isinstance(value, date) and not isinstance(value, datetime)
        else date.fromisoformat(str(value))
    )
    return day.isoformat()


def _time(value: Any) -> str:
    return (value if isinstance(value, time) else time.fromisoformat(str(value))).isoformat()


def _datetime(value: Any) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is not None:
        raise ValueError("a DATETIME has no time zone")
    return moment.isoformat(sep=" ")


def _timestamp(value: Any) -> str:
    """Return UTC text; texts may be ISO 8601 with Z, an offset or `UTC`, numbers are epoch seconds."""
    if isinstance(value, int | float | Decimal):
        moment = datetime.fromtimestamp(float(value), timezone.utc)
    elif isinstance(value, datetime):
        moment = value
    else:
        text = str(value).strip().removesuffix("UTC").rstrip()
        moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return f"{moment.isoformat(sep=' ')}+00"


def _json(value: Any) -> str:
    return jsons.normal(value if isinstance(value, str) else json.dumps(value))


def _decimal(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "INT64": _integer,
    "FLOAT64": _float,
    "NUMERIC": lambda value: numeric.decimal_text(_decimal(value)),
    "BIGNUMERIC": lambda value: bignumeric.from_text(_decimal(value)),
    "BOOL": _boolean,
    "STRING": str,
    "BYTES": _bytes,
    "DATE": _date,
    "TIME": _time,
    "DATETIME": _datetime,
    "TIMESTAMP": _timestamp,
    "JSON": _json,
    "GEOGRAPHY": lambda value: geography.from_text(str(value)),
    "INTERVAL": str,
}
