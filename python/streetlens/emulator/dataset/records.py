"""Invents the records behind the tables: assets, their observations, captures; all from one seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from streetlens.emulator.scenes import (
    Scene,
    Truth,
    asset_from_seed,
    draw_jpeg,
    shipped_pictures,
    truth_of,
    view_of,
)

SHARE_WITHOUT_OBSERVATION = 0.58
"""Of all assets; measured on the preview data set."""
OBSERVATIONS_PER_ASSET = (79458, 55561, 34116, 19264, 10888, 5246, 2122, 768, 308, 95)
"""How many assets of the preview data set have 1, 2, ... 10 observations."""
FULL_FRAME_ENLARGEMENT = 2
CENTRE = (33.3062, -111.8413)
"""Latitude and longitude around which the synthetic assets stand."""


class Picture:
    """Produces the bytes of one picture on demand and keeps them."""

    def __init__(self, load: Callable[[], bytes], truth: Truth) -> None:
        self._load = load
        self.truth = truth
        self._data: bytes | None = None
        self._lock = threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            if self._data is None:
                self._data = self._load()
            return self._data


@dataclass(frozen=True)
class Observation:
    """One picture of an asset, before it has a snapshot."""

    observation_id: str
    picture: Picture
    captured: datetime
    heading: float
    pano_id: str
    frame: Picture | None
    """The whole frame around the crop; only some observations have one."""
    in_older: bool
    without_uri: bool = False


@dataclass
class AssetRecord:
    """A real-world object with its observations (none for many assets)."""

    asset_id: str
    asset_type: str
    latitude: float
    longitude: float
    detected: datetime
    in_older: bool
    observations: list[Observation] = field(default_factory=list)


def invent(observations: int, seed: int) -> list[AssetRecord]:
    """Returns assets with exactly so many observations in total, the shipped pictures first."""
    rng = random.Random(f"data set {seed}")  # noqa: S311 - invented data, not cryptography
    without_uri = set(rng.sample(range(observations), _nulls(observations)))
    records: list[AssetRecord] = []
    count = 0
    for pictures in _pictures_by_asset(rng, seed):
        if count >= observations:
            break
        record = _asset(rng, pictures[0].truth.asset_class)
        for picture in pictures[: observations - count]:
            record.observations.append(_observation(rng, record, picture, count in without_uri))
            count += 1
        record.detected = max(each.captured for each in record.observations)
        records.append(record)
    lonely = round(len(records) * SHARE_WITHOUT_OBSERVATION / (1 - SHARE_WITHOUT_OBSERVATION))
    for _ in range(lonely):
        asset_class = "road_sign" if rng.random() < 0.65 else "utility_pole"
        records.insert(rng.randrange(len(records) + 1), _asset(rng, asset_class))
    return records


def _nulls(observations: int) -> int:
    """Returns how many observations have no URI: one in a hundred, at least one in a data set of twenty."""
    return max(observations // 100, 1 if observations >= 20 else 0)


def _pictures_by_asset(rng: random.Random, seed: int) -> Iterator[list[Picture]]:
    by_asset: dict[int, list[Picture]] = {}
    for shipped in shipped_pictures():
        by_asset.setdefault(shipped.truth.asset, []).append(Picture(shipped.read, shipped.truth))
    yield from by_asset.values()
    number = 0
    while True:
        asset = asset_from_seed(1_000_000 * (seed % 1_000_000 + 10) + number)
        views = rng.choices(range(1, 11), OBSERVATIONS_PER_ASSET)[0]
        yield [drawn(Scene(asset, view_of(asset, view))) for view in range(views)]
        number += 1


def drawn(scene: Scene) -> Picture:
    """Returns the picture of a scene, drawn when first asked for."""
    return Picture(lambda: draw_jpeg(scene), truth_of(scene))


def _enlarged(truth: Truth) -> Picture:
    asset = asset_from_seed(truth.asset)
    view = view_of(asset, truth.view)
    times = FULL_FRAME_ENLARGEMENT
    return drawn(Scene(asset, replace(view, width=times * view.width, height=times * view.height)))


def _asset(rng: random.Random, asset_class: str) -> AssetRecord:
    suffix = "ffff005f" if asset_class == "road_sign" else "ffff01ee"
    return AssetRecord(
        asset_id=f"t1:{rng.getrandbits(128):032x}:{suffix}",
        asset_type=f"ASSET_CLASS_{asset_class.upper()}",
        latitude=round(CENTRE[0] + rng.uniform(-0.06, 0.06), 7),
        longitude=round(CENTRE[1] + rng.uniform(-0.08, 0.08), 7),
        detected=moment(rng),
        in_older=rng.random() < 0.8,
    )


def _observation(rng: random.Random, record: AssetRecord, picture: Picture, without_uri: bool) -> Observation:
    suffix = "00110060" if picture.truth.asset_class == "road_sign" else "00250082"
    return Observation(
        observation_id=f"o1:{rng.getrandbits(128):032x}:{suffix}",
        picture=picture,
        captured=moment(rng),
        heading=round(rng.uniform(0, 360), 3),
        pano_id=pano_id(rng),
        frame=_enlarged(picture.truth) if rng.random() < 0.2 else None,
        in_older=record.in_older and (not record.observations or rng.random() < 0.7),
        without_uri=without_uri,
    )


def moment(rng: random.Random) -> datetime:
    """Returns a time of capture between 2019 and 2025, to the microsecond."""
    start = datetime(2019, 1, 1, tzinfo=timezone.utc)
    return start + timedelta(days=rng.randrange(2500), microseconds=rng.randrange(86_400_000_000))


def pano_id(rng: random.Random) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(rng.choice(alphabet) for _ in range(22))
