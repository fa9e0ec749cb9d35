"""Tells what hangs on a pole: a transformer beside the shaft, a lamp on an arm at the top, or nothing.

Both sides of the pole's upper part are compared with what a linear head learnt from drawn poles (`training`).
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streetlens.emulator.vision.picture import Floats, Picture
from streetlens.emulator.vision.rectify import sampled

if TYPE_CHECKING:
    from streetlens.emulator.vision.axes import Axis

Doubles = NDArray[np.float64]
Reach = tuple[float, float]

CLASSES = ("none", "transformer", "lamp")
REACHES = {"none": 0.0, "transformer": 0.1, "lamp": 0.28}
"""How far each reaches to the side, in pole lengths."""
CELL = 4
_DOWN = np.linspace(-0.07, 0.37, 12 * CELL)
_ASIDE = np.linspace(-0.345, 0.345, 14 * CELL)
WEIGHTS = "attachments.npy"


def attachment_of(picture: Picture, axis: Axis) -> tuple[str, Reach]:
    """Returns none, transformer or lamp, and how far it reaches to the left and right (working pixels)."""
    scores = side_features(picture, axis) @ _weights()
    margins = scores[:, 1:] - scores[:, :1]
    side, kind = (int(place) for place in np.unravel_index(int(margins.argmax()), margins.shape))
    found = CLASSES[kind + 1] if margins[side, kind] > 0 else "none"
    reach = REACHES[found] * axis.length
    return found, ((reach, 0.0) if side == 0 else (0.0, reach))


def side_features(picture: Picture, axis: Axis) -> Floats:
    """Returns a row of features for the left and for the right side, both as if seen on the right."""
    patch = beside_pole(picture.neutral, axis, _DOWN, _ASIDE) / np.float32(max(30.0, picture.bright))
    return np.stack([_features(patch[:, ::-1]), _features(patch)])


def _features(patch: Floats) -> Floats:
    half = patch.shape[1] // 2
    across = np.abs(np.diff(patch, axis=1, append=patch[:, -1:])).max(axis=-1)
    down = np.abs(np.diff(patch, axis=0, append=patch[-1:])).max(axis=-1)
    unlike = np.abs(patch - patch[:, ::-1]).max(axis=-1)[:, half:]
    planes = [across[:, half:], across[:, :half], down[:, half:], down[:, :half], unlike]
    pooled = [_pooled(np.minimum(plane, 0.25)) for plane in planes]
    features: Floats = np.concatenate([*pooled, np.ones(1, dtype=np.float32)]).astype(np.float32)
    return features


def _pooled(plane: Floats) -> Floats:
    rows, columns = plane.shape[0] // CELL, plane.shape[1] // CELL
    means: Floats = plane.reshape(rows, CELL, columns, CELL).mean(axis=(1, 3)).ravel()
    return np.sqrt(means)


@functools.cache
def _weights() -> Floats:
    with resources.files(__package__).joinpath(WEIGHTS).open("rb") as file:
        weights: Floats = np.load(file)
    return weights


def beside_pole(plane: Floats, axis: Axis, down: Doubles, aside: Doubles) -> Floats:
    """Returns samples on a grid in pole lengths: `down` from the top, `aside` to the right of the axis."""
    y = axis.top + (down[:, None] + axis.lean * aside[None, :]) * axis.length
    x = axis.x_at(axis.top) + (aside[None, :] - axis.lean * down[:, None]) * axis.length
    return sampled(plane, x.astype(np.float32), y.astype(np.float32))
