"""The synthetic data set has the documented tables, columns and id shapes, and its answer key is complete."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import datetime, timezone

import pytest
from PIL import Image

from streetlens.emulator.dataset import SyntheticDataset, TableData, build

TODAY = datetime(2026, 11, 22, 10, tzinfo=timezone.utc)
OBSERVATION_COLUMNS = [
    "snapshot_id",
    "asset_id",
    "asset_type",
    "location",
    "detection_time",
    "observation_id",
    "bbox",
    "camera_pose",
    "capture_time",
    "gcs_uri",
    "map_url",
]


@pytest.fixture(scope="module")
def dataset() -> SyntheticDataset:
    return build(300, seed=7, bucket="some-bucket", today=TODAY)


def names(table: TableData) -> list[str]:
    return [column["name"] for column in table.schema]


def test_every_documented_generation_has_its_tables(dataset: SyntheticDataset) -> None:
    expected = {"snapshots"}
    expected |= {f"{scope}_{kind}" for scope in ("all", "latest") for kind in ("observations", "assets")}
    for scope in ("all", "latest"):
        expected |= {f"{product}_observations_{scope}" for product in ("cropped", "full_frame", "pano")}
        for product in ("cropped", "full_frame"):
            expected |= {f"{product}_assets_{scope}", f"{product}_lidar_metadata_{scope}"}
    assert set(dataset.tables) == expected


def test_latest_observations_has_as_many_rows_as_asked_for(dataset: SyntheticDataset) -> None:
    assert len(dataset.tables["latest_observations"].rows) == 300


@pytest.mark.parametrize("count", [0, 1, 5, 60])
def test_any_size_can_be_built(count: int) -> None:
    assert len(build(count, seed=1, today=TODAY).tables["latest_observations"].rows) == count


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        build(-1, seed=1)


def test_observations_have_the_documented_columns(dataset: SyntheticDataset) -> None:
    assert names(dataset.tables["cropped_observations_latest"]) == OBSERVATION_COLUMNS
    assert names(dataset.tables["latest_observations"]) == [*OBSERVATION_COLUMNS, "pano_id"]
    assert names(dataset.tables["full_frame_observations_latest"]) == [*OBSERVATION_COLUMNS, "pano_id"]


def test_every_row_has_exactly_the_columns_of_its_schema(dataset: SyntheticDataset) -> None:
    for table in dataset.tables.values():
        for row in table.rows:
            assert list(row) == names(table)


def test_ids_have_the_shape_seen_in_published_samples(dataset: SyntheticDataset) -> None:
    for row in dataset.tables["latest_observations"].rows:
        assert re.fullmatch(r"t1:[0-9a-f]{32}:[0-9a-f]{8}", row["asset_id"])
        assert re.fullmatch(r"o1:[0-9a-f]{32}:[0-9a-f]{8}", row["observation_id"])
        if row["gcs_uri"] is not None:
            name = f"{row['snapshot_id']}/v0/{row['observation_id']}.jpg"
            assert row["gcs_uri"] == f"gs://some-bucket/{name}"


def test_some_rows_have_no_picture(dataset: SyntheticDataset) -> None:
    rows = dataset.tables["latest_observations"].rows
    assert sum(row["gcs_uri"] is None for row in rows) == 3


def test_every_uri_has_a_picture_and_an_answer(dataset: SyntheticDataset) -> None:
    for name, table in dataset.tables.items():
        if "observations" not in name:
            continue
        for row in table.rows:
            if row["gcs_uri"] is not None:
                assert row["gcs_uri"] in dataset.truth
                assert row["gcs_uri"].removeprefix("gs://some-bucket/") in dataset.images


def test_assets_have_one_to_ten_observations(dataset: SyntheticDataset) -> None:
    counts = Counter(row["asset_id"] for row in dataset.tables["latest_observations"].rows)
    assert set(counts.values()) <= set(range(1, 11))
    assert len(set(counts.values())) > 3


def test_more_than_half_of_the_assets_have_no_observation(dataset: SyntheticDataset) -> None:
    observed = {row["asset_id"] for row in dataset.tables["latest_observations"].rows}
    assets = [row["asset_id"] for row in dataset.tables["latest_assets"].rows]
    assert observed <= set(assets)
    assert 0.5 < 1 - len(observed) / len(assets) < 0.65


def test_there_are_two_snapshots_and_latest_means_the_newer(dataset: SyntheticDataset) -> None:
    snapshots = dataset.tables["snapshots"].rows
    newest = max(snapshots, key=lambda row: row["creation_time"])["snapshot_id"]
    latest = {row["snapshot_id"] for row in dataset.tables["latest_observations"].rows}
    everything = {row["snapshot_id"] for row in dataset.tables["all_observations"].rows}
    assert latest == {newest}
    assert everything == {row["snapshot_id"] for row in snapshots}
    assert len(snapshots) == 2


def test_no_snapshot_has_expired(dataset: SyntheticDataset) -> None:
    for row in dataset.tables["snapshots"].rows:
        assert 0 < (TODAY - row["creation_time"]).days < 30


def test_the_asset_was_detected_when_it_was_last_captured(dataset: SyntheticDataset) -> None:
    newest: dict[str, datetime] = {}
    for row in dataset.tables["latest_observations"].rows:
        newest[row["asset_id"]] = max(row["capture_time"], newest.get(row["asset_id"], row["capture_time"]))
    for row in dataset.tables["latest_observations"].rows:
        assert row["detection_time"] == newest[row["asset_id"]]


def test_a_capture_has_seven_frames(dataset: SyntheticDataset) -> None:
    rows = dataset.tables["pano_observations_latest"].rows
    assert set(Counter(row["capture_id"] for row in rows).values()) == {7}
    assert any(row["pano_id"] is None for row in rows)
    assert [row["observation_id"].split("_")[-1][0] for row in rows[:7]] == list("0123456")


def test_the_box_of_a_row_is_the_box_of_its_picture(dataset: SyntheticDataset) -> None:
    for row in dataset.tables["full_frame_observations_latest"].rows:
        if row["gcs_uri"] is None:
            continue
        box = dataset.truth[row["gcs_uri"]].box
        corners = row["bbox"]
        assert box == (corners["lo"]["x"], corners["lo"]["y"], corners["hi"]["x"], corners["hi"]["y"])


def test_a_picture_has_the_size_its_answer_says_and_is_made_once(dataset: SyntheticDataset) -> None:
    rows = [row for row in dataset.tables["full_frame_observations_latest"].rows if row["gcs_uri"]]
    uri = rows[0]["gcs_uri"]
    load = dataset.images[uri.removeprefix("gs://some-bucket/")]
    with Image.open(io.BytesIO(load())) as image:
        assert image.size == (dataset.truth[uri].width, dataset.truth[uri].height)
    assert load() is load()


def test_the_class_of_a_row_is_the_class_of_its_picture(dataset: SyntheticDataset) -> None:
    for row in dataset.tables["latest_observations"].rows:
        if row["gcs_uri"] is not None:
            truth = dataset.truth[row["gcs_uri"]]
            assert row["asset_type"] == f"ASSET_CLASS_{truth.asset_class.upper()}"


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (build(40, seed, today=TODAY) for seed in (3, 3, 4))
    assert first.tables == again.tables
    assert first.tables != other.tables
