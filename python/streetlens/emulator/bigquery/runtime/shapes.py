"""Geographies as texts: WKT and GeoJSON in, canonical WKT out, with BigQuery's words about what is not valid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from streetlens.emulator.bigquery.runtime import sphere
from streetlens.emulator.bigquery.runtime.numeric import failure

Point = tuple[float, float]
Ring = tuple[Point, ...]

_POINT = re.compile(r"\s*POINT\s*\(\s*([^\s(),]+)\s+([^\s(),]+)\s*\)\s*", re.IGNORECASE)
_KIND = re.compile(r"\s*([A-Z]+)\s*(\(.*\)|EMPTY)\s*", re.IGNORECASE | re.DOTALL)
_PIECES = re.compile(r"[(),]|[^\s(),]+")
_GEOJSON_KINDS = {"Point": "POINT", "MultiPoint": "MULTIPOINT", "LineString": "LINESTRING",
                  "MultiLineString": "MULTILINESTRING", "Polygon": "POLYGON",
                  "MultiPolygon": "MULTIPOLYGON"}  # fmt: skip
_DEPTHS = {
    "POINT": 0,
    "MULTIPOINT": 1,
    "LINESTRING": 1,
    "MULTILINESTRING": 2,
    "POLYGON": 2,
    "MULTIPOLYGON": 3,
}
# GeoJSON's edges are straight on the map; BigQuery adds vertices until they are this near to that.
_TESSELLATION_METRES = 10.0


@dataclass(frozen=True)
class Shape:
    """A geography: points, lines, and polygons whose first ring is their outer one; rings end where they begin."""

    points: tuple[Point, ...] = ()
    lines: tuple[Ring, ...] = ()
    polygons: tuple[tuple[Ring, ...], ...] = ()

    @property
    def text(self) -> str:
        """The canonical WKT."""
        parts = [f"({_number(x)} {_number(y)})" for x, y in self.points]
        if self.lines:
            return _named("LINESTRING", [_ring_text(line) for line in self.lines])
        if self.polygons:
            return _named("POLYGON", [f"({', '.join(map(_ring_text, rings))})" for rings in self.polygons])
        return _named("POINT", parts) if parts else "GEOMETRYCOLLECTION EMPTY"


def _named(kind: str, parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return f"{kind}{parts[0]}"
    inner = [part[1:-1] for part in parts] if kind == "POINT" else parts
    return f"MULTI{kind}({', '.join(inner)})"


def _ring_text(ring: Ring) -> str:
    return "(" + ", ".join(f"{_number(x)} {_number(y)}" for x, y in ring) + ")"


def _number(value: float) -> str:
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)


def point_text(longitude: float, latitude: float) -> str:
    """Return the WKT of a point, its longitude wrapped into [-180, 180)."""
    wrapped = longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
    return f"POINT({_number(wrapped)} {_number(latitude)})"


def point_of(text: str) -> Point | None:
    """Return a point's coordinates, None for any other WKT."""
    found = _POINT.fullmatch(text)
    if found is None:
        return None
    try:
        return float(found[1]), float(found[2])
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def stored(text: str) -> Shape:
    """Return the shape of a stored geography, which is valid."""
    return _read_wkt(text, "GEOGRAPHY", planar=False)


def from_wkt(text: str, *, oriented: bool = False, planar: bool = False, make_valid: bool = False) -> Shape:
    """Return the shape of a user's WKT; raises ST_GeogFromText's errors."""
    return valid(
        _read_wkt(text, "ST_GeogFromText", planar=planar),
        "ST_GeogFromText",
        oriented=oriented,
        make_valid=make_valid,
    )


def from_geojson(text: str, *, make_valid: bool = False) -> Shape:
    """Return the shape of a user's GeoJSON geometry; raises ST_GeogFromGeoJSON's errors."""
    function = "ST_GeogFromGeoJSON"
    try:
        value = json.loads(text)
        kind = _GEOJSON_KINDS[value["type"]]
        coordinates = value["coordinates"]
    except (ValueError, TypeError, KeyError):
        raise failure(f"{function} failed: Invalid GeoJSON geometry: {text[:100]}") from None
    shape = _shape(kind, coordinates, function, planar=True)
    return valid(shape, function, oriented=False, make_valid=make_valid)


def _read_wkt(text: str, function: str, *, planar: bool) -> Shape:
    found = _KIND.fullmatch(text)
    kind = found[1].upper() if found is not None else ""
    if found is not None and kind in ("GEOMETRYCOLLECTION", *_DEPTHS) and found[2].upper() == "EMPTY":
        return Shape()
    if found is None or kind not in _DEPTHS:
        if kind == "GEOMETRYCOLLECTION":
            raise failure("A GEOMETRYCOLLECTION is not supported by the streetlens emulator")
        raise failure(f"{function} failed: Invalid WKT: {text[:100]}")
    pieces = iter(_PIECES.findall(found[2]))
    next(pieces)
    try:
        coordinates = _coordinates(pieces)
    except (ValueError, StopIteration):
        raise failure(f"{function} failed: Invalid WKT: {text[:100]}") from None
    return _shape(kind, coordinates[0] if kind == "POINT" else coordinates, function, planar=planar)


def _coordinates(pieces: Iterator[str]) -> list[Any]:
    """Return what stands between two brackets: points, or lists of them."""
    items: list[Any] = []
    numbers: list[float] = []
    for piece in pieces:
        if piece == "(":
            items.append(_coordinates(pieces))
        elif piece in ",)":
            if numbers:
                items.append(numbers)
                numbers = []
            if piece == ")":
                return items
        else:
            numbers.append(float(piece))
    raise ValueError("a bracket is open")


def _shape(kind: str, coordinates: Any, function: str, *, planar: bool) -> Shape:
    if kind == "MULTIPOINT" and coordinates and isinstance(coordinates[0][0], list):
        coordinates = [inner[0] for inner in coordinates]
    try:
        nested = _points(coordinates, _DEPTHS[kind], function, planar=planar)
    except (TypeError, ValueError, IndexError) as error:
        if "failed" in str(error):
            raise
        raise failure(f"{function} failed: Invalid coordinates in {kind}") from None
    if kind in ("POINT", "MULTIPOINT"):
        return Shape(points=(nested,) if kind == "POINT" else nested)
    if kind in ("LINESTRING", "MULTILINESTRING"):
        return Shape(lines=(nested,) if kind == "LINESTRING" else nested)
    return Shape(polygons=(nested,) if kind == "POLYGON" else nested)


def _points(value: Any, depth: int, function: str, *, planar: bool) -> Any:
    if depth == 0:
        longitude, latitude = float(value[0]), float(value[1])
        if not -90 <= latitude <= 90:
            message = f"Latitude must be between -90 and 90 degrees. Actual value: {_number(latitude)}"
            raise failure(f"{function} failed: {message}")
        return ((longitude + 180) % 360 - 180 if not -180 <= longitude <= 180 else longitude, latitude)
    found = tuple(_points(item, depth - 1, function, planar=planar) for item in value)
    if depth == 1 and planar:
        return sphere.tessellated(found, _TESSELLATION_METRES)
    return found


def valid(shape: Shape, function: str, *, oriented: bool = False, make_valid: bool = False) -> Shape:
    """Return a shape with its rings turned; raises the errors of `function` for one that is not valid."""
    polygons = []
    for rings in shape.polygons:
        for number, ring in enumerate(rings):
            problem = _problem(ring)
            if problem is not None:
                if make_valid:
                    named = "make_valid of a polygon that is not valid"
                    raise failure(f"{named} is not supported by the streetlens emulator")
                loop = f"; in loop {number}" if len(rings) > 1 else ""
                raise failure(f"{function} failed: Invalid polygon loop: {problem}{loop}")
        for number, hole in enumerate(rings[1:], 1):
            _refuse_crossing(rings[0], hole, number, function)
        polygons.append(_turned(rings, oriented=oriented))
    return Shape(shape.points, shape.lines, tuple(polygons))


def _refuse_crossing(outer: Ring, hole: Ring, number: int, function: str) -> None:
    """Raise when a hole leaves its polygon through an edge."""
    one, other = (sphere.vectors(np.array(ring)) for ring in (outer, hole))
    pairs = np.argwhere(sphere.crossing(one[:-1], one[1:], other[:-1], other[1:]))
    if len(pairs):
        first, second = (int(index) for index in pairs[0])
        message = f"Loop 0 edge {first} crosses loop {number} edge {second}"
        raise failure(f"{function} failed: Invalid polygon: {message}")


def _problem(ring: Ring) -> str | None:
    """Return what makes a ring invalid, in S2's words."""
    if len(ring) < 4 or ring[0] != ring[-1]:
        return "Loop is not closed or has fewer than 3 vertices"
    vertices = sphere.vectors(np.array(ring[:-1]))
    if sphere.spread(vertices) <= 0:
        raise failure(
            "A polygon that does not fit in a hemisphere is not supported by the streetlens emulator"
        )
    repeated: dict[Point, int] = {}
    for index, vertex in enumerate(ring[:-1]):
        if vertex in repeated:
            if index - repeated[vertex] == 1:
                return f"Edge {repeated[vertex]} is degenerate (duplicate vertex)"
            return f"Edge {repeated[vertex]} has duplicate vertex with edge {index}"
        repeated[vertex] = index
    crossing = sphere.first_crossing(vertices)
    return f"Edge {crossing[0]} crosses edge {crossing[1]}" if crossing is not None else None


def _turned(rings: tuple[Ring, ...], *, oriented: bool) -> tuple[Ring, ...]:
    """Return the rings with the outer one counter-clockwise, so that it holds the smaller of its two sides."""
    turned = []
    for number, ring in enumerate(rings):
        left = sphere.is_counter_clockwise(sphere.vectors(np.array(ring[:-1])))
        if oriented and number == 0 and not left:
            raise failure(
                "A polygon that does not fit in a hemisphere is not supported by the streetlens emulator"
            )
        turned.append(ring if left == (number == 0) else ring[::-1])
    return tuple(turned)
