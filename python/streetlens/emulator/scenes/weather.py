"""Adds what lies between lens and street: rain, defocus, vignette and sensor noise."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from streetlens.emulator.scenes.scene import View


def draw_rain(image: Image.Image, rng: random.Random) -> Image.Image:
    """Returns the canvas with streaks of rain in front of everything."""
    streaks = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(streaks)
    slant = rng.uniform(-0.2, 0.2)
    for _ in range(170):
        x, y, length = rng.uniform(0, image.width), rng.uniform(0, image.height), rng.uniform(12, 34)
        pen.line(
            (x, y, x + slant * length, y + length), fill=rng.randint(40, 110), width=rng.choice((1, 1, 2))
        )
    image.paste(Image.new("RGB", image.size, (206, 212, 222)), mask=streaks)
    return image


def develop(image: Image.Image, view: View, rng: random.Random) -> Image.Image:
    """Returns the finished picture: blurred as the view says, darker in the corners, slightly noisy."""
    if view.blur:
        image = image.filter(ImageFilter.GaussianBlur(view.blur))
    noise = np.random.default_rng(rng.randrange(2**31)).standard_normal((view.height, view.width), np.float32)
    strength = 3.2 if view.light == "night" else 1.6
    pixels = np.asarray(image, dtype=np.float32) * _vignette(view.width, view.height)
    pixels += strength * noise[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@functools.lru_cache(maxsize=8)
def _vignette(width: int, height: int) -> np.ndarray:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return (1.0 - 0.14 * np.clip(x * x + y * y - 0.5, 0, None))[..., None]
