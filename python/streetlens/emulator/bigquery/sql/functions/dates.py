"""Date and time functions whose arguments are all values; those with a date part are in `parts`."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

_LOCAL = "bq_local({0}, {1})"
_UTC = "({0} AT TIME ZONE 'UTC')"

FUNCTIONS: dict[str, list[Signature]] = {
    "DATE": [
        signature("INT64, INT64, INT64 -> DATE", "bq_make_date({0}, {1}, {2})"),
        signature("TIMESTAMP -> DATE", f"CAST({_UTC} AS DATE)"),
        signature("TIMESTAMP, STRING -> DATE", f"CAST({_LOCAL} AS DATE)"),
        signature("DATETIME -> DATE", "CAST({0} AS DATE)"),
        signature("DATE -> DATE", "{0}"),
    ],
    "DATETIME": [
        signature(
            "INT64, INT64, INT64, INT64, INT64, INT64 -> DATETIME",
            "(bq_make_date({0}, {1}, {2}) + bq_make_time({3}, {4}, {5}))",
        ),
        signature("DATE, TIME -> DATETIME", "({0} + {1})"),
        signature("TIMESTAMP -> DATETIME", _UTC),
        signature("TIMESTAMP, STRING -> DATETIME", _LOCAL),
        signature("DATE -> DATETIME", "CAST({0} AS TIMESTAMP)"),
        signature("DATETIME -> DATETIME", "{0}"),
    ],
    "TIME": [
        signature("INT64, INT64, INT64 -> TIME", "bq_make_time({0}, {1}, {2})"),
        signature("TIMESTAMP -> TIME", f"CAST({_UTC} AS TIME)"),
        signature("TIMESTAMP, STRING -> TIME", f"CAST({_LOCAL} AS TIME)"),
        signature("DATETIME -> TIME", "CAST({0} AS TIME)"),
    ],
    "TIMESTAMP": [
        signature("STRING -> TIMESTAMP", "bq_timestamp_from_text({0})"),
        signature("STRING, STRING -> TIMESTAMP", "bq_instant(bq_datetime_from_text({0}), {1})"),
        signature("DATE -> TIMESTAMP", "(CAST({0} AS TIMESTAMP) AT TIME ZONE 'UTC')"),
        signature("DATE, STRING -> TIMESTAMP", "bq_instant(CAST({0} AS TIMESTAMP), {1})"),
        signature("DATETIME -> TIMESTAMP", "({0} AT TIME ZONE 'UTC')"),
        signature("DATETIME, STRING -> TIMESTAMP", "bq_instant({0}, {1})"),
        signature("TIMESTAMP -> TIMESTAMP", "{0}"),
    ],
    "DATE_FROM_UNIX_DATE": [
        signature("INT64 -> DATE", "bq_valid_date(CAST(DATE '1970-01-01' + CAST({0} AS INTEGER) AS DATE))")
    ],
    "UNIX_DATE": [signature("DATE -> INT64", "CAST({0} - DATE '1970-01-01' AS BIGINT)")],
    "UNIX_SECONDS": [signature("TIMESTAMP -> INT64", "bq_floor_divide(epoch_us({0}), 1000000)")],
    "UNIX_MILLIS": [signature("TIMESTAMP -> INT64", "bq_floor_divide(epoch_us({0}), 1000)")],
    "UNIX_MICROS": [signature("TIMESTAMP -> INT64", "epoch_us({0})")],
    "TIMESTAMP_SECONDS": [signature("INT64 -> TIMESTAMP", "bq_timestamp_of_micros({0} * 1000000)")],
    "TIMESTAMP_MILLIS": [signature("INT64 -> TIMESTAMP", "bq_timestamp_of_micros({0} * 1000)")],
    "TIMESTAMP_MICROS": [signature("INT64 -> TIMESTAMP", "bq_timestamp_of_micros({0})")],
    "FORMAT_TIMESTAMP": [
        signature("STRING, TIMESTAMP -> STRING", "bq_format_time({0}, epoch_us({1}), 0, 'UTC')"),
        signature("STRING, TIMESTAMP, STRING -> STRING", "bq_format_zoned({0}, {1}, {2})"),
    ],
    "FORMAT_DATETIME": [signature("STRING, DATETIME -> STRING", "bq_format_time({0}, epoch_us({1}), 0, '')")],
    "FORMAT_DATE": [
        signature("STRING, DATE -> STRING", "bq_format_time({0}, epoch_us(CAST({1} AS TIMESTAMP)), 0, '')")
    ],
    "FORMAT_TIME": [
        signature("STRING, TIME -> STRING", "bq_format_time({0}, epoch_us(DATE '1970-01-01' + {1}), 0, '')")
    ],
    "PARSE_TIMESTAMP": [
        signature(
            "STRING, STRING -> TIMESTAMP",
            "(make_timestamp(bq_parse_time({0}, {1}, 'TIMESTAMP')) AT TIME ZONE 'UTC')",
        ),
        signature(
            "STRING, STRING, STRING -> TIMESTAMP",
            "bq_instant(make_timestamp(bq_parse_time({0}, {1}, 'TIMESTAMP')), {2})",
        ),
    ],
    "PARSE_DATETIME": [
        signature("STRING, STRING -> DATETIME", "make_timestamp(bq_parse_time({0}, {1}, 'DATETIME'))")
    ],
    "PARSE_DATE": [
        signature("STRING, STRING -> DATE", "CAST(make_timestamp(bq_parse_time({0}, {1}, 'DATE')) AS DATE)")
    ],
    "PARSE_TIME": [
        signature("STRING, STRING -> TIME", "CAST(make_timestamp(bq_parse_time({0}, {1}, 'TIME')) AS TIME)")
    ],
}
