"""Draws what else is in the street and could be mistaken for the object: trees, cars, traffic lights."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from streetlens.emulator.scenes.light import Colour, Light, mix
from streetlens.emulator.scenes.scenery import ROAD_HALF_WIDTH

if TYPE_CHECKING:
    from streetlens.emulator.scenes.camera import Camera

FOLIAGE: tuple[Colour, ...] = ((74, 112, 44), (96, 128, 52), (62, 98, 40), (120, 132, 58))
PAINTS: tuple[Colour, ...] = (
    (176, 30, 34),
    (36, 62, 120),
    (206, 208, 212),
    (40, 42, 46),
    (212, 168, 40),
    (110, 116, 124),
    (238, 238, 236),
)


def draw_street(image: Image.Image, camera: Camera, light: Light, rng: random.Random) -> None:
    """Adds trees, parked cars and sometimes a traffic light, the farthest first."""
    things = []
    for _ in range(rng.randint(2, 6)):
        side = rng.choice((-1, 1))
        things.append((rng.uniform(13, 60), "tree", side * rng.uniform(6.8, 8.6)))
    for _ in range(rng.randint(1, 4)):
        side = rng.choice((-1, 1))
        things.append((rng.uniform(11, 48), "car", side * (ROAD_HALF_WIDTH - rng.uniform(1.2, 3.6))))
    if rng.random() < 0.3:
        things.append((rng.uniform(24, 46), "traffic light", rng.choice((-1, 1)) * 5.6))
    for z, thing, x in sorted(things, reverse=True):
        if thing == "tree":
            _tree(image, camera, light, rng, (x, z))
        elif thing == "car":
            _car(image, camera, light, rng, (x, z))
        else:
            _traffic_light(image, camera, light, rng, (x, z))


def _tree(
    image: Image.Image, camera: Camera, light: Light, rng: random.Random, at: tuple[float, float]
) -> None:
    x, z = at
    pen = ImageDraw.Draw(image)
    tall = rng.uniform(3.4, 6.0)
    metre = camera.focal / z
    base_x, base_y = camera.point(x, 0, z)
    trunk = light.far((92, 70, 50), z)
    pen.rectangle(
        (base_x - 0.14 * metre, base_y - tall * 0.5 * metre, base_x + 0.14 * metre, base_y), fill=trunk
    )
    leaf = rng.choice(FOLIAGE)
    crown_y = base_y - tall * 0.72 * metre
    radius = tall * 0.3 * metre
    for layer, darker in ((0.0, 0.35), (0.12, 0.12), (0.24, -0.12)):
        colour = mix(leaf, (0, 0, 0), darker) if darker > 0 else mix(leaf, (220, 220, 140), -darker)
        for _ in range(9):
            dx, dy = rng.gauss(0, 0.5) * radius, rng.gauss(0, 0.5) * radius
            size = radius * rng.uniform(0.32, 0.6)
            cx, cy = base_x + dx - layer * radius, crown_y + dy - layer * radius
            pen.ellipse((cx - size, cy - size, cx + size, cy + size), fill=light.far(colour, z))


def _car(
    image: Image.Image, camera: Camera, light: Light, rng: random.Random, at: tuple[float, float]
) -> None:
    x, z = at
    pen = ImageDraw.Draw(image)
    paint = rng.choice(PAINTS)
    metre = camera.focal / z
    centre, ground = camera.point(x, 0, z)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return (centre + left * metre, ground - top * metre, centre + right * metre, ground - bottom * metre)

    shadow = light.far((40, 40, 44), z)
    pen.ellipse(box(-1.1, 0.16, 1.1, -0.12), fill=shadow)
    body, dark = light.far(paint, z), light.far(mix(paint, (0, 0, 0), 0.35), z)
    black = light.far((26, 26, 30), z)
    for wheel in (-0.78, 0.52):
        pen.rectangle(box(wheel, 0.4, wheel + 0.26, 0.0), fill=black)
    pen.rounded_rectangle(box(-0.92, 0.98, 0.92, 0.24), radius=0.16 * metre, fill=body)
    roof = [
        (centre - 0.78 * metre, ground - 0.92 * metre),
        (centre - 0.56 * metre, ground - 1.48 * metre),
        (centre + 0.56 * metre, ground - 1.48 * metre),
        (centre + 0.78 * metre, ground - 0.92 * metre),
    ]
    pen.polygon(roof, fill=dark)
    glass = light.far((70, 82, 98), z)
    pen.polygon(
        [
            (centre - 0.64 * metre, ground - 0.98 * metre),
            (centre - 0.48 * metre, ground - 1.38 * metre),
            (centre + 0.48 * metre, ground - 1.38 * metre),
            (centre + 0.64 * metre, ground - 0.98 * metre),
        ],
        fill=glass,
    )
    tail: Colour = (230, 40, 36) if light.name in ("night", "dusk") else (150, 26, 28)
    pen.rectangle(box(-0.88, 0.86, -0.6, 0.66), fill=tail)
    pen.rectangle(box(0.6, 0.86, 0.88, 0.66), fill=tail)
    pen.rectangle(box(-0.22, 0.62, 0.22, 0.48), fill=light.far((226, 226, 222), z))
    pen.rectangle(box(-0.92, 0.36, 0.92, 0.24), fill=dark)


def _traffic_light(
    image: Image.Image, camera: Camera, light: Light, rng: random.Random, at: tuple[float, float]
) -> None:
    x, z = at
    pen = ImageDraw.Draw(image)
    metre = camera.focal / z
    base_x, base_y = camera.point(x, 0, z)
    grey = light.far((64, 66, 70), z)
    pen.rectangle((base_x - 0.07 * metre, base_y - 3.4 * metre, base_x + 0.07 * metre, base_y), fill=grey)
    top = base_y - 4.3 * metre
    pen.rounded_rectangle(
        (base_x - 0.2 * metre, top, base_x + 0.2 * metre, top + 1.05 * metre),
        radius=0.08 * metre,
        fill=light.far((30, 32, 32), z),
    )
    burning = rng.randrange(3)
    for lamp, colour in enumerate(((240, 50, 40), (244, 190, 40), (60, 220, 120))):
        fill = colour if lamp == burning else mix(colour, (20, 20, 20), 0.82)
        middle = top + (0.2 + 0.32 * lamp) * metre
        reach = 0.12 * metre
        pen.ellipse((base_x - reach, middle - reach, base_x + reach, middle + reach), fill=fill)


def draw_leaves(
    image: Image.Image, light: Light, rng: random.Random, at: tuple[float, float], reach: float
) -> None:
    """Hangs a twig with leaves in front of the object; `reach` is its radius in canvas pixels."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    leaf = rng.choice(FOLIAGE)
    for _ in range(26):
        x, y = at[0] + rng.gauss(0, 0.5) * reach, at[1] + rng.gauss(0, 0.5) * reach
        wide, tall = reach * rng.uniform(0.12, 0.24), reach * rng.uniform(0.07, 0.13)
        colour = light.on(mix(leaf, (0, 0, 0), rng.uniform(0, 0.4)), 1.0 + 0.4 * (light.object_gain - 1))
        pen.ellipse((x - wide, y - tall, x + wide, y + tall), fill=(*colour, 255))
    left, top = max(0, int(at[0] - 2 * reach)), max(0, int(at[1] - 2 * reach))
    right, bottom = int(at[0] + 2 * reach), int(at[1] + 2 * reach)
    patch = layer.crop((left, top, right, bottom)).filter(ImageFilter.GaussianBlur(0.6))
    image.paste(patch, (left, top), patch)
