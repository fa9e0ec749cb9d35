"""Decodes a picture and prepares it for the detectors: one working size, neutral light."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_SIDE = 400
"""Pixels of the longer side while looking."""
MAX_PIXELS = 64_000_000


class UnreadableImageError(Exception):
    """The bytes are no picture that can be decoded completely."""


@dataclass(frozen=True)
class Picture:
    """The working copy: `neutral` is RGB (height, width, 3), 0 to 255, without the colour of the light."""

    width: int
    height: int
    scale: float
    """Given pixels per working pixel."""
    raw: Floats
    neutral: Floats
    luminance: Floats
    bright: float
    """The luminance that a tenth of the pixels exceed."""


def decode(data: bytes) -> Picture:
    """Returns the working copy of a PNG, JPEG or WebP file; raises UnreadableImageError."""
    try:
        with Image.open(io.BytesIO(data)) as file:
            if file.width * file.height > MAX_PIXELS:
                raise UnreadableImageError(f"{file.width} x {file.height} pixels are too many")
            width, height = file.size
            file.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            image = file.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(str(error)) from error
    scale = max(width, height) / WORKING_SIDE
    size = (max(8, round(width / scale)), max(8, round(height / scale)))
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    raw = np.asarray(image, dtype=np.float32)
    neutral = raw * _white_balance(raw)
    luminance = neutral @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return Picture(width, height, scale, raw, neutral, luminance, float(np.percentile(luminance, 90)))


def _white_balance(raw: Floats) -> Floats:
    """Returns the factor per channel that makes the road, which is grey, look grey."""
    height, width = raw.shape[:2]
    road = (
        np.median(raw[int(0.84 * height) :, int(0.2 * width) : int(0.8 * width)].reshape(-1, 3), axis=0) + 1.0
    )
    factor: Floats = np.clip(road.mean() / road, 0.7, 1.45).astype(np.float32)
    return factor


def lighting(picture: Picture) -> str:
    """Returns day, overcast, dusk or night, by how bright and how coloured the upper part is."""
    upper = picture.raw[: picture.raw.shape[0] // 3].reshape(-1, 3).mean(axis=0)
    red, green, blue = (float(part) for part in upper)
    if max(red, green, blue) < 75:
        return "night"
    if blue > 1.18 * red and green > 0.72 * blue - 12:
        return "day"
    return "dusk" if max(red, green, blue) > 1.1 * min(red, green, blue) else "overcast"


def sharpness(picture: Picture) -> float:
    grey = picture.luminance
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(np.abs(laplacian).mean())
