"""Bit, hash, UUID and RANGE functions."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

FUNCTIONS: dict[str, list[Signature]] = {
    "BIT_COUNT": [signature("INT64 -> INT64", "CAST(bit_count({0}) AS BIGINT)")],
    "FARM_FINGERPRINT": [
        signature("STRING -> INT64", "bq_farm_fingerprint(encode({0}))"),
        signature("BYTES -> INT64", "bq_farm_fingerprint({0})"),
    ],
    "GENERATE_UUID": [signature(" -> STRING", "CAST(uuid() AS VARCHAR)")],
    "RANGE": [
        signature("DATE, DATE -> RANGE<DATE>", "bq_range({0}, {1})"),
        signature("DATETIME, DATETIME -> RANGE<DATETIME>", "bq_range({0}, {1})"),
        signature("TIMESTAMP, TIMESTAMP -> RANGE<TIMESTAMP>", "bq_range({0}, {1})"),
    ],
    "RANGE_START": [signature("RANGE<T> -> T", '({0})."start"')],
    "RANGE_END": [signature("RANGE<T> -> T", '({0})."end"')],
    "RANGE_CONTAINS": [signature("RANGE<T>, T -> BOOL", "bq_range_contains({0}, {1})")],
    "RANGE_OVERLAPS": [signature("RANGE<T>, RANGE<T> -> BOOL", "bq_range_overlaps({0}, {1})")],
}
