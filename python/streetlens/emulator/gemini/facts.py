"""Turns sightings into words: what can be said about the pictures, by aspect, with the usual synonyms."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from streetlens.emulator.vision import Sighting

SIGN_NAMES = {
    "stop": "stop sign",
    "yield": "yield sign",
    "speed_limit": "speed limit sign",
    "pedestrian_crossing": "pedestrian crossing sign",
    "no_parking": "no parking sign",
    "do_not_enter": "do not enter sign",
    "street_name": "street name sign",
}
SYNONYMS: dict[str, tuple[str, ...]] = {
    "stop": ("stop", "stop sign", "r1-1"),
    "yield": ("yield", "yield sign", "give way", "r1-2"),
    "speed_limit": ("speed limit", "speed limit sign", "speed", "maximum speed", "r2-1"),
    "pedestrian_crossing": (
        "pedestrian crossing",
        "pedestrian",
        "pedestrians",
        "crosswalk",
        "crossing",
        "pedestrian crossing sign",
        "w11-2",
    ),
    "no_parking": ("no parking", "no parking sign", "parking", "parking restriction", "r7-1"),
    "do_not_enter": ("do not enter", "do not enter sign", "no entry", "wrong way", "r5-1"),
    "street_name": ("street name", "street name sign", "street sign", "road name", "name sign", "d3-1"),
    "wood": ("wood", "wooden", "timber", "wood pole", "wooden pole"),
    "concrete": ("concrete", "concrete pole", "cement"),
    "metal": ("metal", "steel", "metallic", "metal pole", "steel pole", "aluminum"),
    "transformer": ("transformer", "pole mounted transformer", "distribution transformer"),
    "lamp": ("lamp", "street light", "streetlight", "light", "luminaire", "street lamp", "lamp post"),
    "road_sign": ("road sign", "traffic sign", "sign", "street sign", "asset class road sign"),
    "utility_pole": ("utility pole", "pole", "power pole", "electric pole", "asset class utility pole"),
}
CATEGORIES = {
    "stop": "regulatory",
    "yield": "regulatory",
    "speed_limit": "regulatory",
    "no_parking": "regulatory",
    "do_not_enter": "regulatory",
    "pedestrian_crossing": "warning",
    "street_name": "guide",
}
COLOURS = {
    "stop": "red",
    "yield": "red",
    "do_not_enter": "red",
    "speed_limit": "white",
    "no_parking": "white",
    "pedestrian_crossing": "yellow",
    "street_name": "green",
    "wood": "brown",
    "concrete": "grey",
    "metal": "grey",
}
SHAPES = {
    "stop": "octagon",
    "yield": "triangle",
    "do_not_enter": "square",
    "speed_limit": "rectangle",
    "no_parking": "rectangle",
    "pedestrian_crossing": "diamond",
    "street_name": "rectangle",
}
ASPECTS: dict[str, frozenset[str]] = {
    "asset": frozenset(["asset", "object", "class", "thing", "subject", "entity", "infrastructure"]),
    "kind": frozenset(
        [
            "sign",
            "type",
            "kind",
            "label",
            "class",
            "classification",
            "category",
            "name",
            "what",
            "value",
            "meaning",
        ]
    ),
    "speed": frozenset(["speed", "limit", "mph", "value", "posted", "maximum", "number"]),
    "material": frozenset(["material", "made", "pole", "type", "construction"]),
    "attachment": frozenset(
        ["attachment", "equipment", "mounted", "device", "hardware", "fixture", "attached", "component"]
    ),
    "lighting": frozenset(["light", "lighting", "time", "day", "daytime", "illumination", "weather", "sky"]),
    "condition": frozenset(
        ["condition", "state", "health", "quality", "damage", "status", "leaning", "lean", "tilt"]
    ),
    "category": frozenset(["category", "group", "regulatory", "warning", "mutcd", "family", "type"]),
    "colour": frozenset(["colour", "color", "background"]),
    "shape": frozenset(["shape", "outline", "form"]),
    "confidence": frozenset(["confidence", "certainty"]),
}
"""Words in a field's name or description that ask for an aspect."""


def words(text: str) -> list[str]:
    """Returns lower-case words of a name or sentence; camelCase and snake_case are split, plurals cut."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).lower()
    found = re.findall(r"[a-z]+\d*-\d+|[a-z]+|\d+", spaced.replace("_", " "))
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word for word in found
    ]


@dataclass(frozen=True)
class Facts:
    """Everything that was seen in the pictures of one request, reduced to one object by majority."""

    sightings: tuple[Sighting, ...]
    main: Sighting
    """The sighting that stands for all: the most frequent label, then the most confident."""

    @property
    def found(self) -> bool:
        return self.main.asset_class != "none"

    @property
    def condition(self) -> str:
        return "leaning" if abs(self.main.lean or 0.0) > 2.5 else "good"

    def aspects(self) -> dict[str, tuple[str, ...]]:
        """Returns phrases by aspect; the first phrase of each is the plain name."""
        if not self.found:
            return {"lighting": self._lighting()}
        main = self.main
        said: dict[str, tuple[str, ...]] = {
            "asset": SYNONYMS[main.asset_class],
            "lighting": self._lighting(),
            "colour": (COLOURS[main.label], *(("gray",) if COLOURS[main.label] == "grey" else ())),
            "condition": (self.condition, *(("fair", "tilted") if self.condition == "leaning" else ("ok",))),
            "confidence": (
                "high" if main.confidence > 0.8 else "medium" if main.confidence > 0.6 else "low",
            ),
        }
        if main.asset_class == "road_sign":
            said["kind"] = SYNONYMS[main.label]
            said["category"] = (CATEGORIES[main.label],)
            said["shape"] = (SHAPES[main.label], f"{SHAPES[main.label]}al")
            if main.speed is not None:
                said["speed"] = (str(main.speed), f"speed limit {main.speed}", f"{main.speed} mph")
        else:
            said["material"] = SYNONYMS[main.label]
            attachment = main.attachment or "none"
            said["attachment"] = SYNONYMS.get(
                attachment, ("none", "nothing", "no attachment", "no equipment")
            )
        return said

    def _lighting(self) -> tuple[str, ...]:
        return {
            "day": ("day", "daylight", "daytime", "clear", "sunny"),
            "overcast": ("overcast", "cloudy", "daytime"),
            "dusk": ("dusk", "twilight", "sunset", "evening", "dawn"),
            "night": ("night", "nighttime", "dark"),
        }[self.main.lighting]

    def vocabulary(self) -> set[str]:
        """Returns every phrase that is true, as joined words."""
        return {" ".join(words(phrase)) for phrases in self.aspects().values() for phrase in phrases}

    @property
    def name(self) -> str:
        """Returns what was seen, in a few words."""
        main = self.main
        if main.asset_class == "road_sign":
            return f"speed limit {main.speed} sign" if main.speed is not None else SIGN_NAMES[main.label]
        if main.asset_class == "utility_pole":
            extra = "" if main.attachment in (None, "none") else f" with a {main.attachment}"
            return f"{main.label} utility pole{extra}"
        return "nothing recognised"


def facts_of(sightings: list[Sighting]) -> Facts:
    """Returns the facts of one request; a request without pictures gives empty facts."""
    if not sightings:
        empty = Sighting(0, 0)
        return Facts((), empty)
    recognised = [each for each in sightings if each.asset_class != "none"] or sightings
    votes = Counter((each.asset_class, each.label) for each in recognised)
    main = max(recognised, key=lambda each: (votes[each.asset_class, each.label], each.confidence))
    return Facts(tuple(sightings), main)
