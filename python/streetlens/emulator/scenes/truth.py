"""What was drawn into a picture: the answer key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from streetlens.emulator.scenes.camera import Box, object_box
from streetlens.emulator.scenes.scene import Scene


@dataclass(frozen=True)
class Truth:
    """What a picture shows. `box` is (x0, y0, x1, y1) in pixels; `asset_class` "none" is an empty street."""

    asset_class: str
    label: str
    """A kind of road sign, or the material of a pole, or "none"."""
    speed: int | None
    street: str | None
    attachment: str | None
    box: Box | None
    width: int
    height: int
    light: str
    rain: bool
    blur: float
    occluded: bool
    asset: int
    """The seed of the asset: equal in all views of one asset."""
    view: int

    @property
    def material(self) -> str | None:
        return self.label if self.asset_class == "utility_pole" else None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Truth:
        box = fields["box"]
        return cls(**{**fields, "box": None if box is None else tuple(box)})


def truth_of(scene: Scene) -> Truth:
    """Returns the answer key of a scene; draws nothing."""
    asset, view = scene.asset, scene.view
    return Truth(
        asset_class=asset.asset_class,
        label=asset.label,
        speed=asset.speed,
        street=asset.street,
        attachment=asset.attachment,
        box=object_box(scene),
        width=view.width,
        height=view.height,
        light=view.light,
        rain=view.rain,
        blur=view.blur,
        occluded=view.occluded,
        asset=asset.seed,
        view=view.number,
    )
