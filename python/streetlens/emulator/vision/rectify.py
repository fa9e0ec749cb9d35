"""Looks at a quadrilateral straight on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streetlens.emulator.vision.picture import Floats


def rectified(plane: Floats, corners: Sequence[tuple[float, float]], width: int, height: int) -> Floats:
    """Returns the quadrilateral (clockwise from top left) as height x width samples."""
    across = (np.arange(width, dtype=np.float32) + 0.5) / width
    down = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    x = (x0 + (x1 - x0) * across) * (1 - down) + (x3 + (x2 - x3) * across) * down
    y = (y0 + (y1 - y0) * across) * (1 - down) + (y3 + (y2 - y3) * across) * down
    return sampled(plane, x.astype(np.float32), y.astype(np.float32))


def sampled(plane: Floats, x: Floats, y: Floats) -> Floats:
    """Returns bilinear samples of a plane at pixel coordinates; the border continues outwards."""
    x = np.clip(x - 0.5, 0, plane.shape[1] - 1.001)
    y = np.clip(y - 0.5, 0, plane.shape[0] - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right_share, low_share = x - left, y - top
    if plane.ndim == 3:
        right_share, low_share = right_share[..., None], low_share[..., None]
    upper = plane[top, left] * (1 - right_share) + plane[top, left + 1] * right_share
    lower = plane[top + 1, left] * (1 - right_share) + plane[top + 1, left + 1] * right_share
    result: Floats = (upper * (1 - low_share) + lower * low_share).astype(np.float32)
    return result
