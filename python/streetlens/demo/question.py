"""What the demo asks about every image, and the answers it accepts."""

from __future__ import annotations

from typing import Any

SIGNS = ("stop", "yield", "speed_limit", "pedestrian_crossing", "no_parking", "do_not_enter", "street_name")
MATERIALS = ("wood", "concrete", "metal")
NOTHING = "none"
LABELS = (*SIGNS, *MATERIALS, NOTHING)
"""Kinds of road signs, then materials of utility poles."""

PROMPT = (
    "This street-level image shows a road sign or a utility pole. Say which it is, name the kind of sign or the "
    "material of the pole, read the number on a speed limit sign, and say what is mounted on a pole."
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "asset": {
            "type": "string",
            "enum": ["road_sign", "utility_pole", NOTHING],
            "description": "The asset in the image",
        },
        "label": {
            "type": "string",
            "enum": list(LABELS),
            "description": "The kind of the road sign, or the material of the utility pole",
        },
        "speed_limit": {
            "type": ["integer", "null"],
            "description": "The posted speed in miles per hour; null on anything but a speed limit sign",
        },
        "attachment": {
            "type": ["string", "null"],
            "enum": ["transformer", "lamp", NOTHING, None],
            "description": "The equipment mounted on the pole; null on a road sign",
        },
        "description": {"type": "string", "description": "One sentence about the asset"},
    },
    "required": ["asset", "label", "speed_limit", "attachment", "description"],
}


def title(label: str) -> str:
    """The label as people write it.

    Example:
        >>> title("no_parking"), title("wood")
        ('No parking', 'Wood pole')
    """
    words = f"{label} pole" if label in MATERIALS else label.replace("_", " ")
    return words.capitalize()
