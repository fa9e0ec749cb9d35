"""Values as google-cloud-bigquery gives them where the native ones differ: parsed JSON, intervals of dateutil."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

from streetlens.compat._bigquery.types import Described
from streetlens.results import Interval

__all__ = ["converter"]

Convert = Callable[[Any], Any]


def converter(described: Described) -> Convert | None:
    """What makes the original's value of a native one of this type; `None` where they are the same."""
    convert = _converter_of_one(described)
    if convert is None:
        return None
    if described.is_repeated:
        return lambda items: [_unless_null(convert, item) for item in items]
    return lambda value: _unless_null(convert, value)


def _converter_of_one(described: Described) -> Convert | None:
    if described.kind == "JSON":
        return json.loads
    if described.kind == "INTERVAL":
        return _relative_delta
    inner = {name: convert for name, kind in described.fields if (convert := converter(kind)) is not None}
    if not inner:
        return None
    return lambda record: {
        name: inner[name](value) if name in inner else value for name, value in record.items()
    }


def _unless_null(convert: Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def _relative_delta(interval: Interval) -> Any:
    try:
        dateutil = importlib.import_module("dateutil.relativedelta")
    except ImportError:
        return interval
    # Towards zero, so that each part has the sign of the whole.
    microseconds = int(interval.nanoseconds / 1000)
    return dateutil.relativedelta(months=interval.months, days=interval.days, microseconds=microseconds)
