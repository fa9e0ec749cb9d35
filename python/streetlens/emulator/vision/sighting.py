"""What the stand-in model reports about one picture."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sighting:
    """One recognised object, or nothing: `asset_class` is then "none" and every detail None.

    `box` is (x0, y0, x1, y1) in pixels of the picture as it was given. `confidence` (0 to 1) orders sightings
    of this stand-in; it is no probability.
    """

    width: int
    height: int
    asset_class: str = "none"
    label: str = "none"
    """A kind of road sign, or the material of a pole."""
    confidence: float = 0.0
    box: Box | None = None
    speed: int | None = None
    attachment: str | None = None
    lean: float | None = None
    """Degrees a pole leans to the right (negative: to the left)."""
    lighting: str = "day"
    sharpness: float = 0.0
    """Mean absolute Laplacian of the luminance: low for a blurred picture."""

    @property
    def material(self) -> str | None:
        return self.label if self.asset_class == "utility_pole" else None
