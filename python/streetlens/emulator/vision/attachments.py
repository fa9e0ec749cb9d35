"""Tells what hangs on a pole: a transformer beside the shaft, a lamp on an arm at the top, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streetlens.emulator.vision.picture import Floats, Picture
from streetlens.emulator.vision.rectify import sampled

if TYPE_CHECKING:
    from streetlens.emulator.vision.axes import Axis

Doubles = NDArray[np.float64]
Reach = tuple[float, float]


def attachment_of(picture: Picture, axis: Axis) -> tuple[str, Reach]:
    """Returns none, transformer or lamp, and how far it reaches to the left and right (working pixels)."""
    cans = [can_evidence(picture, axis, side) for side in (-1, 1)]
    lamps = [lamp_evidence(picture, axis, side) for side in (-1, 1)]
    lamp = abs(lamps[0] - lamps[1])
    if max(cans) > 0.5 and max(cans) > lamp:
        return "transformer", _reach(int(np.argmax(cans)), 0.1 * axis.length)
    if lamp > 0.35:
        return "lamp", _reach(int(np.argmax(lamps)), 0.27 * axis.length)
    return "none", (0.0, 0.0)


def _reach(side: int, length: float) -> Reach:
    return (length, 0.0) if side == 0 else (0.0, length)


def can_evidence(picture: Picture, axis: Axis, side: int) -> float:
    """Returns by how much the can's place stands out from what is behind, compared with the place below."""
    outer = np.array([0.15, 0.18, 0.22])

    def standing_out(first: float, last: float) -> float:
        down = np.linspace(first, last, 12)
        place = beside_pole(picture.neutral, axis, down, side * np.array([0.05, 0.065, 0.08]))
        behind = beside_pole(picture.neutral, axis, down, side * outer)
        differences = np.abs(place[:, :, None] - behind[:, None]).max(axis=-1).min(axis=-1)
        return float((differences > 0.09 * picture.bright).mean())

    return standing_out(0.175, 0.24) - standing_out(0.34, 0.42)


def lamp_evidence(picture: Picture, axis: Axis, side: int) -> float:
    """Returns how much of the lamp's place stands out from what is above and below."""
    aside = side * np.linspace(0.19, 0.27, 8)
    down = np.linspace(-0.05, 0.035, 18)
    place = beside_pole(picture.neutral, axis, down, aside)
    above = beside_pole(picture.neutral, axis, np.array([-0.08]), aside)
    below = beside_pole(picture.neutral, axis, np.array([0.075]), aside)
    contrast = np.minimum(np.abs(place - above).max(axis=-1), np.abs(place - below).max(axis=-1))
    return float(np.clip(contrast / (0.12 * picture.bright), 0, 1).sum(axis=0).mean()) / 4.0


def beside_pole(plane: Floats, axis: Axis, down: Doubles, aside: Doubles) -> Floats:
    """Returns samples on a grid in pole lengths: `down` from the top, `aside` to the right of the axis."""
    y = axis.top + (down[:, None] + axis.lean * aside[None, :]) * axis.length
    x = axis.x_at(axis.top) + (aside[None, :] - axis.lean * down[:, None]) * axis.length
    return sampled(plane, x.astype(np.float32), y.astype(np.float32))
