"""TO_JSON: writes any value as JSON the way BigQuery does."""

from __future__ import annotations

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.types import Type, field_keys, literal, quoted

# The largest integer up to which every integer is a double.
_WIDEST = 2**53


def to_json(sql: str, type_: Type, wide_as_text: bool) -> str:
    """Return DuckDB SQL of type JSON for a value of `type_`; numbers a double cannot hold may become strings."""
    if type_.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(field.name or '')}, {to_json(f'({sql}).{quoted(key)}', field.type, wide_as_text)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE json_object({parts}) END"
    if type_.kind == "ARRAY":
        return f"to_json(list_transform({sql}, lambda e: {to_json('e', type_.item, wide_as_text)}))"
    if type_.kind in ("BOOL", "JSON") or (type_.kind == "INT64" and not wide_as_text):
        return f"to_json({sql})"
    if type_.kind == "INT64":
        return (
            f"CASE WHEN abs({sql}) > {_WIDEST} THEN to_json(CAST({sql} AS VARCHAR)) ELSE to_json({sql}) END"
        )
    if type_.kind == "FLOAT64":
        return f"bq_float_json({sql})"
    if type_.kind == "NUMERIC":
        number, text = f"CAST(bq_numeric_text({sql}) AS JSON)", f"to_json(bq_numeric_text({sql}))"
        whole = f"{sql} = trunc({sql}) AND abs({sql}) <= {_WIDEST}"
        return f"CASE WHEN {whole} THEN {number} ELSE {text} END" if wide_as_text else number
    if type_.kind == "BYTES":
        return f"to_json(base64({sql}))"
    if type_.kind == "TIMESTAMP":
        return f"to_json(replace(bq_datetime_text({sql} AT TIME ZONE 'UTC'), ' ', 'T') || 'Z')"
    if type_.kind == "DATETIME":
        return f"to_json(replace(bq_datetime_text({sql}), ' ', 'T'))"
    if type_.kind == "TIME":
        return f"to_json(bq_time_text({sql}))"
    if type_.kind in ("INTERVAL", "RANGE"):
        raise unsupported(f"TO_JSON of {type_}")
    return f"to_json(CAST({sql} AS VARCHAR))"
