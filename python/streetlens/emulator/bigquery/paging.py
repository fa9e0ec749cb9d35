"""Page tokens: opaque to the client, the index of the next row to us."""

from __future__ import annotations

import base64
import binascii

from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.bigquery.http import whole

_PREFIX = "streetlens:"


def page_token(index: int) -> str:
    """Return the token of the page that starts at `index`."""
    return base64.urlsafe_b64encode(f"{_PREFIX}{index}".encode()).decode()


def page_start(token: str | None, index: str | None) -> int:
    """Return the first row a request asks for; raises `invalid` for both at once or a foreign token."""
    if token and index:
        raise invalid("pageToken and startIndex cannot both be set")
    if not token:
        return whole(index, "startIndex", 0) or 0
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text.startswith(_PREFIX):
        raise invalid("Invalid value for pageToken: it did not come from this service")
    return int(text.removeprefix(_PREFIX))
