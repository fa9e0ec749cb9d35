"""A run with `into=` fills its table as it goes, and a fresh machine goes on from what the table holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from load.conftest import Rows
from streetlens.emulator import Emulator

KINDS = ["sign", "pole"]


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    """Pictures that exist."""
    return list(emulator.world.dataset.truth)[:8]


@pytest.fixture
def machine(emulator: Emulator, tmp_path: Path) -> Any:
    """Makes clients of other machines: each has a store of its own."""
    return lambda name: sl.Client(
        project=emulator.world.project, region="us", endpoint=emulator.url, store=tmp_path / name
    )


def asked(emulator: Emulator) -> int:
    """Requests that a model was asked with since the last time."""
    count = len(emulator.requests.of("gemini"))
    emulator.requests.clear()
    return count


def classify(client: sl.Client, images: Any, table: str, **options: Any) -> sl.Results:
    return client.classify(images, "Sign or pole?", schema=KINDS, into=table, progress=False, **options)


def test_the_table_has_the_results(client: sl.Client, dataset: str, rows: Rows, uris: list[str]) -> None:
    results = classify(client, uris, f"{dataset}.answers")
    kept = {row["gcs_uri"]: row for row in rows(f"{dataset}.answers")}
    assert set(kept) == set(uris)
    for row in results:
        same = kept[row["gcs_uri"]]
        answer = same.pop("streetlens")
        assert same == row
        assert answer["model_version"] == row["model"]
        assert answer["run"] == results.run_id
        assert f'"{row["classification"]}' in answer["answer"].replace("\\", "")


def test_a_fresh_machine_asks_nothing_that_the_table_holds(
    emulator: Emulator, machine: Any, dataset: str, uris: list[str]
) -> None:
    first = classify(machine("one"), uris, f"{dataset}.answers")
    assert asked(emulator) == len(uris)
    second = classify(machine("two"), uris, f"{dataset}.answers")
    assert asked(emulator) == 0
    assert second["classification"] == first["classification"]
    assert set(second["source"]) == {"store"}
    assert second.usage.cost_usd == 0


def test_a_fresh_machine_asks_what_is_missing_there(
    emulator: Emulator, machine: Any, dataset: str, rows: Rows, uris: list[str]
) -> None:
    classify(machine("one"), uris[:5], f"{dataset}.answers")
    asked(emulator)
    classify(machine("two"), uris, f"{dataset}.answers")
    assert asked(emulator) == 3
    assert sorted(row["gcs_uri"] for row in rows(f"{dataset}.answers")) == sorted(uris)


def test_without_any_store_the_table_is_one(
    emulator: Emulator, client: sl.Client, dataset: str, uris: list[str]
) -> None:
    classify(client, uris, f"{dataset}.answers")
    asked(emulator)
    again = classify(client, uris, f"{dataset}.answers")
    assert asked(emulator) == 0
    assert again.status_counts == {"ok": len(uris)}


def test_another_question_is_refused_before_it_covers_these_answers(
    emulator: Emulator, client: sl.Client, dataset: str, uris: list[str]
) -> None:
    classify(client, uris, f"{dataset}.answers")
    asked(emulator)
    with pytest.raises(sl.InvalidInput, match="answers to another question") as caught:
        client.classify(uris, "Pole or sign?", schema=KINDS, into=f"{dataset}.answers", progress=False)
    assert "a table of its own" in (caught.value.hint or "")
    assert asked(emulator) == 0


def test_what_failed_is_asked_again_and_never_covers_an_answer(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows, uris: list[str]
) -> None:
    emulator.faults.add("503", service="gemini", match=uris[0])
    first = classify(client, uris, f"{dataset}.answers", deadline=1.0)
    emulator.faults.clear()
    assert first.status_counts == {"ok": len(uris) - 1, "failed": 1}
    again = first.retry_failed(progress=False)
    assert again.status_counts == {"ok": len(uris)}
    assert {row["status"] for row in rows(f"{dataset}.answers")} == {"ok"}
    emulator.faults.add("503", service="gemini", match=uris[0])
    worse = classify(client, uris, f"{dataset}.answers", deadline=1.0, refresh=True)
    emulator.faults.clear()
    assert worse.status_counts == {"ok": len(uris) - 1, "failed": 1}
    assert {row["status"] for row in rows(f"{dataset}.answers")} == {"ok"}


def test_a_run_that_ends_early_leaves_its_rows_in_the_table(
    emulator: Emulator, client: sl.Client, dataset: str, rows: Rows, uris: list[str]
) -> None:
    emulator.faults.add("stall", service="gemini", after=3)
    run = client.start(uris, "Sign or pole?", schema=KINDS, into=f"{dataset}.answers", concurrency=1)
    for _ in range(3):
        next(iter(run))
    run.cancel()
    emulator.faults.clear()
    run.wait()
    assert len(rows(f"{dataset}.answers")) >= 3


def test_a_run_in_the_background_is_done_when_its_rows_are_written(
    client: sl.Client, dataset: str, rows: Rows, uris: list[str]
) -> None:
    client.start(uris, "Sign or pole?", schema=KINDS, into=f"{dataset}.answers").wait()
    assert len(rows(f"{dataset}.answers")) == len(uris)


def test_equal_rows_are_one_row_of_the_table(
    client: sl.Client, dataset: str, rows: Rows, uris: list[str]
) -> None:
    classify(client, [*uris, *uris], f"{dataset}.answers")
    assert len(rows(f"{dataset}.answers")) == len(uris)


def test_a_row_of_the_table_cannot_hold_two_answers(client: sl.Client, dataset: str, uris: list[str]) -> None:
    images = client.query(f"SELECT '{uris[0]}' AS gcs_uri, place FROM UNNEST(['left', 'right']) AS place")
    with pytest.raises(sl.InvalidInput, match="ask different things"):
        client.classify(images, "What is {place}?", into=f"{dataset}.answers", progress=False)


def test_groups_are_rows_of_their_own(client: sl.Client, dataset: str, rows: Rows, uris: list[str]) -> None:
    listed = ", ".join(
        f"STRUCT({number // 2} AS asset, '{uri}' AS gcs_uri)" for number, uri in enumerate(uris)
    )
    images = client.query(f"SELECT asset, gcs_uri FROM UNNEST([{listed}])")
    classify(client, images, f"{dataset}.answers", group_by="asset")
    assert [row["asset"] for row in rows(f"{dataset}.answers")] == [0, 1, 2, 3]


def test_a_table_that_does_not_fit_is_refused_before_anything_is_asked(
    emulator: Emulator, client: sl.Client, dataset: str, uris: list[str]
) -> None:
    client.query(f"CREATE TABLE {dataset}.answers (gcs_uri STRING)")
    with pytest.raises(sl.InvalidInput, match="has no column") as caught:
        classify(client, uris, f"{dataset}.answers")
    assert caught.value.hint is not None
    assert "another table" in caught.value.hint
    with pytest.raises(sl.QueryError, match="no data set"):
        classify(client, uris, "nowhere.answers")
    assert asked(emulator) == 0


def test_a_failed_upload_loses_no_answer(
    emulator: Emulator, machine: Any, dataset: str, rows: Rows, uris: list[str]
) -> None:
    one = machine("one")
    emulator.faults.add("403", service="bigquery", match="/upload/", reason="accessDenied")
    with pytest.raises(sl.PermissionDenied, match="could not be written") as caught:
        classify(one, uris, f"{dataset}.answers")
    emulator.faults.clear()
    assert caught.value.hint is not None
    assert "every answer is in the store" in caught.value.hint
    results: Any = caught.value
    assert results.results.status_counts == {"ok": len(uris)}
    asked(emulator)
    classify(one, uris, f"{dataset}.answers")
    assert asked(emulator) == 0
    assert len(rows(f"{dataset}.answers")) == len(uris)


def test_a_plan_counts_what_the_table_holds_and_makes_none(
    emulator: Emulator, client: sl.Client, machine: Any, dataset: str, uris: list[str]
) -> None:
    table = f"{dataset}.answers"
    plan = client.plan(uris, "Sign or pole?", schema=KINDS, into=table)
    assert plan.stored_rows == 0
    assert client.query(f"SELECT table_name FROM {dataset}.INFORMATION_SCHEMA.TABLES").to_dicts() == []
    classify(machine("one"), uris[:6], table)
    plan = machine("two").plan(uris, "Sign or pole?", schema=KINDS, into=table)
    assert (plan.stored_rows, plan.rows_to_ask) == (6, 2)
    assert emulator.requests.of("bigquery")


def test_other_results_are_not_merged_beside_its_answers(
    client: sl.Client, dataset: str, uris: list[str]
) -> None:
    classify(client, uris, f"{dataset}.answers")
    others = client.classify(uris, "Pole or sign?", schema=KINDS, progress=False)
    with pytest.raises(sl.InvalidInput, match="takes the results of runs") as caught:
        others.to_bigquery(f"{dataset}.answers")
    assert "another table" in (caught.value.hint or "")
