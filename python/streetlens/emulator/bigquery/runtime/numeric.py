"""Exact decimal arithmetic and number texts that DuckDB rounds or prints differently."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

import numpy as np

from streetlens.emulator.bigquery.errors import FAILURE_MARKER

_CONTEXT = Context(prec=160)
_SCALE = Decimal("1e-9")
# Comparisons are exact, while abs() and + would round to the default context's 28 digits.
_TOO_LARGE = Decimal("1e30")
_LIMIT = Decimal("99999999999999999999999999999.999999999")


def failure(message: str) -> ValueError:
    """Return the exception that carries `message` through DuckDB to the client."""
    return ValueError(f"{FAILURE_MARKER}{message}{FAILURE_MARKER}")


def _fitted(value: Decimal, shown: str) -> str:
    if value.copy_abs() >= _TOO_LARGE:
        raise failure(f"numeric overflow: {shown}")
    rounded = value.quantize(_SCALE, ROUND_HALF_UP, _CONTEXT)
    if rounded.copy_abs() > _LIMIT:
        raise failure(f"numeric overflow: {shown}")
    return format(rounded, "f")


def decimal_operation(operator: str, left: str, right: str) -> str:
    """Return `left * right` or `left / right`, rounded half away from zero to 9 digits."""
    one, other = Decimal(left), Decimal(right)
    shown = f"{one.normalize():f} {operator} {other.normalize():f}"
    if operator == "*":
        return _fitted(_CONTEXT.multiply(one, other), shown)
    if other == 0:
        raise failure(f"division by zero: {shown}")
    return _fitted(_CONTEXT.divide(one, other), shown)


def decimal_function(name: str, first: str, second: str) -> str:
    """Return SQRT, EXP, LN, LOG10, POW or LOG of NUMERIC values."""
    value = Decimal(first)
    shown = f"{name}({first})"
    try:
        if name == "POW":
            return _fitted(_CONTEXT.power(value, Decimal(second)), shown)
        if name == "LOG":
            return _fitted(_CONTEXT.divide(_CONTEXT.ln(value), _CONTEXT.ln(Decimal(second))), shown)
        operations = {"SQRT": _CONTEXT.sqrt, "EXP": _CONTEXT.exp, "LN": _CONTEXT.ln, "LOG10": _CONTEXT.log10}
        result = operations[name](value)
    except ArithmeticError:
        raise failure(f"Floating point error in function: {shown}") from None
    if not result.is_finite():
        raise failure(f"Floating point error in function: {shown}")
    return _fitted(result, shown)


def decimal_round(text: str, digits: int, nearest: bool) -> str:
    """Return a NUMERIC rounded (or cut) to `digits` decimals; negative digits round left of the point."""
    step = Decimal(1).scaleb(-min(max(digits, -38), 9))
    value = Decimal(text).quantize(step, ROUND_HALF_UP if nearest else ROUND_DOWN, _CONTEXT)
    return _fitted(value, text)


def decimal_text(text: str) -> str:
    """Return a decimal text as NUMERIC; raises for anything else."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise failure(f"Invalid NUMERIC value: {text}") from None
    if not value.is_finite() or "_" in text:
        raise failure(f"Invalid NUMERIC value: {text}")
    return _fitted(value, text)


def decimal_of_float(value: float) -> str:
    """Return a FLOAT64 as NUMERIC; raises for NaN and infinities."""
    if not math.isfinite(value):
        raise failure(
            f"Illegal conversion of non-finite floating point number to numeric: {float_text(value)}"
        )
    return _fitted(Decimal(value), float_text(value))


def float_text(value: float) -> str:
    """Return CAST(FLOAT64 AS STRING): the shortest of 15 or 17 digits that reads back the same."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    for digits in (15, 17):
        text = f"{value:.{digits}g}"
        if float(text) == value:
            return text
    return repr(value)


def cube_root(value: float) -> float:
    """Return the real cube root, exact for cubes."""
    return float(np.cbrt(value))


def hex_int64(text: str) -> int:
    """Return a hexadecimal text as INT64."""
    value = int(text.strip(), 16)
    if not -(2**63) <= value < 2**63:
        raise failure(f"Bad int64 value: {text}")
    return value


def shift(value: int, places: int) -> int:
    """Return a 64-bit logical shift, left for positive places and right for negative ones."""
    bits = value & (2**64 - 1)
    bits = (bits << places) & (2**64 - 1) if places >= 0 else bits >> -places
    return bits - 2**64 if bits >= 2**63 else bits


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_decimal_operation": (decimal_operation, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "bq_decimal_function": (decimal_function, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "bq_decimal_round": (decimal_round, ["VARCHAR", "BIGINT", "BOOLEAN"], "VARCHAR"),
    "bq_decimal_text": (decimal_text, ["VARCHAR"], "VARCHAR"),
    "bq_decimal_of_float": (decimal_of_float, ["DOUBLE"], "VARCHAR"),
    "bq_float_text": (float_text, ["DOUBLE"], "VARCHAR"),
    "bq_cbrt": (cube_root, ["DOUBLE"], "DOUBLE"),
    "bq_hex_int64": (hex_int64, ["VARCHAR"], "BIGINT"),
    "bq_shift": (shift, ["BIGINT", "BIGINT"], "BIGINT"),
}
