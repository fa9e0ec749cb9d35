"""Plays the workflow: every step goes over HTTP to the emulator, as it would to Google."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streetlens as sl
from streetlens import emulator
from streetlens.demo import question, trouble
from streetlens.demo.judging import JudgedRow, judge
from streetlens.demo.thumbnails import thumbnail

if TYPE_CHECKING:
    from streetlens.demo.trouble import Trouble
    from streetlens.emulator import Emulator

_CUSTOMER = "1234-5678"

_ASSETS = """
SELECT a.asset_type, COUNT(DISTINCT a.asset_id) AS assets, COUNT(DISTINCT o.asset_id) AS observed,
  COUNT(o.observation_id) AS observations
FROM `{dataset}.latest_assets` AS a LEFT JOIN `{dataset}.latest_observations` AS o USING (asset_id)
GROUP BY a.asset_type ORDER BY a.asset_type
"""
_SNAPSHOT = """
SELECT snapshot_id, creation_time, TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), creation_time, DAY) AS age_days
FROM `{dataset}.snapshots` ORDER BY creation_time DESC LIMIT 1
"""
_WITHOUT_IMAGE = "SELECT COUNT(*) AS observations FROM `{dataset}.latest_observations` WHERE gcs_uri IS NULL"
_IMAGES = """
SELECT gcs_uri, observation_id, asset_id, asset_type, capture_time, location
FROM `{dataset}.latest_observations` WHERE gcs_uri IS NOT NULL ORDER BY observation_id LIMIT {rows}
"""


@dataclass(frozen=True)
class Played:
    """One play of the workflow; times are wall-clock seconds."""

    dataset: str
    assets: list[dict[str, object]]
    """Rows of asset_type, assets, observed, observations."""
    snapshot_age_days: int
    observations_without_image: int
    queries: int
    results: sl.Results
    rows: list[JudgedRow]
    """What became of each image, in order."""
    trouble: Trouble
    model: str
    query_seconds: float
    classify_seconds: float
    total_seconds: float


def play(rows: int, say: Callable[[str], None]) -> Played:
    """Starts an emulator, subscribes, queries, classifies `rows` images, and compares with what was drawn."""
    started = time.perf_counter()
    say(
        f"streetlens {sl.__version__}: the whole workflow on this machine; nothing is sent to Google or billed.\n"
    )
    # One observation in a hundred has no image, as in the real tables.
    with emulator.start(observations=rows + rows // 50 + 2) as server:
        say(f"  emulator   {server.url}, {len(server.world.dataset.tables)} synthetic tables")
        client = sl.Client(project=server.world.project, region="global", endpoint=server.url)

        linked = client.subscribe(_CUSTOMER)
        say(f"  subscribe  {linked}")

        clock = time.perf_counter()
        queries = [
            sql.format(dataset=linked, rows=rows) for sql in (_ASSETS, _SNAPSHOT, _WITHOUT_IMAGE, _IMAGES)
        ]
        assets, snapshots, without_image, images = client.query_all(queries)
        query_seconds = time.perf_counter() - clock
        say(f"  query      {len(queries)} queries at once, {len(images):,} images, {query_seconds:.2f} s")

        planted = trouble.plant(server, images["gcs_uri"])
        clock = time.perf_counter()
        results = client.classify(images, question.PROMPT, schema=question.SCHEMA)
        classify_seconds = time.perf_counter() - clock
        say(f"  classify   {len(results):,} images, {classify_seconds:.1f} s")

        judged = _judged(server, results)
    return Played(
        dataset=str(linked),
        assets=assets.to_dicts(),
        snapshot_age_days=snapshots[0]["age_days"],
        observations_without_image=without_image[0]["observations"],
        queries=len(queries),
        results=results,
        rows=judged,
        trouble=planted,
        model=next((row.model for row in judged if row.model), "no model answered"),
        query_seconds=query_seconds,
        classify_seconds=classify_seconds,
        total_seconds=time.perf_counter() - started,
    )


def _judged(server: Emulator, results: sl.Results) -> list[JudgedRow]:
    judged = []
    for position, row in enumerate(results):
        bucket, _, name = row["gcs_uri"].removeprefix("gs://").partition("/")
        stored = server.world.objects.get(bucket, name)
        picture = None if stored is None else thumbnail(stored.data)
        judged.append(judge(position, row, server.world.dataset.truth[row["gcs_uri"]], picture))
    return judged
