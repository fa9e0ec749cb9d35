"""Which models the stand-in pretends to serve, where, and what their requests cost in tokens."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MULTI_REGIONS = frozenset({"global", "us", "eu"})
LOCATION = re.compile(r"global|us|eu|[a-z]+-[a-z]+\d{1,2}")
THINKING = {"MINIMAL": 0, "LOW": 64, "MEDIUM": 224, "HIGH": 640}
"""Thought tokens the stand-in bills per thinking level; an invention of plausible size."""
GEMINI_3_IMAGE = {"LOW": 280, "MEDIUM": 560, "HIGH": 1120, "ULTRA_HIGH": 2240}
GEMINI_2_IMAGE = {"LOW": 64, "MEDIUM": 256}
"""At high (and default) resolution Gemini 2 counts 258 per tile of 768 pixels."""


@dataclass(frozen=True)
class Model:
    """One served model. `thinking` is its default level; `refuses` are levels it answers with a 400."""

    name: str
    regional: bool = False
    retired: bool = False
    thinking: str = "MEDIUM"
    refuses: frozenset[str] = frozenset()

    @property
    def is_gemini_3(self) -> bool:
        return not self.name.startswith(("gemini-1", "gemini-2"))

    def image_tokens(self, width: int, height: int, resolution: str | None) -> int:
        """Returns the tokens of one image; `resolution` is LOW, MEDIUM, HIGH, ULTRA_HIGH or None."""
        if self.is_gemini_3:
            return GEMINI_3_IMAGE[resolution or "HIGH"]
        if resolution in GEMINI_2_IMAGE:
            return GEMINI_2_IMAGE[resolution]
        if max(width, height) <= 384:
            return 258
        return 258 * math.ceil(width / 768) * math.ceil(height / 768)


_NO_MINIMAL = frozenset({"MINIMAL"})
CATALOGUE = (
    Model("gemini-2.0-flash", regional=True, retired=True, thinking="MINIMAL"),
    Model("gemini-2.5-flash", regional=True, retired=True),
    Model("gemini-2.5-flash-lite", regional=True, thinking="MINIMAL"),
    Model("gemini-2.5-pro", regional=True, retired=True),
    Model("gemini-3-flash-preview"),
    Model("gemini-3.1-flash-lite", thinking="MINIMAL"),
    Model("gemini-3.1-pro", thinking="HIGH", refuses=_NO_MINIMAL),
    Model("gemini-3.5-flash"),
    Model("gemini-3.5-flash-lite", thinking="MINIMAL"),
    Model("gemini-3.6-flash"),
    Model("gemini-3.7-flash", refuses=_NO_MINIMAL),
    Model("gemini-3.8-flash", refuses=_NO_MINIMAL),
)
"""As of November 2026. Gemini 2.5 is past its public retirement, so a new project gets a 404."""


class ServedModels:
    """The models that this emulator serves; `enable` brings a retired or invented one to life."""

    def __init__(self) -> None:
        self._models = {model.name: model for model in CATALOGUE}
        self._enabled: set[str] = set()
        self._disabled: set[str] = set()

    def reset(self) -> None:
        """Serve what was served at the start."""
        self._models = {model.name: model for model in CATALOGUE}
        self._enabled.clear()
        self._disabled.clear()

    def enable(self, name: str) -> None:
        """Serve this model (in every location); for example gemini-2.5-flash of an active project."""
        self._models.setdefault(name, Model(name, regional=True))
        self._enabled.add(name)
        self._disabled.discard(name)

    def disable(self, name: str) -> None:
        """Answer 404 for this model, as after its retirement."""
        self._enabled.discard(name)
        self._disabled.add(name)

    def find(self, name: str, location: str) -> Model | None:
        """Returns the model if it is served in this location."""
        model = self._models.get(name)
        if model is None or name in self._disabled:
            return None
        if name in self._enabled:
            return model
        if model.retired or not (model.regional or location in MULTI_REGIONS):
            return None
        return model
