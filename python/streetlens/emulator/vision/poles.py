"""Recognises a utility pole: its centre line, its material and what hangs on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from streetlens.emulator.vision.attachments import attachment_of
from streetlens.emulator.vision.axes import Axis, find_axis
from streetlens.emulator.vision.picture import Picture
from streetlens.emulator.vision.rectify import sampled

LEAST_LENGTH = 0.66
"""Share of the picture's height that a pole must measure."""
LEAST_COVER = 0.91
"""Share of a pole's rows on which its colour must differ from both sides."""
LEAST_EDGE = 0.1
"""Colour step, relative to the picture's brightness, that both edges of a pole must have on average."""
SLENDER = 0.0265
"""Width of a pole divided by its length, between metal (thinner) and concrete."""


@dataclass(frozen=True)
class FoundPole:
    """A pole; `box` in working pixels, `lean` in degrees to the right."""

    material: str
    attachment: str
    score: float
    box: tuple[int, int, int, int]
    lean: float


def find_pole(picture: Picture) -> FoundPole | None:
    """Returns the pole, or None."""
    axis = find_axis(picture)
    if axis is None or axis.cover < LEAST_COVER or axis.edge < LEAST_EDGE:
        return None
    if axis.length < LEAST_LENGTH * picture.luminance.shape[0]:
        return None
    material, sure = _material(picture, axis)
    attachment, reach = attachment_of(picture, axis)
    half = axis.width / 2
    ends = (axis.x_at(axis.top), axis.x_at(axis.bottom))
    box = (
        math.floor(min(min(ends) - half, ends[0] - reach[0])),
        math.floor(axis.top),
        math.ceil(max(max(ends) + half, ends[0] + reach[1])),
        math.ceil(axis.bottom),
    )
    lean = math.degrees(math.atan(axis.lean))
    return FoundPole(material, attachment, min(0.97, axis.cover) * sure, box, lean)


def _material(picture: Picture, axis: Axis) -> tuple[str, float]:
    """Returns the material by the shaft's colour and relative thickness, and how sure that is."""
    y = np.linspace(axis.top + 0.25 * axis.length, axis.bottom - 0.08 * axis.length, 60, dtype=np.float32)
    colours = []
    for across in (-0.2, 0.0, 0.2):
        x = axis.x - axis.lean * (y - axis.middle) + across * axis.width
        colours.append(sampled(picture.neutral, x.astype(np.float32), y))
    colour = np.median(np.concatenate(colours), axis=0)
    saturation = float((colour.max() - colour.min()) / colour.max())
    if saturation > 0.3 and colour.argmax() == 0:
        return "wood", min(1.0, 0.7 + saturation)
    # Concrete is thick and warm, metal thin and cool.
    warmth = float(colour[0] - colour[2]) / float(colour.mean() + 1.0)
    vote = 1.6 * math.log(axis.width / axis.length / SLENDER) + 6.0 * warmth
    return ("concrete" if vote > 0 else "metal"), min(1.0, 0.8 + 0.3 * abs(vote))
