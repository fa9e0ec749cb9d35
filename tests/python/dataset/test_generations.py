"""Whatever generation of the data set is there, its tables are found, under whatever names it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

Publish = Callable[..., Emulator]

TABLES = {
    1: ("imagery_insights___preview___us", "latest_observations", "all_observations", "latest_assets"),
    2: ("imagery_insights___preview___us", "latest_observations", "all_observations", "latest_assets"),
    3: (
        "imagery_insights___us",
        "cropped_observations_latest",
        "cropped_observations_all",
        "cropped_assets_latest",
    ),
    4: (
        "imagery_insights___us",
        "cropped_observations_latest",
        "cropped_observations_all",
        "cropped_assets_latest",
    ),
}


def client_of(server: Emulator) -> sl.Client:
    return sl.Client(project=server.world.project, endpoint=server.url)


@pytest.mark.parametrize("generation", TABLES)
def test_the_tables_of_a_generation_are_found_by_any_of_their_names(
    publish: Publish, generation: int
) -> None:
    server = publish(generation=generation, subscribed=True)
    client = client_of(server)
    dataset, latest, everything, assets = (
        TABLES[generation][0],
        *(f"{server.world.project}.{TABLES[generation][0]}.{name}" for name in TABLES[generation][1:]),
    )
    assert client.observations().table == latest
    assert client.observations(snapshot="all").table == everything
    assert client.assets().table == assets
    for alias in ("latest_observations", "cropped_observations_latest", "tracks_unnested", "urls_view"):
        assert client.observations(table=alias).table == latest
    for alias in ("all_observations", "cropped_observations_all"):
        assert client.observations(table=alias).table == everything
        assert client.observations(table=alias).count() > client.observations().count()
    assert client.observations(table=f"{dataset}.latest_observations").table == latest
    assert client.observations("sign").count() + client.observations("pole").count() == 30
    assert client.observations(dataset=dataset).describe().assets_without_observations == len(
        client.assets(max_views=0).fetch()
    )


def test_what_a_generation_does_not_have_is_told_with_what_it_has(publish: Publish) -> None:
    client = client_of(publish(generation=1, subscribed=True))
    with pytest.raises(sl.NotFound, match=r"no table of pano observations \(latest\)") as caught:
        client.observations(product="pano").fetch()
    assert "`latest_observations`" in (caught.value.hint or "")
    with pytest.raises(sl.InvalidInput, match="has no column `pano_id`"):
        client.observations(where={"pano_id": None}).fetch()
    assert "product_types" not in client.snapshots().column_names


def test_the_products_and_point_clouds_are_found(publish: Publish) -> None:
    client = client_of(publish(generation=4, subscribed=True))
    frames = client.observations(product="full_frame", where={"pano_id": ["x"]})
    assert frames.table.endswith(".full_frame_observations_latest")
    assert frames.count() == 0
    panoramas = client.observations(product="pano", within=(-180, -90, 180, 90))
    assert panoramas.table.endswith(".pano_observations_latest")
    assert panoramas.fetch().column_names[:3] == ["gcs_uri", "observation_id", "capture_id"]
    assert panoramas.describe().assets is None
    clouds = client.observations(table="lidar_metadata")
    assert clouds.table.endswith(".cropped_lidar_metadata_latest")
    assert all(uri.endswith(".laz") for uri in clouds.fetch()["gcs_uri"])


def test_the_data_set_and_its_tables_are_looked_up_once_for_a_client(publish: Publish) -> None:
    server = publish(generation=3, subscribed=True)
    client = client_of(server)
    for _ in range(3):
        client.observations().count()
    paths = [entry.path.rpartition("/")[2] for entry in server.world.request_log if entry.method == "GET"]
    assert paths.count("datasets") == 1
    assert paths.count("tables") == 1
    assert paths.count("cropped_observations_latest") == 1


def test_a_subscription_that_came_after_a_failed_look_is_seen(publish: Publish) -> None:
    server = publish(generation=3)
    client = client_of(server)
    with pytest.raises(sl.NotFound, match="no Street View Insights data set") as caught:
        client.observations().count()
    assert "client.subscribe" in (caught.value.hint or "")
    server.world.subscribe()
    assert client.observations().count() == 30


def test_a_data_set_of_another_name_is_found_by_its_subscription(publish: Publish) -> None:
    server = publish()
    client = client_of(server)
    client.subscribe("1234-5678", dataset="street_things")
    assert client.observations().table.endswith(".street_things.cropped_observations_latest")
    assert client.observations(dataset="street_things").count() == 30


def test_a_data_set_in_another_location_is_told_with_what_to_do(publish: Publish) -> None:
    server = publish(generation=3, location="EU", subscribed=True)
    client = client_of(server)
    with pytest.raises(sl.NotFound, match="in the location `us`") as caught:
        client.observations().count()
    assert 'location="eu"' in (caught.value.hint or "")
    assert client.observations(dataset="imagery_insights___eu").count() == 30


def test_a_data_set_that_is_not_there_is_told_with_where_it_was_looked_for(client: sl.Client) -> None:
    with pytest.raises(sl.NotFound) as caught:
        client.observations(dataset="nowhere").count()
    assert "looked for in the project `streetlens-demo`" in (caught.value.hint or "")


def test_a_table_of_ones_own_may_be_selected_from(client: sl.Client, emulator: Emulator) -> None:
    emulator.world.engine.create_dataset("mine", location="US", project=emulator.world.project)
    client.query("CREATE TABLE mine.signs AS SELECT 'a' AS observation_id, 3 AS number")
    selection = client.observations(table="mine.signs", where={"number": (1, 5)})
    assert selection.fetch().to_dicts() == [{"observation_id": "a"}]
    emulator.world.engine.delete_dataset("mine", project=emulator.world.project)


def test_a_generation_that_never_was_is_refused(publish: Publish) -> None:
    with pytest.raises(ValueError, match="generations 1 to 4, not 5"):
        publish(generation=5)
