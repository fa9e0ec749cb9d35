"""A filter keeps exactly the rows that it names, and its values are parameters whatever they hold."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from typing import Any

import pytest

import streetlens as sl

Rows = list[dict[str, Any]]
UTC = dt.timezone.utc


def ids(table: sl.Table) -> set[str]:
    return set(table["observation_id"])


def wanted(rows: Rows, keep: Any) -> set[str]:
    return {row["observation_id"] for row in rows if keep(row)}


def metres(row: dict[str, Any], latitude: float, longitude: float) -> float:
    """On BigQuery's sphere."""
    here = row["location"]
    first, second = math.radians(here["latitude"]), math.radians(latitude)
    across = math.radians(longitude - here["longitude"])
    chord = (
        math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(across / 2) ** 2
    )
    return 2 * 6_371_010 * math.asin(math.sqrt(chord))


def test_without_filters_the_newest_snapshot_is_read_with_the_columns_a_run_needs(
    client: sl.Client, rows: Rows
) -> None:
    table = client.observations().fetch()
    assert ids(table) == wanted(rows, lambda _: True)
    assert table.column_names == [
        "gcs_uri",
        "asset_id",
        "observation_id",
        "asset_type",
        "capture_time",
        "location",
        "bbox",
        "camera_pose",
    ]


@pytest.mark.parametrize("kind", ["ROAD_SIGN", "ASSET_CLASS_ROAD_SIGN", "sign", ["road-sign", "hydrant"]])
def test_a_class_may_be_written_in_many_ways(client: sl.Client, rows: Rows, kind: str | list[str]) -> None:
    expected = wanted(rows, lambda row: row["asset_type"] == "ASSET_CLASS_ROAD_SIGN")
    assert ids(client.observations(kind).fetch()) == expected


def test_captures_are_between_two_times(client: sl.Client, rows: Rows) -> None:
    after, before = dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(2023, 6, 1, tzinfo=UTC)
    expected = wanted(rows, lambda row: after <= row["capture_time"] < before)
    assert 0 < len(expected) < len(rows)
    for first, last in (
        (after, before),
        ("2020-01-01", "2023-06-01T00:00:00Z"),
        (after.date(), before.date()),
    ):
        assert ids(client.observations(captured_after=first, captured_before=last).fetch()) == expected


def test_a_time_of_another_zone_is_the_same_moment(client: sl.Client) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    selection = client.observations(captured_after=dt.datetime(2020, 1, 1, 1, tzinfo=zone))
    assert selection.params["captured_after"].value == "2019-12-31 23:00:00+00:00"


def test_a_circle_keeps_what_is_near(client: sl.Client, rows: Rows) -> None:
    expected = wanted(rows, lambda row: metres(row, 33.3062, -111.8413) <= 4_000)
    assert 0 < len(expected) < len(rows)
    assert ids(client.observations(within=sl.Around(33.3062, -111.8413, 4_000)).fetch()) == expected


WEST, SOUTH, EAST, NORTH = -111.86, 33.28, -111.80, 33.35
RING = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
WKT = f"POLYGON(({', '.join(f'{x} {y}' for x, y in RING)}))"
GEOJSON = {"type": "Polygon", "coordinates": [RING]}


class Shape:
    """As shapely's geometries describe themselves."""

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        return {"type": "Feature", "geometry": GEOJSON, "properties": {}}


@pytest.mark.parametrize(
    "within",
    [(WEST, SOUTH, EAST, NORTH), sl.Box(WEST, SOUTH, EAST, NORTH), WKT, GEOJSON, Shape()],
    ids=["tuple", "Box", "WKT", "GeoJSON", "geo_interface"],
)
def test_an_area_may_be_given_in_many_forms(client: sl.Client, rows: Rows, within: Any) -> None:
    def is_inside(row: dict[str, Any]) -> bool:
        place = row["location"]
        return bool(SOUTH <= place["latitude"] <= NORTH and WEST <= place["longitude"] <= EAST)

    expected = wanted(rows, is_inside)
    assert 0 < len(expected) < len(rows)
    assert ids(client.observations(within=within).fetch()) == expected


def test_a_box_across_the_antimeridian_is_small(client: sl.Client, rows: Rows) -> None:
    assert client.observations(within=(170, -90, -170, 90)).count() == 0
    assert client.observations(within=(-170, -90, 170, 90)).count() == len(rows)


def test_assets_are_chosen_by_how_often_they_were_seen(client: sl.Client, rows: Rows) -> None:
    views = Counter(row["asset_id"] for row in rows)
    table = client.observations(min_views=2, max_views=3).fetch()
    assert ids(table) == wanted(rows, lambda row: 2 <= views[row["asset_id"]] <= 3)


def test_views_are_counted_among_what_the_other_filters_leave(client: sl.Client, rows: Rows) -> None:
    after = dt.datetime(2022, 1, 1, tzinfo=UTC)
    late = [row for row in rows if row["capture_time"] >= after]
    views = Counter(row["asset_id"] for row in late)
    expected = wanted(late, lambda row: views[row["asset_id"]] >= 2)
    assert 0 < len(expected) < len(late)
    assert ids(client.observations(captured_after=after, min_views=2).fetch()) == expected


def test_columns_are_compared_with_values(client: sl.Client, rows: Rows) -> None:
    one = rows[0]["asset_id"]
    for where, keep in (
        ({"asset_id": one}, lambda row: row["asset_id"] == one),
        ({"asset_id": [one, "t1:none"]}, lambda row: row["asset_id"] == one),
        ({"gcs_uri": None}, lambda row: row["gcs_uri"] is None),
        ({"camera_pose.pitch": (0, None)}, lambda row: row["camera_pose"]["pitch"] >= 0),
        ({"camera_pose.pitch": (-1, 1.5)}, lambda row: -1 <= row["camera_pose"]["pitch"] <= 1.5),
        (
            {"capture_time": (dt.date(2022, 1, 1), None)},
            lambda row: row["capture_time"] >= dt.datetime(2022, 1, 1, tzinfo=UTC),
        ),
    ):
        assert ids(client.observations(where=where).fetch()) == wanted(rows, keep), where


def test_a_limit_gives_the_same_rows_every_time_and_keeps_assets_together(client: sl.Client) -> None:
    first, second = (client.observations(limit=10).fetch()["observation_id"] for _ in range(2))
    assert first == second
    assets = client.observations(limit=10).fetch()["asset_id"]
    assert assets == sorted(assets)


def test_a_sample_is_drawn_anew_for_another_seed_only(client: sl.Client) -> None:
    def drawn(seed: int) -> set[str]:
        return ids(client.observations(sample=10, seed=seed).fetch())

    assert drawn(1) == drawn(1)
    assert len(drawn(1)) == 10
    assert drawn(1) != drawn(2)


def test_a_stratified_sample_has_as_many_rows_of_each_value(client: sl.Client, rows: Rows) -> None:
    views = Counter(row["asset_id"] for row in rows)
    table = client.observations(sample=4, stratify_by="asset_type", min_views=2).fetch()
    assert Counter(table["asset_type"]) == {"ASSET_CLASS_ROAD_SIGN": 4, "ASSET_CLASS_UTILITY_POLE": 4}
    assert all(views[asset] >= 2 for asset in table["asset_id"])


def test_columns_are_chosen(client: sl.Client) -> None:
    table = client.observations(columns=["gcs_uri", "location.latitude"], limit=1).fetch()
    assert table.column_names == ["gcs_uri", "location_latitude"]
    assert "map_url" in client.observations(columns="*", limit=1).fetch().column_names


def test_assets_may_have_no_observation(client: sl.Client, rows: Rows) -> None:
    views = Counter(row["asset_id"] for row in rows)
    seen = client.assets(min_views=1).fetch()["asset_id"]
    assert sorted(seen) == sorted(views)
    unseen = client.assets(max_views=0).fetch()["asset_id"]
    assert not set(unseen) & set(views)
    assert client.assets().count() == len(seen) + len(unseen)
    twice = client.assets(min_views=2, max_views=2).fetch()["asset_id"]
    assert set(twice) == {asset for asset, count in views.items() if count == 2}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kind": "sign", "min_views": 2},
        {"limit": 7},
        {"sample": 7},
        {"sample": 3, "stratify_by": "asset_type"},
        {"sample": 3, "stratify_by": "asset_type", "min_views": 3},
        {"sample": 8, "limit": 3},
        {"captured_after": "2030-01-01"},
    ],
    ids=str,
)
def test_a_count_is_that_of_the_rows(client: sl.Client, options: dict[str, Any]) -> None:
    selection = client.observations(**options)
    assert selection.count() == len(selection.fetch())


HOSTILE = "'; DROP TABLE `x`; --\n\"\\@limit ` OR TRUE"


@pytest.mark.parametrize(
    "options",
    [
        {"kind": HOSTILE},
        {"where": {"asset_id": HOSTILE}},
        {"where": {"asset_id": [HOSTILE, "a"]}},
        {"where": {"asset_id": (HOSTILE, HOSTILE)}},
        {"sample": 3, "seed": HOSTILE},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:no row of")
def test_a_hostile_value_is_a_value(client: sl.Client, options: dict[str, Any]) -> None:
    selection = client.observations(**options)
    assert "DROP" not in selection.sql
    expected = 3 if "sample" in options else 0
    assert len(selection.fetch()) == selection.count() == expected


def test_the_sql_and_its_parameters_are_a_query_of_their_own(client: sl.Client) -> None:
    selection = client.observations(
        "sign",
        captured_after="2020-01-01",
        within=sl.Around(33.3062, -111.8413, 9_000),
        where={"camera_pose.pitch": (-2, None)},
        limit=9,
    )
    again = client.query(selection.sql, params=selection.params)
    assert again.to_dicts() == selection.fetch().to_dicts()
    assert len(again) == 9
