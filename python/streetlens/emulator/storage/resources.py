"""Renders objects and buckets as JSON resources of the discovery document storage.v1."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from streetlens.emulator.partial_response import Selection
from streetlens.emulator.storage.objects import Bucket, StoredObject


def timestamp(moment: datetime) -> str:
    """Format a moment as RFC 3339 with milliseconds, as Cloud Storage does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def object_resource(
    stored: StoredObject, base_url: str, selection: Selection | None = None
) -> dict[str, object]:
    """Render one object; only selected keys are computed, so that a lazy object is read only when needed."""
    path = f"b/{quote(stored.bucket, safe='')}/o/{quote(stored.name, safe='')}"
    created = timestamp(stored.created)
    computed: dict[str, Callable[[], object]] = {
        "kind": lambda: "storage#object",
        "id": lambda: f"{stored.bucket}/{stored.name}/{stored.generation}",
        "selfLink": lambda: f"{base_url}/storage/v1/{path}",
        "mediaLink": lambda: (
            f"{base_url}/download/storage/v1/{path}?generation={stored.generation}&alt=media"
        ),
        "name": lambda: stored.name,
        "bucket": lambda: stored.bucket,
        "generation": lambda: str(stored.generation),
        "metageneration": lambda: "1",
        "contentType": lambda: stored.content_type,
        "storageClass": lambda: "STANDARD",
        "size": lambda: str(stored.size),
        "md5Hash": lambda: stored.md5,
        "crc32c": lambda: stored.crc32c,
        "etag": lambda: etag(stored),
        "timeCreated": lambda: created,
        "updated": lambda: created,
        "timeStorageClassUpdated": lambda: created,
        "timeFinalized": lambda: created,
    }
    resource = {key: make() for key, make in computed.items() if not selection or key in selection}
    resource.update({key: value for key, value in stored.custom.items() if not selection or key in selection})
    return resource


def bucket_resource(bucket: Bucket, base_url: str, selection: Selection | None = None) -> dict[str, object]:
    """Render one bucket."""
    created = timestamp(bucket.created)
    resource: dict[str, object] = {
        "kind": "storage#bucket",
        "id": bucket.name,
        "selfLink": f"{base_url}/storage/v1/b/{quote(bucket.name, safe='')}",
        "name": bucket.name,
        "projectNumber": "100000000001",
        "metageneration": "1",
        "location": bucket.location,
        "locationType": "multi-region" if bucket.location in {"US", "EU", "ASIA"} else "region",
        "storageClass": "STANDARD",
        "etag": "CAE=",
        "timeCreated": created,
        "updated": created,
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": True},
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "inherited",
        },
    }
    return {key: value for key, value in resource.items() if not selection or key in selection}


def etag(stored: StoredObject) -> str:
    """Return the entity tag of one generation."""
    return base64.b64encode(stored.generation.to_bytes(8, "big")).decode()
