"""Arrow columns of any library as Python values: exact, or refused, and never another value."""

from __future__ import annotations

import datetime as dt
import gc
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streetlens._calls import NativeTable
from streetlens.results import Interval, Table

UTC = dt.timezone.utc
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def table(**columns: Any) -> Table:
    return Table(NativeTable.from_arrow(pa.table(columns)))


def values(column: Any) -> list[Any]:
    return list(table(v=column)["v"])


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
    ],
    ids=str,
)  # fmt: skip
def test_whole_numbers_of_every_width_are_exact(kind: pa.DataType) -> None:
    info = np.iinfo(kind.to_pandas_dtype())
    given_values = [int(info.min), 0, None, int(info.max)]
    assert values(pa.array(given_values, kind)) == given_values


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_numbers_keep_what_their_width_holds(kind: pa.DataType) -> None:
    made = values(pa.array([1.5, None, float("inf"), float("nan")], kind))
    assert made[:3] == [1.5, None, float("inf")]
    assert np.isnan(made[3])


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", None, "b", "a"]).dictionary_encode(),
        pa.array(["a", None, "b", "a"], pa.large_string()),
        pa.array(["a", None, "b", "a"], pa.string_view()),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0], pa.int8()), pa.array(["a", None, "b"])),
        pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1], pa.uint16()), pa.array(["b", "a"])),
        pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1]), pa.array(["b", "a"], pa.large_string())),
        pa.chunked_array(
            [pa.array(["a", None]).dictionary_encode(), pa.array(["b", "a"]).dictionary_encode()]
        ),
        pa.array([None, "a", None, "b", "a", None]).slice(1, 4),
        pa.array(["z", "a", None, "b", "a"]).dictionary_encode().slice(1),
    ],
    ids=lambda column: str(column.type),
)
def test_texts_of_every_encoding_are_the_same(column: Any) -> None:
    assert values(column) == ["a", None, "b", "a"]


def test_a_dictionary_of_nothing_but_nulls_is_nulls() -> None:
    empty = pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int32()), pa.array([], pa.string()))
    assert values(empty) == [None, None]


def test_a_dictionary_of_numbers_is_its_numbers() -> None:
    assert values(pa.array([5, None, 5]).dictionary_encode()) == [5, None, 5]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)], ids=str)
def test_bytes_of_every_encoding_are_bytes(kind: pa.DataType) -> None:
    assert values(pa.array([b"\x00\xff", None], kind)) == [b"\x00\xff", None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1, None], None, []], pa.list_(pa.int8())),
        pa.array([[1, None], None, []], pa.large_list(pa.int64())),
        pa.array([[9], [1, None], None, [], [9]], pa.list_(pa.int64())).slice(1, 3),
    ],
    ids=["list", "large list", "sliced"],
)
def test_lists_keep_their_nulls_and_their_places(column: Any) -> None:
    assert values(column) == [[1, None], None, []]


def test_lists_of_a_fixed_size_are_lists() -> None:
    column = pa.array([[1, 2], None, [3, None], [5, 6]], pa.list_(pa.int64(), 2)).slice(1, 2)
    assert values(column) == [None, [3, None]]


def test_structs_keep_their_nulls_and_their_places() -> None:
    rows = [{"a": 9, "b": None}, {"a": 1, "b": ["x"]}, None, {"a": None, "b": []}]
    column = pa.array(rows, pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]))
    assert values(column) == rows
    assert values(column.slice(1)) == rows[1:]


@pytest.mark.parametrize("kind", ["s", "ms", "us", "ns"])
def test_moments_of_every_unit_are_datetimes_in_utc(kind: str) -> None:
    whole = WHEN.replace(microsecond=0)
    assert values(pa.array([whole, None], pa.timestamp(kind, "UTC"))) == [whole, None]
    assert values(pa.array([whole], pa.timestamp(kind, "America/New_York"))) == [whole]
    naive = whole.replace(tzinfo=None)
    assert values(pa.array([naive], pa.timestamp(kind))) == [naive]


def test_moments_before_1970_are_exact() -> None:
    early = dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert values(pa.array([early], pa.timestamp("us", "UTC"))) == [early]
    assert values(pa.array([-1], pa.timestamp("us", "UTC"))) == [
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**62], pa.timestamp("s")),
        pa.array([2**62], pa.timestamp("us")),
        pa.array([-(2**62)], pa.timestamp("ms", "UTC")),
        pa.array([253402300800], pa.timestamp("s")),
        pa.array([2**31 - 1], pa.date32()),
    ],
    ids=str,
)
def test_a_moment_python_cannot_hold_is_refused_and_never_another(column: Any) -> None:
    with pytest.raises((OverflowError, ValueError, TypeError)):
        values(column)


def test_a_table_with_such_a_moment_can_be_shown_and_handed_on() -> None:
    odd = table(v=pa.array([253402300800], pa.timestamp("s")), name=["x"])
    assert "10000-01-01" in repr(odd)
    assert "10000-01-01" in odd._repr_html_()
    assert odd.to_arrow().num_rows == 1


@given(
    st.lists(st.sampled_from(["", "a", "ab", "b" * 80, "e\u0301", None]), max_size=300), st.integers(0, 200)
)
def test_texts_that_come_again_and_again_are_each_row_s_own(labels: list[str | None], unique: int) -> None:
    texts = [*labels, *(f"text {number}" for number in range(unique)), *reversed(labels)]
    assert values(pa.array(texts, pa.string())) == texts


def test_rows_do_not_share_their_dictionaries() -> None:
    place = pa.StructArray.from_arrays([pa.array([1.5, None, 2.5])], ["latitude"])
    rows = table(name=["a", "a", None], place=place).to_dicts()
    rows[0]["place"]["latitude"] = rows[0]["name"] = "changed"
    assert rows[1:] == [
        {"name": "a", "place": {"latitude": None}},
        {"name": None, "place": {"latitude": 2.5}},
    ]


@pytest.mark.parametrize("is_collecting", [True, False])
def test_the_garbage_collector_is_as_it_was_after_rows_were_made_and_after_a_row_that_cannot(
    is_collecting: bool,
) -> None:
    odd = table(v=pa.array([2**62], pa.timestamp("s")))
    was_collecting = gc.isenabled()
    try:
        (gc.enable if is_collecting else gc.disable)()
        table(v=["a"]).to_dicts()
        assert gc.isenabled() is is_collecting
        with pytest.raises((OverflowError, TypeError)):
            odd.to_dicts()
        assert gc.isenabled() is is_collecting
    finally:
        (gc.enable if was_collecting else gc.disable)()


def test_days_and_times_of_day_are_exact() -> None:
    days = [dt.date(1, 1, 1), dt.date(9999, 12, 31), None]
    assert values(pa.array(days, pa.date32())) == days
    assert values(pa.array(days, pa.date64())) == days
    times = [dt.time(23, 59, 59), None]
    assert values(pa.array(times, pa.time32("s"))) == times
    assert values(pa.array([dt.time(1, 2, 3, 4)], pa.time64("ns"))) == [dt.time(1, 2, 3, 4)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_timedeltas(unit: str) -> None:
    spans = [dt.timedelta(days=-3, seconds=5), None]
    assert values(pa.array(spans, pa.duration(unit))) == spans


def test_intervals_are_months_days_and_nanoseconds() -> None:
    assert values(pa.array([(14, -3, 5), None], pa.month_day_nano_interval())) == [Interval(14, -3, 5), None]


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28)
    )
)
@settings(deadline=None, max_examples=30)
def test_decimals_are_exact(numbers: list[Decimal]) -> None:
    assert values(pa.array(numbers, pa.decimal128(38, 9))) == numbers
    assert values(pa.array(numbers, pa.decimal256(76, 9))) == numbers


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("-0.01", pa.decimal128(5, 2)),
        ("12300", pa.decimal128(5, -2)),
        ("0", pa.decimal128(5, 5)),
        ("-0.00001", pa.decimal256(5, 5)),
        ("99999", pa.decimal128(5, 0)),
        ("-1.5", pa.decimal32(5, 2)),
        ("-1.5", pa.decimal64(5, 2)),
    ],
)
def test_decimals_of_every_scale_are_exact(number: str, kind: pa.DataType) -> None:
    assert values(pa.array([Decimal(number), None], kind)) == [Decimal(number), None]


def test_a_column_of_nulls_is_nulls() -> None:
    assert values(pa.nulls(3)) == [None, None, None]


def test_a_type_without_a_python_form_says_so_and_can_be_shown_and_handed_on() -> None:
    odd = table(v=pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())))
    with pytest.raises(TypeError, match=r"no Python form; use `to_arrow\(\)`"):
        odd.to_dicts()
    assert "k: 1" in repr(odd)
    assert odd.to_arrow()["v"].to_pylist() == [[("k", 1)], None]


def test_frames_of_pandas_and_polars_come_back_as_they_went() -> None:
    columns = {"i": [1, 2], "s": ["a", None], "f": [1.5, float("inf")], "b": [True, False]}
    assert Table(NativeTable.from_arrow(pl.DataFrame(columns))).to_dicts() == pl.DataFrame(columns).to_dicts()
    frame = pd.DataFrame(
        {
            **columns,
            "at": pd.Series([pd.Timestamp("2026-01-02"), None]),
            "took": pd.to_timedelta(["1s", None]),
        }
    )
    rows = Table(NativeTable.from_arrow(frame)).to_dicts()
    assert rows[0]["at"] == dt.datetime(2026, 1, 2)  # noqa: DTZ001 - pandas' own has no zone
    assert rows[0]["took"] == dt.timedelta(seconds=1)
    assert (rows[1]["at"], rows[1]["took"], rows[1]["s"]) == (None, None, None)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 20), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_rows_of_many_chunks_are_found_wherever_they_are(sizes: list[int], start: int, length: int) -> None:
    chunks: list[Any] = []
    expected: list[int] = []
    for size in sizes:
        numbers = list(range(len(expected), len(expected) + size))
        expected += numbers
        chunks.append(pa.array(numbers, pa.int32()))
    sliced = pa.table({"v": pa.chunked_array(chunks, pa.int32())}).slice(start, length)
    made = Table(NativeTable.from_arrow(sliced))
    assert made["v"] == expected[start : start + length]
    assert [row["v"] for row in made] == expected[start : start + length]
    assert [made[index]["v"] for index in range(len(made))] == expected[start : start + length]
