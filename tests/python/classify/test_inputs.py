"""One row an image, in order, whatever form the images come in."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import streetlens as sl
from servers.answers import generated, image_of
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)


def client_of(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url)


def echo(request: Received) -> Answer:
    """Answers with the URI itself, after a time that has nothing to do with the order."""
    uri = image_of(request)
    return generated(uri, seconds=random.Random(uri).random() * 0.1)


def test_answers_keep_the_order_of_their_images(serve: Serve) -> None:
    uris = [f"gs://bucket/image{number:03}.jpg" for number in range(200)]
    random.Random(3).shuffle(uris)
    results = client_of(serve(echo)).classify(uris, QUESTION, concurrency=64, progress=False)
    assert results["gcs_uri"] == uris
    assert results["classification"] == uris


def test_an_image_given_twice_is_answered_twice(serve: Serve) -> None:
    uris = ["gs://bucket/a.jpg", "gs://bucket/b.jpg", "gs://bucket/a.jpg"]
    assert client_of(serve(echo)).classify(uris, QUESTION, progress=False)["classification"] == uris


def test_no_images_give_no_rows_but_every_column(client: sl.Client, emulator: Emulator) -> None:
    results = client.classify([], QUESTION, schema=LABELS, progress=False)
    assert len(results) == 0
    assert results.column_names[:3] == ["gcs_uri", "classification", "status"]
    assert (results.status_counts, len(results.errors), results.usage.cost_usd) == ({}, 0, 0.0)
    assert len(emulator.requests) == 0
    assert repr(results)


def test_an_empty_table_gives_no_rows(client: sl.Client, emulator: Emulator) -> None:
    table = client.query("SELECT 'gs://b/o.jpg' AS gcs_uri, 1 AS k LIMIT 0")
    emulator.world.request_log.clear()
    results = client.classify(table, QUESTION, progress=False)
    assert (len(results), results.column_names[:2]) == (0, ["gcs_uri", "k"])
    assert len(emulator.requests) == 0


def frames(uris: list[str | None]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {"gcs_uri": uris, "k": list(range(len(uris)))}
    return {
        "pandas": pd.DataFrame(columns),
        "polars": pl.DataFrame(columns),
        "polars categories": pl.DataFrame(columns).with_columns(pl.col("gcs_uri").cast(pl.Categorical)),
        "pyarrow": pa.table(columns),
        "large strings": pa.table(columns).cast(
            pa.schema([("gcs_uri", pa.large_string()), ("k", pa.int64())])
        ),
        "dictionary": pa.table(columns).set_column(0, "gcs_uri", pa.array(uris).dictionary_encode()),
        "sliced": pa.table({name: [None, *values, None] for name, values in columns.items()}).slice(
            1, len(uris)
        ),
        "chunks": pa.concat_tables([pa.table(columns).slice(0, 1), pa.table(columns).slice(1)]),
        "batch": pa.record_batch(columns),
    }


@pytest.mark.parametrize("form", frames(["x"]))
def test_tables_of_every_library_keep_their_columns(serve: Serve, form: str) -> None:
    uris = ["gs://bucket/a.jpg", None, "gs://bucket/c.jpg"]
    results = client_of(serve(echo)).classify(frames(uris)[form], QUESTION, progress=False)
    assert results["gcs_uri"] == uris
    assert results["k"] == [0, 1, 2]
    assert results["classification"] == uris
    assert results["status"] == ["ok", "image_error", "ok"]
    assert results.column_names[:4] == ["gcs_uri", "k", "classification", "status"]


def test_the_rows_of_a_query_are_classified(client: sl.Client, emulator: Emulator) -> None:
    table = f"{emulator.world.subscribe()}.latest_observations"
    sql = f"SELECT gcs_uri, asset_type, capture_time FROM `{table}` WHERE gcs_uri IS NOT NULL ORDER BY 1 LIMIT 4"
    from_text = client.classify(sql, QUESTION, schema=LABELS, progress=False)
    from_table = client.classify(client.query(sql), QUESTION, schema=LABELS, progress=False)
    assert from_text["gcs_uri"] == from_table["gcs_uri"]
    assert from_text["classification"] == from_table["classification"]
    assert from_text.column_names[:4] == ["gcs_uri", "asset_type", "capture_time", "classification"]
    assert set(from_text["status"]) == {"ok"}
    assert from_text.to_arrow().schema.field("capture_time").type == pa.timestamp("us", "UTC")


def test_a_query_of_several_pages_is_classified_whole(client: sl.Client, emulator: Emulator) -> None:
    table = f"{emulator.world.subscribe()}.latest_observations"
    pages = client.query(
        f"SELECT gcs_uri FROM `{table}` WHERE gcs_uri IS NOT NULL ORDER BY 1 LIMIT 7", page_size=3
    )
    results = client.classify(pages, QUESTION, progress=False)
    assert results["gcs_uri"] == pages["gcs_uri"]


def test_another_column_may_hold_the_uris(serve: Serve) -> None:
    frame = pa.table({"photo": ["gs://bucket/a.jpg"], "gcs_uri": [5]})
    results = client_of(serve(echo)).classify(frame, QUESTION, uri_column="photo", progress=False)
    assert results["classification"] == ["gs://bucket/a.jpg"]
    assert results["gcs_uri"] == [5]


def test_a_missing_column_is_refused_with_those_there_are(client: sl.Client, emulator: Emulator) -> None:
    with pytest.raises(sl.InvalidInput, match="no column `gcs_uri`") as caught:
        client.classify(pa.table({"uri": ["gs://bucket/a.jpg"]}), QUESTION, progress=False)
    assert "`uri`" in str(caught.value)
    assert "uri_column" in str(caught.value)
    assert len(emulator.requests) == 0


def test_a_column_of_numbers_is_refused_by_its_type(client: sl.Client) -> None:
    with pytest.raises(sl.InvalidInput, match="holds Int64, not image URIs"):
        client.classify(pa.table({"gcs_uri": [1, 2]}), QUESTION, progress=False)


@pytest.mark.parametrize(
    "uris", [["nonsense"], ["http://x/y.jpg", "s3://bucket/o.jpg"], ["gs://bucket"], [""]]
)
def test_nothing_but_malformed_uris_is_a_mistake_of_the_call(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    with pytest.raises(sl.InvalidUri):
        client.classify(uris, QUESTION, progress=False)
    with pytest.raises(sl.InvalidUri):
        client.classify(pa.table({"gcs_uri": uris}), QUESTION, progress=False)
    assert len(emulator.requests) == 0


def test_one_malformed_uri_is_a_row_that_says_what_is_wrong(serve: Serve) -> None:
    server = serve(echo)
    uris = ["gs://bucket/a.jpg", "gs:/bucket/b.jpg", "https://storage.googleapis.com/bucket/c.jpg?sig=secret"]
    results = client_of(server).classify(uris, QUESTION, progress=False)
    assert results["status"] == ["ok", "image_error", "image_error"]
    assert "gs://bucket/b.jpg" in results["error"][1]
    assert "gs://bucket/c.jpg" in results["error"][2]
    assert "secret" not in results["error"][2]
    assert results["attempts"] == [1, 0, 0]
    assert results["source"] == ["online", "none", "none"]
    assert len(server.received) == 1


def test_nulls_are_rows_without_a_request(client: sl.Client, emulator: Emulator) -> None:
    results = client.classify([None, None], QUESTION, progress=False)
    assert results["status"] == ["image_error", "image_error"]
    assert "null" in results["error"][0]
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("images", [5, object(), [5], [["gs://b/o.jpg"]], {"gcs_uri": "x"}])
def test_what_cannot_be_images_is_refused_with_what_can(client: sl.Client, images: Any) -> None:
    with pytest.raises(sl.InvalidInput, match=r"gs://|column") as caught:
        client.classify(images, QUESTION, progress=False)
    assert caught.value.hint


def test_a_list_of_rows_is_refused_with_a_way_out(client: sl.Client) -> None:
    with pytest.raises(sl.InvalidInput) as caught:
        client.classify([{"gcs_uri": "gs://bucket/a.jpg"}], QUESTION, progress=False)
    assert "image 1 is a dict" in str(caught.value)


def test_a_generator_of_uris_is_read_once(serve: Serve) -> None:
    uris = (f"gs://bucket/{number}.jpg" for number in range(3))
    assert len(client_of(serve(echo)).classify(uris, QUESTION, progress=False)) == 3


def test_a_pandas_series_of_uris_is_a_list_of_them(serve: Serve) -> None:
    series = pd.Series(["gs://bucket/a.jpg", None, "gs://bucket/b.jpg"])
    results = client_of(serve(echo)).classify(series, QUESTION, progress=False)
    assert results["status"] == ["ok", "image_error", "ok"]


def test_a_polars_series_of_uris_is_a_list_of_them(serve: Serve) -> None:
    results = client_of(serve(echo)).classify(pl.Series(["gs://bucket/a.jpg"]), QUESTION, progress=False)
    assert results["status"] == ["ok"]


def test_a_filtered_frame_of_pandas_keeps_its_index(serve: Serve) -> None:
    frame = pd.DataFrame({"gcs_uri": [f"gs://bucket/{number}.jpg" for number in range(6)]})
    some = frame[frame.index.isin([1, 2, 5])]
    results = client_of(serve(echo)).classify(some, QUESTION, progress=False)
    joined = some.join(results.to_pandas()[["classification"]])
    assert joined.index.tolist() == [1, 2, 5]
    assert joined["classification"].tolist() == some["gcs_uri"].tolist()


def test_results_can_be_asked_about_again(serve: Serve) -> None:
    client = client_of(serve(echo))
    first = client.classify(pa.table({"gcs_uri": ["gs://bucket/a.jpg"], "k": [1]}), QUESTION, progress=False)
    second = client.classify(first, "And again?", progress=False)
    third = client.classify(second, "And again?", progress=False)
    assert second["k"] == third["k"] == [1]
    assert second["input_status"] == ["ok"]
    assert second["input_classification"] == ["gs://bucket/a.jpg"]
    assert len(set(third.column_names)) == len(third.column_names)


def test_the_errors_of_a_run_can_be_asked_about_again(serve: Serve) -> None:
    failing = {"gs://bucket/b.jpg"}

    def answer(request: Received) -> Answer:
        return generated(None, "SAFETY") if image_of(request) in failing else echo(request)

    client = client_of(serve(answer))
    first = client.classify([f"gs://bucket/{name}.jpg" for name in "abc"], QUESTION, progress=False)
    assert first.errors["gcs_uri"] == ["gs://bucket/b.jpg"]
    failing.clear()
    assert client.classify(first.errors, QUESTION, progress=False)["status"] == ["ok"]
