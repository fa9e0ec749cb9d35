"""Both spellings of field names that Google's JSON parser takes."""

from __future__ import annotations

import re
from typing import Any


def camel_case(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the object with snake_case keys in camelCase; null means absent."""
    return {
        re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), key): value
        for key, value in fields.items()
        if value is not None
    }


def snake_case(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)
