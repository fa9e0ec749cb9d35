"""Reads the number on a speed limit sign by comparing it with drawn numbers."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from streetlens.emulator.vision.picture import Floats

NUMBERS = tuple(range(5, 90, 5))
WIDTH, HEIGHT = 36, 30


def read_number(plate: Floats) -> tuple[int | None, float]:
    """Returns the number in the lower half of a rectified plate, and how well it fits (-1 to 1)."""
    rows, columns = plate.shape
    part = plate[int(0.47 * rows) : int(0.95 * rows), int(0.06 * columns) : int(0.94 * columns)]
    light, dark = np.percentile(part, 92), np.percentile(part, 6)
    if light - dark < 25:
        return None, 0.0
    ink = np.clip((light - part) / (light - dark), 0, 1)
    inked = ink > 0.5
    down = np.nonzero(inked.mean(axis=1) > 0.06)[0]
    across = np.nonzero(inked.mean(axis=0) > 0.06)[0]
    if len(down) < 6 or len(across) < 6:
        return None, 0.0
    tight = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1].astype(np.float32)
    seen = _normal(np.asarray(Image.fromarray(tight).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)))
    fits = [float((seen * template).mean()) for template in _templates()]
    best = int(np.argmax(fits))
    return NUMBERS[best], fits[best]


@functools.cache
def _templates() -> list[Floats]:
    drawn = []
    for number in NUMBERS:
        font = ImageFont.load_default(120)
        image = Image.new("L", (260, 200), 0)
        pen = ImageDraw.Draw(image)
        pen.text((30, 20), str(number), font=font, fill=255, stroke_width=6, stroke_fill=255)
        tight = image.crop(image.getbbox())
        drawn.append(
            _normal(np.asarray(tight.resize((WIDTH, HEIGHT), Image.Resampling.BOX), dtype=np.float32))
        )
    return drawn


def _normal(plane: Floats) -> Floats:
    centred: Floats = plane - plane.mean()
    spread = float(np.sqrt((centred * centred).mean())) or 1.0
    return centred / np.float32(spread)
