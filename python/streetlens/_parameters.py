"""Python values as typed query parameters: tuples that begin with a type's name, as the native module reads them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from streetlens.exceptions import InvalidInput
from streetlens.options import Parameter

__all__ = ["encode"]

Tagged = tuple[Any, ...]

_WIDENING = {
    "INT64": {"INT64"},
    "FLOAT64": {"INT64", "FLOAT64"},
    "NUMERIC": {"INT64", "NUMERIC"},
    "BIGNUMERIC": {"INT64", "NUMERIC", "BIGNUMERIC"},
}

_SCALARS = {
    "BOOL": "BOOL",
    "BOOLEAN": "BOOL",
    "INT64": "INT64",
    "INTEGER": "INT64",
    "INT": "INT64",
    "FLOAT64": "FLOAT64",
    "FLOAT": "FLOAT64",
    "STRING": "STRING",
    "BYTES": "BYTES",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "DATETIME",
    "TIMESTAMP": "TIMESTAMP",
    "NUMERIC": "NUMERIC",
    "DECIMAL": "NUMERIC",
    "BIGNUMERIC": "BIGNUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
    "JSON": "JSON",
    "GEOGRAPHY": "GEOGRAPHY",
    "INTERVAL": "INTERVAL",
}


def encode(params: Mapping[str, Any] | Sequence[Any] | None) -> list[tuple[str | None, Tagged]]:
    """Named parameters from a mapping, positional ones from a sequence.

    Raises:
        InvalidInput: A value has no BigQuery type, or none that its Python type tells.
    """
    if params is None:
        return []
    if isinstance(params, Mapping):
        return [(str(name), _value(value, f"@{name}")) for name, value in params.items()]
    if isinstance(params, (str, bytes)) or not isinstance(params, Sequence):
        raise InvalidInput(
            f"`params` is {type(params).__name__}",
            hint="pass a dictionary for `@name` parameters or a list for `?` parameters",
        )
    return [(None, _value(value, f"parameter {position}")) for position, value in enumerate(params, 1)]


def _value(value: Any, name: str) -> Tagged:
    if isinstance(value, Parameter):
        return _typed(value.value, _Type(value.type, name).read(), name)
    return _typed(value, _inferred(value, name), name)


def _plain(value: Any) -> Any:
    """A value of numpy, pandas, polars or pyarrow as Python's own; others as they are."""
    if type(value).__module__ == "numpy" and value.dtype.kind in "mM":
        # Other units would become plain integers.
        value = value.astype(f"{value.dtype.kind}8[us]")
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    for as_list in ("tolist", "to_list", "to_pylist"):
        if hasattr(value, as_list) and not isinstance(value, memoryview):
            return getattr(value, as_list)()
    return value


def _inferred(value: Any, name: str) -> Tagged:  # noqa: PLR0912 - one branch for each Python type
    value = _plain(value)
    if value is None:
        return ("STRING",)
    if isinstance(value, bool):
        return ("BOOL",)
    if isinstance(value, int):
        return ("INT64",)
    if isinstance(value, float):
        return ("FLOAT64",)
    if isinstance(value, str):
        return ("STRING",)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ("BYTES",)
    if isinstance(value, dt.datetime):
        return ("DATETIME",) if value.tzinfo is None else ("TIMESTAMP",)
    if isinstance(value, dt.date):
        return ("DATE",)
    if isinstance(value, dt.time):
        return ("TIME",)
    if isinstance(value, dt.timedelta):
        return ("INTERVAL",)
    if isinstance(value, Decimal):
        return ("NUMERIC",) if _fits_numeric(value) else ("BIGNUMERIC",)
    if isinstance(value, Mapping):
        return ("STRUCT", [(str(key), _inferred(item, f"{name}.{key}")) for key, item in value.items()])
    if isinstance(value, Sequence):
        items = [(at, item) for at, item in enumerate(value) if item is not None]
        kinds = [_inferred(item, f"{name}[{at}]") for at, item in items]
        if not kinds:
            raise InvalidInput(
                f"{name} is an empty list, which does not tell the type of its items",
                hint='write `sl.Parameter([], "ARRAY<STRING>")` or another type',
            )
        # Whole numbers among others are numbers of the wider type.
        wide = (wide for wide, narrow in _WIDENING.items() if all(kind[0] in narrow for kind in kinds))
        widest = next(wide, None)
        return ("ARRAY", kinds[0] if widest is None else (widest,))
    raise InvalidInput(
        f"{name} is a {type(value).__name__}, which is no BigQuery type",
        hint='give its text and type: `sl.Parameter("POINT(1 2)", "GEOGRAPHY")`',
    )


def _fits_numeric(value: Decimal) -> bool:
    """NUMERIC holds 29 digits before the point and 9 after it."""
    if not value.is_finite():
        return True
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -9 and value.adjusted() < 29


def _typed(value: Any, kind: Tagged, name: str) -> Tagged:
    value = _plain(value)
    match kind[0]:
        case "ARRAY":
            return ("ARRAY", kind[1], _items(value, kind[1], name))
        case _ if value is None:
            return ("NULL", kind)
        case "STRUCT":
            return ("STRUCT", _fields(value, kind[1], name))
        case "RANGE":
            start, end = _bounds(value, name)
            return ("RANGE", kind[1], _bound(start, kind[1], name), _bound(end, kind[1], name))
        case scalar:
            return (scalar, _scalar(value, scalar, name))


def _items(value: Any, kind: Tagged, name: str) -> list[Tagged]:
    if value is None:
        return []
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise InvalidInput(f"{name} is a {type(value).__name__}, not a list")
    items = []
    for position, item in enumerate(value):
        if item is None:
            raise InvalidInput(f"{name}[{position}] is None; BigQuery arrays hold no NULL")
        items.append(_typed(item, kind, f"{name}[{position}]"))
    return items


def _fields(value: Any, kinds: list[tuple[str, Tagged]], name: str) -> list[tuple[str, Tagged]]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is a {type(value).__name__}, not a dictionary of its fields")
    unknown = set(map(str, value)) - {field for field, _ in kinds}
    if unknown:
        raise InvalidInput(f"{name} has fields that its type does not name: {', '.join(sorted(unknown))}")
    return [(field, _typed(value.get(field), kind, f"{name}.{field}")) for field, kind in kinds]


def _bounds(value: Any, name: str) -> tuple[Any, Any]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise InvalidInput(f"{name} is not a range", hint="give `(start, end)`; `None` is unbounded")


def _bound(value: Any, kind: Tagged, name: str) -> str | None:
    return None if value is None else str(_scalar(value, kind[0], name))


def _scalar(value: Any, kind: str, name: str) -> Any:
    try:
        return _SCALAR_FORMS[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"{name} is {value!r}, which is not a {kind}") from error


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ValueError("neither true nor false")


def _integer(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not whole")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise OverflowError("beyond 64 bits")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _decimal(value: Any) -> str:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not a number")
    return format(number, "f")


def _bytes(value: Any) -> bytes:
    # `bytes(5)` would be five zeros.
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("not bytes")
    return bytes(value)


def _moment(value: Any) -> str:
    if isinstance(value, dt.datetime):
        _check_exists(value)
        zoned = value if value.tzinfo is not None else value.replace(tzinfo=dt.timezone.utc)
        return zoned.astimezone(dt.timezone.utc).isoformat(sep=" ")
    return _text(value)


def _day_time(value: Any) -> str:
    if isinstance(value, dt.datetime):
        _check_exists(value)
        _check_has_no_zone(value)
        return value.isoformat()
    return _text(value)


def _check_exists(value: dt.datetime) -> None:
    # pandas' NaT is a datetime that differs from itself.
    if value != value:  # noqa: PLR0124 - see above
        raise ValueError("no moment at all")


def _check_has_no_zone(value: dt.datetime | dt.time) -> None:
    if value.tzinfo is not None:
        raise ValueError("a time zone, which this type does not have")


def _day(value: Any) -> str:
    if isinstance(value, dt.datetime):
        raise TypeError("a day has no time")
    return value.isoformat() if isinstance(value, dt.date) else _text(value)


def _time(value: Any) -> str:
    if isinstance(value, dt.time):
        _check_has_no_zone(value)
        return value.isoformat()
    return _text(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False)


def _interval(value: Any) -> str:
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(value.seconds, 60)
        return f"0-0 {value.days} {minutes // 60}:{minutes % 60}:{seconds}.{value.microseconds:06}"
    return _text(value)


_SCALAR_FORMS: dict[str, Callable[[Any], Any]] = {
    "BOOL": _boolean,
    "INT64": _integer,
    "FLOAT64": float,
    "STRING": _text,
    "BYTES": _bytes,
    "DATE": _day,
    "TIME": _time,
    "DATETIME": _day_time,
    "TIMESTAMP": _moment,
    "NUMERIC": _decimal,
    "BIGNUMERIC": _decimal,
    "JSON": _json,
    "GEOGRAPHY": _text,
    "INTERVAL": _interval,
}


class _Type:
    """Reads a type as SQL writes it."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.tokens: list[str] = re.findall(r"\w+|\S", text)

    def read(self) -> Tagged:
        kind = self._type()
        if self.tokens:
            raise self._refused()
        return kind

    def _type(self) -> Tagged:
        word = self._next().upper()
        if word in _SCALARS:
            return (_SCALARS[word],)
        if word in {"ARRAY", "RANGE"}:
            self._expect("<")
            element = self._type()
            self._expect(">")
            return (word, element)
        if word in {"STRUCT", "RECORD"}:
            return ("STRUCT", self._fields())
        raise self._refused()

    def _fields(self) -> list[tuple[str, Tagged]]:
        self._expect("<")
        fields = [(self._next(), self._type())]
        while self.tokens and self.tokens[0] == ",":
            self._expect(",")
            fields.append((self._next(), self._type()))
        self._expect(">")
        return fields

    def _next(self) -> str:
        if not self.tokens:
            raise self._refused()
        return self.tokens.pop(0)

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise self._refused()

    def _refused(self) -> InvalidInput:
        return InvalidInput(
            f"{self.name} has the type `{self.text}`, which is not one of BigQuery's",
            hint="write it as in SQL, for example `INT64`, `ARRAY<STRING>` or `STRUCT<lat FLOAT64, lng FLOAT64>`",
        )
