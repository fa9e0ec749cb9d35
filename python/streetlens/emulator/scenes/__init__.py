"""Synthetic street scenes, drawn by code: road signs and utility poles in several views of each.

A seed names an asset, a number names a view of it; both together always give the same picture. A few dozen
pictures ship with the package (`shipped_pictures`), `draw_jpeg` draws as many more as wanted.
"""

from __future__ import annotations

from streetlens.emulator.scenes.scene import Asset, Scene, View, asset_from_seed, scene, view_of
from streetlens.emulator.scenes.shipped import ShippedPicture, shipped_pictures
from streetlens.emulator.scenes.truth import Truth, truth_of

__all__ = [
    "Asset",
    "Scene",
    "ShippedPicture",
    "Truth",
    "View",
    "asset_from_seed",
    "draw_jpeg",
    "scene",
    "shipped_pictures",
    "truth_of",
    "view_of",
]


def draw_jpeg(scene: Scene) -> bytes:
    """Returns the scene as the bytes of a JPEG file. Needs Pillow and numpy."""
    from streetlens.emulator.scenes import compose  # noqa: PLC0415 - reading shipped pictures needs no Pillow

    return compose.draw_jpeg(scene)
