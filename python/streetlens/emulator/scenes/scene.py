"""What a picture shows: assets, the views of an asset, and how both follow from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

AssetClass = Literal["road_sign", "utility_pole", "none"]

SIGN_LABELS = (
    "stop",
    "yield",
    "speed_limit",
    "pedestrian_crossing",
    "no_parking",
    "do_not_enter",
    "street_name",
)
SPEEDS = tuple(range(15, 80, 5))
MATERIALS = ("wood", "concrete", "metal")
ATTACHMENTS = ("none", "transformer", "lamp")
LIGHTS = ("day", "overcast", "dusk", "night")
STREETS = (
    "MAPLE AVE",
    "OAK ST",
    "MAIN ST",
    "ELM DR",
    "CEDAR LN",
    "PINE RD",
    "LAKE ST",
    "HILL AVE",
    "PARK BLVD",
    "1ST ST",
    "3RD AVE",
    "RIVER RD",
)


@dataclass(frozen=True)
class Asset:
    """One object of the real world: the same in all of its views."""

    asset_class: AssetClass
    label: str
    """A member of SIGN_LABELS, of MATERIALS (poles), or "none"."""
    seed: int
    speed: int | None = None
    street: str | None = None
    attachment: str | None = None
    crossarms: int = 0

    @property
    def material(self) -> str | None:
        return self.label if self.asset_class == "utility_pole" else None


@dataclass(frozen=True)
class View:
    """One picture taken of an asset. Lengths are shares of the picture's height, angles are degrees."""

    number: int
    seed: int
    width: int
    height: int
    light: str
    horizon: float
    centre: float
    """Where the object stands, as a share of the picture's width."""
    metre: float
    """How large one metre at the object's distance appears."""
    tilt: float
    yaw: float
    mount: float
    """Height of a sign's centre above the ground, in metres; length of a pole, in metres."""
    rain: bool = False
    blur: float = 0.0
    occluded: bool = False


@dataclass(frozen=True)
class Scene:
    """An asset in one view; `compose.draw` turns it into pixels."""

    asset: Asset
    view: View


def asset_from_seed(seed: int, asset_class: AssetClass | None = None, label: str | None = None) -> Asset:
    """Returns the asset a seed stands for: about 65 % road signs, as in the published data set."""
    rng = random.Random(f"asset {seed}")  # noqa: S311 - reproducible scenery, not cryptography
    drawn: AssetClass = "road_sign" if rng.random() < 0.65 else "utility_pole"
    chosen = asset_class or drawn
    if chosen == "none":
        return Asset("none", "none", seed)
    if chosen == "road_sign":
        name = label or rng.choice(SIGN_LABELS)
        return Asset(
            "road_sign",
            name,
            seed,
            speed=rng.choice(SPEEDS) if name == "speed_limit" else None,
            street=rng.choice(STREETS) if name == "street_name" else None,
        )
    material = label or rng.choice(MATERIALS)
    attachment = rng.choice(ATTACHMENTS)
    wired = material != "metal" and rng.random() < (0.9 if attachment == "transformer" else 0.6)
    return Asset(
        "utility_pole",
        material,
        seed,
        attachment=attachment,
        crossarms=rng.choice((1, 1, 2)) if wired else 0,
    )


def view_of(asset: Asset, number: int) -> View:
    """Returns view `number` (from 0) of an asset: another place, distance, light and weather each time."""
    rng = random.Random(f"view {asset.seed} {number}")  # noqa: S311 - reproducible scenery
    light = rng.choices(LIGHTS, (46, 20, 16, 18))[0]
    rain = light in ("overcast", "night") and rng.random() < 0.4
    blur = rng.choice((0.0, 0.0, 0.0, 0.0, 0.5, 0.9))
    width, height = (300, 400) if rng.random() < 0.15 else (400, 300)
    if asset.asset_class == "utility_pole":
        # The whole pole is in the frame: its base stands `2.3 metre` below the horizon (camera height).
        mount = rng.uniform(8.0, 11.0)
        length = rng.uniform(0.72, 0.9)
        metre = length / mount
        horizon = min(0.98 - 2.3 * metre, 0.05 + rng.uniform(0.0, 0.06) + length - 2.3 * metre)
        centre = rng.uniform(0.3, 0.7)
        tilt = rng.choice((0.0, 0.0, rng.uniform(-2, 2), rng.uniform(-5, 5)))
    else:
        size = rng.uniform(0.2, 0.44)
        metre = size / 0.78
        mount = rng.uniform(2.4, 3.0)
        horizon = rng.uniform(0.52, 0.74)
        centre = rng.uniform(0.28, 0.72)
        tilt = rng.choice((0.0, rng.uniform(-4, 4), rng.uniform(-9, 9)))
    return View(
        number=number,
        seed=rng.randrange(2**31),
        width=width,
        height=height,
        light=light,
        horizon=horizon,
        centre=centre,
        metre=metre,
        tilt=tilt,
        yaw=rng.uniform(-28, 28),
        mount=mount,
        rain=rain,
        blur=blur,
        occluded=rng.random() < 0.16,
    )


def scene(seed: int, view: int = 0, asset_class: AssetClass | None = None, label: str | None = None) -> Scene:
    """Returns the scene of view `view` of the asset that `seed` stands for."""
    asset = asset_from_seed(seed, asset_class, label)
    return Scene(asset, view_of(asset, view))
