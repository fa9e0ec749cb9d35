"""Draws a whole scene: street, object, weather, and the JPEG that a camera would have written."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

from PIL import Image

from streetlens.emulator.scenes.camera import camera_for, object_box
from streetlens.emulator.scenes.light import LIGHT
from streetlens.emulator.scenes.poles import draw_pole
from streetlens.emulator.scenes.scenery import draw_scenery
from streetlens.emulator.scenes.signs import draw_sign
from streetlens.emulator.scenes.street import draw_leaves, draw_street
from streetlens.emulator.scenes.weather import develop, draw_rain

if TYPE_CHECKING:
    from streetlens.emulator.scenes.scene import Scene

OVERSAMPLING = 2
QUALITY = 80


def draw(scene: Scene) -> Image.Image:
    """Returns the scene as an RGB picture; the same pixels for the same scene."""
    view = scene.view
    rng = random.Random(f"drawing {view.seed}")  # noqa: S311 - reproducible scenery, not cryptography
    light = LIGHT[view.light]
    scale = OVERSAMPLING
    camera = camera_for(scene, scale)
    canvas = draw_scenery(camera, light, rng)
    draw_street(canvas, camera, light, rng)
    if scene.asset.asset_class == "road_sign":
        draw_sign(canvas, scene, light, rng, scale)
    elif scene.asset.asset_class == "utility_pole":
        draw_pole(canvas, scene, light, rng, scale)
    box = object_box(scene)
    if view.occluded and box is not None:
        left, top, right, bottom = (edge * scale for edge in box)
        reach = 0.16 * min(right - left, bottom - top) if scene.asset.asset_class == "road_sign" else 26.0
        at = (rng.choice((left, right)), rng.uniform(top, bottom))
        draw_leaves(canvas, light, rng, at, reach)
    if view.rain:
        canvas = draw_rain(canvas, rng)
    return develop(canvas.resize((view.width, view.height), Image.Resampling.BOX), view, rng)


def draw_jpeg(scene: Scene) -> bytes:
    """Returns the scene as the bytes of a JPEG file."""
    file = io.BytesIO()
    draw(scene).save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()
