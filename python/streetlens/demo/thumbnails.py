"""Small pictures that live inside the page."""

from __future__ import annotations

import base64
import io

from PIL import Image

_LONGEST_SIDE = 280
_QUALITY = 72


def thumbnail(data: bytes) -> str:
    """The picture, small, as a `data:` URI.

    Raises:
        PIL.UnidentifiedImageError: The bytes are no picture.
    """
    with Image.open(io.BytesIO(data)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()
