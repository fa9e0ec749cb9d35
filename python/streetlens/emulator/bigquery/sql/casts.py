"""CAST: the DuckDB expression that converts a value from one GoogleSQL type to another, as BigQuery documents it."""

from __future__ import annotations

from streetlens.emulator.bigquery.errors import invalid_query
from streetlens.emulator.bigquery.types import Type, duckdb_type, field_keys, literal, quoted

# (from, to) -> DuckDB template. A pair that is missing here is refused, as BigQuery refuses it.
_CASTS = {
    ("INT64", "FLOAT64"): "CAST({} AS DOUBLE)",
    ("INT64", "NUMERIC"): "CAST({} AS DECIMAL(38,9))",
    ("INT64", "BIGNUMERIC"): "CAST({} AS VARCHAR)",
    ("INT64", "BOOL"): "({} <> 0)",
    ("INT64", "STRING"): "CAST({} AS VARCHAR)",
    ("FLOAT64", "INT64"): "bq_float_to_int64({})",
    ("FLOAT64", "NUMERIC"): "bq_float_to_numeric({})",
    ("FLOAT64", "BIGNUMERIC"): "bq_bignumeric_from_text(bq_float_text({}))",
    ("FLOAT64", "STRING"): "bq_float_text({})",
    ("NUMERIC", "INT64"): "CAST({} AS BIGINT)",
    ("NUMERIC", "FLOAT64"): "CAST(CAST({} AS VARCHAR) AS DOUBLE)",
    ("NUMERIC", "BIGNUMERIC"): "bq_numeric_text({})",
    ("NUMERIC", "STRING"): "bq_numeric_text({})",
    ("BIGNUMERIC", "INT64"): "CAST(bq_bignumeric_round({}, 0) AS BIGINT)",
    ("BIGNUMERIC", "FLOAT64"): "CAST({} AS DOUBLE)",
    ("BIGNUMERIC", "NUMERIC"): "bq_numeric_from_text({})",
    ("BIGNUMERIC", "STRING"): "{}",
    ("BOOL", "INT64"): "CAST({} AS BIGINT)",
    ("BOOL", "STRING"): "CAST({} AS VARCHAR)",
    ("STRING", "INT64"): "bq_int64_from_text({})",
    ("STRING", "FLOAT64"): "bq_float_from_text({})",
    ("STRING", "NUMERIC"): "bq_numeric_from_text({})",
    ("STRING", "BIGNUMERIC"): "bq_bignumeric_from_text({})",
    ("STRING", "BOOL"): "bq_bool_from_text({})",
    ("STRING", "BYTES"): "encode({})",
    ("STRING", "DATE"): "bq_date_from_text({})",
    ("STRING", "TIME"): "bq_time_from_text({})",
    ("STRING", "DATETIME"): "bq_datetime_from_text({})",
    ("STRING", "TIMESTAMP"): "bq_timestamp_from_text({})",
    ("STRING", "INTERVAL"): "bq_interval_from_text({})",
    ("BYTES", "STRING"): "decode({})",
    ("DATE", "STRING"): "CAST({} AS VARCHAR)",
    ("DATE", "DATETIME"): "CAST({} AS TIMESTAMP)",
    ("DATE", "TIMESTAMP"): "(CAST({} AS TIMESTAMP) AT TIME ZONE 'UTC')",
    ("TIME", "STRING"): "bq_time_text({})",
    ("DATETIME", "STRING"): "bq_datetime_text({})",
    ("DATETIME", "DATE"): "CAST({} AS DATE)",
    ("DATETIME", "TIME"): "CAST({} AS TIME)",
    ("DATETIME", "TIMESTAMP"): "({} AT TIME ZONE 'UTC')",
    ("TIMESTAMP", "STRING"): "(bq_datetime_text({} AT TIME ZONE 'UTC') || '+00')",
    ("TIMESTAMP", "DATE"): "CAST({} AT TIME ZONE 'UTC' AS DATE)",
    ("TIMESTAMP", "TIME"): "CAST({} AT TIME ZONE 'UTC' AS TIME)",
    ("TIMESTAMP", "DATETIME"): "({} AT TIME ZONE 'UTC')",
    ("INTERVAL", "STRING"): "bq_interval_text({})",
}


def can_cast(source: Type, target: Type) -> bool:
    """Whether BigQuery has an explicit conversion between the two types."""
    if source.kind == target.kind == "STRUCT":
        return len(source.fields) == len(target.fields) and all(
            can_cast(one.type, other.type) for one, other in zip(source.fields, target.fields, strict=True)
        )
    if source.kind == target.kind == "ARRAY":
        return can_cast(source.item, target.item)
    return source == target or (source.kind, target.kind) in _CASTS


def cast_sql(sql: str, source: Type, target: Type) -> str:
    """Return DuckDB SQL that converts `sql`; raises invalidQuery for a pair BigQuery does not convert."""
    if source == target:
        return sql
    if not can_cast(source, target):
        raise invalid_query(f"Invalid cast from {source} to {target}")
    if source.kind == "ARRAY":
        return f"list_transform({sql}, lambda e: {cast_sql('e', source.item, target.item)})"
    if source.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(new)}: {cast_sql(f'({sql}).{quoted(old)}', old_field.type, new_field.type)}"
            for old, old_field, new, new_field in zip(
                field_keys(source), source.fields, field_keys(target), target.fields, strict=True
            )
        )
        return f"CASE WHEN {sql} IS NULL THEN CAST(NULL AS {duckdb_type(target)}) ELSE {{{parts}}} END"
    return _CASTS[source.kind, target.kind].format(sql)
