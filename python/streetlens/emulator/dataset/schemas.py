"""The documented columns of the data set's tables, as BigQuery REST TableFieldSchema dictionaries.

Source: the reference pages of Imagery Insights / Street View Insights, generations 1 to 4. The columns of the
LiDAR tables are documented nowhere we could read: theirs are our assumption.
"""

from __future__ import annotations

from typing import Any

Field = dict[str, Any]


def _field(name: str, kind: str, fields: list[Field] | None = None, mode: str = "NULLABLE") -> Field:
    field: Field = {"name": name, "type": kind, "mode": mode}
    if fields is not None:
        field["fields"] = fields
    return field


def _floats(*names: str) -> list[Field]:
    return [_field(name, "FLOAT") for name in names]


_LOCATION = _floats("latitude", "longitude")
_POSE = _floats("latitude", "longitude", "altitude", "pitch", "heading", "roll")
_CORNER = _floats("x", "y")

SNAPSHOTS = [
    _field("snapshot_id", "STRING"),
    _field("subscription_id", "STRING"),
    _field("creation_time", "TIMESTAMP"),
    _field("product_types", "STRING", mode="REPEATED"),
]
OBSERVATIONS = [
    _field("snapshot_id", "STRING"),
    _field("asset_id", "STRING"),
    _field("asset_type", "STRING"),
    _field("location", "RECORD", _LOCATION),
    _field("detection_time", "TIMESTAMP"),
    _field("observation_id", "STRING"),
    _field("bbox", "RECORD", [_field("lo", "RECORD", _CORNER), _field("hi", "RECORD", _CORNER)]),
    _field("camera_pose", "RECORD", _POSE),
    _field("capture_time", "TIMESTAMP"),
    _field("gcs_uri", "STRING"),
    _field("map_url", "STRING"),
]
OBSERVATIONS_WITH_PANO = [*OBSERVATIONS, _field("pano_id", "STRING")]
"""Generation 2 added `pano_id`; the full frame tables of generation 3 have it too."""
ASSETS = [
    _field("snapshot_id", "STRING"),
    _field("asset_id", "STRING"),
    _field("asset_type", "STRING"),
    _field("location", "RECORD", _LOCATION),
    _field("detection_time", "TIMESTAMP"),
]
PANO_OBSERVATIONS = [
    _field("capture_id", "STRING"),
    _field("pano_id", "STRING"),
    _field("observation_id", "STRING"),
    _field("snapshot_id", "STRING"),
    _field("capture_time", "TIMESTAMP"),
    _field("capture_location", "RECORD", _LOCATION),
    _field("camera_pose", "RECORD", _POSE),
    _field("map_url", "STRING"),
    _field("gcs_uri", "STRING"),
]
LIDAR_METADATA = [
    _field("snapshot_id", "STRING"),
    _field("asset_id", "STRING"),
    _field("capture_time", "TIMESTAMP"),
    _field("gcs_uri", "STRING"),
]
