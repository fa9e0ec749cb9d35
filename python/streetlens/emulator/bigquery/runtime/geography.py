"""GEOGRAPHY on BigQuery's sphere: what the ST_ functions compute; stored geographies are canonical WKT."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from streetlens.emulator.bigquery.runtime import shapes, sphere
from streetlens.emulator.bigquery.runtime.numeric import failure
from streetlens.emulator.bigquery.runtime.shapes import Shape, point_of, point_text
from streetlens.emulator.bigquery.runtime.sphere import EARTH_RADIUS_METRES, Floats, Polygon

_TOUCHING = 1e-12


@dataclass(frozen=True)
class _Prepared:
    """A shape as vectors: its points and vertices, its edges, and its polygons."""

    shape: Shape
    vertices: Floats
    starts: Floats
    ends: Floats
    polygons: tuple[Polygon, ...]

    def covers(self, point: Floats) -> bool:
        """Whether a point is in the shape, boundaries included."""
        if any(polygon.covers(point) for polygon in self.polygons):
            return True
        if self.polygons:
            return False
        if len(self.starts) and (sphere.distances_to_edges(point, self.starts, self.ends) < _TOUCHING).any():
            return True
        return not len(self.starts) and bool((sphere.angles(point, self.vertices) < _TOUCHING).any())

    def nearest(self, point: Floats) -> float:
        """Return the angle from a point outside to the nearest of the edges, or of the points if there are none."""
        if len(self.starts):
            return float(sphere.distances_to_edges(point, self.starts, self.ends).min())
        return float(sphere.angles(point, self.vertices).min(initial=math.pi))


@lru_cache(maxsize=1024)
def _prepared(text: str) -> _Prepared:
    shape = shapes.stored(text)
    rings = [*shape.lines, *(ring for polygon in shape.polygons for ring in polygon)]
    vertices = [*shape.points, *(vertex for ring in rings for vertex in ring)]
    starts = [vertex for ring in rings for vertex in ring[:-1]]
    ends = [vertex for ring in rings for vertex in ring[1:]]
    return _Prepared(
        shape,
        sphere.vectors(vertices),
        sphere.vectors(starts),
        sphere.vectors(ends),
        tuple(Polygon.of(polygon) for polygon in shape.polygons),
    )


def from_text(text: str) -> str:
    """Return canonical WKT of WKT or, as in loads and parameters, of GeoJSON."""
    point = point_of(text)
    if point is not None and -90 <= point[1] <= 90:
        return point_text(*point)
    return (shapes.from_geojson(text) if text.lstrip().startswith("{") else shapes.from_wkt(text)).text


def geogfromtext(text: str, oriented: bool, planar: bool, make_valid: bool) -> str:
    """ST_GEOGFROMTEXT."""
    return shapes.from_wkt(text, oriented=oriented, planar=planar, make_valid=make_valid).text


def geogfromgeojson(text: str, make_valid: bool) -> str:
    """ST_GEOGFROMGEOJSON."""
    return shapes.from_geojson(text, make_valid=make_valid).text


def asgeojson(text: str) -> str:
    """ST_ASGEOJSON."""
    shape = shapes.stored(text)
    for kind, parts in (("Point", shape.points), ("LineString", shape.lines), ("Polygon", shape.polygons)):
        if len(parts) == 1:
            return json.dumps({"type": kind, "coordinates": parts[0]})
        if parts:
            return json.dumps({"type": f"Multi{kind}", "coordinates": parts})
    return json.dumps({"type": "GeometryCollection", "geometries": []})


def _point(text: str, function: str) -> tuple[float, float]:
    found = point_of(text)
    if found is None:
        raise failure(f"{function} failed: the input geography is not a point")
    return found


def _vector(point: tuple[float, float]) -> Floats:
    longitude, latitude = math.radians(point[0]), math.radians(point[1])
    flat = math.cos(latitude)
    return np.array((flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)))


def distance(left: str, right: str) -> float:
    """Return the shortest distance in metres."""
    one, other = point_of(left), point_of(right)
    if one is not None and other is not None:
        lat1, lat2 = math.radians(one[1]), math.radians(other[1])
        half = math.sin((lat2 - lat1) / 2) ** 2
        half += math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(other[0] - one[0]) / 2) ** 2
        return 2 * EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(half)))
    if one is not None or other is not None:
        shape = _prepared(right if one is not None else left)
        vector = _vector(one or other or (0.0, 0.0))
        return 0.0 if shape.covers(vector) else EARTH_RADIUS_METRES * shape.nearest(vector)
    if intersects(left, right):
        return 0.0
    first, second = _prepared(left), _prepared(right)
    return EARTH_RADIUS_METRES * min(_nearest(first, second), _nearest(second, first))


def _nearest(points: _Prepared, shape: _Prepared) -> float:
    """Return the smallest angle from the vertices of one shape to another."""
    return min((shape.nearest(point) for point in points.vertices), default=math.pi)


def intersects(left: str, right: str) -> bool:
    """Whether two geographies have a point in common."""
    one, other = point_of(left), point_of(right)
    if one is not None and other is not None:
        return one == other
    if one is not None:
        return _prepared(right).covers(_vector(one))
    if other is not None:
        return _prepared(left).covers(_vector(other))
    first, second = _prepared(left), _prepared(right)
    if any(second.covers(point) for point in first.vertices) or any(
        first.covers(point) for point in second.vertices
    ):
        return True
    return bool(sphere.crossing(first.starts, first.ends, second.starts, second.ends).any())


def contains(outer: str, inner: str) -> bool:
    """Whether a geography contains a point in its interior."""
    point = point_of(inner)
    if point is None:
        raise failure("ST_CONTAINS of anything but a point is not supported by the streetlens emulator")
    alone = point_of(outer)
    if alone is not None:
        return alone == point
    vector = _vector(point)
    return any(polygon.covers(vector, boundary=False) for polygon in _prepared(outer).polygons)


def covers(outer: str, inner: str) -> bool:
    """Whether no point of `inner` is outside of `outer`."""
    point = point_of(inner)
    if point is None:
        raise failure("ST_COVERS of anything but a point is not supported by the streetlens emulator")
    return intersects(outer, inner)


def intersects_box(text: str, west: float, south: float, east: float, north: float) -> bool:
    """Whether a point is in a box of meridians and parallels, which may cross the antimeridian."""
    point = point_of(text)
    if point is None:
        raise failure("ST_INTERSECTSBOX of anything but a point is not supported by the streetlens emulator")
    for latitude in (south, north):
        if not -90 <= latitude <= 90:
            message = f"Latitude must be between -90 and 90 degrees. Actual value: {latitude:g}"
            raise failure(f"ST_IntersectsBox failed: {message}")
    # Longitudes count from the western edge eastwards; a whole turn is a box around the earth.
    width = 360.0 if east - west >= 360 else (east - west) % 360
    return south <= point[1] <= north and (point[0] - west) % 360 <= width


def make_line(left: str, right: str) -> str:
    """ST_MAKELINE of points and lines."""
    first, second = shapes.stored(left), shapes.stored(right)
    vertices = [vertex for shape in (first, second) for vertex in (*shape.points, *sum(shape.lines, ()))]
    return Shape(lines=(tuple(vertices),)).text


def make_polygon(line: str) -> str:
    """ST_MAKEPOLYGON: the ring of a line, which is closed if need be."""
    shape = shapes.stored(line)
    if len(shape.lines) != 1:
        raise failure("ST_MakePolygon failed: Input geography must be a single linestring")
    ring = shape.lines[0] if shape.lines[0][0] == shape.lines[0][-1] else (*shape.lines[0], shape.lines[0][0])
    return shapes.valid(Shape(polygons=((ring,),)), "ST_MakePolygon").text


def geometry_type(text: str) -> str:
    """ST_GEOMETRYTYPE."""
    kind = text.partition("(")[0].strip().upper()
    names = {"LINESTRING": "LineString", "POLYGON": "Polygon", "POINT": "Point"}
    found = names.get(kind.removeprefix("MULTI"), "GeometryCollection")
    return f"ST_{'Multi' if kind.startswith('MULTI') else ''}{found}"


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_point_text": (point_text, ["DOUBLE", "DOUBLE"], "VARCHAR"),
    "bq_st_geogfromtext": (from_text, ["VARCHAR"], "VARCHAR"),
    "bq_st_geogfromwkt": (geogfromtext, ["VARCHAR", "BOOLEAN", "BOOLEAN", "BOOLEAN"], "VARCHAR"),
    "bq_st_geogfromgeojson": (geogfromgeojson, ["VARCHAR", "BOOLEAN"], "VARCHAR"),
    "bq_st_asgeojson": (asgeojson, ["VARCHAR"], "VARCHAR"),
    "bq_st_distance": (distance, ["VARCHAR", "VARCHAR"], "DOUBLE"),
    "bq_st_contains": (contains, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_st_covers": (covers, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_st_intersects": (intersects, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "bq_st_intersectsbox": (
        intersects_box,
        ["VARCHAR", "DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE"],
        "BOOLEAN",
    ),
    "bq_st_makeline": (make_line, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "bq_st_makepolygon": (make_polygon, ["VARCHAR"], "VARCHAR"),
    "bq_st_geometrytype": (geometry_type, ["VARCHAR"], "VARCHAR"),
    "bq_st_x": (lambda text: _point(text, "ST_X")[0], ["VARCHAR"], "DOUBLE"),
    "bq_st_y": (lambda text: _point(text, "ST_Y")[1], ["VARCHAR"], "DOUBLE"),
}
