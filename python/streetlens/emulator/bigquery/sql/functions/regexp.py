"""Regular expression functions; both engines use RE2, only groups and positions differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import STRING, array_of

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def _texts(name: str, arguments: Sequence[Expr], count: int, node: Expr, scope: Scope) -> list[Typed]:
    values = [scope.expression(argument) for argument in arguments]
    if len(values) > count:
        raise unsupported(f"{name} with a position argument", scope.context.at(node).removeprefix(" at "))
    if len(values) < count or any(distance(value, STRING) >= IMPOSSIBLE for value in values):
        types = ", ".join(str(value.type) for value in values)
        raise scope.context.error(
            f"No matching signature for function {name} for argument types: {types}", node
        )
    return [coerce(value, STRING) if value.form == "null" else value for value in values]


def group_count(pattern: str) -> int:
    """Return the number of capturing groups of an RE2 pattern."""
    count, index, in_class = 0, 0, False
    while index < len(pattern):
        character = pattern[index]
        if character == "\\":
            index += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            if pattern[index + 1 : index + 2] == "^":
                index += 1
            if pattern[index + 1 : index + 2] == "]":
                index += 1
        elif character == "(" and (
            pattern[index + 1 : index + 2] != "?" or pattern[index + 1 : index + 3] in ("?P", "?<")
        ):
            count += 1
        index += 1
    return count


def _group(name: str, pattern: Typed, node: Expr, scope: Scope) -> int:
    if not isinstance(pattern.value, str):
        raise unsupported(f"{name} with a pattern that is not a literal or parameter")
    groups = group_count(pattern.value)
    if groups > 1:
        message = f"Regular expression passed to {name} must not have more than 1 capturing group"
        raise scope.context.error(message, node)
    return groups


def _extract(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    value, pattern = _texts("REGEXP_EXTRACT", arguments, 2, node, scope)
    group = _group("REGEXP_EXTRACT", pattern, node, scope)
    matched = f"regexp_matches({value.sql}, {pattern.sql})"
    extracted = f"regexp_extract({value.sql}, {pattern.sql}, {group})"
    if group:
        left_out = f"{extracted} = '' AND bq_group_unmatched({value.sql}, {pattern.sql})"
        return Typed(f"CASE WHEN {matched} AND NOT ({left_out}) THEN {extracted} END", STRING)
    return Typed(f"CASE WHEN {matched} THEN {extracted} END", STRING)


def _extract_all(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    value, pattern = _texts("REGEXP_EXTRACT_ALL", arguments, 2, node, scope)
    group = _group("REGEXP_EXTRACT_ALL", pattern, node, scope)
    return Typed(f"regexp_extract_all({value.sql}, {pattern.sql}, {group})", array_of(STRING))


def _replace(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    value, pattern, replacement = _texts("REGEXP_REPLACE", arguments, 3, node, scope)
    return Typed(f"regexp_replace({value.sql}, {pattern.sql}, {replacement.sql}, 'g')", STRING)


def _instr(_arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    raise unsupported("The function REGEXP_INSTR", scope.context.at(node).removeprefix(" at "))


FUNCTIONS: dict[str, Callable[[Sequence[Expr], Expr, Scope], Typed]] = {
    "REGEXP_EXTRACT": _extract,
    "REGEXP_SUBSTR": _extract,
    "REGEXP_EXTRACT_ALL": _extract_all,
    "REGEXP_REPLACE": _replace,
    "REGEXP_INSTR": _instr,
}
