"""Which rows of a JSON or CSV file fit the table's schema, and BigQuery's words about those that do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streetlens.emulator.bigquery import transport
from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.loads.request import LoadRequest
from streetlens.emulator.bigquery.loads.texts import Row
from streetlens.emulator.bigquery.types import from_rest_field

_READING = "Error while reading data, error message:"
_Item = Mapping[str, Any]


@dataclass
class FittingRows:
    """The rows that fit the schema, and what was wrong with the others."""

    good: list[dict[str, Any]] = field(default_factory=list)
    problems: list[BigQueryError] = field(default_factory=list)


def fitting(rows: Iterable[Row], fields: Sequence[_Item], request: LoadRequest) -> FittingRows:
    """Return the rows as the columns take them; raises invalid when more are bad than the job allows."""
    found, count = FittingRows(), 0
    for row in rows:
        count += 1
        try:
            if row.problem is not None:
                raise invalid(row.problem)
            found.good.append(_record(row.values, fields, request, ""))
        except BigQueryError as error:
            found.problems.append(invalid(f"{_READING} {_place(row, request)}: {error.message}"))
    if len(found.problems) > request.bad_records:
        kind = "CSV" if request.source_format == "CSV" else "JSON"
        message = f"{kind} table encountered too many errors, giving up. Rows: {count}; errors: {len(found.problems)}."
        failure = invalid(f"{_READING} {message} Please look into the errors[] collection for more details.")
        failure.details = found.problems
        raise failure
    return found


def _place(row: Row, request: LoadRequest) -> str:
    if request.source_format == "CSV":
        return f"Error detected while parsing row starting at line {row.position + 1}"
    return f"JSON parsing error in row starting at position {row.position}"


def _record(
    values: Mapping[str, Any], fields: Sequence[_Item], request: LoadRequest, prefix: str
) -> dict[str, Any]:
    known = {str(item["name"]).lower(): item for item in fields}
    result: dict[str, Any] = {}
    for name, value in values.items():
        item = known.get(name.lower())
        if item is not None:
            result[str(item["name"])] = _value(value, item, request, f"{prefix}{item['name']}")
        elif not request.ignores_unknown:
            raise invalid(f"No such field: {prefix}{name}.")
    for item in fields:
        if str(item.get("mode")).upper() == "REQUIRED" and result.get(str(item["name"])) is None:
            raise invalid(f"Missing required field: {prefix}{item['name']}.")
    return result


def _value(value: Any, item: _Item, request: LoadRequest, path: str) -> Any:
    if str(item.get("mode")).upper() == "REPEATED":
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(f"Repeated field must be imported as a JSON array. Field: {path}.")
        if any(entry is None for entry in value):
            raise invalid(f"Only optional fields can be set to NULL. Field: {path}; Value: NULL")
        return [_value(entry, {**item, "mode": "NULLABLE"}, request, path) for entry in value]
    if value is None:
        return None
    if item["type"] == "JSON":
        # A CSV cell is JSON text; in a JSON file the value itself is.
        return value if isinstance(value, str) else transport.sent(value, from_rest_field(item))
    if isinstance(value, list):
        raise invalid(f"Array specified for non-repeated field: {path}.")
    if item["type"] == "RECORD":
        if not isinstance(value, Mapping):
            raise invalid(f"This field: {path} is not a record.")
        return _record(value, item["fields"], request, f"{path}.")
    if isinstance(value, Mapping) and item["type"] != "RANGE":
        raise invalid(f"This field: {path} is a record.")
    return _scalar(value, item, request, path)


def _scalar(value: Any, item: _Item, request: LoadRequest, path: str) -> Any:
    """Return a scalar that is certain to fit; an empty CSV cell is NULL except in a STRING."""
    kind = str(item["type"])
    if request.source_format == "CSV" and value == "" and kind not in ("STRING", "BYTES"):
        return None
    if kind == "STRING":
        return str(value).lower() if isinstance(value, bool) else str(value)
    try:
        transport.sent(value, from_rest_field(item))
    except BigQueryError:
        raise invalid(f"Could not convert value to {kind.lower()}. Field: {path}; Value: {value}") from None
    return value
