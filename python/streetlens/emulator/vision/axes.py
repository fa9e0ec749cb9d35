"""Finds the centre line of a pole: two long, nearly vertical edges, other colours on both sides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streetlens.emulator.vision.picture import Floats, Mask, Picture
from streetlens.emulator.vision.rectify import sampled

ANGLES = tuple(range(-6, 7))
WIDEST = 22
"""Working pixels a pole may be wide."""
LEAST_COVER = 0.5
"""Share of the rows on which an edge must show."""
CANDIDATES = 6
MOST_PAIRS = 4
EDGE = 0.06
"""Colour step, relative to the picture's brightness, that counts as an edge."""
MOST_EDGES = 0.65
"""A picture with edges on more of its area is noise, not a street."""
LEAST_SLENDER, MOST_SLENDER = 0.008, 0.056
"""Bounds of a pole's width divided by its length."""


@dataclass(frozen=True)
class Axis:
    """A pole's centre line in working pixels; `lean` is the tangent of its angle, positive to the right."""

    x: float
    middle: float
    lean: float
    width: float
    edge: float
    """Mean colour step at the weaker of the two edges."""
    cover: float = 0.0
    """Share of the rows between the ends where the pole's colour differs from both sides."""
    top: float = 0.0
    bottom: float = 0.0

    @property
    def length(self) -> float:
        return max(1.0, self.bottom - self.top)

    @property
    def score(self) -> float:
        """How convincing the line is; a wide pair of edges beats the two sides of one blurred edge."""
        return float(self.cover**2 * self.length * self.edge * self.width**0.4)

    def x_at(self, y: float) -> float:
        return self.x - self.lean * (y - self.middle)


def find_axis(picture: Picture) -> Axis | None:
    """Returns the most convincing centre line with its ends, or None."""
    steps = colour_steps(picture)
    if float((steps > EDGE).mean()) > MOST_EDGES:
        return None
    best: Axis | None = None
    for x, lean in _lines(steps):
        axis = _measured(picture, steps, x, lean)
        if axis is not None and (best is None or axis.score > best.score):
            best = axis
    return best


def colour_steps(picture: Picture) -> Floats:
    """Returns how strongly the colour changes from left to right, relative to the picture's brightness."""
    steps = np.zeros(picture.luminance.shape, dtype=np.float32)
    for channel in range(3):
        plane = picture.neutral[..., channel]
        np.maximum(steps[:, 1:-1], np.abs(plane[:, 2:] - plane[:, :-2]), out=steps[:, 1:-1])
    return steps / np.float32(max(30.0, picture.bright))


def _lines(steps: Floats) -> list[tuple[float, float]]:
    """Returns (x at mid height, lean) of the longest nearly vertical edges, longest first, no near twins."""
    edges: Mask = steps > EDGE
    height, width = edges.shape
    rows = np.arange(int(0.1 * height), int(0.84 * height), 2)
    columns = np.arange(width)
    found: list[tuple[float, float, float]] = []
    for angle in ANGLES:
        lean = math.tan(math.radians(angle))
        shift = np.round(-lean * (rows - 0.5 * height)).astype(int)
        index = np.clip(columns[None, :] + shift[:, None], 0, width - 1)
        cover = edges[rows[:, None], index].mean(axis=0)
        strong = np.nonzero(cover > LEAST_COVER)[0].tolist()
        found += [(float(cover[column]), float(column) + 0.5, lean) for column in strong]
    found.sort(reverse=True)
    kept: list[tuple[float, float]] = []
    for _, x, lean in found:
        if all(abs(x - other) > 3 for other, _ in kept):
            kept.append((x, lean))
        if len(kept) == CANDIDATES:
            break
    return kept


def _measured(picture: Picture, steps: Floats, x: float, lean: float) -> Axis | None:
    """Returns the pole whose left or right edge runs near this line, with width, ends and cover; or None."""
    height = steps.shape[0]
    middle = 0.5 * height
    y = np.arange(int(0.1 * height), int(0.84 * height), 2, dtype=np.float32) + 0.5
    offsets = np.arange(-WIDEST - 3, WIDEST + 4, dtype=np.float32)

    def profile(tangent: float) -> Floats:
        line = x - tangent * (y - middle)
        straight = sampled(
            steps, line[:, None] + offsets[None, :], np.broadcast_to(y[:, None], (len(y), len(offsets)))
        )
        mean: Floats = np.minimum(straight, 0.3).mean(axis=0)
        return mean

    leans = [lean + math.radians(turn) for turn in (-0.6, -0.3, 0.0, 0.3, 0.6)]
    profiles = [profile(tangent) for tangent in leans]
    sharpest = int(np.argmax([float(np.sort(each)[-4:].sum()) for each in profiles]))
    best: Axis | None = None
    for left, right, edge in _edge_pairs(profiles[sharpest]):
        centre = float(offsets[0]) + (left + right) / 2
        axis = _with_ends(picture, Axis(x + centre, middle, leans[sharpest], right - left, edge))
        if LEAST_SLENDER < axis.width / axis.length < MOST_SLENDER and (
            best is None or axis.score > best.score
        ):
            best = axis
    return best


def _edge_pairs(profile: Floats) -> list[tuple[float, float, float]]:
    """Returns (left, right, weaker step) of places in the profile where two edges may enclose a pole."""
    level = 0.35 * float(profile.max())
    peaks = [
        place
        for place in range(1, len(profile) - 1)
        if profile[place] >= level
        and profile[place] >= profile[place - 1]
        and profile[place] > profile[place + 1]
    ]
    exact = []
    for place in peaks:
        before, here, after = (float(profile[place + step]) for step in (-1, 0, 1))
        curve = before - 2 * here + after
        exact.append(place + (0.5 * (before - after) / curve if curve < 0 else 0.0))
    pairs = []
    for index, left in enumerate(exact):
        for other in range(index + 1, min(index + 4, len(exact))):
            if 2.0 < exact[other] - left <= WIDEST:
                weaker = min(float(profile[peaks[index]]), float(profile[peaks[other]]))
                pairs.append((left, exact[other], weaker))
    pairs.sort(key=lambda pair: -pair[2])
    return pairs[:MOST_PAIRS]


def _with_ends(picture: Picture, axis: Axis) -> Axis:
    """Follows the pole while its colour differs from both sides; `cover` is the share of rows that do."""
    height = picture.luminance.shape[0]
    y = np.arange(height, dtype=np.float32) + 0.5
    x = axis.x - axis.lean * (y - axis.middle)
    gap = axis.width / 2 + 2.2
    # A shaft may be as bright as the sky on its sunny half: its most different part counts.
    across = np.array([-gap, -0.28 * axis.width, 0.0, 0.28 * axis.width, gap], dtype=np.float32)
    colours = sampled(picture.neutral, x + across[:, None], np.broadcast_to(y, (5, height)))
    contrast = np.minimum(*(np.abs(colours[1:4] - colours[side]).max(axis=-1) for side in (0, 4))).max(axis=0)
    level = max(4.0, 0.035 * picture.bright, min(0.25 * float(np.median(contrast)), 0.07 * picture.bright))
    differs = contrast > level
    stands: NDArray[np.bool_] = np.convolve(differs, np.ones(7) / 7, mode="same") > 0.5
    runs = _runs(stands, 16)
    if not runs:
        return axis
    top, bottom = max(runs, key=lambda run: run[1] - run[0])
    return replace(axis, top=float(top), bottom=float(bottom), cover=float(differs[top:bottom].mean()))


def _runs(stands: Mask, bridge: int) -> list[tuple[int, int]]:
    """Returns the stretches (first, last + 1) of True, joined over gaps of up to `bridge`."""
    places = np.nonzero(stands)[0]
    if not len(places):
        return []
    cuts = np.nonzero(np.diff(places) > bridge)[0] + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(places, cuts)]
