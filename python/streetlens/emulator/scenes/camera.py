"""Where things appear: a pinhole camera over a flat street, and the outline of the object in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetlens.emulator.scenes.scene import Scene

Point = tuple[float, float]
Box = tuple[int, int, int, int]

CAMERA_HEIGHT = 2.3
"""Metres; the camera of a Street View car."""

SIGN_SIZES = {
    "stop": (0.78, 0.78),
    "yield": (0.9, 0.78),
    "speed_limit": (0.64, 0.8),
    "pedestrian_crossing": (0.98, 0.98),
    "no_parking": (0.6, 0.82),
    "do_not_enter": (0.78, 0.78),
    "street_name": (1.56, 0.39),
}
"""Width and height of the sign's face in metres."""

POLE_WIDTHS = {"wood": 0.32, "concrete": 0.42, "metal": 0.2}
"""Width at the base in metres; the top has 0.7 of it."""


@dataclass(frozen=True)
class Camera:
    """Projects metres (x right, y up, z away) to pixels of a canvas `scale` times the picture's size."""

    width: float
    height: float
    horizon: float
    vanishing: float
    focal: float

    def point(self, x: float, y: float, z: float) -> Point:
        return (
            self.vanishing + self.focal * x / z,
            self.horizon + self.focal * (CAMERA_HEIGHT - y) / z,
        )


def camera_for(scene: Scene, scale: float = 1.0) -> Camera:
    view = scene.view
    width, height = view.width * scale, view.height * scale
    # The road runs beside the object, not through it.
    side = 1.0 if view.centre < 0.5 else -1.0
    return Camera(
        width, height, view.horizon * height, (0.5 + side * 0.13) * width, 0.95 * max(width, height)
    )


def sign_corners(scene: Scene, scale: float = 1.0) -> list[Point]:
    """Returns the four corners of a sign's face (top left, top right, bottom right, bottom left)."""
    view = scene.view
    height = view.height * scale
    metre = view.metre * height
    face_width, face_height = (metre * side for side in SIGN_SIZES[scene.asset.label])
    centre_x = view.centre * view.width * scale
    centre_y = view.horizon * height + (CAMERA_HEIGHT - view.mount) * metre
    centre_y = min(max(centre_y, 0.56 * face_height), height - 0.56 * face_height)
    turn, roll = math.radians(view.yaw), math.radians(view.tilt)
    corners = []
    for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        depth = 1.0 + 0.35 * math.sin(turn) * x
        flat_x = x * face_width * math.cos(turn) / depth
        flat_y = y * face_height / depth
        corners.append(
            (
                centre_x + flat_x * math.cos(roll) - flat_y * math.sin(roll),
                centre_y + flat_x * math.sin(roll) + flat_y * math.cos(roll),
            )
        )
    return corners


@dataclass(frozen=True)
class PoleAxis:
    """The centre line of a pole in pixels, with its half width at both ends and the size of a metre."""

    base: Point
    top: Point
    half_base: float
    half_top: float
    metre: float

    def at(self, metres_below_top: float, metres_aside: float = 0.0) -> Point:
        """Returns the point so far down the pole's axis and so far to the right of it."""
        run_x, run_y = self.base[0] - self.top[0], self.base[1] - self.top[1]
        length = math.hypot(run_x, run_y)
        down_x, down_y = run_x / length * self.metre, run_y / length * self.metre
        return (
            self.top[0] + down_x * metres_below_top + down_y * metres_aside,
            self.top[1] + down_y * metres_below_top - down_x * metres_aside,
        )


def pole_axis(scene: Scene, scale: float = 1.0) -> PoleAxis:
    view = scene.view
    height = view.height * scale
    metre = view.metre * height
    base = (view.centre * view.width * scale, view.horizon * height + CAMERA_HEIGHT * metre)
    roll, length = math.radians(view.tilt), view.mount * metre
    top = (base[0] + math.sin(roll) * length, base[1] - math.cos(roll) * length)
    half = POLE_WIDTHS[scene.asset.label] * metre / 2
    return PoleAxis(base, top, half, 0.7 * half, metre)


def attachment_side(scene: Scene) -> int:
    """Returns on which side of the pole its lamp or transformer hangs: 1 right, -1 left."""
    return 1 if scene.view.yaw >= 0 else -1


def crossarm_reach(scene: Scene) -> float:
    """Returns the half length of a cross-arm in metres as this view foreshortens it."""
    return 1.25 * math.cos(math.radians(scene.view.yaw))


def object_box(scene: Scene) -> Box | None:
    """Returns the object's bounding box (x0, y0, x1, y1) in pixels; None where nothing stands."""
    asset, view = scene.asset, scene.view
    if asset.asset_class == "none":
        return None
    if asset.asset_class == "road_sign":
        points = _outline(asset.label, sign_corners(scene))
    else:
        axis = pole_axis(scene)
        points = [
            (axis.base[0] - axis.half_base, axis.base[1]),
            (axis.base[0] + axis.half_base, axis.base[1]),
            axis.at(0.0, -0.12),
            axis.at(0.0, 0.12),
        ]
        side = attachment_side(scene)
        if asset.attachment == "lamp":
            points += [axis.at(-0.25, side * 2.6), axis.at(0.35, side * 2.6)]
        if asset.attachment == "transformer":
            points += [axis.at(1.2, side * 0.95), axis.at(2.6, side * 0.95)]
        if asset.crossarms:
            points += [axis.at(0.15, reach * crossarm_reach(scene)) for reach in (-1, 1)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (
        max(0, math.floor(min(xs))),
        max(0, math.floor(min(ys))),
        min(view.width, math.ceil(max(xs))),
        min(view.height, math.ceil(max(ys))),
    )


def _outline(label: str, corners: list[Point]) -> list[Point]:
    """Returns the outermost points of a sign that does not fill its rectangle."""
    top_left, top_right, bottom_right, bottom_left = corners

    def middle(first: Point, second: Point) -> Point:
        return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2

    if label == "pedestrian_crossing":
        return [
            middle(top_left, top_right),
            middle(top_right, bottom_right),
            middle(bottom_right, bottom_left),
            middle(bottom_left, top_left),
        ]
    if label == "yield":
        return [top_left, top_right, middle(bottom_left, bottom_right)]
    return corners
