"""Array functions."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

FUNCTIONS: dict[str, list[Signature]] = {
    "ARRAY_CONCAT": [signature("ARRAY<T>... -> ARRAY<T>", "bq_array_concat_all([{all}])")],
    "ARRAY_FIRST": [signature("ARRAY<T> -> T", "bq_array_at({0}, 0)")],
    "ARRAY_LAST": [signature("ARRAY<T> -> T", "bq_array_at({0}, len({0}) - 1)")],
    "ARRAY_LENGTH": [signature("ARRAY<T> -> INT64", "CAST(len({0}) AS BIGINT)")],
    "ARRAY_REVERSE": [signature("ARRAY<T> -> ARRAY<T>", "list_reverse({0})")],
    "ARRAY_SLICE": [signature("ARRAY<T>, INT64, INT64 -> ARRAY<T>", "bq_array_slice({0}, {1}, {2})")],
    "ARRAY_TO_STRING": [
        signature("ARRAY<STRING>, STRING -> STRING", "bq_array_to_string({0}, {1})"),
        signature("ARRAY<STRING>, STRING, STRING -> STRING", "bq_array_to_string_nulls({0}, {1}, {2})"),
    ],
    "GENERATE_ARRAY": [
        signature("INT64, INT64 -> ARRAY<INT64>", "generate_series({0}, {1})"),
        signature("INT64, INT64, INT64 -> ARRAY<INT64>", "generate_series({0}, {1}, bq_step({2}))"),
        signature("FLOAT64, FLOAT64, FLOAT64 -> ARRAY<FLOAT64>", "bq_float_series({0}, {1}, {2})"),
    ],
}
