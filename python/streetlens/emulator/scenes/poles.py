"""Draws utility poles: shaft, cross-arms, wires, transformer, lamp."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from streetlens.emulator.scenes.camera import Point, PoleAxis, attachment_side, crossarm_reach, pole_axis
from streetlens.emulator.scenes.light import Colour, Light, mix

if TYPE_CHECKING:
    from streetlens.emulator.scenes.scene import Scene

SHAFTS: dict[str, Colour] = {"wood": (112, 74, 44), "concrete": (190, 184, 172), "metal": (128, 136, 144)}
CAN: Colour = (112, 118, 122)


def draw_pole(image: Image.Image, scene: Scene, light: Light, rng: random.Random, scale: float) -> None:
    """Puts the scene's pole with wires and attachment into a canvas of `scale` times the picture's size."""
    axis = pole_axis(scene, scale)
    gain = 1 + 0.35 * (light.object_gain - 1)
    pen = ImageDraw.Draw(image)
    if scene.asset.crossarms:
        _wires(pen, scene, axis, light, rng)
    _shaft(image, scene, axis, light, rng=rng, gain=gain)
    if scene.asset.crossarms:
        _crossarms(pen, scene, axis, light, gain)
    if scene.asset.attachment == "transformer":
        _transformer(pen, scene, axis, light, gain)
    elif scene.asset.attachment == "lamp":
        _lamp(image, scene, axis, light, gain)


def _shaft(
    image: Image.Image, scene: Scene, axis: PoleAxis, light: Light, *, rng: random.Random, gain: float
) -> None:
    pen = ImageDraw.Draw(image)
    colour = SHAFTS[scene.asset.label]
    shades = 9
    for shade in range(shades):
        across = (shade + 0.5) / shades * 2 - 1
        bright = 1.08 - 0.3 * (across + 0.35) ** 2
        if scene.asset.label == "metal":
            bright = 1.2 - 0.5 * abs(across + 0.3)
        tone = light.on(colour, gain * bright)
        left, right = shade / shades * 2 - 1, (shade + 1) / shades * 2 - 1
        pen.polygon(
            [
                (axis.top[0] + left * axis.half_top, axis.top[1]),
                (axis.top[0] + right * axis.half_top + 0.5, axis.top[1]),
                (axis.base[0] + right * axis.half_base + 0.5, axis.base[1]),
                (axis.base[0] + left * axis.half_base, axis.base[1]),
            ],
            fill=tone,
        )
    if scene.asset.label == "wood":
        for _ in range(60):
            start, aside = rng.random(), rng.uniform(-0.85, 0.85)
            end = min(1.0, start + rng.uniform(0.03, 0.12))
            pen.line(
                [_along(axis, start, aside), _along(axis, end, aside)],
                fill=light.on(mix(colour, (30, 18, 8), rng.uniform(0.3, 0.8)), gain),
                width=1,
            )
    elif scene.asset.label == "concrete":
        for _ in range(3):
            at = rng.uniform(0.3, 0.9)
            pen.line(
                [_along(axis, at, -0.95), _along(axis, at, 0.95)],
                fill=light.on((150, 146, 138), gain),
                width=1,
            )
    else:
        foot = axis.base
        pen.rectangle(
            (
                foot[0] - 1.5 * axis.half_base,
                foot[1] - 0.25 * axis.metre,
                foot[0] + 1.5 * axis.half_base,
                foot[1],
            ),
            fill=light.on((104, 110, 116), gain),
        )


def _along(axis: PoleAxis, share: float, across: float) -> Point:
    half = axis.half_top + (axis.half_base - axis.half_top) * share
    return (
        axis.top[0] + (axis.base[0] - axis.top[0]) * share + across * half,
        axis.top[1] + (axis.base[1] - axis.top[1]) * share,
    )


def _crossarms(pen: ImageDraw.ImageDraw, scene: Scene, axis: PoleAxis, light: Light, gain: float) -> None:
    reach = crossarm_reach(scene)
    timber = light.on((104, 72, 46) if scene.asset.label == "wood" else (140, 138, 132), gain)
    for arm in range(scene.asset.crossarms):
        down = 0.4 + 0.9 * arm
        pen.polygon(
            [
                axis.at(down, -reach),
                axis.at(down, reach),
                axis.at(down + 0.16, reach),
                axis.at(down + 0.16, -reach),
            ],
            fill=timber,
        )
        for brace in (-0.5, 0.5):
            pen.line(
                [axis.at(down + 0.1, brace * reach), axis.at(down + 0.7, 0)],
                fill=mix(timber, (0, 0, 0), 0.25),
                width=2,
            )
        for pin in (-0.92, -0.5, 0.5, 0.92):
            foot, head = axis.at(down, pin * reach), axis.at(down - 0.2, pin * reach)
            pen.line([foot, head], fill=light.on((92, 60, 50), gain), width=max(2, round(0.09 * axis.metre)))


def _wires(pen: ImageDraw.ImageDraw, scene: Scene, axis: PoleAxis, light: Light, rng: random.Random) -> None:
    reach = crossarm_reach(scene)
    wire = mix(light.on((30, 30, 34)), light.sky_top, 0.15)
    slope = rng.uniform(-0.06, 0.06)
    for arm in range(scene.asset.crossarms):
        for pin in (-0.92, -0.5, 0.5, 0.92):
            x, y = axis.at(0.2 + 0.9 * arm, pin * reach)
            for direction in (-1, 1):
                span = 14 * axis.metre
                points = []
                for step in range(13):
                    share = step / 12
                    sag = 0.9 * axis.metre * 4 * share * (1 - share)
                    points.append((x + direction * span * share, y + sag + direction * slope * span * share))
                pen.line(points, fill=wire, width=1)


def _transformer(pen: ImageDraw.ImageDraw, scene: Scene, axis: PoleAxis, light: Light, gain: float) -> None:
    side = attachment_side(scene)
    near, far = side * 0.28, side * 0.92
    pen.line(
        [axis.at(1.75, 0), axis.at(1.75, near)],
        fill=light.on((70, 72, 74), gain),
        width=max(2, round(0.12 * axis.metre)),
    )
    strips = 9
    for strip in range(strips):
        left, right = (near + (far - near) * part / strips for part in (strip, strip + 1))
        across = (strip + 0.5) / strips * 2 - 1
        tone = light.on(CAN, gain * (1.18 - 0.55 * across * across))
        bulge = 0.07 * (1 - across * across)
        pen.polygon(
            [
                axis.at(1.4 - bulge, left),
                axis.at(1.4 - bulge, right),
                axis.at(2.5 + bulge, right),
                axis.at(2.5 + bulge, left),
            ],
            fill=tone,
        )
    for bushing in (0.3, 0.7):
        aside = near + (far - near) * bushing
        pen.line(
            [axis.at(1.4, aside), axis.at(1.1, aside)],
            fill=light.on((120, 84, 66), gain),
            width=max(2, round(0.1 * axis.metre)),
        )
    for rim in (1.45, 2.42):
        pen.line([axis.at(rim, near), axis.at(rim, far)], fill=light.on((84, 88, 92), gain), width=2)


def _lamp(image: Image.Image, scene: Scene, axis: PoleAxis, light: Light, gain: float) -> None:
    side = attachment_side(scene)
    pen = ImageDraw.Draw(image)
    steel = light.on((126, 130, 134), gain)
    arm = [
        axis.at(0.5 - 0.62 * (share**0.6), side * 2.0 * share) for share in (step / 10 for step in range(11))
    ]
    pen.line(arm, fill=steel, width=max(2, round(0.1 * axis.metre)), joint="curve")
    head = [
        axis.at(-0.22, side * 1.85),
        axis.at(-0.2, side * 2.5),
        axis.at(0.02, side * 2.6),
        axis.at(0.06, side * 1.9),
    ]
    pen.polygon(head, fill=light.on((150, 154, 158), gain))
    glow: Colour = (255, 232, 170) if light.name in ("night", "dusk") else light.on((226, 226, 216))
    lens = [
        axis.at(0.04, side * 1.98),
        axis.at(0.02, side * 2.54),
        axis.at(0.14, side * 2.42),
        axis.at(0.15, side * 2.06),
    ]
    if light.name == "night":
        centre, reach = axis.at(0.12, side * 2.25), round(1.5 * axis.metre)
        halo = Image.new("L", (4 * reach, 4 * reach), 0)
        ImageDraw.Draw(halo).ellipse((1.2 * reach, 1.2 * reach, 2.8 * reach, 2.8 * reach), fill=120)
        halo = (
            halo.resize((reach, reach))
            .filter(ImageFilter.GaussianBlur(reach / 9))
            .resize((4 * reach, 4 * reach))
        )
        image.paste(
            Image.new("RGB", halo.size, glow),
            (round(centre[0]) - 2 * reach, round(centre[1]) - 2 * reach),
            halo,
        )
    pen.polygon(lens, fill=glow)
