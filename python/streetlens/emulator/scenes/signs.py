"""Draws road signs: a flat face per sign, then the face in perspective on its post."""

from __future__ import annotations

import functools
import math
import random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from streetlens.emulator.scenes.camera import SIGN_SIZES, Point, sign_corners
from streetlens.emulator.scenes.light import Colour, Light, mix

if TYPE_CHECKING:
    from streetlens.emulator.scenes.scene import Asset, Scene

RED: Colour = (186, 22, 34)
WHITE: Colour = (242, 242, 238)
BLACK: Colour = (24, 24, 26)
YELLOW: Colour = (250, 202, 28)
GREEN: Colour = (0, 104, 78)
UNIT = 400
"""Pixels per metre on a face before it is placed in the picture."""


def draw_sign(image: Image.Image, scene: Scene, light: Light, rng: random.Random, scale: float) -> None:
    """Puts the scene's sign on its post into a canvas of `scale` times the picture's size."""
    corners = sign_corners(scene, scale)
    _post(image, scene, corners, light, scale)
    face = _worn(_face(scene.asset.label, scene.asset.speed, scene.asset.street), rng)
    red, green, blue = light.ambient
    gain = light.object_gain
    bands = face.split()
    lit = Image.merge(
        "RGBA",
        [
            band.point(lambda value, factor=factor: min(255, int(value * factor * gain)))
            for band, factor in zip(bands[:3], (red, green, blue), strict=True)
        ]
        + [bands[3]],
    )
    _paste_in_perspective(image, lit, corners)


def face_of(asset: Asset) -> Image.Image:
    """Returns the flat face of a sign as an RGBA picture of UNIT pixels per metre."""
    return _face(asset.label, asset.speed, asset.street).copy()


def _post(image: Image.Image, scene: Scene, corners: list[Point], light: Light, scale: float) -> None:
    pen = ImageDraw.Draw(image)
    metre = scene.view.metre * scene.view.height * scale
    top_left, top_right, bottom_right, bottom_left = corners
    top = ((top_left[0] + top_right[0]) / 2, (top_left[1] + top_right[1]) / 2)
    foot = ((bottom_left[0] + bottom_right[0]) / 2, (bottom_left[1] + bottom_right[1]) / 2)
    lean = math.tan(math.radians(scene.view.tilt))
    ground = max(foot[1] + 0.4 * metre, scene.view.horizon * image.height + 2.3 * metre)
    half = 0.034 * metre
    base = (foot[0] - lean * (ground - foot[1]), ground)
    steel = light.on((136, 140, 144), 1 + 0.4 * (light.object_gain - 1))
    for offset, width, colour in (
        (0.0, half, mix(steel, (0, 0, 0), 0.3)),
        (-0.2 * half, 0.6 * half, steel),
        (-0.4 * half, 0.24 * half, mix(steel, (255, 255, 255), 0.35)),
    ):
        pen.polygon(
            [
                (top[0] + offset - width, top[1] - 0.05 * metre),
                (top[0] + offset + width, top[1] - 0.05 * metre),
                (base[0] + offset + width, base[1]),
                (base[0] + offset - width, base[1]),
            ],
            fill=colour,
        )


def _worn(face: Image.Image, rng: random.Random) -> Image.Image:
    face = ImageEnhance.Color(face).enhance(rng.uniform(0.82, 1.05))
    face = ImageEnhance.Brightness(face).enhance(rng.uniform(0.86, 1.02))
    # Light falls off from one corner to the other.
    fall = np.linspace(1.0, rng.uniform(0.82, 0.98), face.height)[:, None, None]
    pixels = np.asarray(face).astype(np.float32)
    pixels[..., :3] *= fall if rng.random() < 0.5 else fall[::-1]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGBA")


def _paste_in_perspective(image: Image.Image, face: Image.Image, corners: list[Point]) -> None:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    left, top = math.floor(min(xs)) - 2, math.floor(min(ys)) - 2
    width, height = math.ceil(max(xs)) + 2 - left, math.ceil(max(ys)) + 2 - top
    # A face much larger than its place would alias: shrink it first.
    shrink = max(1.0, face.height / max(height, 1) / 1.2)
    face = face.resize((round(face.width / shrink), round(face.height / shrink)), Image.Resampling.BOX)
    source = [(0, 0), (face.width, 0), (face.width, face.height), (0, face.height)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, source, strict=True):
        px, py = x - left, y - top
        rows += [[px, py, 1, 0, 0, 0, -u * px, -u * py], [0, 0, 0, px, py, 1, -v * px, -v * py]]
        values += [u, v]
    solution = np.linalg.solve(np.array(rows, dtype=float), np.array(values, dtype=float))
    placed = face.transform(
        (width, height), Image.Transform.PERSPECTIVE, solution.tolist(), Image.Resampling.BICUBIC
    )
    image.paste(placed, (left, top), placed)


@functools.lru_cache(maxsize=64)
def _face(label: str, speed: int | None, street: str | None) -> Image.Image:
    width, height = (round(side * UNIT) for side in SIGN_SIZES[label])
    face = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(face)
    if label == "stop":
        _octagon(pen, width, 0, WHITE)
        _octagon(pen, width, 0.028 * width, RED)
        _write(pen, "STOP", (width / 2, height / 2), (0.36 * height, 0.8 * width), WHITE, weight=0.055)
    elif label == "yield":
        _triangle(pen, width, height, 0, WHITE)
        _triangle(pen, width, height, 0.03 * width, RED)
        _triangle(pen, width, height, 0.135 * width, WHITE)
        _write(pen, "YIELD", (width / 2, 0.255 * height), (0.11 * height, 0.36 * width), RED, weight=0.04)
    elif label == "speed_limit":
        _plate(pen, width, height, BLACK)
        _write(pen, "SPEED", (width / 2, 0.16 * height), (0.15 * height, 0.76 * width), BLACK)
        _write(pen, "LIMIT", (width / 2, 0.35 * height), (0.15 * height, 0.7 * width), BLACK)
        _write(pen, str(speed), (width / 2, 0.7 * height), (0.45 * height, 0.8 * width), BLACK, weight=0.05)
    elif label == "pedestrian_crossing":
        _diamond(pen, width, 0, YELLOW)
        _diamond(pen, width, 0.035 * width, BLACK)
        _diamond(pen, width, 0.055 * width, YELLOW)
        _walker(pen, width)
    elif label == "no_parking":
        _plate(pen, width, height, RED)
        middle, reach = (width / 2, 0.38 * height), 0.36 * width
        _write(pen, "P", middle, (0.42 * height, width), BLACK, weight=0.05)
        line = round(0.075 * width)
        pen.ellipse(
            (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach),
            outline=RED,
            width=line,
        )
        part = 0.68 * reach
        pen.line(
            (middle[0] - part, middle[1] - part, middle[0] + part, middle[1] + part), fill=RED, width=line
        )
        _write(pen, "ANY TIME", (width / 2, 0.83 * height), (0.11 * height, 0.78 * width), RED, weight=0.04)
    elif label == "do_not_enter":
        pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=0.05 * width, fill=WHITE)
        edge = 0.05 * width
        pen.ellipse((edge, edge, width - edge, height - edge), fill=RED)
        pen.rectangle((0.17 * width, 0.43 * height, 0.83 * width, 0.57 * height), fill=WHITE)
        _write(pen, "DO NOT", (width / 2, 0.29 * height), (0.13 * height, 0.56 * width), WHITE, weight=0.04)
        _write(pen, "ENTER", (width / 2, 0.72 * height), (0.13 * height, 0.52 * width), WHITE, weight=0.04)
    else:
        pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=0.12 * height, fill=WHITE)
        pen.rounded_rectangle((6, 6, width - 7, height - 7), radius=0.1 * height, fill=GREEN)
        _write(pen, street or "", (width / 2, height / 2), (0.5 * height, 0.84 * width), WHITE, weight=0.035)
    return face


def _write(
    pen: ImageDraw.ImageDraw,
    text: str,
    centre: Point,
    room: tuple[float, float],
    colour: Colour,
    *,
    weight: float = 0.045,
) -> None:
    """Writes capitals of a height around `centre`, smaller if they would be wider than the width given."""
    height, width = room
    size = height / 0.72
    for _ in range(2):
        font = ImageFont.load_default(size)
        stroke = max(1, round(weight * size))
        left, top, right, bottom = pen.textbbox((0, 0), text, font=font, stroke_width=stroke)
        size *= min(1.0, width / (right - left))
    x, y = centre[0] - (left + right) / 2, centre[1] - (top + bottom) / 2
    pen.text((x, y), text, font=font, fill=colour, stroke_width=stroke, stroke_fill=colour)


def _plate(pen: ImageDraw.ImageDraw, width: int, height: int, border: Colour) -> None:
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=0.07 * width, fill=WHITE)
    edge = 0.03 * width
    pen.rounded_rectangle(
        (edge, edge, width - 1 - edge, height - 1 - edge),
        radius=0.055 * width,
        outline=border,
        width=round(0.026 * width),
    )


def _octagon(pen: ImageDraw.ImageDraw, size: float, inset: float, colour: Colour) -> None:
    cut = size * (1 - math.sqrt(0.5))
    low, high, near, far = inset, size - inset, cut + 0.42 * inset, size - cut - 0.42 * inset
    points = [
        (near, low),
        (far, low),
        (high, near),
        (high, far),
        (far, high),
        (near, high),
        (low, far),
        (low, near),
    ]
    pen.polygon(points, fill=colour)


def _triangle(pen: ImageDraw.ImageDraw, width: float, height: float, inset: float, colour: Colour) -> None:
    pen.polygon(
        [(1.73 * inset, inset), (width - 1.73 * inset, inset), (width / 2, height - 2 * inset)], fill=colour
    )


def _diamond(pen: ImageDraw.ImageDraw, size: float, inset: float, colour: Colour) -> None:
    half, reach = size / 2, size / 2 - inset
    pen.polygon(
        [(half, half - reach), (half + reach, half), (half, half + reach), (half - reach, half)], fill=colour
    )


def _walker(pen: ImageDraw.ImageDraw, size: float) -> None:
    """Draws a walking person of strokes; coordinates are shares of the sign's size."""

    def stroke(width: float, *points: Point) -> None:
        pen.line(
            [(x * size, y * size) for x, y in points], fill=BLACK, width=round(width * size), joint="curve"
        )
        for x, y in points:
            reach = width * size / 2
            pen.ellipse((x * size - reach, y * size - reach, x * size + reach, y * size + reach), fill=BLACK)

    pen.ellipse((0.47 * size, 0.2 * size, 0.56 * size, 0.29 * size), fill=BLACK)
    stroke(0.09, (0.51, 0.35), (0.49, 0.53))
    stroke(0.055, (0.49, 0.53), (0.55, 0.64), (0.57, 0.77))
    stroke(0.055, (0.48, 0.53), (0.44, 0.66), (0.37, 0.76))
    stroke(0.042, (0.53, 0.35), (0.59, 0.43), (0.64, 0.48))
    stroke(0.042, (0.48, 0.36), (0.41, 0.43), (0.38, 0.5))
