"""How the time of day and the weather colour a scene."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Light:
    """The sky's colours and the factor by which ambient light changes each channel of a surface."""

    name: str
    sky_top: Colour
    sky_bottom: Colour
    ambient: tuple[float, float, float]
    object_gain: float
    """Extra light on the object itself: headlights on retroreflective sheeting at night."""
    haze: float

    def on(self, colour: Colour, gain: float = 1.0) -> Colour:
        """Returns a surface's colour under this light."""
        red, green, blue = (
            min(255, max(0, round(part * factor * gain)))
            for part, factor in zip(colour, self.ambient, strict=True)
        )
        return red, green, blue

    def far(self, colour: Colour, distance: float) -> Colour:
        """Returns the colour seen through `distance` metres of air."""
        share = min(0.75, self.haze * distance / 100.0)
        return mix(self.on(colour), self.sky_bottom, share)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Returns `first` with `share` (0 to 1) of `second` mixed in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


LIGHT = {
    "day": Light("day", (58, 118, 196), (196, 222, 244), (1.0, 1.0, 0.98), 1.0, 0.35),
    "overcast": Light("overcast", (150, 158, 168), (206, 210, 213), (0.82, 0.84, 0.87), 1.0, 0.6),
    "dusk": Light("dusk", (92, 92, 148), (250, 176, 116), (0.8, 0.68, 0.62), 1.12, 0.5),
    "night": Light("night", (10, 13, 34), (38, 40, 70), (0.32, 0.33, 0.42), 1.75, 0.25),
}
