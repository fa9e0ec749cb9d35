"""Draws the street behind the object: sky, ground, road and the houses along it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from streetlens.emulator.scenes.light import Colour, Light, mix

if TYPE_CHECKING:
    from streetlens.emulator.scenes.camera import Camera

WALLS: tuple[Colour, ...] = (
    (196, 178, 152),
    (168, 104, 84),
    (150, 152, 160),
    (214, 204, 186),
    (140, 116, 100),
    (184, 150, 120),
    (120, 132, 148),
    (226, 220, 208),
)
GROUNDS: tuple[Colour, ...] = ((112, 142, 74), (126, 148, 88), (170, 164, 152), (158, 154, 146))
ROADS: tuple[Colour, ...] = ((98, 98, 102), (84, 84, 88), (112, 110, 108))
ROAD_HALF_WIDTH = 5.0
PAVEMENT_WIDTH = 2.6
FAR = 120.0


def draw_scenery(camera: Camera, light: Light, rng: random.Random) -> Image.Image:
    """Returns a canvas with sky, ground, road and buildings."""
    image = _sky(camera, light, rng)
    pen = ImageDraw.Draw(image)
    _skyline(pen, camera, light, rng)
    _ground(pen, camera, light, rng)
    for side in (-1, 1):
        _row_of_houses(pen, camera, light, rng, side)
    return image


def _sky(camera: Camera, light: Light, rng: random.Random) -> Image.Image:
    width, height = round(camera.width), round(camera.height)
    share = np.clip(np.arange(height) / max(1.0, camera.horizon), 0, 1)[:, None] ** 1.3
    column = np.array(light.sky_top) * (1 - share) + np.array(light.sky_bottom) * share
    pixels = np.repeat(column[:, None, :], width, axis=1)
    image = Image.fromarray(pixels.astype(np.uint8))
    if light.name == "night":
        pen = ImageDraw.Draw(image)
        for _ in range(26):
            x, y = rng.randrange(width), rng.randrange(max(1, int(camera.horizon * 0.6)))
            pen.point((x, y), fill=(150, 154, 170))
        return image
    # Clouds are soft: drawn small, blurred, enlarged.
    small = Image.new("L", (width // 8, max(1, height // 8)), 0)
    cloud_pen = ImageDraw.Draw(small)
    for _ in range(rng.randint(2, 5)):
        left, top = rng.uniform(0, small.width), rng.uniform(0, camera.horizon / 8 * 0.75)
        for _ in range(rng.randint(4, 8)):
            wide, tall = rng.uniform(4, 12), rng.uniform(1, 3)
            dx, dy = rng.uniform(-10, 10), rng.uniform(-1.4, 1.4)
            cloud_pen.ellipse(
                (left + dx - wide, top + dy - tall, left + dx + wide, top + dy + tall),
                fill=rng.randint(90, 200),
            )
    cover = small.filter(ImageFilter.GaussianBlur(1.6)).resize((width, height), Image.Resampling.BICUBIC)
    cloud: Colour = {"day": (255, 255, 255), "overcast": (226, 228, 230)}.get(light.name, (255, 206, 160))
    image.paste(Image.new("RGB", (width, height), cloud), mask=cover)
    return image


def _skyline(pen: ImageDraw.ImageDraw, camera: Camera, light: Light, rng: random.Random) -> None:
    x = -60.0
    while x < 60:
        wide, tall = rng.uniform(5, 14), rng.uniform(4, 20)
        colour = light.far(rng.choice(WALLS), 170)
        left, top = camera.point(x, tall, FAR)
        right, bottom = camera.point(x + wide, 0, FAR)
        pen.rectangle((left, top, right, bottom), fill=colour)
        x += wide + rng.uniform(-1, 3)


def _ground(pen: ImageDraw.ImageDraw, camera: Camera, light: Light, rng: random.Random) -> None:
    width, height = camera.width, camera.height
    ground, road = rng.choice(GROUNDS), rng.choice(ROADS)
    bands = 14
    for band in range(bands):
        top = camera.horizon + (height - camera.horizon) * (band / bands) ** 1.6
        distance = FAR * (1 - band / bands) ** 2
        pen.rectangle((0, top, width, height), fill=light.far(ground, distance))
    near = 1.2

    def strip(inner: float, outer: float, colour: Colour, near_z: float = near, far_z: float = FAR) -> None:
        pen.polygon(
            [
                camera.point(inner, 0, near_z),
                camera.point(outer, 0, near_z),
                camera.point(outer, 0, far_z),
                camera.point(inner, 0, far_z),
            ],
            fill=light.far(colour, (near_z + far_z) / 8),
        )

    pavement = mix(ground, (186, 182, 176), 0.8)
    strip(-ROAD_HALF_WIDTH - PAVEMENT_WIDTH, ROAD_HALF_WIDTH + PAVEMENT_WIDTH, pavement)
    strip(-ROAD_HALF_WIDTH - 0.25, ROAD_HALF_WIDTH + 0.25, mix(pavement, (90, 90, 90), 0.4))
    for near_z, far_z in ((near, 8.0), (8.0, 18.0), (18.0, 45.0), (45.0, FAR)):
        strip(-ROAD_HALF_WIDTH, ROAD_HALF_WIDTH, road, near_z, far_z)
    for crack in range(3):
        at = rng.uniform(-4, 4)
        strip(at, at + 0.5, mix(road, (60, 60, 62), 0.25), near, 20.0 + 8 * crack)
    line: Colour = (216, 176, 66) if rng.random() < 0.6 else (224, 222, 214)
    for z in range(3, 90, 6):
        strip(-0.08, 0.08, line, float(z), z + 3.0)
    if rng.random() < 0.5:
        for edge in (-4.6, 4.6):
            strip(edge - 0.06, edge + 0.06, (216, 214, 208))


def _row_of_houses(
    pen: ImageDraw.ImageDraw, camera: Camera, light: Light, rng: random.Random, side: int
) -> None:
    houses = []
    z = rng.uniform(11, 17)
    while z < 95:
        deep = rng.uniform(8, 15)
        houses.append((z, z + deep, rng.uniform(5.5, 15), side * rng.uniform(10, 13), rng.choice(WALLS)))
        z += deep + (rng.uniform(3, 9) if rng.random() < 0.5 else 0.4)
    for near_z, far_z, tall, x, colour in reversed(houses):
        _house(pen, camera, light, rng, (near_z, far_z, tall, x, colour))


def _house(
    pen: ImageDraw.ImageDraw,
    camera: Camera,
    light: Light,
    rng: random.Random,
    house: tuple[float, float, float, float, Colour],
) -> None:
    near_z, far_z, tall, x, colour = house
    outer = x + (18 if x > 0 else -18)
    front = light.far(mix(colour, (0, 0, 0), 0.16), near_z)
    side_wall = light.far(colour, near_z)

    def facade(z: float, y: float) -> tuple[float, float]:
        return camera.point(x, y, z)

    def front_wall(across: float, y: float) -> tuple[float, float]:
        return camera.point(x + (outer - x) * across, y, near_z)

    pen.polygon([front_wall(0, 0), front_wall(0, tall), front_wall(1, tall), front_wall(1, 0)], fill=front)
    pen.polygon(
        [facade(near_z, 0), facade(near_z, tall), facade(far_z, tall), facade(far_z, 0)], fill=side_wall
    )
    roof = light.far(mix(colour, (60, 50, 50), 0.5), near_z)
    pen.polygon(
        [facade(near_z, tall), facade(near_z, tall - 0.5), facade(far_z, tall - 0.5), facade(far_z, tall)],
        fill=roof,
    )
    glass = light.far((92, 108, 128), near_z) if light.name != "night" else (30, 32, 44)
    lit: Colour = (236, 196, 112)
    lit_share = {"night": 0.34, "dusk": 0.16}.get(light.name, 0.0)
    floors = int((tall - 1.2) / 3)
    columns = max(2, int((far_z - near_z) / 2.6))
    for floor in range(floors):
        low, high = 1.1 + floor * 3.0, 2.6 + floor * 3.0
        for column in range(columns):
            start = near_z + (far_z - near_z) * (column + 0.28) / columns
            end = near_z + (far_z - near_z) * (column + 0.72) / columns
            pane = lit if rng.random() < lit_share else glass
            pen.polygon(
                [facade(start, low), facade(start, high), facade(end, high), facade(end, low)], fill=pane
            )
        for column in range(6):
            start, end = (column + 0.3) / 6, (column + 0.7) / 6
            pane = lit if rng.random() < lit_share else mix(glass, front, 0.25)
            pen.polygon(
                [
                    front_wall(start, low),
                    front_wall(start, high),
                    front_wall(end, high),
                    front_wall(end, low),
                ],
                fill=pane,
            )
    if rng.random() < 0.25:
        awning: Colour = rng.choice(((176, 44, 40), (44, 84, 160), (206, 164, 40), (60, 120, 70)))
        reach = x - (1.3 if x > 0 else -1.3)
        pen.polygon(
            [
                facade(near_z + 1, 3.1),
                facade(far_z - 1, 3.1),
                camera.point(reach, 2.5, far_z - 1),
                camera.point(reach, 2.5, near_z + 1),
            ],
            fill=light.far(awning, near_z),
        )
