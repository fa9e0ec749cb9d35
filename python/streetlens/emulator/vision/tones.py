"""Splits colours into hue, saturation and value without computing an angle: comparisons are enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streetlens.emulator.vision.picture import Floats, Mask


@dataclass(frozen=True)
class Tones:
    """Channels of a picture with what follows from them; hues are in sextants from the pure colour."""

    red: Floats
    green: Floats
    blue: Floats
    value: Floats
    chroma: Floats

    def vivid(self, least: float) -> Mask:
        """Returns where the saturation exceeds `least` (0 to 1)."""
        mask: Mask = self.chroma > least * self.value
        return mask

    def grey(self, most: float) -> Mask:
        """Returns where the saturation stays below `most`."""
        mask: Mask = self.chroma < most * self.value
        return mask

    def hue_around_red(self, low: float, high: float) -> Mask:
        """Returns where the hue is between 60 x low and 60 x high degrees; -1 to 1 is magenta to yellow."""
        turn = self.green - self.blue
        mask: Mask = (self.value == self.red) & (turn > low * self.chroma) & (turn <= high * self.chroma)
        return mask

    def hue_around_green(self, low: float, high: float) -> Mask:
        """Returns where the hue is between 120 + 60 x low and 120 + 60 x high degrees."""
        turn = self.blue - self.red
        mask: Mask = (self.value == self.green) & (turn > low * self.chroma) & (turn <= high * self.chroma)
        return mask


def tones_of(rgb: Floats) -> Tones:
    """Returns the tones of an RGB array (..., 3)."""
    red, green, blue = (np.ascontiguousarray(rgb[..., channel]) for channel in range(3))
    value = np.maximum(np.maximum(red, green), blue)
    return Tones(red, green, blue, value, value - np.minimum(np.minimum(red, green), blue))
