"""A selection is pinned to a snapshot, tells when it is about to be removed, and why an image of it is gone."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator


def aged(server: Emulator, days: float) -> None:
    """Lets the newest snapshot have been made so many days ago, and the other one before."""
    now = dt.datetime.now(dt.timezone.utc)
    rows = server.world.dataset.tables["snapshots"].rows
    newest = max(rows, key=lambda row: row["creation_time"])
    for row in rows:
        row["creation_time"] = now - dt.timedelta(days=days if row is newest else days + 14)
    server.world.subscribe()


@pytest.fixture
def young(publish: Callable[..., Emulator]) -> Emulator:
    """A server whose newest snapshot was made four days ago."""
    return publish(subscribed=True)


@pytest.fixture
def old(publish: Callable[..., Emulator]) -> Emulator:
    """A server whose newest snapshot is removed in a day."""
    server = publish()
    aged(server, 34)
    return server


def client_of(server: Emulator) -> sl.Client:
    return sl.Client(project=server.world.project, region="us", endpoint=server.url)


def test_the_snapshots_are_listed_with_their_ends(client: sl.Client, newest: str, earlier: str) -> None:
    table = client.snapshots()
    assert table["snapshot_id"] == [newest, earlier]
    assert table["is_latest"] == [True, False]
    for row in table:
        assert row["expires"] - row["creation_time"] == dt.timedelta(days=35)
        assert 0 < row["days_left"] < 35


def test_a_selection_is_pinned_to_the_newest_snapshot(client: sl.Client, newest: str) -> None:
    selection = client.observations()
    assert selection.params == {"snapshot_id": newest}
    assert selection.snapshot is not None
    assert selection.snapshot.id == newest
    assert selection.snapshot.expires == selection.snapshot.created + dt.timedelta(days=35)  # type: ignore[operator] # it is told


def test_an_earlier_snapshot_is_read_from_the_table_of_all(
    client: sl.Client, emulator: Emulator, newest: str, earlier: str
) -> None:
    rows = emulator.world.dataset.tables["cropped_observations_all"].rows
    before = client.observations(snapshot=earlier)
    assert before.table.endswith(".cropped_observations_all")
    assert before.count() == sum(row["snapshot_id"] == earlier for row in rows)
    everything = client.observations(snapshot="all")
    assert everything.count() == len(rows)
    assert everything.snapshot is None
    # The newest one is in the smaller table, too.
    assert client.observations(snapshot=newest).table.endswith(".cropped_observations_latest")


def test_a_snapshot_that_is_about_to_be_removed_warns_once(old: Emulator) -> None:
    client = client_of(old)
    with pytest.warns(UserWarning, match="is likely to be removed on") as caught:
        client.observations(limit=1).fetch()
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.observations(limit=2).fetch()


def test_a_run_over_such_a_snapshot_warns(old: Emulator) -> None:
    client = client_of(old)
    with pytest.warns(UserWarning, match="is likely to be removed on"):
        client.classify(client.observations(limit=1), "What is it?", progress=False)


@pytest.mark.filterwarnings("error")
def test_a_young_snapshot_warns_of_nothing(young: Emulator) -> None:
    assert client_of(young).observations().count() == 30


def gone(server: Emulator, uri: str) -> str:
    """A URI of the same image in a snapshot that is not there."""
    bucket = server.world.dataset.bucket
    snapshot, _, rest = uri.removeprefix(f"gs://{bucket}/").partition("/")
    return f"gs://{bucket}/{'0' * len(snapshot)}/{rest}"


@pytest.mark.parametrize("image_mode", ["uri", "inline"])
def test_an_image_that_is_gone_says_that_its_snapshot_is(young: Emulator, image_mode: Any) -> None:
    client = client_of(young)
    uri = gone(young, next(iter(young.world.dataset.truth)))

    def error() -> str:
        row = client.classify([uri], "What is it?", image_mode=image_mode, progress=False)[0]
        assert row["status"] == "image_error"
        return str(row["error"])

    assert f"its path begins with the snapshot {'0' * 32}" in error()
    # Once a selection has told which snapshots are there, it is no guess any more.
    client.observations().count()
    assert f"its snapshot {'0' * 32} was removed" in error()


def test_an_image_that_is_gone_from_a_snapshot_that_is_there_says_so(young: Emulator) -> None:
    client = client_of(young)
    client.observations().count()
    uri = next(iter(young.world.dataset.truth)).replace("/v0/o1:", "/v0/o1:0")
    row = client.classify([uri], "What is it?", image_mode="inline", progress=False)[0]
    assert "only this image of it is missing" in row["error"]


def test_changes_are_what_an_earlier_snapshot_did_not_have(
    client: sl.Client, emulator: Emulator, newest: str, earlier: str
) -> None:
    rows = emulator.world.dataset.tables["cropped_observations_all"].rows

    def ids(snapshot: str) -> set[str]:
        return {row["observation_id"] for row in rows if row["snapshot_id"] == snapshot}

    changes = client.changes(earlier)
    assert set(changes.fetch()["observation_id"]) == ids(newest) - ids(earlier)
    assert changes.count() == len(ids(newest) - ids(earlier))
    profile = changes.describe()
    assert profile.rows == len(ids(newest) - ids(earlier))
    assert profile.removed_rows == len(ids(earlier) - ids(newest))
    signs = client.changes(earlier, "sign").fetch()["asset_type"]
    assert set(signs) == {"ASSET_CLASS_ROAD_SIGN"}
    assert client.changes(newest).count() == 0


def test_changes_since_a_snapshot_that_is_gone_say_what_is_there(client: sl.Client, earlier: str) -> None:
    with pytest.raises(sl.NotFound, match="no snapshot `gone`") as caught:
        client.changes("gone").count()
    assert earlier in (caught.value.hint or "")
