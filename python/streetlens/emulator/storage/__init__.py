"""The emulated Cloud Storage JSON API: objects, uploads, listings and buckets, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streetlens.emulator.storage import changes, downloads, uploads
from streetlens.emulator.storage.objects import ObjectStore, StoredObject

if TYPE_CHECKING:
    from aiohttp import web

    from streetlens.emulator.world import World

__all__ = ["ObjectStore", "StoredObject", "routes"]


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the routes of Cloud Storage under /storage/v1, /upload/storage/v1 and /download/storage/v1."""
    return [*downloads.routes(world), *uploads.routes(world), *changes.routes(world)]
