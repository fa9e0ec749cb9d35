"""JSON functions."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

FUNCTIONS: dict[str, list[Signature]] = {
    "BOOL": [signature("JSON -> BOOL", "bq_json_bool({0})")],
    "FLOAT64": [signature("JSON -> FLOAT64", "bq_json_float({0})")],
    "INT64": [signature("JSON -> INT64", "bq_json_int64({0})")],
    "STRING": [
        signature("JSON -> STRING", "bq_json_string({0})"),
        signature("TIMESTAMP -> STRING", "(bq_datetime_text({0} AT TIME ZONE 'UTC') || '+00')"),
    ],
    "JSON_TYPE": [signature("JSON -> STRING", "bq_json_type({0})")],
}
