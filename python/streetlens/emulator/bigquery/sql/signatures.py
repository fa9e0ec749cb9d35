"""Function signatures: `"STRING, INT64 -> STRING"` with a DuckDB template, matched by BigQuery's coercion rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import BigQueryError, unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance, supertype
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Field, Type, array_of, range_of, scalar_type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_VARIABLES = ("T", "U")


@dataclass(frozen=True)
class Signature:
    """Argument types (type variables T and U allowed; the last may repeat), result type and template.

    The template names arguments `{0}`, `{1}`, ... and all of them, comma separated, `{all}`.
    """

    arguments: tuple[Type, ...]
    repeats: bool
    result: Type
    template: str

    def __str__(self) -> str:
        """Return the argument list as error messages show it."""
        shown = ", ".join(str(argument) for argument in self.arguments)
        return f"({shown}, ...)" if self.repeats else f"({shown})"


def signature(declaration: str, template: str) -> Signature:
    """Return the signature of a declaration such as `"STRING, T... -> ARRAY<T>"`."""
    left, _, right = declaration.partition("->")
    parts = _split(left)
    repeats = bool(parts) and parts[-1].endswith("...")
    arguments = tuple(_type(part.removesuffix("...")) for part in parts)
    return Signature(arguments, repeats, _type(right.strip()), template)


def match(signatures: Sequence[Signature], arguments: Sequence[Typed]) -> Typed | None:
    """Return the call through the cheapest matching signature, or None when none matches."""
    best: tuple[int, Signature, tuple[Type, ...], dict[str, Type]] | None = None
    for candidate in signatures:
        expected = _expand(candidate, len(arguments))
        if expected is None:
            continue
        bound = _bind(expected, arguments)
        if bound is None:
            continue
        concrete = tuple(_substitute(type_, bound) for type_ in expected)
        cost = 0
        for argument, type_ in zip(arguments, concrete, strict=True):
            step = distance(argument, type_)
            cost += step
        if cost < IMPOSSIBLE and (best is None or cost < best[0]):
            best = (cost, candidate, concrete, bound)
    if best is None:
        return None
    _, chosen, concrete, bound = best
    sqls = [coerce(argument, type_).sql for argument, type_ in zip(arguments, concrete, strict=True)]
    return Typed(chosen.template.format(*sqls, all=", ".join(sqls)), _substitute(chosen.result, bound))


def no_signature(
    name: str, signatures: Sequence[Signature], values: Sequence[Typed], node: Expr, scope: Scope
) -> BigQueryError:
    """Return BigQuery's error for arguments that no signature of `name` takes."""
    if any(value.type.kind == "BYTES" for value in values) and any(
        argument.kind == "STRING" for candidate in signatures for argument in candidate.arguments
    ):
        return unsupported(f"{name} of BYTES", scope.context.at(node).removeprefix(" at "))
    if len(values) > max((len(candidate.arguments) for candidate in signatures), default=0):
        return unsupported(
            f"{name} with {len(values)} arguments", scope.context.at(node).removeprefix(" at ")
        )
    types = ", ".join("NULL" if value.form == "null" else str(value.type) for value in values)
    supported = "; ".join(f"{name}{candidate}" for candidate in signatures)
    given = f"argument types: {types}" if values else "no arguments"
    return scope.context.error(
        f"No matching signature for function {name} for {given}. Supported signatures: {supported}", node
    )


def _expand(candidate: Signature, count: int) -> tuple[Type, ...] | None:
    fixed = len(candidate.arguments)
    if candidate.repeats:
        if count < fixed - 1 or count == 0:
            return None
        return candidate.arguments[:-1] + (candidate.arguments[-1],) * (count - fixed + 1)
    return candidate.arguments if count == fixed else None


def _bind(expected: Sequence[Type], arguments: Sequence[Typed]) -> dict[str, Type] | None:
    offers: dict[str, list[Typed]] = {}
    for type_, argument in zip(expected, arguments, strict=True):
        if type_.kind in _VARIABLES:
            offers.setdefault(type_.kind, []).append(argument)
        elif type_.element is not None and type_.item.kind in _VARIABLES:
            if argument.form in ("null", "empty_array"):
                offers.setdefault(type_.item.kind, []).append(Typed("NULL", argument.type, "null"))
            elif argument.type.kind != type_.kind:
                return None
            else:
                offers.setdefault(type_.item.kind, []).append(Typed("", argument.type.item))
    bound = {}
    for variable, values in offers.items():
        common = supertype(values)
        if common is None:
            return None
        bound[variable] = common
    return bound


def _substitute(type_: Type, bound: dict[str, Type]) -> Type:
    if type_.kind in _VARIABLES:
        return bound.get(type_.kind, type_)
    if type_.kind == "STRUCT":
        return Type(
            "STRUCT", tuple(Field(field.name, _substitute(field.type, bound)) for field in type_.fields)
        )
    if type_.element is not None:
        return Type(type_.kind, element=_substitute(type_.element, bound))
    return type_


def _split(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()] if current.strip() else parts


def _type(text: str) -> Type:
    nested = re.fullmatch(r"(ARRAY|RANGE|STRUCT)<(.*)>", text)
    if nested is None:
        return scalar_type(text) or Type(text)
    kind, inner = nested.groups()
    if kind == "ARRAY":
        return array_of(_type(inner))
    if kind == "RANGE":
        return range_of(_type(inner))
    fields = [part.partition(" ") for part in _split(inner)]
    return Type("STRUCT", tuple(Field(name, _type(rest)) for name, _, rest in fields))
