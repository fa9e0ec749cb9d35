"""The scalar functions of GoogleSQL: signature tables by subject, and those whose arguments are not values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.sql.functions import (
    arrays,
    bits,
    dates,
    formatting,
    geography,
    json,
    mathematics,
    parts,
    special,
    strings,
)
from streetlens.emulator.bigquery.sql.functions.missing import KNOWN_BUT_MISSING
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import Signature
from streetlens.emulator.bigquery.sql.typed import Typed

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

SCALAR: dict[str, list[Signature]] = {
    **strings.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **arrays.FUNCTIONS,
    **bits.FUNCTIONS,
    **dates.FUNCTIONS,
    **json.FUNCTIONS,
    **geography.FUNCTIONS,
}

SPECIAL: dict[str, Callable[[Sequence[Expr], Expr, Scope], Typed]] = {
    **special.FUNCTIONS,
    **parts.FUNCTIONS,
    **formatting.FUNCTIONS,
    **geography.SPECIAL,
}

__all__ = ["KNOWN_BUT_MISSING", "SCALAR", "SPECIAL"]
