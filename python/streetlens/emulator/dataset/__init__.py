"""The synthetic Street View Insights data set: tables in all documented generations, pictures, answer key."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from streetlens.emulator.dataset import schemas
from streetlens.emulator.dataset.records import (
    AssetRecord,
    Observation,
    Picture,
    drawn,
    invent,
    moment,
    pano_id,
)
from streetlens.emulator.scenes import Truth, scene

__all__ = ["SyntheticDataset", "TableData", "Truth", "build"]

BUCKET = "geoai_published_streetlens_synthetic__us"
PRODUCTS = ("SV_CROPPED_ASSETS", "SV_FULL_FRAME_ASSETS", "SV_PANO")
FRAMES_PER_CAPTURE = 7
OBSERVATIONS_PER_CAPTURE = 60
Row = dict[str, Any]


@dataclass(frozen=True)
class TableData:
    """A table: `schema` as BigQuery REST field dictionaries, `rows` as dictionaries with datetime values."""

    schema: list[dict[str, Any]]
    rows: list[Row]


@dataclass(frozen=True)
class SyntheticDataset:
    """Tables by name, pictures by object name (call one to get its bytes), answer key by gs:// URI."""

    bucket: str
    tables: dict[str, TableData]
    images: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    truth: dict[str, Truth] = field(default_factory=dict)


@dataclass(frozen=True)
class _Snapshot:
    snapshot_id: str
    created: datetime
    is_latest: bool


def build(
    observations: int, seed: int, bucket: str = BUCKET, today: datetime | None = None
) -> SyntheticDataset:
    """Returns a data set with so many rows in `latest_observations`; nothing is drawn yet.

    The same arguments give the same rows. Only `snapshots.creation_time` follows `today` (default: now, UTC),
    because snapshots older than about 35 days count as expired. Raises ValueError for a negative number.
    """
    if observations < 0:
        raise ValueError(f"observations must not be negative, got {observations}")
    rng = random.Random(f"snapshots {seed}")  # noqa: S311 - invented data, not cryptography
    midnight = (today or datetime.now(timezone.utc)).replace(hour=0, minute=0, second=0, microsecond=0)
    older = _Snapshot(f"{rng.getrandbits(128):032x}", midnight - timedelta(days=18), is_latest=False)
    latest = _Snapshot(f"{rng.getrandbits(128):032x}", midnight - timedelta(days=4), is_latest=True)
    data = SyntheticDataset(bucket, {})
    records = invent(observations, seed)

    cropped = {each: _observation_rows(data, records, each, frames=False) for each in (latest, older)}
    frames = {each: _observation_rows(data, records, each, frames=True) for each in (latest, older)}
    assets = {each: _asset_rows(records, each) for each in (latest, older)}
    panos = {each: _pano_rows(data, records, each, seed) for each in (latest, older)}
    lidar = {each: _lidar_rows(data, records, each) for each in (latest, older)}

    def publish(
        all_name: str, latest_name: str, schema: list[dict[str, Any]], rows: dict[_Snapshot, list[Row]]
    ) -> None:
        kept = [column["name"] for column in schema]

        def chosen(source: Iterable[Row]) -> list[Row]:
            return [{name: row[name] for name in kept} for row in source]

        data.tables[latest_name] = TableData(schema, chosen(rows[latest]))
        data.tables[all_name] = TableData(schema, chosen([*rows[latest], *rows[older]]))

    subscription = f"{rng.getrandbits(64):016x}"
    data.tables["snapshots"] = TableData(
        schemas.SNAPSHOTS,
        [
            {
                "snapshot_id": each.snapshot_id,
                "subscription_id": subscription,
                "creation_time": each.created,
                "product_types": list(PRODUCTS),
            }
            for each in (latest, older)
        ],
    )
    # Generations 1 and 2 put the scope first, generations 3 and 4 the product.
    publish("all_observations", "latest_observations", schemas.OBSERVATIONS_WITH_PANO, cropped)
    publish("all_assets", "latest_assets", schemas.ASSETS, assets)
    publish("cropped_observations_all", "cropped_observations_latest", schemas.OBSERVATIONS, cropped)
    publish("cropped_assets_all", "cropped_assets_latest", schemas.ASSETS, assets)
    publish(
        "full_frame_observations_all",
        "full_frame_observations_latest",
        schemas.OBSERVATIONS_WITH_PANO,
        frames,
    )
    publish("full_frame_assets_all", "full_frame_assets_latest", schemas.ASSETS, assets)
    publish("pano_observations_all", "pano_observations_latest", schemas.PANO_OBSERVATIONS, panos)
    for product in ("cropped", "full_frame"):
        publish(
            f"{product}_lidar_metadata_all",
            f"{product}_lidar_metadata_latest",
            schemas.LIDAR_METADATA,
            lidar,
        )
    return data


def _stored(data: SyntheticDataset, snapshot: _Snapshot, observation_id: str, picture: Picture) -> str:
    """Adds a picture to the bucket and returns its URI."""
    name = f"{snapshot.snapshot_id}/v0/{observation_id}.jpg"
    data.images[name] = picture
    uri = f"gs://{data.bucket}/{name}"
    data.truth[uri] = picture.truth
    return uri


def _observation_rows(
    data: SyntheticDataset, records: list[AssetRecord], snapshot: _Snapshot, *, frames: bool
) -> list[Row]:
    rows = []
    for record in records:
        for seen in record.observations:
            picture = seen.frame if frames else seen.picture
            if picture is None or not (snapshot.is_latest or seen.in_older):
                continue
            rows.append(_observation_row(data, record, seen, snapshot, picture, frames=frames))
    return rows


def _observation_row(
    data: SyntheticDataset,
    record: AssetRecord,
    seen: Observation,
    snapshot: _Snapshot,
    picture: Picture,
    *,
    frames: bool,
) -> Row:
    name = _frame_id(seen.observation_id) if frames else seen.observation_id
    left, top, right, bottom = picture.truth.box or (0, 0, picture.truth.width, picture.truth.height)
    return {
        "snapshot_id": snapshot.snapshot_id,
        "asset_id": record.asset_id,
        "asset_type": record.asset_type,
        "location": {"latitude": record.latitude, "longitude": record.longitude},
        "detection_time": record.detected,
        "observation_id": name,
        "bbox": {
            "lo": {"x": float(left), "y": float(top)},
            "hi": {"x": float(right), "y": float(bottom)},
        },
        "camera_pose": _pose(record.latitude - 0.00008, record.longitude + 0.00005, seen.heading),
        "capture_time": seen.captured,
        "gcs_uri": None if seen.without_uri else _stored(data, snapshot, name, picture),
        "map_url": _map_url(seen.pano_id, seen.heading),
        "pano_id": seen.pano_id,
    }


def _frame_id(observation_id: str) -> str:
    """Returns the id of the full frame product's observation: another number of the same shape."""
    version, number, suffix = observation_id.split(":")
    return f"{version}:{int(number, 16) ^ 0xFF:032x}:{suffix}"


def _pose(latitude: float, longitude: float, heading: float) -> Row:
    return {
        "latitude": round(latitude, 7),
        "longitude": round(longitude, 7),
        "altitude": round(350.0 + heading % 7, 3),
        "pitch": round(heading % 5 - 2.5, 3),
        "heading": heading,
        "roll": round(heading % 3 - 1.5, 3),
    }


def _map_url(pano: str, heading: float) -> str:
    return f"https://www.google.com/maps/@?api=1&map_action=pano&pano={pano}&heading={heading}"


def _asset_rows(records: list[AssetRecord], snapshot: _Snapshot) -> list[Row]:
    return [
        {
            "snapshot_id": snapshot.snapshot_id,
            "asset_id": record.asset_id,
            "asset_type": record.asset_type,
            "location": {"latitude": record.latitude, "longitude": record.longitude},
            "detection_time": record.detected,
        }
        for record in records
        if snapshot.is_latest or record.in_older
    ]


def _pano_rows(
    data: SyntheticDataset, records: list[AssetRecord], snapshot: _Snapshot, seed: int
) -> list[Row]:
    """Returns captures of seven frames each: the first frame shows an asset, the others an empty street."""
    rng = random.Random(f"panoramas {seed}")  # noqa: S311 - invented data, not cryptography
    seen = [(record, each) for record in records for each in record.observations]
    rows = []
    for record, first in seen[::OBSERVATIONS_PER_CAPTURE]:
        capture, pano, captured = f"{rng.getrandbits(64):016x}", pano_id(rng), moment(rng)
        has_pano_id = rng.random() < 0.31
        for frame in range(FRAMES_PER_CAPTURE):
            name = f"o1:{pano}_{frame}:{rng.getrandbits(32):08x}"
            empty = drawn(scene(rng.randrange(2**31), asset_class="none"))
            heading = round((first.heading + frame * 360 / FRAMES_PER_CAPTURE) % 360, 3)
            rows.append(
                {
                    "capture_id": capture,
                    "pano_id": pano if has_pano_id else None,
                    "observation_id": name,
                    "snapshot_id": snapshot.snapshot_id,
                    "capture_time": captured,
                    "capture_location": {"latitude": record.latitude, "longitude": record.longitude},
                    "camera_pose": _pose(record.latitude, record.longitude, heading),
                    "map_url": _map_url(pano, heading),
                    "gcs_uri": _stored(data, snapshot, name, first.picture if frame == 0 else empty),
                }
            )
    return rows


def _lidar_rows(data: SyntheticDataset, records: list[AssetRecord], snapshot: _Snapshot) -> list[Row]:
    """Returns where the point clouds would be; the emulator holds no point clouds."""
    return [
        {
            "snapshot_id": snapshot.snapshot_id,
            "asset_id": record.asset_id,
            "capture_time": record.detected,
            "gcs_uri": f"gs://{data.bucket}/{snapshot.snapshot_id}/v0/{record.asset_id}.laz",
        }
        for record in records
        if record.observations and (snapshot.is_latest or record.in_older)
    ]
