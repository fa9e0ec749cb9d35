"""String and BYTES functions."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

FUNCTIONS: dict[str, list[Signature]] = {
    "ASCII": [signature("STRING -> INT64", "CASE WHEN {0} = '' THEN 0 ELSE CAST(ascii({0}) AS BIGINT) END")],
    "BYTE_LENGTH": [
        signature("STRING -> INT64", "CAST(strlen({0}) AS BIGINT)"),
        signature("BYTES -> INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ],
    "CHAR_LENGTH": [signature("STRING -> INT64", "CAST(length({0}) AS BIGINT)")],
    "CHARACTER_LENGTH": [signature("STRING -> INT64", "CAST(length({0}) AS BIGINT)")],
    "CHR": [signature("INT64 -> STRING", "chr(CAST({0} AS INTEGER))")],
    "CODE_POINTS_TO_STRING": [
        signature(
            "ARRAY<INT64> -> STRING",
            "CASE WHEN list_count({0}) = len({0}) "
            "THEN array_to_string(list_transform({0}, lambda c: chr(CAST(c AS INTEGER))), '') END",
        )
    ],
    "CONTAINS_SUBSTR": [signature("STRING, STRING -> BOOL", "bq_contains_substr({0}, {1})")],
    "ENDS_WITH": [signature("STRING, STRING -> BOOL", "ends_with({0}, {1})")],
    "FROM_BASE64": [signature("STRING -> BYTES", "from_base64({0})")],
    "FROM_HEX": [
        signature("STRING -> BYTES", "from_hex(CASE WHEN strlen({0}) % 2 = 1 THEN '0' || {0} ELSE {0} END)")
    ],
    "GREATEST": [signature("T... -> T", "bq_greatest([{all}])")],
    "INITCAP": [signature("STRING -> STRING", "bq_initcap({0})")],
    "INSTR": [
        signature("STRING, STRING -> INT64", "CAST(instr({0}, {1}) AS BIGINT)"),
    ],
    "LEAST": [
        signature("FLOAT64... -> FLOAT64", "bq_float_least([{all}])"),
        signature("T... -> T", "bq_least([{all}])"),
    ],
    "LEFT": [
        signature("STRING, INT64 -> STRING", "left({0}, bq_not_negative({1}, 'LEFT'))"),
        signature("BYTES, INT64 -> BYTES", "bq_bytes_slice({0}, 1, {1})"),
    ],
    "LENGTH": [
        signature("STRING -> INT64", "CAST(length({0}) AS BIGINT)"),
        signature("BYTES -> INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ],
    "LOWER": [signature("STRING -> STRING", "lower({0})")],
    "LPAD": [
        signature(
            "STRING, INT64 -> STRING", "lpad(bq_pad_checked({0}, {1}, ' '), CAST({1} AS INTEGER), ' ')"
        ),
        signature(
            "STRING, INT64, STRING -> STRING",
            "lpad(bq_pad_checked({0}, {1}, {2}), CAST({1} AS INTEGER), {2})",
        ),
    ],
    "LTRIM": [
        signature("STRING -> STRING", "ltrim({0}, ' \t\n\r\x0b\x0c')"),
        signature("STRING, STRING -> STRING", "ltrim({0}, {1})"),
    ],
    "MD5": [
        signature("STRING -> BYTES", "from_hex(md5({0}))"),
        signature("BYTES -> BYTES", "from_hex(md5({0}))"),
    ],
    "OCTET_LENGTH": [
        signature("STRING -> INT64", "CAST(strlen({0}) AS BIGINT)"),
        signature("BYTES -> INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ],
    "REGEXP_CONTAINS": [signature("STRING, STRING -> BOOL", "regexp_matches({0}, {1})")],
    "REPEAT": [signature("STRING, INT64 -> STRING", "repeat({0}, bq_not_negative({1}, 'REPEAT'))")],
    "REPLACE": [
        signature(
            "STRING, STRING, STRING -> STRING", "CASE WHEN {1} = '' THEN {0} ELSE replace({0}, {1}, {2}) END"
        )
    ],
    "REVERSE": [signature("STRING -> STRING", "bq_reverse({0})")],
    "RIGHT": [signature("STRING, INT64 -> STRING", "right({0}, bq_not_negative({1}, 'RIGHT'))")],
    "RPAD": [
        signature(
            "STRING, INT64 -> STRING", "rpad(bq_pad_checked({0}, {1}, ' '), CAST({1} AS INTEGER), ' ')"
        ),
        signature(
            "STRING, INT64, STRING -> STRING",
            "rpad(bq_pad_checked({0}, {1}, {2}), CAST({1} AS INTEGER), {2})",
        ),
    ],
    "RTRIM": [
        signature("STRING -> STRING", "rtrim({0}, ' \t\n\r\x0b\x0c')"),
        signature("STRING, STRING -> STRING", "rtrim({0}, {1})"),
    ],
    "SAFE_CONVERT_BYTES_TO_STRING": [signature("BYTES -> STRING", "bq_decode_lossy({0})")],
    "SHA1": [
        signature("STRING -> BYTES", "from_hex(sha1({0}))"),
        signature("BYTES -> BYTES", "from_hex(sha1({0}))"),
    ],
    "SHA256": [
        signature("STRING -> BYTES", "from_hex(sha256({0}))"),
        signature("BYTES -> BYTES", "from_hex(sha256({0}))"),
    ],
    "SHA512": [
        signature("STRING -> BYTES", "bq_sha512(encode({0}))"),
        signature("BYTES -> BYTES", "bq_sha512({0})"),
    ],
    "SPLIT": [
        signature("STRING -> ARRAY<STRING>", "bq_split({0}, ',')"),
        signature("STRING, STRING -> ARRAY<STRING>", "bq_split({0}, {1})"),
    ],
    "STARTS_WITH": [signature("STRING, STRING -> BOOL", "starts_with({0}, {1})")],
    "STRPOS": [signature("STRING, STRING -> INT64", "CAST(instr({0}, {1}) AS BIGINT)")],
    "SUBSTR": [
        signature("STRING, INT64 -> STRING", "bq_substr({0}, {1})"),
        signature("STRING, INT64, INT64 -> STRING", "bq_substr_length({0}, {1}, {2})"),
        signature("BYTES, INT64 -> BYTES", "bq_bytes_substr({0}, {1}, octet_length({0}))"),
        signature("BYTES, INT64, INT64 -> BYTES", "bq_bytes_substr({0}, {1}, {2})"),
    ],
    "TO_BASE64": [signature("BYTES -> STRING", "base64({0})")],
    "TO_CODE_POINTS": [
        signature(
            "STRING -> ARRAY<INT64>",
            "list_transform(bq_characters({0}), lambda c: CAST(unicode(c) AS BIGINT))",
        )
    ],
    "TO_HEX": [signature("BYTES -> STRING", "lower(hex({0}))")],
    "TRANSLATE": [signature("STRING, STRING, STRING -> STRING", "translate({0}, {1}, {2})")],
    "TRIM": [
        signature("STRING -> STRING", "trim({0}, ' \t\n\r\x0b\x0c')"),
        signature("STRING, STRING -> STRING", "trim({0}, {1})"),
    ],
    "UNICODE": [
        signature("STRING -> INT64", "CASE WHEN {0} = '' THEN 0 ELSE CAST(unicode({0}) AS BIGINT) END")
    ],
    "UPPER": [signature("STRING -> STRING", "upper({0})")],
}
FUNCTIONS["SUBSTRING"] = FUNCTIONS["SUBSTR"]
