"""Geometry on the unit sphere with numpy: geodesic edges, polygons within a hemisphere, angular distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# The sphere BigQuery measures on: it reproduces the ST_HAUSDORFFDISTANCE examples of its documentation.
EARTH_RADIUS_METRES = 6_371_010.0
_BLOCK = 512
# A point this near to an edge (in radians, 6 micrometres) is on it; the projection tells only where to look closer.
_ON_EDGE = 1e-12
_NEARLY_ON_EDGE = 1e-9


def vectors(degrees: Any) -> Floats:
    """Return unit vectors of (longitude, latitude) pairs in degrees."""
    angles = np.radians(np.asarray(degrees, dtype=np.float64).reshape(-1, 2))
    longitude, latitude = angles[:, 0], angles[:, 1]
    flat = np.cos(latitude)
    return np.stack((flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)), axis=1)


def degrees(vector: Floats) -> tuple[float, float]:
    """Return the longitude and latitude of a vector."""
    x, y, z = (float(part) for part in vector)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def centre(vertices: Floats) -> Floats:
    """Return the direction of the middle of some vertices."""
    middle = vertices.sum(axis=0)
    length = np.linalg.norm(middle)
    result: Floats = middle / length if length > 0 else vertices[0]
    return result


def spread(vertices: Floats) -> float:
    """Return the cosine of the largest angle from the middle; not positive when a hemisphere does not hold them."""
    return float((vertices @ centre(vertices)).min())


def tangents(middle: Floats) -> tuple[Floats, Floats]:
    """Return two directions at right angles to `middle` and to each other, the second on the left of the first."""
    east = np.cross([0.0, 0.0, 1.0] if abs(middle[2]) < 0.9 else [1.0, 0.0, 0.0], middle)
    east = east / np.linalg.norm(east)
    return east, np.cross(middle, east)


def projected(vertices: Floats, middle: Floats) -> Floats:
    """Return the gnomonic projection around `middle`, where geodesics are straight lines."""
    east, north = tangents(middle)
    depth = vertices @ middle
    return np.stack((vertices @ east / depth, vertices @ north / depth), axis=1)


def is_counter_clockwise(vertices: Floats) -> bool:
    """Whether a ring, given without its closing vertex, has its smaller side on the left."""
    flat = projected(vertices, centre(vertices))
    following = np.roll(flat, -1, axis=0)
    return bool((flat[:, 0] * following[:, 1] - flat[:, 1] * following[:, 0]).sum() > 0)


def crossing(first: Floats, second: Floats, third: Floats, fourth: Floats) -> NDArray[np.bool_]:
    """Whether edges first-second cross edges third-fourth in their interiors, for each pair: (n, 3) by (m, 3)."""
    one, other = np.cross(first, second), np.cross(third, fourth)
    third_side, fourth_side = -(one @ third.T), one @ fourth.T
    first_side, second_side = (first @ other.T), -(second @ other.T)
    return (third_side * fourth_side > 0) & (third_side * second_side > 0) & (third_side * first_side > 0)


def first_crossing(vertices: Floats) -> tuple[int, int] | None:
    """Return the first two edges of a ring that cross, None when none do."""
    ends, count = np.roll(vertices, -1, axis=0), len(vertices)
    # In blocks, as the edges of a long ring squared would fill the memory.
    for block in range(0, count, _BLOCK):
        part = slice(block, block + _BLOCK)
        for first, second in np.argwhere(crossing(vertices[part], ends[part], vertices, ends)):
            # Edges that share a vertex cannot cross; rounding may say that they do.
            if second - (first + block) > 1 and (first + block, second) != (0, count - 1):
                return int(first + block), int(second)
    return None


def distances_to_edges(point: Floats, starts: Floats, ends: Floats) -> Floats:
    """Return the angles between a point and each geodesic edge."""
    normals = np.cross(starts, ends)
    lengths = np.linalg.norm(normals, axis=1)
    to_ends = np.minimum(angles(point, starts), angles(point, ends))
    beside = (np.cross(normals, starts) @ point > 0) & (np.cross(ends, normals) @ point > 0) & (lengths > 0)
    heights = np.arcsin(np.clip(np.abs(normals @ point) / np.where(lengths > 0, lengths, 1.0), 0.0, 1.0))
    result: Floats = np.where(beside, heights, to_ends)
    return result


def angles(point: Floats, others: Floats) -> Floats:
    """Return the angles between a point and others, exact for small ones too."""
    result: Floats = 2 * np.arcsin(np.clip(np.linalg.norm(others - point, axis=1) / 2, 0.0, 1.0))
    return result


@dataclass(frozen=True)
class Polygon:
    """A polygon prepared for many points: its cap, and its edges on the sphere and in the projection of its middle."""

    axes: tuple[tuple[float, ...], ...]
    lowest: float
    x: Floats
    y: Floats
    end_y: Floats
    width: Floats
    height: Floats
    starts: Floats
    ends: Floats

    @classmethod
    def of(cls, rings: Sequence[Sequence[tuple[float, float]]]) -> Polygon:
        """Prepare closed rings, the outer one first."""
        outer = vectors(rings[0][:-1])
        middle = centre(outer)
        starts = np.concatenate([vectors(ring[:-1]) for ring in rings])
        ends = np.concatenate([vectors(ring[1:]) for ring in rings])
        (x, y), (end_x, end_y) = projected(starts, middle).T, projected(ends, middle).T
        axes = tuple(tuple(float(part) for part in axis) for axis in (middle, *tangents(middle)))
        return cls(axes, spread(outer), x, y, end_y, end_x - x, end_y - y, starts, ends)

    def covers(self, point: Floats, *, boundary: bool = True) -> bool:
        """Whether a point is inside, or on the boundary if that counts."""
        px, py, pz = point.tolist()
        depth, east, north = (px * a + py * b + pz * c for a, b, c in self.axes)
        # An edge between points of a cap stays in it, so what is further away than every vertex is outside.
        if depth < self.lowest - 1e-12:
            return False
        above = north / depth - self.y
        side = self.width * above - self.height * (east / depth - self.x)
        if (np.abs(side) < _NEARLY_ON_EDGE).any() and (
            distances_to_edges(point, self.starts, self.ends) < _ON_EDGE
        ).any():
            return boundary
        # A ray eastwards leaves through the edges that span its height and pass on its right.
        spans = (above < 0) != (self.end_y > north / depth)
        left = spans & ((side > 0) == (self.height > 0))
        return bool(np.count_nonzero(left) % 2)


def tessellated(
    points: Sequence[tuple[float, float]], tolerance_metres: float
) -> tuple[tuple[float, float], ...]:
    """Return a line that is straight on the map as a geodesic one, with vertices added where they differ."""
    result = [points[0]]
    for end in points[1:]:
        _tessellate(result[-1], end, tolerance_metres / EARTH_RADIUS_METRES, result)
    return tuple(result)


def _tessellate(
    start: tuple[float, float], end: tuple[float, float], tolerance: float, result: list[tuple[float, float]]
) -> None:
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    one, other, wanted = vectors([start, end, middle])
    if (
        abs(start[0] - end[0]) < 180
        and float(angles(centre(np.stack((one, other))), wanted[None])[0]) > tolerance
    ):
        _tessellate(start, middle, tolerance, result)
        _tessellate(middle, end, tolerance, result)
    else:
        result.append(end)
