"""Python values as query parameters: what BigQuery reads is what was given, and the rest is refused clearly."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import streetlens as sl

UTC = dt.timezone.utc
TOGETHER = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
DAYS = st.dates()
DATETIMES = st.datetimes()
INSTANTS = st.datetimes(
    timezones=st.sampled_from([UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))])
).filter(lambda moment: 2 <= moment.year <= 9998)
NUMERICS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "INT64": INTEGERS,
    "FLOAT64": st.floats(allow_nan=False),
    "BOOL": st.booleans(),
    "STRING": TEXTS,
    "BYTES": st.binary(max_size=30),
    "DATE": DAYS,
    "TIME": st.times(),
    "DATETIME": DATETIMES,
    "TIMESTAMP": INSTANTS,
    "NUMERIC": NUMERICS,
}


def back(client: sl.Client, value: Any) -> Any:
    """What the server makes of a parameter."""
    return client.query("SELECT @v AS v", params={"v": value})[0]["v"]


@pytest.mark.parametrize("kind", SCALARS)
def test_a_value_comes_back_as_it_went(client: sl.Client, kind: str) -> None:
    @TOGETHER
    @given(st.lists(SCALARS[kind], min_size=1, max_size=8))
    def check(values: list[Any]) -> None:
        returned = client.query(
            "SELECT x FROM UNNEST(@v) AS x WITH OFFSET AS place ORDER BY place",
            params={"v": sl.Parameter(values, f"ARRAY<{kind}>")},
        )["x"]
        assert returned == values
        assert [type(value) for value in returned] == [type(value) for value in values]

    check()


def test_mixed_values_in_one_struct_come_back(client: sl.Client) -> None:
    @TOGETHER
    @given(st.fixed_dictionaries({name.lower(): values for name, values in SCALARS.items()}))
    def check(value: dict[str, Any]) -> None:
        assert back(client, value) == value

    check()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "INT64", None),
        ("12.5", "NUMERIC", Decimal("12.5")),
        (Decimal("1e-38"), "BIGNUMERIC", Decimal("1e-38")),
        ("2026-01-02", "DATE", dt.date(2026, 1, 2)),
        ("2026-01-02 03:04:05", "DATETIME", dt.datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001 - a DATETIME
        ("2026-01-02 03:04:05+01", "TIMESTAMP", dt.datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)),
        (dt.datetime(2026, 1, 2), "TIMESTAMP", dt.datetime(2026, 1, 2, tzinfo=UTC)),  # noqa: DTZ001 - naive is UTC
        ("03:04:05.000006", "TIME", dt.time(3, 4, 5, 6)),
        ({"a": [1, None]}, "JSON", '{"a":[1,null]}'),
        ("POINT(-122 37)", "GEOGRAPHY", "POINT(-122 37)"),
        ("1-2 3 4:5:6", "INTERVAL", sl.Interval(14, 3, 14_706_000_000_000)),
        (dt.timedelta(days=-1, seconds=1.5), "INTERVAL", sl.Interval(0, -1, 1_500_000_000)),
        ((dt.date(2026, 1, 1), None), "RANGE<DATE>", {"start": dt.date(2026, 1, 1), "end": None}),
        ([], "ARRAY<STRING>", []),
        ([{"a": 1}, {"a": None}], "ARRAY<STRUCT<a INT64>>", [{"a": 1}, {"a": None}]),
        ({"a": 1}, "STRUCT<a INT64, b ARRAY<STRING>>", {"a": 1, "b": []}),
        (5, "FLOAT64", 5.0),
        ("5", "INT64", 5),
        (None, "STRUCT<a INT64>", None),
    ],
)
def test_a_typed_value_is_of_that_type(client: sl.Client, value: Any, kind: str, expected: Any) -> None:
    assert back(client, sl.Parameter(value, kind)) == expected


def test_floats_that_json_cannot_write_come_back(client: sl.Client) -> None:
    assert back(client, float("inf")) == float("inf")
    assert back(client, float("-inf")) == float("-inf")
    assert np.isnan(back(client, float("nan")))


def test_positional_parameters_fill_the_question_marks_in_order(client: sl.Client) -> None:
    assert client.query("SELECT ? AS a, ? AS b", params=[1, "x"]).to_dicts() == [{"a": 1, "b": "x"}]
    assert client.query("SELECT ? AS a", params=(2,)).to_dicts() == [{"a": 2}]


def test_values_of_numpy_and_pandas_are_their_python_values(client: sl.Client) -> None:
    assert back(client, np.int64(5)) == 5
    assert back(client, np.float32(1.5)) == 1.5
    assert back(client, np.bool_(True)) is True
    assert back(client, pd.Timestamp("2026-01-02", tz="UTC")) == dt.datetime(2026, 1, 2, tzinfo=UTC)
    assert back(client, np.datetime64("2026-01-02T03:04:05")) == dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a DATETIME


def test_arrays_and_series_are_arrays(client: sl.Client) -> None:
    assert back(client, np.array([1, 2, 3])) == [1, 2, 3]
    assert back(client, pd.Series(["a", "b"])) == ["a", "b"]
    assert back(client, ("a", "b")) == ["a", "b"]


def test_whole_and_broken_numbers_in_one_list_are_floats(client: sl.Client) -> None:
    assert back(client, [1, 2.5]) == [1.0, 2.5]


def test_a_datetime64_of_nanoseconds_is_never_an_integer(client: sl.Client) -> None:
    moment = np.datetime64("2026-01-02T03:04:05.000000", "ns")
    assert back(client, moment) == dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a DATETIME


def test_a_decimal_beyond_numeric_is_a_bignumeric(client: sl.Client) -> None:
    wide = Decimal("123456789012345678901234567890.0000000001")
    assert back(client, wide) == wide


def test_sql_in_a_parameter_stays_text(client: sl.Client) -> None:
    attack = "x' OR 1=1; DROP TABLE t; -- \" ` \\"
    assert back(client, attack) == attack


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"v": []}, "@v is an empty list"),
        ({"v": object()}, "@v is a object, which is no BigQuery type"),
        ({"v": [1, "x"]}, r"@v\[1\] is 'x', which is not a INT64"),
        ({"v": [1, None]}, "BigQuery arrays hold no NULL"),
        ({"v": sl.Parameter("x", "INT64")}, "@v is 'x', which is not a INT64"),
        ({"v": sl.Parameter(2**63, "INT64")}, "is not a INT64"),
        ({"v": 2**63}, "is not a INT64"),
        ({"v": sl.Parameter(1.5, "INT64")}, "is not a INT64"),
        ({"v": sl.Parameter(5, "BYTES")}, "@v is 5, which is not a BYTES"),
        ({"v": sl.Parameter("yes", "BOOL")}, "is not a BOOL"),
        ({"v": sl.Parameter(Decimal("NaN"), "NUMERIC")}, "is not a NUMERIC"),
        ({"v": sl.Parameter(1, "INTEGRE")}, "type `INTEGRE`"),
        ({"v": sl.Parameter(1, "ARRAY<")}, "type `ARRAY<`"),
        ({"v": sl.Parameter(1, "INT64!")}, "type `INT64!`"),
        ({"v": sl.Parameter([[1]], "ARRAY<ARRAY<INT64>>")}, "array of arrays"),
        ({"v": sl.Parameter({"b": 1}, "STRUCT<a INT64>")}, "fields that its type does not name: b"),
        ({"v": sl.Parameter(3, "RANGE<DATE>")}, "is not a range"),
        ({"v": sl.Parameter((1, 2), "RANGE<INT64>")}, "only DATE, DATETIME and TIMESTAMP have ranges"),
        ({"v": sl.Parameter(dt.datetime(2026, 1, 2, tzinfo=UTC), "DATETIME")}, "is not a DATETIME"),
        ({"v": dt.time(1, 2, tzinfo=UTC)}, "is not a TIME"),
        ({"v": pd.NaT}, "is not a DATETIME"),
        ({"v": {}}, "struct without fields"),
        ({"@v": 1}, "without the `@`"),
        ({"v": 1, "V": 2}, "given twice"),
        ("v", "`params` is str"),
        (5, "`params` is int"),
    ],
)
def test_what_cannot_be_a_parameter_is_refused_before_anything_is_sent(
    client: sl.Client, emulator: Any, params: Any, said: str
) -> None:
    with pytest.raises(sl.InvalidInput, match=said):
        client.query("SELECT @v", params=params)
    assert len(emulator.requests) == 0


def test_a_parameter_the_query_does_not_get_is_the_servers_error(client: sl.Client) -> None:
    with pytest.raises(sl.QueryError, match=r"(?i)parameter"):
        client.query("SELECT @missing", params={"other": 1})
