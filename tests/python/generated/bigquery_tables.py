"""Tables of any schema and content that BigQuery may hold."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001 - zone added where due
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "INTEGER": st.integers(-(2**63), 2**63 - 1),
    "FLOAT": st.floats(),
    "BOOLEAN": st.booleans(),
    "STRING": TEXTS,
    "BYTES": st.binary(max_size=12),
    "NUMERIC": st.decimals(Decimal("-1e28"), Decimal("1e28"), places=9),
    "BIGNUMERIC": st.decimals(Decimal("-1e20"), Decimal("1e20"), places=30),
    "DATE": st.dates(),
    "TIME": st.times(),
    "DATETIME": st.datetimes(FIRST, LAST),
    "TIMESTAMP": st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(tzinfo=timezone.utc)),
    "JSON": st.sampled_from(["null", '{"a":[1,"x"]}', '"text"', "1.5"]),
    "GEOGRAPHY": st.sampled_from(["POINT(1 2)", "POINT(-122.0838511 37.3860517)"]),
}


@st.composite
def fields(draw: st.DrawFn, depth: int) -> list[dict[str, Any]]:
    """Draw the fields of a table or a record."""
    kinds = [*VALUES, "RECORD"] if depth else [*VALUES]
    drawn = draw(st.lists(st.tuples(st.sampled_from(kinds), st.booleans()), min_size=1, max_size=4))
    made: list[dict[str, Any]] = []
    for index, (kind, repeated) in enumerate(drawn):
        item = {"name": f"f{index}", "type": kind, "mode": "REPEATED" if repeated else "NULLABLE"}
        made.append(item | {"fields": draw(fields(depth - 1))} if kind == "RECORD" else item)
    return made


def values(item: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return the values of a field: nulls too, except in an array."""
    inner = rows_of(item["fields"]) if item["type"] == "RECORD" else VALUES[item["type"]]
    return st.lists(inner, max_size=3) if item["mode"] == "REPEATED" else st.none() | inner


def rows_of(schema: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return rows of a schema."""
    return st.fixed_dictionaries({item["name"]: values(item) for item in schema})


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw a schema with rows."""
    schema = draw(fields(2))
    return schema, draw(st.lists(rows_of(schema), max_size=4))
