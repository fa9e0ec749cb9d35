"""The stand-in model: classical vision on pixels. It is not Gemini; its accuracy says nothing about Gemini.

It knows the synthetic scenes of `streetlens.emulator.scenes` and nothing else; it exists so that answers are
right or wrong for a reason that lies in the picture.
"""

from __future__ import annotations

from streetlens.emulator.vision.picture import UnreadableImageError, decode, lighting, sharpness
from streetlens.emulator.vision.poles import find_pole
from streetlens.emulator.vision.sighting import Box, Sighting
from streetlens.emulator.vision.signs import find_sign

__all__ = ["Sighting", "UnreadableImageError", "look"]

LEAST_SCORE = 0.5


def look(data: bytes) -> Sighting:
    """Returns what is in a picture (bytes of a JPEG, PNG or WebP file); raises UnreadableImageError."""
    picture = decode(data)

    def given(box: Box) -> Box:
        left, top, right, bottom = (round(edge * picture.scale) for edge in box)
        return max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom)

    light, sharp = lighting(picture), sharpness(picture)
    sign = find_sign(picture)
    if sign is not None and sign.score >= LEAST_SCORE:
        return Sighting(
            picture.width,
            picture.height,
            "road_sign",
            sign.label,
            round(min(0.99, sign.score), 2),
            given(sign.box),
            speed=sign.speed,
            lighting=light,
            sharpness=sharp,
        )
    pole = find_pole(picture)
    if pole is not None and pole.score >= LEAST_SCORE:
        return Sighting(
            picture.width,
            picture.height,
            "utility_pole",
            pole.material,
            round(min(0.99, pole.score), 2),
            given(pole.box),
            attachment=pole.attachment,
            lean=round(pole.lean, 1),
            lighting=light,
            sharpness=sharp,
        )
    return Sighting(picture.width, picture.height, lighting=light, sharpness=sharp)
