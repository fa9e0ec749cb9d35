"""Date and time functions that take a part such as DAY or WEEK(MONDAY): ADD, SUB, DIFF, TRUNC, EXTRACT, LAST_DAY."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import BigQueryError
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.conversions import interval
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import (
    DATE,
    DATETIME,
    INT64,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    array_of,
    literal,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Function = Callable[[Sequence["Expr"], "Expr", Scope], Typed]

_CLOCK = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR")
_CALENDAR = ("DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR")
_WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_MICROS = {
    "MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000, "WEEK": 604_800_000_000,
}  # fmt: skip
_PARTS = {"DATE": _CALENDAR, "TIME": _CLOCK, "DATETIME": _CLOCK + _CALENDAR, "TIMESTAMP": _CLOCK + _CALENDAR}
_KNOWN = {*_CLOCK, *_CALENDAR, "DAYOFWEEK", "DAYOFYEAR", "DATE", "TIME", "DATETIME"}
_ADDABLE = {
    "DATE": ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR"),
    "TIME": _CLOCK,
    "DATETIME": (*_CLOCK, "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"),
    "TIMESTAMP": (*_CLOCK, "DAY"),
}
_TYPES = {"DATE": DATE, "TIME": TIME, "DATETIME": DATETIME, "TIMESTAMP": TIMESTAMP}


def _part(node: Expr, scope: Scope) -> tuple[str, int]:
    """Return the part's name and, for WEEK, the weekday it starts on (0 is Sunday)."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "WEEK" and len(node.expressions) == 1:
        weekday = node.expressions[0].name.upper()
        if weekday in _WEEKDAYS:
            return "WEEK", _WEEKDAYS.index(weekday)
    name = node.name.upper() if isinstance(node, exp.Column | exp.Var | exp.Identifier) else ""
    if name not in _KNOWN:
        raise scope.context.error(
            f"A valid date part name is required but found {name or 'an expression'}", node
        )
    return ("WEEK", 1) if name == "ISOWEEK" else (name, 0)


def _argument(node: Expr, scope: Scope, type_: Type, name: str) -> Typed:
    value = scope.expression(node)
    if distance(value, type_) >= IMPOSSIBLE:
        if type_.kind == "DATETIME" and value.type.kind == "TIMESTAMP":
            raise _no_signature(name, value, scope, node)
        raise _no_signature(name, value, scope, node)
    return coerce(value, type_)


def _no_signature(name: str, value: Typed, scope: Scope, node: Expr) -> BigQueryError:
    return scope.context.error(
        f"No matching signature for function {name} for argument types: {value.type}", node
    )


def _count(name: str, arguments: Sequence[Expr], allowed: tuple[int, ...], node: Expr, scope: Scope) -> None:
    if len(arguments) not in allowed:
        raise scope.context.error(
            f"No matching signature for function {name} with {len(arguments)} arguments", node
        )


def added_sql(value: str, kind: str, amount: str, unit: str) -> str:
    """Return DuckDB SQL for `value` plus `amount` units; months clamp to the last day, as in BigQuery."""
    if unit in ("MONTH", "QUARTER", "YEAR"):
        months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
        moved = f"({value} + to_months(CAST({amount} * {months} AS INTEGER)))"
        return f"bq_valid_date(CAST({moved} AS DATE))" if kind == "DATE" else f"bq_valid_datetime({moved})"
    if kind == "DATE":
        return (
            f"bq_valid_date(CAST({value} + CAST({amount} * {7 if unit == 'WEEK' else 1} AS INTEGER) AS DATE))"
        )
    micros = f"{amount} * {_MICROS[unit]}"
    if kind == "TIME":
        return f"({value} + to_microseconds({micros}))"
    if kind == "TIMESTAMP":
        return f"bq_timestamp_of_micros(epoch_us({value}) + {micros})"
    return f"bq_valid_datetime(make_timestamp(epoch_us({value}) + {micros}))"


def _adder(kind: str, name: str, sign: str) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        _count(name, arguments, (2,), node, scope)
        first = scope.expression(arguments[0])
        actual = kind
        if kind in ("DATE", "DATETIME", "TIMESTAMP") and first.type.kind in ("DATE", "DATETIME", "TIMESTAMP"):
            actual = "DATETIME" if kind == "DATETIME" and first.type.kind == "DATE" else first.type.kind
        value = _argument(arguments[0], scope, _TYPES[actual], name)
        if not isinstance(arguments[1], exp.Interval) or isinstance(
            arguments[1].args["unit"], exp.IntervalSpan
        ):
            raise scope.context.error(f"{name} needs an INTERVAL with one date part", node)
        amount, unit = interval(arguments[1], scope)
        if unit not in _ADDABLE[actual]:
            message = f"{name} does not support the {unit} date part when the argument is {actual} type"
            raise scope.context.error(message, arguments[1])
        return Typed(added_sql(value.sql, actual, f"({sign}{amount.sql})", unit), _TYPES[actual])

    return handle


def _trunc(kind: str, name: str) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        _count(name, arguments, (2, 3) if kind in ("TIMESTAMP", "DATETIME", "DATE") else (2,), node, scope)
        first = scope.expression(arguments[0])
        actual = (
            first.type.kind
            if first.type.kind in _TYPES and kind != "TIME" and first.form == "expression"
            else kind
        )
        value = _argument(arguments[0], scope, _TYPES[actual], name)
        unit, start = _part(arguments[1], scope)
        if unit not in _PARTS[actual]:
            raise scope.context.error(f"{name} does not support the {unit} date part", arguments[1])
        if len(arguments) == 3:
            zone = _argument(arguments[2], scope, STRING, name).sql
            local = truncated(f"bq_local({value.sql}, {zone})", "DATETIME", unit, start)
            return Typed(f"bq_instant({local}, {zone})", TIMESTAMP)
        if actual == "TIMESTAMP":
            local = truncated(f"({value.sql} AT TIME ZONE 'UTC')", "DATETIME", unit, start)
            return Typed(f"({local} AT TIME ZONE 'UTC')", TIMESTAMP)
        return Typed(truncated(value.sql, actual, unit, start), _TYPES[actual])

    return handle


def truncated(value: str, kind: str, unit: str, start: int) -> str:
    """Return DuckDB SQL for a DATE, TIME or DATETIME cut down to the start of `unit`."""
    if kind == "TIME":
        return f"CAST(date_trunc({literal(unit)}, DATE '1970-01-01' + {value}) AS TIME)"
    if unit == "WEEK":
        shift = (8 - start) % 7
        cut = f"(date_trunc('week', CAST({value} AS TIMESTAMP) + to_days({shift})) - to_days({shift}))"
    elif unit == "ISOYEAR":
        cut = f"bq_isoyear_start(CAST({value} AS TIMESTAMP))"
    else:
        cut = f"date_trunc({literal(unit)}, CAST({value} AS TIMESTAMP))"
    return f"CAST({cut} AS {'DATE' if kind == 'DATE' else 'TIMESTAMP'})"


def _diff(kind: str, name: str) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        _count(name, arguments, (3,), node, scope)
        actual = kind
        kinds = {scope.expression(argument).type.kind for argument in arguments[:2]}
        if kind != "TIME" and len(kinds) == 1 and kinds <= {"DATE", "DATETIME", "TIMESTAMP"}:
            actual = kinds.pop()
        left, right = (_argument(argument, scope, _TYPES[actual], name).sql for argument in arguments[:2])
        unit, start = _part(arguments[2], scope)
        if unit not in ((*_CLOCK, "DAY") if actual == "TIMESTAMP" else _PARTS[actual]):
            message = f"{name} does not support the {unit} date part when the argument is {actual} type"
            raise scope.context.error(message, arguments[2])
        return Typed(_difference(left, right, actual, unit, start), INT64)

    return handle


def _difference(left: str, right: str, kind: str, unit: str, start: int) -> str:
    if kind == "TIMESTAMP":
        return f"bq_truncate_divide(epoch_us({left}) - epoch_us({right}), {_MICROS[unit]})"
    if kind == "TIME":
        left, right = f"(DATE '1970-01-01' + {left})", f"(DATE '1970-01-01' + {right})"
    if unit in _CLOCK:
        divisor = _MICROS[unit]
        return (
            f"(bq_floor_divide(epoch_us({left}), {divisor}) - bq_floor_divide(epoch_us({right}), {divisor}))"
        )
    if unit == "WEEK":
        # 1970-01-04 was a Sunday, so weeks that start on weekday `start` begin 3 + start days after the epoch.
        first, second = (
            f"bq_floor_divide(CAST({side} AS DATE) - DATE '1970-01-01' - {3 + start}, 7)"
            for side in (left, right)
        )
        return f"({first} - {second})"
    if unit == "ISOYEAR":
        return f"(isoyear({left}) - isoyear({right}))"
    return f"datediff({literal(unit)}, CAST({right} AS DATE), CAST({left} AS DATE))"


_EXTRACTED = {
    "MICROSECOND": "(epoch_us({t}) % 1000000 + 1000000) % 1000000",
    "MILLISECOND": "((epoch_us({t}) % 1000000 + 1000000) % 1000000) // 1000",
    "SECOND": "((epoch_us({t}) % 60000000 + 60000000) % 60000000) // 1000000",
    "MINUTE": "minute({t})",
    "HOUR": "hour({t})",
    "DAYOFWEEK": "(dayofweek({t}) + 1)",
    "DAY": "day({t})",
    "DAYOFYEAR": "dayofyear({t})",
    "ISOWEEK": "week({t})",
    "MONTH": "month({t})",
    "QUARTER": "quarter({t})",
    "YEAR": "year({t})",
    "ISOYEAR": "isoyear({t})",
}


def _extract(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    source = arguments[1]
    zone = "'UTC'"
    if isinstance(source, exp.AtTimeZone):
        zone = _argument(source.args["zone"], scope, STRING, "EXTRACT").sql
        source = source.this
    value = scope.expression(source)
    kind = value.type.kind
    name = arguments[0].name.upper() if not isinstance(arguments[0], exp.Anonymous) else "WEEK"
    start = 0 if name == "ISOWEEK" else _part(arguments[0], scope)[1]
    if kind == "INTERVAL" and name in (
        "YEAR",
        "MONTH",
        "DAY",
        "HOUR",
        "MINUTE",
        "SECOND",
        "MILLISECOND",
        "MICROSECOND",
    ):
        return Typed(f"bq_interval_part({value.sql}, {literal(name)})", INT64)
    if kind not in _TYPES:
        raise scope.context.error(f"EXTRACT from a value of type {value.type} is not defined", node)
    local = f"bq_local({value.sql}, {zone})" if kind == "TIMESTAMP" else value.sql
    if kind == "TIME":
        local = f"(DATE '1970-01-01' + {local})"
    if kind == "DATE":
        local = f"CAST({local} AS TIMESTAMP)"
    if name in ("DATE", "TIME", "DATETIME") and kind in ("TIMESTAMP", "DATETIME"):
        target = _TYPES[name]
        return Typed(f"CAST({local} AS {'TIMESTAMP' if name == 'DATETIME' else name})", target)
    allowed = _PARTS[kind] if kind == "TIME" else (*_PARTS[kind], "DAYOFWEEK", "DAYOFYEAR")
    if name not in allowed:
        raise scope.context.error(f"EXTRACT from {kind} does not support the {name} date part", node)
    if name == "WEEK":
        first = f"(dayofweek({local}) + 7 - {start}) % 7"
        return Typed(f"CAST((dayofyear({local}) + 6 - {first}) // 7 AS BIGINT)", INT64)
    return Typed(f"CAST({_EXTRACTED[name].format(t=local)} AS BIGINT)", INT64)


def _last_day(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
    _count("LAST_DAY", arguments, (1, 2), node, scope)
    value = scope.expression(arguments[0])
    if value.type.kind == "DATETIME":
        value = Typed(f"CAST({value.sql} AS DATE)", DATE)
    value = (
        coerce(value, DATE)
        if distance(value, DATE) < IMPOSSIBLE
        else _argument(arguments[0], scope, DATE, "LAST_DAY")
    )
    unit, start = _part(arguments[1], scope) if len(arguments) == 2 else ("MONTH", 0)
    if unit not in _CALENDAR or unit == "DAY":
        raise scope.context.error(f"LAST_DAY does not support the {unit} date part", node)
    first = truncated(value.sql, "DATE", unit, start)
    if unit == "ISOYEAR":
        following = f"CAST(bq_isoyear_start(CAST({first} AS TIMESTAMP) + to_days(370)) AS DATE)"
    else:
        following = added_sql(first, "DATE", "1", unit)
    return Typed(f"CAST({following} - 1 AS DATE)", DATE)


def _series(kind: str, name: str) -> Function:
    def handle(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        _count(name, arguments, (2, 3), node, scope)
        low, high = (_argument(argument, scope, _TYPES[kind], name).sql for argument in arguments[:2])
        step = "to_days(1)"
        if len(arguments) == 3:
            if not isinstance(arguments[2], exp.Interval):
                raise scope.context.error(f"{name} needs an INTERVAL as its third argument", node)
            _, unit = interval(arguments[2], scope)
            if unit not in _ADDABLE[kind]:
                raise scope.context.error(f"{name} does not support the {unit} date part", node)
            step = scope.expression(arguments[2]).sql
        local = "({} AT TIME ZONE 'UTC')" if kind == "TIMESTAMP" else "CAST({} AS TIMESTAMP)"
        series = f"generate_series({local.format(low)}, {local.format(high)}, {step})"
        converted = "e AT TIME ZONE 'UTC'" if kind == "TIMESTAMP" else "CAST(e AS DATE)"
        return Typed(f"list_transform({series}, lambda e: {converted})", array_of(_TYPES[kind]))

    return handle


FUNCTIONS: dict[str, Function] = {
    "EXTRACT": _extract,
    "LAST_DAY": _last_day,
    "GENERATE_DATE_ARRAY": _series("DATE", "GENERATE_DATE_ARRAY"),
    "GENERATE_TIMESTAMP_ARRAY": _series("TIMESTAMP", "GENERATE_TIMESTAMP_ARRAY"),
}
for _kind in _TYPES:
    FUNCTIONS[f"{_kind}_ADD"] = _adder(_kind, f"{_kind}_ADD", "")
    FUNCTIONS[f"{_kind}_SUB"] = _adder(_kind, f"{_kind}_SUB", "-")
    FUNCTIONS[f"{_kind}_TRUNC"] = _trunc(_kind, f"{_kind}_TRUNC")
    FUNCTIONS[f"{_kind}_DIFF"] = _diff(_kind, f"{_kind}_DIFF")
