"""Reads the parts of a Cloud Storage request that several operations share, and refuses what is not there."""

from __future__ import annotations

from typing import NoReturn

from aiohttp import web

from streetlens.emulator.errors import ServiceError
from streetlens.emulator.partial_response import Selection, parse_fields
from streetlens.emulator.storage.objects import Bucket, ObjectStore, StoredObject

CALLER = "streetlens-emulator@streetlens-demo.iam.gserviceaccount.com"


def base_url(request: web.Request) -> str:
    """Return the base URL the client used, so that links in answers lead back here."""
    return f"{request.scheme}://{request.host}"


def selection(request: web.Request) -> Selection | None:
    """Return the parsed `fields=` parameter. Raises a 400 that quotes a malformed one."""
    try:
        return parse_fields(request.query.get("fields"))
    except ValueError as error:
        refuse(400, str(error), reason="invalidParameter", location=("fields", "parameter"))


def find_bucket(store: ObjectStore, name: str, permission: str) -> Bucket:
    """Return the bucket. Raises 403 for a name that contains "forbidden", 404 when it does not exist."""
    if "forbidden" in name:
        kind = "object" if permission.startswith("storage.objects") else "bucket"
        refuse(
            403,
            f"{CALLER} does not have {permission} access to the Google Cloud Storage {kind}. "
            f"Permission '{permission}' denied on resource (or it may not exist).",
        )
    bucket = store.bucket(name)
    if bucket is None:
        refuse(404, "The specified bucket does not exist.")
    return bucket


def find_object(request: web.Request, store: ObjectStore) -> StoredObject:
    """Return the object that the path names. Raises 403, 404, or 412 when a precondition does not hold."""
    bucket, name = request.match_info["bucket"], request.match_info["object"]
    find_bucket(store, bucket, "storage.objects.get")
    stored = store.get(bucket, name)
    generation = request.query.get("generation")
    if stored is None or (generation is not None and generation != str(stored.generation)):
        refuse(404, f"No such object: {bucket}/{name}")
    check_preconditions(request, stored)
    return stored


def check_preconditions(request: web.Request, stored: StoredObject | None) -> None:
    """Raise 412 unless `ifGenerationMatch` and its three siblings hold; generation 0 means absent."""
    current = {"Generation": stored.generation if stored else 0, "Metageneration": 1 if stored else 0}
    for what, value in current.items():
        wanted = request.query.get(f"if{what}Match")
        unwanted = request.query.get(f"if{what}NotMatch")
        if (wanted is not None and wanted != str(value)) or (unwanted is not None and unwanted == str(value)):
            refuse(
                412,
                "At least one of the pre-conditions you specified did not hold.",
                location=("If-Match", "header"),
            )


def refuse(
    status: int, message: str, *, reason: str | None = None, location: tuple[str, str] | None = None
) -> NoReturn:
    """Raise an error in the format of Cloud Storage."""
    raise ServiceError("storage", status, message, reason=reason, location=location)
