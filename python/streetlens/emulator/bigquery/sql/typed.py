"""A compiled expression: DuckDB SQL with its GoogleSQL type, and what is still known about its literal form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from streetlens.emulator.bigquery.types import BOOL, FLOAT64, INT64, STRING, Type, literal

Form = Literal[
    "expression", "null", "integer", "float", "string", "parameter", "empty_array", "array", "struct"
]


@dataclass(frozen=True)
class Typed:
    """DuckDB `sql` of GoogleSQL type `type`; a literal has its Python `value`, a constructor its `items`."""

    sql: str
    type: Type
    form: Form = "expression"
    value: int | float | str | bool | None = None
    items: tuple[Typed, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether the value is known while compiling."""
        return self.form in ("integer", "float", "string", "null", "parameter")

    def plain(self) -> Typed:
        """Return the same expression without its literal form, so that it no longer coerces like a literal."""
        return replace(self, form="expression", value=None, items=())


NULL = Typed("NULL", INT64, "null")


def integer(value: int) -> Typed:
    """Return an INT64 literal."""
    return Typed(f"CAST({value} AS BIGINT)", INT64, "integer", value)


def floating(value: float) -> Typed:
    """Return a FLOAT64 literal."""
    return Typed(f"CAST('{value!r}' AS DOUBLE)", FLOAT64, "float", value)


def string(value: str) -> Typed:
    """Return a STRING literal."""
    return Typed(literal(value), STRING, "string", value)


def boolean(value: bool) -> Typed:
    """Return a BOOL literal."""
    return Typed("true" if value else "false", BOOL, "expression", value)
