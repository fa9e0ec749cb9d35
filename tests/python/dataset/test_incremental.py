"""Only what was not answered before is asked, paid for and returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

QUESTION = "Is it a sign or a pole?"


@pytest.fixture
def client(emulator: Emulator, tmp_path: Path) -> sl.Client:
    """A client with a store of its own."""
    emulator.world.subscribe()
    project = emulator.world.project
    return sl.Client(project=project, region="us", endpoint=emulator.url, store=tmp_path / "answers.sqlite")


@pytest.fixture
def results(emulator: Emulator) -> Iterator[str]:
    """A data set for results that is gone after the test."""
    engine, project = emulator.world.engine, emulator.world.project
    engine.create_dataset("mine", location="US", project=project)
    yield "mine.answers"
    engine.delete_dataset("mine", project=project)


def asked(emulator: Emulator) -> int:
    return sum(":generateContent" in entry.path for entry in emulator.world.request_log)


def classify(client: sl.Client, images: Any, **options: Any) -> sl.Results:
    return client.classify(images, QUESTION, schema=["sign", "pole"], progress=False, **options)


def test_what_the_store_knows_is_neither_asked_nor_returned(client: sl.Client, emulator: Emulator) -> None:
    first = classify(client, client.observations("sign", limit=5))
    before = asked(emulator)
    more = classify(client, client.observations("sign", limit=8), only_new=True)
    assert len(more) == 3
    assert not set(more["observation_id"]) & set(first["observation_id"])
    assert asked(emulator) == before + 3
    assert len(classify(client, client.observations("sign", limit=8), only_new=True)) == 0
    assert asked(emulator) == before + 3


@pytest.mark.parametrize("form", [list, lambda uris: {"gcs_uri": uris}], ids=["list", "table"])
def test_the_store_is_asked_about_any_images(client: sl.Client, form: Callable[[Any], Any]) -> None:
    uris = [uri for uri in client.observations(limit=9).fetch()["gcs_uri"] if uri]
    classify(client, uris[:4])
    images = form(uris)
    if isinstance(images, dict):
        pa = pytest.importorskip("pyarrow")
        images = pa.table(images)
    assert classify(client, images, only_new=True)["gcs_uri"] == uris[4:]


def test_a_group_with_a_new_view_is_asked_again(client: sl.Client) -> None:
    table = client.observations(min_views=2, limit=12).fetch().to_pandas()
    table = table[table["gcs_uri"].notna()]
    first_views = table.groupby("asset_id").head(1)
    one = first_views["asset_id"].iloc[0]
    options = {"group_by": "asset_id", "max_images": 4}
    whole = classify(client, table[table["asset_id"] != one], **options)
    more = classify(client, table, only_new=True, **options)
    assert more["asset_id"] == [one]
    assert one not in whole["asset_id"]


def test_a_selection_leaves_out_what_a_table_of_results_has(
    client: sl.Client, emulator: Emulator, results: str
) -> None:
    selection = client.observations("sign", limit=6, where={"gcs_uri": ("gs://", None)})
    with pytest.warns(UserWarning, match="`mine.answers` is not there yet: every row counts as new"):
        first = classify(client, selection, only_new=results)
    assert len(first) == 6
    first.to_bigquery(results, mode="append")
    before = asked(emulator)
    more = classify(client, client.observations("sign", where={"gcs_uri": ("gs://", None)}), only_new=results)
    assert not set(more["observation_id"]) & set(first["observation_id"])
    everything = client.observations("sign", where={"gcs_uri": ("gs://", None)}).count()
    assert len(more) == everything - 6
    assert asked(emulator) == before + everything - 6


@pytest.mark.parametrize("form", ["list", "table", "query"])
def test_any_images_leave_out_what_a_table_of_results_has(client: sl.Client, results: str, form: str) -> None:
    selection = client.observations(limit=9, where={"gcs_uri": ("gs://", None)})
    rows = selection.fetch()
    first = classify(client, rows["gcs_uri"][:4])
    first.to_bigquery(results, mode="append")
    images = {
        "list": rows["gcs_uri"],
        "table": rows,
        "query": "SELECT gcs_uri FROM `imagery_insights___preview___us.cropped_observations_latest` "
        f"WHERE observation_id IN ({', '.join(map(repr, rows['observation_id']))})",
    }[form]
    more = classify(client, images, only_new=results)
    assert set(more["gcs_uri"]) == set(rows["gcs_uri"][4:])


def test_a_bad_answer_is_none(client: sl.Client, results: str) -> None:
    rows = client.observations(limit=3, where={"gcs_uri": ("gs://", None)}).fetch()
    client.query(
        f"CREATE TABLE {results} AS SELECT @good AS observation_id, 'ok' AS status "
        "UNION ALL SELECT @bad, 'failed'",
        params={"good": rows["observation_id"][0], "bad": rows["observation_id"][1]},
    )
    kept = classify(client, rows, only_new=results)["observation_id"]
    assert kept == rows["observation_id"][1:]
    selected = classify(
        client,
        client.observations(limit=3, where={"observation_id": rows["observation_id"]}),
        only_new=results,
    )
    assert set(selected["observation_id"]) == set(kept)


def test_an_asset_that_was_answered_is_answered(client: sl.Client, results: str) -> None:
    grouped = client.observations(min_views=2, limit=8).by_asset(max_images=2)
    first = classify(client, grouped)
    first.to_bigquery(results, mode="append")
    assert len(classify(client, grouped, only_new=results)) == 0
    more = classify(client, client.observations(min_views=2, limit=20).by_asset(), only_new=results)
    assert more["asset_id"]
    assert not set(more["asset_id"]) & set(first["asset_id"])


@pytest.mark.parametrize("form", ["selection", "table"])
def test_a_slip_of_the_pen_in_the_data_set_is_no_empty_table(client: sl.Client, form: str) -> None:
    selection = client.observations(limit=1)
    images = selection if form == "selection" else selection.fetch()
    with pytest.raises(sl.NotFound, match="nowhere"):
        classify(client, images, only_new="nowhere.answers")


def test_a_table_without_results_yet_warns_too(client: sl.Client, results: str) -> None:
    with pytest.warns(UserWarning, match="every row counts as new"):
        assert len(classify(client, client.observations(limit=2).fetch(), only_new=results)) == 2


def test_results_that_tell_no_row_are_refused(client: sl.Client, results: str) -> None:
    client.query(f"CREATE TABLE {results} AS SELECT 1 AS number")
    for images in (client.observations(limit=1), client.observations(limit=1).fetch()):
        with pytest.raises(sl.InvalidInput, match="observation_id"):
            classify(client, images, only_new=results)


@pytest.mark.parametrize("only_new", ["answers", "a.b.c.d", "a.b; DROP", 5, None])
def test_what_is_no_table_is_refused(client: sl.Client, only_new: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match="only_new"):
        classify(client, ["gs://bucket/a.jpg"], only_new=only_new)


def test_asking_anew_and_only_the_new_contradict_each_other(client: sl.Client) -> None:
    with pytest.raises(sl.ConfigurationError, match="refresh"):
        classify(client, ["gs://bucket/a.jpg"], only_new=True, refresh=True)


@pytest.mark.parametrize("is_selection", [True, False])
def test_a_table_without_statuses_is_no_table_of_results(client: sl.Client, is_selection: bool) -> None:
    selection = client.observations(limit=3)
    images = selection if is_selection else selection.fetch()
    source = "imagery_insights___preview___us.latest_observations"
    with pytest.raises(sl.InvalidInput, match="is no table of results"):
        client.classify(images, "What is it?", only_new=source, progress=False)
