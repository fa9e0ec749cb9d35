"""GEOGRAPHY on BigQuery's sphere: points, point-to-point distance, points in polygons; anything else is refused."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable

from streetlens.emulator.bigquery.runtime.numeric import failure

# The sphere BigQuery measures on: it reproduces the ST_HAUSDORFFDISTANCE examples of its documentation.
EARTH_RADIUS_METRES = 6_371_010.0
_POINT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+(\S+)\s*\)\s*", re.IGNORECASE)
_POLYGON = re.compile(r"\s*POLYGON\s*\(\s*\((.*)\)\s*\)\s*", re.IGNORECASE | re.DOTALL)

Point = tuple[float, float]
Vector = tuple[float, float, float]


def _number(value: float) -> str:
    return f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)


def point_text(longitude: float, latitude: float) -> str:
    """Return the WKT of a point, its longitude wrapped into [-180, 180)."""
    wrapped = longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
    return f"POINT({_number(wrapped)} {_number(latitude)})"


def _pairs(text: str) -> list[Point]:
    try:
        return [(float(x), float(y)) for x, y in (pair.split() for pair in text.split(","))]
    except ValueError:
        raise failure("ST_GeogFromText failed: Invalid WKT") from None


def from_text(text: str) -> str:
    """Return canonical WKT of a POINT or POLYGON; raises for anything else."""
    point = _POINT.fullmatch(text)
    if point is not None:
        longitude, latitude = _pairs(" ".join(point.groups()))[0]
        if not -90 <= latitude <= 90:
            raise failure(
                f"ST_GeogFromText failed: Latitude must be between -90 and 90 degrees. Actual value: {latitude}"
            )
        return point_text(longitude, latitude)
    polygon = _POLYGON.fullmatch(text)
    if polygon is None:
        raise failure(
            f"The geography {text[:40]!r} is not supported by the streetlens emulator; it knows POINT and POLYGON"
        )
    rings = [_pairs(ring) for ring in re.split(r"\)\s*,\s*\(", polygon.group(1))]
    for ring in rings:
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise failure(
                "ST_GeogFromText failed: Invalid polygon loop: it must be closed and have at least three vertices"
            )
    shown = ", ".join("(" + ", ".join(f"{_number(x)} {_number(y)}" for x, y in ring) + ")" for ring in rings)
    return f"POLYGON({shown})"


def _point(text: str, function: str) -> Point:
    found = _POINT.fullmatch(text)
    if found is None:
        raise failure(f"{function} of anything but points is not supported by the streetlens emulator")
    return float(found.group(1)), float(found.group(2))


def distance(left: str, right: str) -> float:
    """Return the great-circle distance of two points in metres."""
    (x1, y1), (x2, y2) = _point(left, "ST_DISTANCE"), _point(right, "ST_DISTANCE")
    lat1, lat2 = math.radians(y1), math.radians(y2)
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(x2 - x1) / 2) ** 2
    return 2 * EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(half)))


def _vector(point: Point) -> Vector:
    longitude, latitude = math.radians(point[0]), math.radians(point[1])
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def _cross(one: Vector, other: Vector) -> Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _inside(point: Point, ring: list[Point]) -> bool:
    """Sum the angles the geodesic edges subtend at the point: a full turn means inside."""
    at, total = _vector(point), 0.0
    vectors = [_vector(vertex) for vertex in ring]
    for start, end in itertools.pairwise(vectors):
        first, second = _cross(at, start), _cross(at, end)
        total += math.atan2(_dot(at, _cross(first, second)), _dot(first, second))
    return abs(total) > math.pi


def contains(outer: str, inner: str) -> bool:
    """Whether a POLYGON (with holes) contains a POINT; edges are geodesics."""
    polygon = _POLYGON.fullmatch(outer)
    point = _point(inner, "ST_CONTAINS")
    if polygon is None:
        return _point(outer, "ST_CONTAINS") == point
    rings = [_pairs(ring) for ring in re.split(r"\)\s*,\s*\(", polygon.group(1))]
    if any(point in ring for ring in rings):
        return False
    return _inside(point, rings[0]) and not any(_inside(point, hole) for hole in rings[1:])


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_point_text": (point_text, ["DOUBLE", "DOUBLE"], "VARCHAR"),
    "bq_st_geogfromtext": (from_text, ["VARCHAR"], "VARCHAR"),
    "bq_st_distance": (distance, ["VARCHAR", "VARCHAR"], "DOUBLE"),
    "bq_st_contains": (contains, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_st_x": (lambda text: _point(text, "ST_X")[0], ["VARCHAR"], "DOUBLE"),
    "bq_st_y": (lambda text: _point(text, "ST_Y")[1], ["VARCHAR"], "DOUBLE"),
}
