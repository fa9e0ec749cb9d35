"""GEOGRAPHY: reading and checking shapes in BigQuery's words, and what is near, inside and across on the sphere."""

from __future__ import annotations

import itertools
import json
import math
import random
import time
from typing import Any

import numpy as np
import pytest

from emulator.bigquery.conftest import Sql
from streetlens.emulator.bigquery.errors import BigQueryError
from streetlens.emulator.bigquery.runtime import geography, sphere

SQUARE = "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))"


def text(wkt: str) -> str:
    return f"ST_GEOGFROMTEXT('{wkt}')"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (SQUARE, SQUARE),
        ("polygon ((0 0, 0 2, 2 2, 2 0, 0 0))", "POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))"),
        ("LINESTRING(0 0, 1.5 1)", "LINESTRING(0 0, 1.5 1)"),
        ("MULTIPOINT((1 2), (3 4))", "MULTIPOINT(1 2, 3 4)"),
        (
            "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 5 6, 6 6, 5 5)))",
            "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 6, 5 6, 5 5)))",
        ),
        (
            "POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 3 1, 3 3, 1 3, 1 1))",
            "POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 3, 3 3, 3 1, 1 1))",
        ),
        ("POINT(190 5)", "POINT(-170 5)"),
    ],
)
def test_wkt_becomes_canonical(sql: Sql, written: str, canonical: str) -> None:
    assert sql.value(text(written)) == canonical


# The texts of S2, after ST_GeogFromText failed: https://github.com/CartoDB/analytics-toolbox-core/pull/285
@pytest.mark.parametrize(
    ("wkt", "message"),
    [
        ("POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", "Invalid polygon loop: Edge 0 crosses edge 2"),
        ("POLYGON((0 0, 2 0, 1 1, 2 2, 0 2, 1 1, 0 0))", "Edge 2 has duplicate vertex with edge 5"),
        ("POLYGON((0 0, 1 0, 1 0, 0 1, 0 0))", r"Edge 1 is degenerate \(duplicate vertex\)"),
        ("POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 3 3, 3 1, 1 3, 1 1))", "Edge 0 crosses edge 2; in loop 1"),
        ("POLYGON((0 0, 2 0, 2 2, 0 2, 0 0), (1 1, 3 1, 3 1.5, 1 1))", "Loop 0 edge 1 crosses loop 1 edge 0"),
        ("POLYGON((0 0, 1 0, 1 91, 0 0))", "Latitude must be between -90 and 90 degrees. Actual value: 91"),
        ("POINT(0 -90.5)", "Latitude must be between -90 and 90 degrees. Actual value: -90.5"),
        ("POLYGON((0 0, 1 0, 1 1))", "Invalid polygon loop"),
        ("POLIGON((0 0, 1 0, 1 1))", "Invalid WKT"),
        ("POLYGON((0 0, 1 0, 1 1, 0 0)", "Invalid WKT"),
    ],
)
def test_what_is_not_valid_is_refused(sql: Sql, wkt: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=f"ST_GeogFromText failed: .*{message}"):
        sql.value(text(wkt))


def test_a_long_ring_is_checked_as_a_whole(sql: Sql) -> None:
    corners = [(math.cos(2 * math.pi * i / 1500), math.sin(2 * math.pi * i / 1500)) for i in range(1500)]
    corners[1400], corners[1401] = corners[1401], corners[1400]
    ring = ", ".join(f"{x!r} {y!r}" for x, y in [*corners, corners[0]])
    with pytest.raises(BigQueryError, match="Edge 1399 crosses edge 1401"):
        sql.value(text(f"POLYGON(({ring}))"))


def test_geojson_is_read_with_edges_that_are_straight_on_the_map(sql: Sql) -> None:
    value = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 60], [0, 60], [0, 0]]]}
    polygon = f"ST_GEOGFROMGEOJSON('{json.dumps(value)}', make_valid => TRUE)"
    # The geodesic between the upper corners passes further north than the parallel.
    assert sql.value(f"ST_CONTAINS({polygon}, ST_GEOGPOINT(1, 60.002))") is False
    geodesic = text("POLYGON((0 0, 2 0, 2 60, 0 60, 0 0))")
    assert sql.value(f"ST_CONTAINS({geodesic}, ST_GEOGPOINT(1, 60.002))") is True


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Point", "coordinates": [1.0, 2.0]},
        {"type": "LineString", "coordinates": [[0.0, 0.0], [0.0, 1.0]]},
        {"type": "MultiPolygon", "coordinates": [[[[0.0, 0.0], [0.1, 0.0], [0.1, 0.1], [0.0, 0.0]]]]},
    ],
)
def test_geojson_goes_out_as_it_came_in(sql: Sql, value: dict[str, Any]) -> None:
    shown = json.loads(sql.value(f"ST_ASGEOJSON(ST_GEOGFROMGEOJSON('{json.dumps(value)}'))"))
    if value["type"] == "MultiPolygon":
        value = {"type": "Polygon", "coordinates": value["coordinates"][0]}
    assert shown == value


def test_a_self_crossing_geojson_polygon_is_refused(sql: Sql) -> None:
    value = {"type": "Polygon", "coordinates": [[[0, 0], [0.1, 0.1], [0.1, 0], [0, 0.1], [0, 0]]]}
    with pytest.raises(
        BigQueryError, match="ST_GeogFromGeoJSON failed: Invalid polygon loop: Edge 0 crosses edge 2"
    ):
        sql.value(f"ST_GEOGFROMGEOJSON('{json.dumps(value)}')")
    with pytest.raises(BigQueryError, match="make_valid of a polygon that is not valid is not supported"):
        sql.value(f"ST_GEOGFROMGEOJSON('{json.dumps(value)}', make_valid => TRUE)")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"ST_CONTAINS({text(SQUARE)}, ST_GEOGPOINT(1, 1))", True),
        (f"ST_CONTAINS({text(SQUARE)}, ST_GEOGPOINT(0, 0))", False),
        (f"ST_COVERS({text(SQUARE)}, ST_GEOGPOINT(0, 0))", True),
        (f"ST_COVERS({text(SQUARE)}, ST_GEOGPOINT(1, 0))", True),
        (f"ST_COVEREDBY(ST_GEOGPOINT(1, 1), {text(SQUARE)})", True),
        (f"ST_CONTAINS({text(SQUARE)}, ST_GEOGPOINT(-179, -1))", False),
        (f"ST_INTERSECTS({text(SQUARE)}, {text('LINESTRING(-1 1, 3 1)')})", True),
        (f"ST_DISJOINT({text(SQUARE)}, {text('LINESTRING(-1 5, 3 5)')})", True),
        (f"ST_INTERSECTS({text(SQUARE)}, {text('POLYGON((1 1, 5 1, 5 5, 1 5, 1 1))')})", True),
        (f"ST_INTERSECTS({text('POLYGON((-5 -5, 9 -5, 9 9, -5 9, -5 -5))')}, {text(SQUARE)})", True),
        (f"ST_DWITHIN({text(SQUARE)}, ST_GEOGPOINT(3, 1), 111300)", True),
        (f"ST_DWITHIN({text(SQUARE)}, ST_GEOGPOINT(3, 1), 111000)", False),
        (f"ST_DWITHIN({text(SQUARE)}, ST_GEOGPOINT(1, 1), 0)", True),
        (f"ST_CONTAINS({text('POLYGON((179 0, -179 0, -179 2, 179 2, 179 0))')}, ST_GEOGPOINT(180, 1))", True),
        (f"ST_CONTAINS({text('POLYGON((0 80, 120 80, -120 80, 0 80))')}, ST_GEOGPOINT(50, 90))", True),
        ("ST_INTERSECTSBOX(ST_GEOGPOINT(1, 1), 0, 0, 2, 2)", True),
        ("ST_INTERSECTSBOX(ST_GEOGPOINT(2.1, 1), 0, 0, 2, 2)", False),
        ("ST_INTERSECTSBOX(ST_GEOGPOINT(10, 10), 90, 0, -90, 20)", False),
        ("ST_INTERSECTSBOX(ST_GEOGPOINT(-179, 10), 90, 0, -90, 20)", True),
        ("ST_INTERSECTSBOX(ST_GEOGPOINT(57, 1), -180, -90, 180, 90)", True),
        ("ST_ASTEXT(ST_MAKEPOLYGON(ST_MAKELINE(ST_GEOGPOINT(0, 0), ST_MAKELINE(ST_GEOGPOINT(1, 0), "
         "ST_GEOGPOINT(1, 1)))))", "POLYGON((0 0, 1 0, 1 1, 0 0))"),
        (f"ST_GEOMETRYTYPE({text(SQUARE)})", "ST_Polygon"),
        (f"ST_DWITHIN({text(SQUARE)}, CAST(NULL AS GEOGRAPHY), 1)", None),
    ],
)  # fmt: skip
def test_what_is_near_inside_and_across(sql: Sql, expression: str, expected: object) -> None:
    assert sql.value(expression) == expected


def test_a_distance_to_a_polygon_is_that_to_its_nearest_edge(sql: Sql) -> None:
    east = sql.value(f"ST_DISTANCE({text(SQUARE)}, ST_GEOGPOINT(3, 0))")
    assert east == pytest.approx(math.radians(1) * sphere.EARTH_RADIUS_METRES, rel=1e-9)
    lines = f"ST_DISTANCE({text('LINESTRING(0 1, 4 1)')}, {text('LINESTRING(2 0, 2 -3)')})"
    assert sql.value(lines) == pytest.approx(math.radians(1) * sphere.EARTH_RADIUS_METRES, rel=1e-3)


def turns(point: tuple[float, float], ring: list[tuple[float, float]]) -> float:
    """Return how often a ring winds around a point, by the angles that its edges subtend."""
    at, *corners = sphere.vectors([point, *ring])
    total = 0.0
    for start, end in itertools.pairwise(corners):
        first, second = np.cross(at, start), np.cross(at, end)
        total += math.atan2(float(at @ np.cross(first, second)), float(first @ second))
    return total / (2 * math.pi)


def test_points_are_inside_exactly_where_the_ring_winds_around_them() -> None:
    random_number = random.Random(5)
    for _ in range(20):
        west, south = random_number.uniform(-180, 180), random_number.uniform(-70, 70)
        angles = sorted(random_number.uniform(0, 2 * math.pi) for _ in range(12))
        ring = [
            (west + radius * math.cos(angle), south + radius * math.sin(angle))
            for angle, radius in ((angle, random_number.uniform(1, 9)) for angle in angles)
        ]
        polygon = sphere.Polygon.of([[*ring, ring[0]]])
        for _ in range(50):
            point = (west + random_number.uniform(-10, 10), south + random_number.uniform(-10, 10))
            inside = abs(turns(point, [*ring, ring[0]])) > 0.5
            assert polygon.covers(sphere.vectors([point])[0]) == inside, (ring, point)


def test_a_query_parameter_may_be_geojson_or_wkt() -> None:
    assert geography.from_text('{"type": "Point", "coordinates": [1, 2]}') == "POINT(1 2)"
    assert geography.from_text("POINT(1 2)") == "POINT(1 2)"


def test_an_area_of_many_corners_is_searched_quickly(sql: Sql) -> None:
    sql.outcome(
        "CREATE OR REPLACE TABLE own.scattered AS SELECT 2 + x / 100000 AS longitude, 48 + x / 100000 AS latitude "
        "FROM UNNEST(GENERATE_ARRAY(1, 10000)) AS x"
    )
    corners = [
        (2.05 + 0.04 * math.cos(2 * math.pi * i / 200), 48.05 + 0.04 * math.sin(2 * math.pi * i / 200))
        for i in range(200)
    ]
    ring = ", ".join(f"{x!r} {y!r}" for x, y in [*corners, corners[0]])
    area, point = text(f"POLYGON(({ring}))"), "ST_GEOGPOINT(longitude, latitude)"
    started = time.perf_counter()
    found = [
        sql.rows(f"SELECT COUNT(*) FROM own.scattered WHERE {test}")[0][0]
        for test in (
            f"ST_CONTAINS({area}, {point})",
            f"ST_DWITHIN({area}, {point}, 1000)",
            f"ST_INTERSECTSBOX({point}, 2, 48, 2.05, 48.05)",
        )
    ]
    assert found == [5657, 7248, 5000]
    assert time.perf_counter() - started < 8
