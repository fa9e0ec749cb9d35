"""Fetches the pictures of a request and looks at them; what was seen once is remembered by content."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from typing import Protocol

from streetlens.emulator.gemini import refusals
from streetlens.emulator.gemini.request import Media
from streetlens.emulator.vision import Sighting, UnreadableImageError, look

SUPPORTED = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
"""MIME types of the image understanding page; note that image/jpg is not among them."""
MOST_INLINE = 7_000_000
MOST_STORED = 30_000_000
REMEMBERED = 50_000
_URI = re.compile(r"gs://([^/]+)/(.+)", re.DOTALL)


class Stored(Protocol):
    """An object of the emulated Cloud Storage."""

    @property
    def data(self) -> bytes: ...


class Objects(Protocol):
    """The emulated Cloud Storage."""

    def get(self, bucket: str, name: str) -> Stored | None: ...

    def agent_may_read(self, bucket: str) -> bool: ...


class Eyes:
    """Looks at pictures. A repeated picture costs nothing."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._seen: OrderedDict[bytes, Sighting] = OrderedDict()
        self._lock = threading.Lock()

    def see(self, media: Media) -> Sighting:
        """Returns what is in the picture; blocks. Raises ServiceError with the service's own text."""
        return self.recognise(self.fetch(media))

    def fetch(self, media: Media) -> bytes:
        if media.mime_type not in SUPPORTED:
            raise refusals.unsupported_media(media.mime_type)
        if media.uri is None:
            data = media.data or b""
            if len(data) > MOST_INLINE:
                raise refusals.invalid("The inline file size limit of 7 MB was exceeded.")
            return data
        if not media.uri.startswith("gs://"):
            raise refusals.url_not_fetched()
        match = _URI.fullmatch(media.uri)
        if match is None:
            raise refusals.invalid(f"Invalid file URI: {media.uri}")
        if not self._objects.agent_may_read(match[1]):
            raise refusals.access_denied()
        stored = self._objects.get(match[1], match[2])
        if stored is None:
            raise refusals.image_not_found(media.uri)
        data = stored.data
        if len(data) > MOST_STORED:
            raise refusals.invalid("The file size limit of 30 MB was exceeded.")
        return data

    def recognise(self, data: bytes) -> Sighting:
        key = hashlib.blake2b(data, digest_size=16).digest()
        with self._lock:
            known = self._seen.get(key)
            if known is not None:
                self._seen.move_to_end(key)
                return known
        try:
            seen = look(data)
        except UnreadableImageError as error:
            raise refusals.image_invalid() from error
        with self._lock:
            self._seen[key] = seen
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return seen
