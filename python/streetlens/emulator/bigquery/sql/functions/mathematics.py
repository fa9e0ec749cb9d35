"""Mathematical functions."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature


def _float(name: str, template: str) -> tuple[str, list[Signature]]:
    return name, [signature("FLOAT64 -> FLOAT64", template)]


def _rounded(name: str) -> list[Signature]:
    return [
        signature("FLOAT64 -> FLOAT64", f"{name}({{0}})"),
        signature("NUMERIC -> NUMERIC", f"CAST({name}({{0}}) AS DECIMAL(38,9))"),
    ]


FUNCTIONS: dict[str, list[Signature]] = {
    "ABS": [
        signature("INT64 -> INT64", "abs({0})"),
        signature("FLOAT64 -> FLOAT64", "abs({0})"),
        signature("NUMERIC -> NUMERIC", "abs({0})"),
    ],
    "CEIL": _rounded("ceil"),
    "CEILING": _rounded("ceil"),
    "FLOOR": _rounded("floor"),
    "DIV": [
        signature("INT64, INT64 -> INT64", "bq_integer_divide({0}, {1})"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric_trunc(bq_numeric_divide({0}, {1}), 0)"),
    ],
    "IEEE_DIVIDE": [signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_ieee_divide({0}, {1})")],
    "IS_INF": [signature("FLOAT64 -> BOOL", "isinf({0})")],
    "IS_NAN": [signature("FLOAT64 -> BOOL", "isnan({0})")],
    "LOG": [
        signature("NUMERIC -> NUMERIC", "bq_numeric_function('LN', {0}, '')"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric_function('LOG', {0}, {1})"),
        signature("FLOAT64 -> FLOAT64", "ln({0})"),
        signature("FLOAT64, FLOAT64 -> FLOAT64", "(ln({0}) / ln({1}))"),
    ],
    "MOD": [
        signature("INT64, INT64 -> INT64", "bq_mod({0}, {1})"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric(bq_mod({0}, {1}))"),
    ],
    "POW": [
        signature("NUMERIC, NUMERIC -> NUMERIC", "bq_numeric_function('POW', {0}, {1})"),
        signature("FLOAT64, FLOAT64 -> FLOAT64", "bq_finite(pow({0}, {1}), {0}, {1}, 'POW')"),
    ],
    "RAND": [signature(" -> FLOAT64", "random()")],
    "ROUND": [
        signature("FLOAT64 -> FLOAT64", "round({0})"),
        signature("FLOAT64, INT64 -> FLOAT64", "bq_round_float({0}, {1})"),
        signature("NUMERIC -> NUMERIC", "bq_numeric(round({0}, 0))"),
        signature("NUMERIC, INT64 -> NUMERIC", "bq_numeric_round({0}, {1})"),
    ],
    "TRUNC": [
        signature("FLOAT64 -> FLOAT64", "trunc({0})"),
        signature("FLOAT64, INT64 -> FLOAT64", "bq_trunc_float({0}, {1})"),
        signature("NUMERIC -> NUMERIC", "bq_numeric_trunc({0}, 0)"),
        signature("NUMERIC, INT64 -> NUMERIC", "bq_numeric_trunc({0}, {1})"),
    ],
    "SAFE_ADD": [
        signature("INT64, INT64 -> INT64", "TRY({0} + {1})"),
        signature("FLOAT64, FLOAT64 -> FLOAT64", "TRY(bq_float_add({0}, {1}))"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "TRY(bq_numeric({0} + {1}))"),
    ],
    "SAFE_SUBTRACT": [
        signature("INT64, INT64 -> INT64", "TRY({0} - {1})"),
        signature("FLOAT64, FLOAT64 -> FLOAT64", "TRY(bq_float_subtract({0}, {1}))"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "TRY(bq_numeric({0} - {1}))"),
    ],
    "SAFE_MULTIPLY": [
        signature("INT64, INT64 -> INT64", "TRY({0} * {1})"),
        signature("FLOAT64, FLOAT64 -> FLOAT64", "TRY(bq_float_multiply({0}, {1}))"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "TRY(bq_numeric_multiply({0}, {1}))"),
    ],
    "SAFE_DIVIDE": [
        signature("FLOAT64, FLOAT64 -> FLOAT64", "TRY(bq_divide({0}, {1}))"),
        signature("NUMERIC, NUMERIC -> NUMERIC", "TRY(bq_numeric_divide({0}, {1}))"),
    ],
    "SAFE_NEGATE": [
        signature("INT64 -> INT64", "TRY(0 - {0})"),
        signature("FLOAT64 -> FLOAT64", "(-{0})"),
        signature("NUMERIC -> NUMERIC", "(-{0})"),
    ],
    "SIGN": [
        signature("INT64 -> INT64", "CAST(sign({0}) AS BIGINT)"),
        signature("FLOAT64 -> FLOAT64", "CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END"),
        signature("NUMERIC -> NUMERIC", "CAST(sign({0}) AS DECIMAL(38,9))"),
    ],
    "SQRT": [
        signature("NUMERIC -> NUMERIC", "bq_numeric_function('SQRT', {0}, '')"),
        signature("FLOAT64 -> FLOAT64", "sqrt({0})"),
    ],
    "EXP": [
        signature("NUMERIC -> NUMERIC", "bq_numeric_function('EXP', {0}, '')"),
        signature("FLOAT64 -> FLOAT64", "bq_finite(exp({0}), {0}, 0.0, 'EXP')"),
    ],
    "LN": [
        signature("NUMERIC -> NUMERIC", "bq_numeric_function('LN', {0}, '')"),
        signature("FLOAT64 -> FLOAT64", "ln({0})"),
    ],
    "LOG10": [
        signature("NUMERIC -> NUMERIC", "bq_numeric_function('LOG10', {0}, '')"),
        signature("FLOAT64 -> FLOAT64", "log10({0})"),
    ],
    "ATAN2": [signature("FLOAT64, FLOAT64 -> FLOAT64", "atan2({0}, {1})")],
    **dict(
        [
            _float("CBRT", "bq_cbrt({0})"),
            _float("SIN", "sin({0})"),
            _float("COS", "cos({0})"),
            _float("TAN", "tan({0})"),
            _float("ASIN", "asin({0})"),
            _float("ACOS", "acos({0})"),
            _float("ATAN", "atan({0})"),
            _float("SINH", "bq_finite(sinh({0}), {0}, 0.0, 'SINH')"),
            _float("COSH", "bq_finite(cosh({0}), {0}, 0.0, 'COSH')"),
            _float("TANH", "tanh({0})"),
            _float("ASINH", "asinh({0})"),
            _float("ACOSH", "acosh({0})"),
            _float("ATANH", "atanh({0})"),
        ]
    ),
}
FUNCTIONS["POWER"] = FUNCTIONS["POW"]
