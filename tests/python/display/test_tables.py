"""Tables as text fit a terminal, and as HTML nothing that came from data is markup."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetlens._calls import NativeTable
from streetlens.results import Results, Table

ATTACK = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def table(**columns: Any) -> Table:
    return Table(NativeTable.from_arrow(pa.table(columns)))


def results(rows: int, **columns: Any) -> Results:
    zeros = [0] * rows
    made = {
        **columns,
        "status": ["ok"] * rows,
        "error": [None] * rows,
        "input_tokens": zeros,
        "output_tokens": zeros,
        "thinking_tokens": zeros,
        "cached_tokens": zeros,
        "cost_usd": [0.0] * rows,
        "source": ["online"] * rows,
    }
    return Results(NativeTable.from_arrow(pa.table(made)))


def width(line: str) -> int:
    """Columns a terminal needs for a line."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    return len(line) - sum(unicodedata.category(letter) in {"Mn", "Me"} for letter in line) + wide


def test_a_small_table_reads_as_a_table() -> None:
    assert repr(table(name=["a", None], k=[1, 20])).splitlines() == [
        "name  k",
        "────  ──",
        "a     1",
        "∅     20",
        "2 rows × 2 columns",
    ]


def test_one_row_and_one_column_are_told_in_the_singular() -> None:
    assert repr(table(k=[1])).splitlines()[-1] == "1 row × 1 column"


def test_rows_and_columns_beyond_what_is_shown_are_counted() -> None:
    text = repr(table(**{f"column{number}": list(range(25)) for number in range(9)}))
    assert "… 15 more rows" in text
    assert "… 3 more columns: column6, column7, column8" in text


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.text(max_size=40), st.lists(st.text(max_size=90), min_size=2, max_size=2), max_size=12
    ),
    st.booleans(),
)
def test_no_line_is_wider_than_80_columns(columns: dict[str, list[str]], as_results: bool) -> None:
    shown = results(2, **columns) if as_results else table(**columns)
    for line in repr(shown).splitlines():
        assert width(line) <= 80, line


@pytest.mark.parametrize(
    "columns",
    [
        {"name": ["x" * 500] * 2},
        {"n" * 200: ["x"] * 2},
        {f"{'c' * 30}{number}": ["v" * 100] * 2 for number in range(30)},
        {"many\nlines\r\n\ttabs": ["a\nb\r\nc\td"] * 2},
        {"停" * 50: ["停" * 50] * 2, "b": ["🛑" * 50] * 2},
        {"deep": [[{"a": [1] * 200}]] * 2},
    ],
)
def test_wide_things_are_cut_to_80_columns(columns: dict[str, Any]) -> None:
    for shown in (table(**columns), results(2, **columns)):
        lines = repr(shown).splitlines()
        assert max(map(width, lines)) <= 80
        assert len(lines) <= 8


def test_control_characters_of_data_do_not_reach_the_terminal() -> None:
    text = repr(table(**{"v\x1b[2J": ["\x1b[31mred\x07\x00", "\u202egnp.exe"]}))
    assert not [letter for letter in text if unicodedata.category(letter) in {"Cc", "Cf"} and letter != "\n"]


@pytest.mark.parametrize(
    "columns",
    [
        {"v": [ATTACK]},
        {ATTACK: ["v"]},
        {"v": [{ATTACK: [ATTACK]}]},
        {"v": ["x" * 100 + ATTACK]},
        {"v": ['" onmouseover="alert(1)']},
    ],
)
def test_no_data_becomes_markup(columns: dict[str, Any]) -> None:
    for shown in (table(**columns), results(1, **columns)):
        html = shown._repr_html_()
        assert "<script" not in html
        assert "<img" not in html
        assert '" onmouseover' not in html


def test_errors_of_a_service_do_not_become_markup() -> None:
    made = results(1, gcs_uri=["gs://bucket/a.jpg"])
    columns = made.to_arrow().to_pydict() | {"error": [ATTACK], "status": ["failed"]}
    assert "<script" not in Results(NativeTable.from_arrow(pa.table(columns)))._repr_html_()


def test_a_table_without_columns_is_told_by_its_size() -> None:
    empty = Table(NativeTable.from_arrow(pa.table({})))
    assert repr(empty) == "0 rows × 0 columns"
    assert "0 rows" in empty._repr_html_()


def test_results_are_summed_up_by_status_and_price() -> None:
    assert repr(results(3, v=[1, 2, 3])).splitlines()[-1] == "3 rows (3 ok), $0.0000 at list price"


def test_results_show_the_answer_and_its_status_however_many_columns_came_along() -> None:
    carried = {f"input{number}": ["x"] for number in range(12)}
    head = repr(results(1, gcs_uri=["gs://bucket/a.jpg"], **carried, classification=["sign"])).splitlines()[0]
    assert head.split() == ["gcs_uri", "input10", "input11", "classification", "status", "error"]


def test_html_of_a_long_table_shows_its_beginning_only() -> None:
    html = table(k=list(range(10_000)))._repr_html_()
    assert html.count("<tr>") == 11
    assert "9,990 more rows" in html
