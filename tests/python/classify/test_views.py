"""The views of an asset make one request, the best first, and one row."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

import streetlens as sl
from classify.pictures import box, picture, sent, store
from streetlens.emulator import Emulator

QUESTION = "What is it?"
FIRST_DAY = datetime(2023, 5, 1, 12, tzinfo=timezone.utc)
CORNER = pa.struct([("x", pa.float64()), ("y", pa.float64())])
SCHEMA = pa.schema(
    [
        ("asset_id", pa.string()),
        ("gcs_uri", pa.string()),
        ("bbox", pa.struct([("lo", CORNER), ("hi", CORNER)])),
        ("capture_time", pa.timestamp("us", "UTC")),
        ("camera_pose", pa.struct([("heading", pa.float64())])),
    ]
)


def view(
    emulator: Emulator, asset: str | None, name: str, *, side: float = 40, day: int = 0, heading: float = 0
) -> dict[str, Any]:
    """One observation of an asset."""
    return {
        "asset_id": asset,
        "gcs_uri": store(emulator, f"{name}.jpg", picture(box=(0, 0, 10 + ord(name[0]) - ord("a"), 20))),
        "bbox": box(0, 0, side, side),
        "capture_time": FIRST_DAY + timedelta(days=day),
        "camera_pose": {"heading": heading},
    }


def names(uris: list[str]) -> list[str]:
    """The names that `view` was given."""
    return [uri.rpartition("/")[2].removesuffix(".jpg") for uri in uris]


def test_an_asset_is_one_request_and_one_row_with_its_best_view_first(
    client: sl.Client, emulator: Emulator
) -> None:
    rows = [
        view(emulator, "t1", "a", side=20),
        view(emulator, "t2", "b"),
        view(emulator, "t1", "c", side=40, day=1),
        view(emulator, "t1", "d", side=40, day=2),
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    results = client.classify(table, QUESTION, group_by="asset_id", concurrency=1, progress=False)
    assert results["asset_id"] == ["t1", "t2"]
    assert results["views"] == [3, 1]
    assert [names(uris) for uris in results["view_uris"]] == [["d", "c", "a"], ["b"]]
    assert [names(request.uris) for request in sent(emulator)] == [["d", "c", "a"], ["b"]]
    assert names(results["gcs_uri"]) == ["d", "b"]
    types = results.to_arrow().schema
    assert [types.field(name).type for name in SCHEMA.names] == SCHEMA.types
    assert (types.field("views").type, types.field("view_uris").type) == (pa.int64(), pa.list_(pa.string()))


def test_views_from_other_sides_are_preferred(client: sl.Client, emulator: Emulator) -> None:
    rows = [
        view(emulator, "t1", "a", side=50, heading=350),
        view(emulator, "t1", "b", side=40, heading=5),
        view(emulator, "t1", "c", side=30, heading=90),
        view(emulator, "t1", "d", side=20, heading=200),
        view(emulator, "t1", "e", side=10, heading=10),
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    chosen = {
        most: names(
            client.classify(table, QUESTION, group_by="asset_id", max_images=most, progress=False)[
                "view_uris"
            ][0]
        )
        for most in (1, 3, 4)
    }
    assert chosen == {1: ["a"], 3: ["a", "c", "d"], 4: ["a", "c", "d", "b"]}


def test_each_of_several_views_is_announced(client: sl.Client, emulator: Emulator) -> None:
    rows = [
        view(emulator, "t1", "a", side=50, heading=131.6),
        view(emulator, "t1", "b", side=40, day=400, heading=359.7),
        view(emulator, "t2", "c"),
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    prompts = [QUESTION, "As of {capture_time}?", "From {camera_pose}, at {capture_time}?"]
    for prompt in prompts:
        client.classify(table, prompt, group_by="asset_id", concurrency=1, progress=False)
    captions = [request.texts[:-1] for request in sent(emulator)]
    assert captions == [
        ["View 1 of 2", "View 2 of 2"],
        [],
        ["View 1 of 2, captured 2023-05-01", "View 2 of 2, captured 2024-06-04"],
        [],
        [
            "View 1 of 2, captured 2023-05-01, camera heading 132°",
            "View 2 of 2, captured 2024-06-04, camera heading 0°",
        ],
        [],
    ]
    last = [request.texts[-1] for request in sent(emulator)]
    assert last[0] == QUESTION
    assert last[2].startswith("As of 2023-05-01")


def test_a_null_key_is_an_asset_of_its_own(client: sl.Client, emulator: Emulator) -> None:
    rows = [
        view(emulator, asset, name) for asset, name in [(None, "a"), ("t1", "b"), (None, "c"), ("t1", "d")]
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    results = client.classify(table, QUESTION, group_by="asset_id", progress=False)
    assert results["asset_id"] == [None, "t1", None]
    assert results["views"] == [1, 2, 1]


def test_views_without_an_image_stand_back(client: sl.Client, emulator: Emulator) -> None:
    rows = [view(emulator, "t1", "a", side=90), view(emulator, "t1", "b"), view(emulator, "t2", "c")]
    rows[0]["gcs_uri"] = rows[2]["gcs_uri"] = None
    table = pa.Table.from_pylist(rows, SCHEMA)
    results = client.classify(table, QUESTION, group_by="asset_id", progress=False)
    assert [names(uris) for uris in results["view_uris"]] == [["b"], []]
    assert results["views"] == [1, 0]
    assert results["status"][1] == "image_error"
    assert "null" in results["error"][1]


def test_each_view_is_cropped_to_its_own_box(client: sl.Client, emulator: Emulator) -> None:
    rows = [view(emulator, "t1", "a", side=20), view(emulator, "t1", "b", side=40), view(emulator, "t1", "c")]
    rows[2]["bbox"] = None
    table = pa.Table.from_pylist(rows, SCHEMA)
    results = client.classify(
        table, QUESTION, group_by="asset_id", crop="bbox", crop_margin=0.0, progress=False
    )
    assert [cut.size for cut in sent(emulator)[0].pictures] == [(40, 40), (20, 20)]
    assert [names(uris) for uris in results["view_uris"]] == [["b", "a"]]


def test_any_column_may_be_the_key_and_input_order_decides_where_nothing_else_does(
    client: sl.Client, emulator: Emulator
) -> None:
    uris = [store(emulator, f"{name}.jpg", picture()) for name in "abc"]
    table = pa.table({"pano": [7, 8, 7], "gcs_uri": uris, "views": ["x", "y", "z"]})
    results = client.classify(table, "Seen {views} times?", group_by="pano", concurrency=1, progress=False)
    assert results["pano"] == [7, 8]
    assert [names(uris) for uris in results["view_uris"]] == [["a", "c"], ["b"]]
    assert results["input_views"] == ["x", "y"]
    assert [request.texts[-1] for request in sent(emulator)] == ["Seen 2 times?", "Seen 1 times?"]


def test_the_assets_of_the_data_set_are_asked_about_once_each(client: sl.Client, emulator: Emulator) -> None:
    table = client.query(
        "SELECT asset_id, gcs_uri, bbox, capture_time, camera_pose "
        f"FROM `{emulator.world.subscribe()}.latest_observations` WHERE gcs_uri IS NOT NULL"
    )
    results = client.classify(table, QUESTION, schema=["sign", "pole"], group_by="asset_id", progress=False)
    assert len(results) == len(set(table["asset_id"]))
    assert len(sent(emulator)) == len(results)
    assert set(results["status"]) == {"ok"}
    assert sum(results["views"]) <= len(table)


def test_a_column_that_is_not_there_is_no_key(client: sl.Client, emulator: Emulator) -> None:
    with pytest.raises(sl.InvalidInput, match="no column `asset_id` to group by"):
        client.classify(["gs://pictures/a.jpg"], QUESTION, group_by="asset_id", progress=False)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("most", [0, 101])
def test_a_number_of_images_out_of_range_is_refused(client: sl.Client, most: int) -> None:
    with pytest.raises((sl.ConfigurationError, sl.InvalidInput), match="max_images"):
        client.classify(
            ["gs://pictures/a.jpg"], QUESTION, group_by="gcs_uri", max_images=most, progress=False
        )
