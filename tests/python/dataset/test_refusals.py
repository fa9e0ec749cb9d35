"""What cannot be selected is refused before anything is billed, with what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator


def queries(emulator: Emulator) -> list[str]:
    """The queries that were sent, but for those of the table of snapshots."""
    log = emulator.world.request_log
    sent = [str(entry.json["query"]) for entry in log if entry.path.endswith("/queries")]
    return [body for body in sent if "snapshots`" not in body]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"where": {"captur_time": 1}}, "has no column `captur_time`", "did you mean `capture_time`?"),
        ({"where": {"latitude": 1}}, "has no column `latitude`", "did you mean `location.latitude`?"),
        ({"columns": ["gcs_url"]}, "has no column `gcs_url`", "did you mean `gcs_uri`?"),
        ({"sample": 1, "stratify_by": "class"}, "has no column `class`", "its columns are"),
        ({"sample": 1, "stratify_by": "bbox"}, "cannot be stratified by `bbox`", "asset_type"),
        ({"product": "pano", "kind": "sign"}, "`kind` cannot be used", "its columns are capture_id"),
        ({"product": "pano", "min_views": 2}, "`min_views` cannot be used", "its columns are"),
        ({"where": {"asset_id": 5}}, "`asset_id` is a STRING", "of the type STRING"),
        ({"where": {"location": 5}}, "`location` is a STRUCT", "name one of its fields"),
    ],
    ids=str,
)
def test_a_column_that_does_not_fit_is_refused_before_the_query(
    client: sl.Client, emulator: Emulator, options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(sl.InvalidInput, match=message) as caught:
        client.observations(**options).fetch()
    assert hint in (caught.value.hint or "")
    assert queries(emulator) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within": "POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))"}, r"edge 1 from \(0 0\) to \(2 2\) meets edge 3"),
        ({"within": "POLYGON((0 0, 1 0, 1 1))"}, "is not closed"),
        ({"within": "POLYGON((0 0, 1 0, 0 0))"}, "fewer than 3"),
        ({"within": "POLYGON((33 -112, 33 -111, 34 -111, 33 -112))"}, "swapped"),
        ({"within": (33, -112, 34, -111)}, "swapped"),
        ({"within": (-112, 34, -111, 33)}, "south must be below north"),
        ({"within": sl.Around(-111.8, 33.3, 10)}, "swapped"),
        ({"within": sl.Around(33.3, -111.8, 0)}, "above 0"),
        ({"within": {"type": "Point", "coordinates": [1, 2]}}, "is a Point, which encloses nothing"),
        ({"within": {"type": "Polygon", "coordinates": [[[float("nan"), 0]]]}}, "no GeoJSON"),
        ({"within": (1, 2, 3)}, "that is no area"),
        ({"within": (1, 2, 3, "x")}, "no number"),
        ({"within": 5}, "that is no area"),
        ({"captured_after": "yesterday"}, "is no time"),
        ({"captured_before": 5}, "is a int"),
        ({"kind": 5}, "`kind` is a int"),
        ({"kind": []}, "empty list"),
        ({"product": "satellite"}, "is no product"),
        ({"min_views": 3, "max_views": 2}, "no asset fits"),
        ({"stratify_by": "asset_type"}, "without `sample`"),
        ({"where": {"asset_id": (1, 2, 3)}}, "a tuple of 3"),
        ({"where": {"asset_id": []}}, "empty"),
        ({"where": ["asset_id"]}, "`where` is a list"),
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_understood_is_refused_without_asking_anybody(
    options: dict[str, Any], message: str
) -> None:
    nobody = sl.Client(project="demo", endpoint="http://127.0.0.1:9")
    with pytest.raises(sl.InvalidInput, match=message):
        nobody.observations(**options)


@pytest.mark.parametrize(
    "options", [{"limit": 0}, {"sample": -1}, {"min_views": 1.5}, {"table": " "}], ids=str
)
def test_a_number_that_is_none_is_refused_with_its_name(options: dict[str, Any]) -> None:
    nobody = sl.Client(project="demo", endpoint="http://127.0.0.1:9")
    with pytest.raises(sl.ConfigurationError, match=next(iter(options))):
        nobody.observations(**options)


def test_a_class_that_is_not_there_is_told_with_those_that_are(client: sl.Client) -> None:
    selection = client.observations("hydrant")
    with pytest.warns(UserWarning, match=r"ASSET_CLASS_ROAD_SIGN \(43\), ASSET_CLASS_UTILITY_POLE \(17\)"):
        assert selection.count() == 0
    with pytest.warns(UserWarning, match="kind='hydrant'"):
        assert len(selection.fetch()) == 0
    assert "the classes of the snapshot are: ASSET_CLASS_ROAD_SIGN (43)" in selection.describe().notes[0]


def test_a_snapshot_that_is_gone_is_told_with_those_that_are_there(client: sl.Client, newest: str) -> None:
    with pytest.raises(sl.NotFound, match="no snapshot `abc`") as caught:
        client.observations(snapshot="abc").count()
    assert newest in (caught.value.hint or "")
