"""What a user wants of the data set, as the native module takes it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streetlens._checks import check_count, check_text
from streetlens._parameters import encode
from streetlens.exceptions import InvalidInput
from streetlens.options import Around, Box, Parameter

__all__ = ["native_wish", "python_parameters"]

_AREAS = (
    "pass a box (west, south, east, north), `sl.Around(latitude, longitude, radius_m)`, a polygon as WKT or GeoJSON, "
    "or an object with `__geo_interface__`"
)
_TOLD_BY_PYTHON = {"STRING", "INT64", "FLOAT64", "BOOL", "BYTES"}


def native_wish(entity: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a selection, each checked on its own.

    Raises:
        ConfigurationError: A number or a text cannot be used; the message names the option.
        InvalidInput: A filter cannot be understood.
    """
    options = {**dict.fromkeys(_NAMES), **given}
    for name in ("dataset", "table", "product", "snapshot", "since", "unanswered_in", "unanswered_by"):
        check_text(name, options[name], optional=True)
    check_count("limit", options["limit"], optional=True)
    return {
        "entity": entity,
        **{
            name: options[name]
            for name in (
                "dataset",
                "table",
                "product",
                "snapshot",
                "since",
                "unanswered_in",
                "unanswered_by",
                "limit",
            )
        },
        "kinds": _kinds(options["kind"]),
        "captured_after": _time("captured_after", options["captured_after"]),
        "captured_before": _time("captured_before", options["captured_before"]),
        "within": _area(options["within"]),
        **_views(options["min_views"], options["max_views"]),
        "conditions": _conditions(options["where"]),
        "columns": _columns(options["columns"]),
        "sample": _sample(options["sample"], options["seed"], options["stratify_by"]),
    }


_NAMES = (
    "kind",
    "dataset",
    "table",
    "product",
    "snapshot",
    "captured_after",
    "captured_before",
    "within",
    "min_views",
    "max_views",
    "where",
    "columns",
    "limit",
    "sample",
    "seed",
    "stratify_by",
    "since",
    "unanswered_in",
    "unanswered_by",
)


def python_parameters(parameters: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Native parameters as `client.query` takes them, with a type where the Python value does not tell it."""
    return {
        name: value
        if kind in _TOLD_BY_PYTHON or (kind == "ARRAY<STRING>" and value)
        else Parameter(value, kind)
        for name, kind, value in parameters
    }


def _kinds(kind: object) -> list[str]:
    if kind is None:
        return []
    kinds = [kind] if isinstance(kind, str) else kind
    if not isinstance(kinds, Iterable) or isinstance(kinds, (bytes, Mapping)):
        raise InvalidInput(
            f"`kind` is a {type(kind).__name__}", hint='pass a class or a list of them: "ROAD_SIGN"'
        )
    named = list(kinds)
    for each in named:
        check_text("kind", each)
    if not named:
        raise InvalidInput("`kind` is an empty list", hint="leave `kind` out for every class")
    return named


def _time(name: str, value: object) -> str | None:
    """TIMESTAMP text; what names no zone is in UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError as error:
            raise InvalidInput(
                f"`{name}={value!r}` is no time",
                hint='pass a date or a time: "2026-01-31", "2026-01-31T12:00:00Z", or a datetime',
            ) from error
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - it gets its zone below
    if not isinstance(value, dt.datetime):
        raise InvalidInput(f"`{name}` is a {type(value).__name__}", hint="pass a date, a datetime, or a text")
    moment = value.replace(tzinfo=dt.timezone.utc) if value.tzinfo is None else value
    return moment.astimezone(dt.timezone.utc).isoformat(sep=" ")


def _area(within: Any) -> tuple[float, ...] | str | None:
    if within is None:
        return None
    if isinstance(within, Around):
        return _numbers("within", within)
    if isinstance(within, str):
        return within
    if hasattr(within, "__geo_interface__"):
        within = within.__geo_interface__
    if isinstance(within, Mapping):
        try:
            return json.dumps(within, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"`within` is no GeoJSON: {error}", hint=_AREAS) from error
    if isinstance(within, Sequence) and not isinstance(within, (bytes, bytearray)) and len(within) == 4:
        return _numbers("within", Box(*within))
    raise InvalidInput(f"`within` is a {type(within).__name__} that is no area", hint=_AREAS)


def _numbers(name: str, values: Iterable[Any]) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`{name}` holds what is no number: {error}", hint=_AREAS) from error


def _views(least: object, most: object) -> dict[str, Any]:
    for name, value in (("min_views", least), ("max_views", most)):
        if value != 0 or isinstance(value, bool):
            check_count(name, value, optional=True)
    if isinstance(least, int) and isinstance(most, int) and least > most:
        raise InvalidInput(f"`min_views={least}` is more than `max_views={most}`: no asset fits")
    return {"min_views": least, "max_views": most}


def _conditions(where: Any) -> list[tuple[str, str, list[Any]]]:
    if where is None:
        return []
    hint = 'pass a dictionary of columns: {"asset_id": ["t1:…", "t1:…"], "camera_pose.pitch": (-5, 5)}'
    if not isinstance(where, Mapping):
        raise InvalidInput(f"`where` is a {type(where).__name__}", hint=hint)
    conditions = []
    for column, value in where.items():
        if not isinstance(column, str):
            raise InvalidInput(f"`where` names a column by a {type(column).__name__}", hint=hint)
        if isinstance(value, tuple) and not isinstance(value, Parameter):
            if len(value) != 2:
                raise InvalidInput(
                    f"`where` gives `{column}` a tuple of {len(value)}",
                    hint="a pair is a range, both ends included: (low, high), None for an open end; a list is a choice",
                )
            conditions.append((column, "between", [_tagged(column, end) for end in value]))
        elif isinstance(value, (list, set, frozenset)):
            if not value or any(item is None for item in value):
                raise InvalidInput(f"`where` gives `{column}` a list that is empty or holds None", hint=hint)
            conditions.append((column, "any", [_tagged(column, item) for item in value]))
        else:
            conditions.append((column, "equals", [_tagged(column, value)]))
    return conditions


def _tagged(column: str, value: Any) -> tuple[Any, ...] | None:
    return None if value is None else encode({column: value})[0][1]


def _columns(columns: Any) -> list[str] | None:
    if columns is None:
        return None
    if isinstance(columns, str):
        return [columns]
    if not isinstance(columns, Iterable) or isinstance(columns, (bytes, Mapping)):
        raise InvalidInput(f"`columns` is a {type(columns).__name__}", hint="pass a list of column names")
    named = list(columns)
    for each in named:
        check_text("columns", each)
    return named


def _sample(rows: object, seed: object, stratify_by: object) -> tuple[int, str, str | None] | None:
    if rows is None:
        if stratify_by is not None:
            raise InvalidInput(
                "`stratify_by` is given without `sample`", hint="give the rows of each value: `sample=100`"
            )
        return None
    check_count("sample", rows)
    check_text("stratify_by", stratify_by, optional=True)
    return rows, str(seed if seed is not None else 0), stratify_by  # type: ignore[return-value]  # as checked
