"""FORMAT: splits the printf template while compiling, so that every argument is checked against its specifier."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.casts import can_cast, cast_sql
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import FLOAT64, INT64, STRING, Type, field_keys, literal, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_SPECIFIER = re.compile(r"%([-+ #0']*)(\d+|\*)?(?:\.(\d+|\*))?(ll|l|h)?([a-zA-Z%])")


def _format(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    if not arguments:
        raise scope.context.error("No matching signature for function FORMAT with no arguments", node)
    template = scope.expression(arguments[0])
    if not isinstance(template.value, str):
        raise unsupported(
            "FORMAT with a template that is not a literal or parameter",
            scope.context.at(node).removeprefix(" at "),
        )
    values = [scope.expression(argument) for argument in arguments[1:]]
    pieces, end, used = [], 0, 0
    for found in _SPECIFIER.finditer(template.value):
        pieces.append(literal(template.value[end : found.start()]))
        end = found.end()
        flags, width, precision, _, letter = found.groups()
        if letter == "%":
            pieces.append("'%'")
            continue
        if "*" in (width, precision):
            raise unsupported(
                "FORMAT with a * width or precision", scope.context.at(node).removeprefix(" at ")
            )
        if used >= len(values):
            raise scope.context.error("Too few arguments to FORMAT for pattern " + repr(template.value), node)
        spec = f"%{flags}{width or ''}{'.' + precision if precision is not None else ''}"
        pieces.append(_piece(spec, letter, values[used], node, scope))
        used += 1
    if used < len(values):
        raise scope.context.error("Too many arguments to FORMAT for pattern " + repr(template.value), node)
    if "%" in _SPECIFIER.sub("", template.value):
        raise scope.context.error(f"Invalid FORMAT string: {template.value!r}", node)
    pieces.append(literal(template.value[end:]))
    return Typed("(" + " || ".join(piece for piece in pieces if piece != "''") + " || '')", STRING)


def _piece(spec: str, letter: str, value: Typed, node: Expr, scope: Scope) -> str:
    if letter in "diuoxX" and distance(value, INT64) < IMPOSSIBLE:
        return f"bq_format_integer({literal(spec)}, {literal(letter)}, {coerce(value, INT64).sql})"
    if letter in "fFeEgG" and distance(value, FLOAT64) < IMPOSSIBLE:
        return f"bq_format_float({literal(spec)}, {literal(letter)}, {coerce(value, FLOAT64).sql})"
    if letter == "s" and value.type.kind == "STRING":
        return f"bq_format_text({literal(spec)}, {value.sql})"
    if letter in "tT":
        return f"bq_format_text({literal(spec)}, coalesce({printed(value.sql, value.type, letter == 'T')}, 'NULL'))"
    raise scope.context.error(
        f"Invalid type for argument of FORMAT: %{letter} does not take {value.type}", node
    )


def printed(sql: str, type_: Type, as_literal: bool) -> str:
    """Return a value as %t prints it, or as a GoogleSQL literal for %T."""
    if type_.kind == "STRUCT":
        parts = " || ', ' || ".join(
            f"coalesce({printed(f'({sql}).{quoted(key)}', field.type, as_literal)}, 'NULL')"
            for key, field in zip(field_keys(type_), type_.fields, strict=True)
        )
        opening = "'STRUCT('" if as_literal and len(type_.fields) == 1 else "'('"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {opening} || {parts} || ')' END"
    if type_.kind == "ARRAY":
        item = f"coalesce({printed('e', type_.item, as_literal)}, 'NULL')"
        return f"'[' || array_to_string(list_transform({sql}, lambda e: {item}), ', ') || ']'"
    if type_.kind == "STRING":
        return f"bq_quote({sql})" if as_literal else sql
    if type_.kind == "FLOAT64":
        return f"bq_float_printed({sql}, {'true' if as_literal else 'false'})"
    if type_.kind == "BYTES":
        return f"bq_bytes_printed({sql}, {'true' if as_literal else 'false'})"
    if can_cast(type_, STRING):
        text = cast_sql(sql, type_, STRING)
        if as_literal and type_.kind == "INTERVAL":
            return f"('INTERVAL ' || bq_quote({text}) || ' YEAR TO SECOND')"
        named = type_.kind in ("DATE", "TIME", "DATETIME", "TIMESTAMP", "NUMERIC", "BIGNUMERIC")
        return f"({literal(type_.kind + ' ')} || bq_quote({text}))" if as_literal and named else text
    if type_.kind == "JSON":
        text = f"CAST({sql} AS VARCHAR)"
        return f"('JSON ' || bq_quote({text}))" if as_literal else text
    raise unsupported(f"FORMAT of a value of type {type_}")


FUNCTIONS: dict[str, Callable[[Sequence[Expr], Expr, Scope], Typed]] = {"FORMAT": _format}
