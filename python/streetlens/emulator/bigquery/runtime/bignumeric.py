"""BIGNUMERIC arithmetic on decimal texts: 38 digits before the point (39 for small leading digits) and 38 after."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from streetlens.emulator.bigquery.runtime.numeric import failure

_CONTEXT = Context(prec=200)
_SCALE = Decimal("1e-38")
_LIMIT = Decimal(2**255).scaleb(-38, _CONTEXT)


def canonical(value: Decimal, shown: str) -> str:
    """Return a BIGNUMERIC text without trailing zeros; raises when it does not fit."""
    rounded = value.quantize(_SCALE, ROUND_HALF_UP, _CONTEXT)
    if rounded.copy_abs() > _LIMIT:
        raise failure(f"BIGNUMERIC overflow: {shown}")
    text = format(rounded, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def from_text(text: str) -> str:
    """Return a decimal text as BIGNUMERIC; raises for anything else."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise failure(f"Invalid BIGNUMERIC value: {text}") from None
    if not value.is_finite() or "_" in text:
        raise failure(f"Invalid BIGNUMERIC value: {text}")
    return canonical(value, text)


def _operation(name: str, operator: str) -> Callable[[str, str], str]:
    def operate(left: str, right: str) -> str:
        one, other = Decimal(left), Decimal(right)
        if operator == "/" and other == 0:
            raise failure(f"division by zero: {left} / {right}")
        result: Decimal = getattr(_CONTEXT, name)(one, other)
        return canonical(result, f"{left} {operator} {right}")

    return operate


def compare(left: str, right: str) -> int:
    """Return -1, 0 or 1."""
    one, other = Decimal(left), Decimal(right)
    return (one > other) - (one < other)


def rounded(text: str, digits: int) -> str:
    """Return the number rounded half away from zero."""
    return format(Decimal(text).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _CONTEXT), "f")


_PAIR = ["VARCHAR", "VARCHAR"]
FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_bignumeric_from_text": (from_text, ["VARCHAR"], "VARCHAR"),
    "bq_bignumeric_add": (_operation("add", "+"), _PAIR, "VARCHAR"),
    "bq_bignumeric_subtract": (_operation("subtract", "-"), _PAIR, "VARCHAR"),
    "bq_bignumeric_multiply": (_operation("multiply", "*"), _PAIR, "VARCHAR"),
    "bq_bignumeric_divide": (_operation("divide", "/"), _PAIR, "VARCHAR"),
    "bq_bignumeric_compare": (compare, _PAIR, "BIGINT"),
    "bq_bignumeric_round": (rounded, ["VARCHAR", "BIGINT"], "VARCHAR"),
}
