"""Finds road signs by colour, outline and what is on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streetlens.emulator.vision.digits import read_number
from streetlens.emulator.vision.picture import Floats, Mask, Picture
from streetlens.emulator.vision.rectify import rectified
from streetlens.emulator.vision.regions import Region, regions
from streetlens.emulator.vision.tones import Tones, tones_of

LEAST = 22
"""Working pixels a sign must measure in both directions."""


@dataclass(frozen=True)
class FoundSign:
    """A candidate; `box` in working pixels, `score` 0 to 1."""

    label: str
    score: float
    box: tuple[int, int, int, int]
    speed: int | None = None


@dataclass(frozen=True)
class Shape:
    """Measures of a region's outline."""

    box: tuple[int, int, int, int]
    aspect: float
    fill: float
    """Share of the box between the outermost points of each row."""
    solid: float
    """Share of the outline's inside that has the region's own colour."""
    widths: Floats
    """Width of the outline in ten bands from top to bottom, as shares of the greatest."""


def find_sign(picture: Picture) -> FoundSign | None:
    """Returns the most convincing road sign, or None."""
    found = list(_candidates(picture))
    return max(found, key=lambda sign: sign.score, default=None)


def _candidates(picture: Picture) -> Iterator[FoundSign]:
    tones = tones_of(picture.neutral)
    white = tones.grey(0.34) & (tones.value > 55)
    red = tones.hue_around_red(-0.42, 0.25) & tones.vivid(0.58) & (tones.value > 45)
    for region in regions(red, LEAST, LEAST):
        yield from _red_sign(region, red, white)
    yellow = tones.hue_around_red(0.57, 1.0) & tones.vivid(0.6) & (tones.value > 60)
    for region in regions(yellow, LEAST, LEAST):
        yield from _yellow_sign(region)
    green = tones.hue_around_green(0.3, 1.0) & tones.vivid(0.5) & (tones.value > 18)
    for region in regions(green, 12, 2 * LEAST):
        yield from _green_sign(region, white)
    yield from _white_signs(picture, tones, red)


def shape_of(region: Region) -> Shape:
    left, top, right, bottom = region.box
    first, last = region.spans()
    widths = (last - first).astype(np.float32)
    bands = np.array([band.mean() for band in np.array_split(widths, 10)], dtype=np.float32)
    inside = float(widths.sum())
    return Shape(
        region.box,
        (right - left) / (bottom - top),
        inside / ((right - left) * (bottom - top)),
        region.area / inside,
        bands / bands.max(),
    )


def _red_sign(region: Region, red: Mask, white: Mask) -> Iterator[FoundSign]:
    shape = shape_of(region)
    left, top, right, bottom = shape.box
    if not 0.5 < shape.aspect < 1.6:
        return
    size = min(1.0, (bottom - top) / 36)
    narrowing = shape.widths[:3].mean() - shape.widths[-3:].mean()
    whiteness = float(white[top:bottom, left:right].mean())
    if 0.4 < shape.fill < 0.68 and narrowing > 0.45 and whiteness > 0.06:
        score = 0.75 + 0.2 * min(1.0, narrowing) - abs(shape.fill - 0.52)
        yield FoundSign("yield", score * size, _grown(shape.box, 0.02))
    if shape.fill < 0.66 or abs(narrowing) > 0.35:
        return
    height, width = bottom - top, right - left
    core = slice(left + int(0.22 * width), right - int(0.22 * width))

    def redness(*rows: tuple[float, float]) -> float:
        """Returns the share of red in bands of the middle columns; rows are shares of the height."""
        bands = [red[top + int(low * height) : top + int(high * height) + 1, core] for low, high in rows]
        return float(np.concatenate(bands).mean())

    bar, rim = redness((0.46, 0.54)), min(redness((0.07, 0.14)), redness((0.86, 0.93)))
    field = redness((0.17, 0.4), (0.62, 0.84))
    if shape.aspect >= 1.3 or whiteness < 0.07 or rim < 0.3:
        return
    if field < 0.36 and shape.solid < 0.75:
        yield FoundSign("no_parking", (0.95 - field) * size, _plate_around_ring(shape.box))
    elif bar < 0.22:
        yield FoundSign("do_not_enter", (0.97 - bar) * size, _grown(shape.box, 0.055))
    else:
        yield FoundSign("stop", (0.7 + 0.3 * min(1.0, 3 * whiteness)) * size, _grown(shape.box, 0.03))


def _yellow_sign(region: Region) -> Iterator[FoundSign]:
    shape = shape_of(region)
    widest = int(np.argmax(shape.widths))
    tapered = shape.widths[0] < 0.45 and shape.widths[-1] < 0.45
    if 0.6 < shape.aspect < 1.5 and 0.4 < shape.fill < 0.66 and 3 <= widest <= 6 and tapered:
        score = 0.95 - 1.2 * abs(shape.fill - 0.52)
        yield FoundSign("pedestrian_crossing", score, _grown(shape.box, 0.055))


def _green_sign(region: Region, white: Mask) -> Iterator[FoundSign]:
    shape = shape_of(region)
    left, top, right, bottom = shape.box
    whiteness = float(white[top:bottom, left:right].mean())
    corners = region.corners()
    straight = _quadrilateral_area(corners) / max(1.0, shape.fill * (right - left) * (bottom - top))
    if shape.aspect > 1.7 and 0.8 < straight < 1.25 and whiteness > 0.08 and shape.solid < 0.93:
        yield FoundSign("street_name", 0.9 - 0.5 * abs(1 - straight), _grown(shape.box, 0.01))


def _white_signs(picture: Picture, tones: Tones, red: Mask) -> Iterator[FoundSign]:
    """A white plate is enclosed by its dark border, so it stays a region even before a white sky."""
    pale = tones.grey(0.3)
    for threshold in (85, 125, 165):
        plate = (tones.value > threshold) & pale
        for region in regions(plate, 30, LEAST):
            left, top, right, bottom = region.box
            aspect = (right - left) / (bottom - top)
            if not 0.5 < aspect < 1.15 or bottom - top > 0.75 * picture.luminance.shape[0]:
                continue
            corners = region.corners()
            first, last = region.spans()
            straight = float((last - first).sum()) / max(1.0, _quadrilateral_area(corners))
            if not 0.86 < straight < 1.2 or red[top:bottom, left:right].mean() > 0.05:
                continue
            number, fit = read_number(rectified(picture.luminance, corners, 60, 75))
            if number is not None and fit > 0.6:
                yield FoundSign("speed_limit", 0.35 + 0.62 * fit, _grown(region.box, 0.075), number)


def _quadrilateral_area(corners: list[tuple[float, float]]) -> float:
    total = 0.0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        total += x0 * y1 - x1 * y0
    return abs(total) / 2


def _grown(box: tuple[int, int, int, int], share: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    across, down = round(share * (right - left)), round(share * (bottom - top))
    return left - across, top - down, right + across, bottom + down


def _plate_around_ring(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Returns the plate of a no parking sign: its ring spans 0.72 of the width, at 0.38 of the height."""
    left, top, right, bottom = box
    width = (right - left) / 0.72
    height = (bottom - top) / 0.527
    if width / height > 0.95 or height / width > 2:  # the plate's own red border was part of the region
        return _grown(box, 0.03)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    upper = middle_y - 0.38 * height
    return round(middle_x - width / 2), round(upper), round(middle_x + width / 2), round(upper + height)
