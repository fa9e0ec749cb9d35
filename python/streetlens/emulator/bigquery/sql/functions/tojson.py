"""TO_JSON: writes any value as JSON the way BigQuery does."""

from __future__ import annotations

from streetlens.emulator.bigquery.types import Type, field_keys, literal, quoted


def to_json(sql: str, type_: Type) -> str:
    """Return DuckDB SQL of type JSON for a value of `type_`."""
    if type_.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(field.name or '')}, {to_json(f'({sql}).{quoted(key)}', field.type)}"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE json_object({parts}) END"
    if type_.kind == "ARRAY":
        return f"to_json(list_transform({sql}, lambda e: {to_json('e', type_.item)}))"
    if type_.kind in ("INT64", "BOOL", "JSON"):
        return f"to_json({sql})"
    if type_.kind == "FLOAT64":
        return f"bq_float_json({sql})"
    if type_.kind == "NUMERIC":
        return f"CAST(bq_numeric_text({sql}) AS JSON)"
    if type_.kind == "BYTES":
        return f"to_json(base64({sql}))"
    if type_.kind == "TIMESTAMP":
        return f"to_json(replace(bq_datetime_text({sql} AT TIME ZONE 'UTC'), ' ', 'T') || 'Z')"
    if type_.kind == "DATETIME":
        return f"to_json(replace(bq_datetime_text({sql}), ' ', 'T'))"
    if type_.kind == "TIME":
        return f"to_json(bq_time_text({sql}))"
    if type_.kind == "INTERVAL":
        return f"to_json(bq_interval_text({sql}))"
    return f"to_json(CAST({sql} AS VARCHAR))"
