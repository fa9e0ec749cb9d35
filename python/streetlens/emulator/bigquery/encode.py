"""Encodes rows as BigQuery's REST API does, `{"f": [{"v": ...}]}`, with one DuckDB expression per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.types import Type, field_keys, quoted


@dataclass(frozen=True)
class FormatOptions:
    """How TIMESTAMP cells are written: FLOAT64 seconds (the default), INT64 microseconds or ISO8601_STRING."""

    timestamp: str = "FLOAT64"

    @classmethod
    def read(cls, use_int64: object, output_format: object) -> FormatOptions:
        """Return the options of a request; raises `invalid` when both ways of asking are used."""
        asked = str(use_int64).lower() in ("true", "1")
        chosen = str(output_format or "")
        if chosen == "TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED":
            chosen = ""
        if asked and chosen:
            raise invalid("useInt64Timestamp and timestampOutputFormat cannot both be set")
        if chosen not in ("", "FLOAT64", "INT64", "ISO8601_STRING"):
            raise invalid(f"Invalid value for timestampOutputFormat: {chosen}")
        return cls(chosen or ("INT64" if asked else "FLOAT64"))


def row_json(columns: Sequence[tuple[str, Type]], options: FormatOptions) -> str:
    """Return DuckDB SQL whose value is the JSON text of one row; `columns` are (DuckDB expression, type)."""
    return f"'{{\"f\":[' || {_joined([_cell(sql, type_, options, 0) for sql, type_ in columns])} || ']}}'"


def _joined(cells: Sequence[str]) -> str:
    return " || ',' || ".join(cells) if cells else "''"


def _cell(sql: str, type_: Type, options: FormatOptions, depth: int) -> str:
    """Return SQL for `{"v": ...}`; a NULL array is written as an empty one."""
    if type_.kind == "ARRAY":
        name = f"e{depth}"
        items = f"list_transform({sql}, lambda {name}: {_cell(name, type_.item, options, depth + 1)})"
        return f"'{{\"v\":[' || coalesce(array_to_string({items}, ','), '') || ']}}'"
    if type_.kind == "STRUCT":
        keys = field_keys(type_)
        cells = [
            _cell(f"({sql}).{quoted(key)}", field.type, options, depth)
            for key, field in zip(keys, type_.fields, strict=True)
        ]
        body = f"'{{\"v\":{{\"f\":[' || {_joined(cells)} || ']}}}}'"
        return f"CASE WHEN {sql} IS NULL THEN '{{\"v\":null}}' ELSE {body} END"
    text = _text(sql, type_, options)
    if type_.kind in ("STRING", "JSON", "GEOGRAPHY"):
        return f"'{{\"v\":' || coalesce(CAST(to_json({text}) AS VARCHAR), 'null') || '}}'"
    return f"coalesce('{{\"v\":\"' || {text} || '\"}}', '{{\"v\":null}}')"


def _text(sql: str, type_: Type, options: FormatOptions) -> str:
    """Return SQL for the text of a scalar, NULL for NULL."""
    kind = type_.kind
    if kind == "FLOAT64":
        return (
            f"CASE WHEN isnan({sql}) THEN 'NaN' WHEN isinf({sql}) THEN CASE WHEN {sql} > 0 THEN 'Infinity' "
            f"ELSE '-Infinity' END ELSE CAST({sql} AS VARCHAR) END"
        )
    if kind == "NUMERIC":
        return f"bq_numeric_text({sql})"
    if kind == "BYTES":
        return f"base64({sql})"
    if kind == "TIMESTAMP":
        return _timestamp(sql, options)
    if kind == "DATETIME":
        return f"replace(bq_datetime_micros({sql}), ' ', 'T')"
    if kind == "TIME":
        return f"bq_time_micros({sql})"
    if kind == "INTERVAL":
        return f"bq_interval_text({sql})"
    if kind == "RANGE":
        bounds = [
            f"coalesce({_text(f'({sql}).{quoted(side)}', type_.item, options)}, 'UNBOUNDED')"
            for side in ("start", "end")
        ]
        return f"CASE WHEN {sql} IS NOT NULL THEN '[' || {bounds[0]} || ', ' || {bounds[1]} || ')' END"
    return f"CAST({sql} AS VARCHAR)"


def _timestamp(sql: str, options: FormatOptions) -> str:
    if options.timestamp == "INT64":
        return f"CAST(epoch_us({sql}) AS VARCHAR)"
    if options.timestamp == "ISO8601_STRING":
        return f"replace(bq_datetime_micros({sql} AT TIME ZONE 'UTC'), ' ', 'T') || 'Z'"
    return f"bq_seconds_text(epoch_us({sql}))"
