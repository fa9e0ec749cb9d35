"""Values survive the way in (parameters, loads) and the way out (cells), for every type."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import enums
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streetlens.emulator.bigquery.errors import BigQueryError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NUMERICS = st.decimals(Decimal("-1e28"), Decimal("1e28"), places=9)
INSTANTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - zone added
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "STRING": TEXTS,
    "INT64": INTEGERS,
    "FLOAT64": st.floats(),
    "BOOL": st.booleans(),
    "BYTES": st.binary(max_size=20),
    "NUMERIC": NUMERICS,
    "BIGNUMERIC": st.decimals(Decimal("-1e20"), Decimal("1e20"), places=30),
    "DATE": st.dates(),
    "TIME": st.times(),
    # Google's client writes a year before 1000 with three digits, which GoogleSQL refuses.
    "DATETIME": st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - a DATETIME has no zone
    "TIMESTAMP": INSTANTS.map(lambda instant: instant.replace(tzinfo=timezone.utc)),
}
RELAXED = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("kind", SCALARS)
@RELAXED
@given(data=st.data())
def test_a_scalar_parameter_comes_back_as_it_went(
    client: bigquery.Client, kind: str, data: st.DataObject
) -> None:
    value = data.draw(st.none() | SCALARS[kind])
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("p", kind, value)])
    ((answer,),) = client.query_and_wait("SELECT @p", job_config=config)
    assert same(answer, value)


@pytest.mark.parametrize("kind", SCALARS)
@RELAXED
@given(data=st.data())
def test_an_array_parameter_comes_back_as_it_went(
    client: bigquery.Client, kind: str, data: st.DataObject
) -> None:
    values = data.draw(st.lists(SCALARS[kind], max_size=4))
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("p", kind, values)])
    ((answer,),) = client.query_and_wait("SELECT @p", job_config=config)
    assert same(answer, values)


@RELAXED
@given(name=TEXTS, size=st.none() | INTEGERS, tags=st.lists(TEXTS, max_size=3))
def test_a_struct_parameter_comes_back_as_it_went(
    client: bigquery.Client, name: str, size: int | None, tags: list[str]
) -> None:
    parameter = bigquery.StructQueryParameter(
        "p",
        bigquery.ScalarQueryParameter("name", "STRING", name),
        bigquery.ScalarQueryParameter("size", "INT64", size),
        bigquery.ArrayQueryParameter("tags", "STRING", tags),
    )
    config = bigquery.QueryJobConfig(query_parameters=[parameter])
    ((answer,),) = client.query_and_wait("SELECT @p", job_config=config)
    assert answer == {"name": name, "size": size, "tags": tags}


def test_an_array_of_structs_comes_back_as_it_went(client: bigquery.Client) -> None:
    types: Any = bigquery  # these constructors carry no annotations
    element = types.StructQueryParameterType(
        types.ScalarQueryParameterType("STRING", name="uri"),
        types.ScalarQueryParameterType("INT64", name="n"),
    )
    values = [
        bigquery.StructQueryParameter(
            None,
            bigquery.ScalarQueryParameter("uri", "STRING", uri),
            bigquery.ScalarQueryParameter("n", "INT64", n),
        )
        for uri, n in (("gs://a/b", 1), ("gs://a/c", 2))
    ]
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("p", element, values)])
    found = client.query_and_wait("SELECT x.uri, x.n FROM UNNEST(@p) AS x ORDER BY n DESC", job_config=config)
    assert [tuple(row) for row in found] == [("gs://a/c", 2), ("gs://a/b", 1)]


def test_a_range_parameter_comes_back_as_it_went(client: bigquery.Client) -> None:
    types: Any = bigquery  # this constructor carries no annotations
    parameter = types.RangeQueryParameter("DATE", start=date(2020, 1, 1), end=None, name="p")
    config = bigquery.QueryJobConfig(query_parameters=[parameter])
    ((answer,),) = client.query_and_wait("SELECT @p", job_config=config)
    assert answer == {"start": date(2020, 1, 1), "end": None}


@pytest.mark.parametrize("kind", ["JSON", "GEOGRAPHY"])
def test_text_like_parameters_keep_their_type(rest: Any, kind: str) -> None:
    text = '{"a":[1]}' if kind == "JSON" else "POINT(1 2)"
    parameter = {"name": "p", "parameterType": {"type": kind}, "parameterValue": {"value": text}}
    body = rest.query("SELECT @p AS p", parameterMode="NAMED", queryParameters=[parameter])
    assert body["schema"]["fields"][0]["type"] == kind
    assert body["rows"][0]["f"][0]["v"] == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("INT64", "1.5"), ("INT64", str(2**63)), ("FLOAT64", "x"), ("BYTES", "*"), ("NOPE", "1")],
)
def test_a_parameter_that_does_not_fit_its_type_is_refused_by_name(rest: Any, kind: str, text: str) -> None:
    parameter = {"name": "p", "parameterType": {"type": kind}, "parameterValue": {"value": text}}
    body = {
        "query": "SELECT @p",
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": [parameter],
    }
    status, answer = rest.call("POST", "queries", body)
    assert status == 400
    assert answer["error"]["errors"][0]["reason"] == "invalid"


def test_a_parameter_that_was_not_sent_is_named(rest: Any) -> None:
    status, body = rest.call("POST", "queries", {"query": "SELECT @missing", "useLegacySql": False})
    assert (status, body["error"]["message"]) == (400, "Query parameter 'missing' not found at [1:8]")


FIELDS: list[dict[str, Any]] = [
    *({"name": kind.lower(), "type": kind} for kind in SCALARS),
    {
        "name": "record",
        "type": "RECORD",
        "fields": [{"name": "x", "type": "TIMESTAMP"}, {"name": "y", "type": "BYTES"}],
    },
    {"name": "many", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "t", "type": "STRING"}]},
]
ROWS = st.fixed_dictionaries(
    {
        **{kind.lower(): st.none() | strategy for kind, strategy in SCALARS.items()},
        "record": st.none()
        | st.fixed_dictionaries({"x": st.none() | SCALARS["TIMESTAMP"], "y": st.none() | SCALARS["BYTES"]}),
        "many": st.lists(st.fixed_dictionaries({"t": st.none() | TEXTS}), max_size=3),
    }
)


@RELAXED
@given(loaded=st.lists(ROWS, min_size=1, max_size=5))
@example(loaded=[{field["name"]: None for field in FIELDS} | {"many": []}])
def test_a_loaded_row_is_listed_as_it_was(
    service: Any, client: bigquery.Client, loaded: list[dict[str, Any]]
) -> None:
    table = service.engine.load_table("own", "loaded", FIELDS, loaded)
    try:
        found = [dict(row) for row in client.list_rows(client.get_table("own.loaded"))]
    finally:
        service.engine.drop_table(table)
    assert len(found) == len(loaded)
    for row, expected in zip(found, loaded, strict=True):
        for name in expected:
            assert same(row[name], expected[name]), name


def test_times_of_day_keep_their_microseconds(client: bigquery.Client) -> None:
    parameter = bigquery.ScalarQueryParameter("p", enums.SqlTypeNames.TIME.value, "23:59:59.000001")
    config = bigquery.QueryJobConfig(query_parameters=[parameter])
    assert [tuple(row) for row in client.query_and_wait("SELECT @p", job_config=config)] == [
        (time(23, 59, 59, 1),)
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("INTEGER", "x"), ("INTEGER", 1.5), ("INTEGER", 2**63), ("DATE", "2020-02-30"), ("BYTES", "*"), ("NUMERIC", "x"),
     ("TIMESTAMP", "soon"), ("BOOLEAN", "maybe"), ("JSON", "{"), ("GEOGRAPHY", "LINE"),
     ("DATETIME", "2020-01-01T00:00:00Z")],
)  # fmt: skip
def test_a_row_that_does_not_fit_its_schema_is_refused_with_its_value(
    service: Any, kind: str, value: Any
) -> None:
    table = service.engine.load_table("own", "strict", [{"name": "a", "type": kind}], [])
    try:
        with pytest.raises(BigQueryError, match="Could not convert value") as caught:
            service.engine.insert_rows(table, [{"a": value}])
    finally:
        service.engine.drop_table(table)
    assert repr(value) in caught.value.message
