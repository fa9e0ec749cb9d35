"""Looking into a store: runs, answers, copies, and less of it."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import streetlens as sl
from store.filled import NOON, answer, fill


def instant(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(milliseconds / 1_000, dt.timezone.utc)


def test_its_length_is_the_number_of_answers(store: sl.Store) -> None:
    assert len(store) == 5


def test_an_empty_store_is_still_a_store(tmp_path: Path) -> None:
    with sl.open_store(fill(tmp_path / "empty.sqlite", [])) as store:
        assert (len(store), bool(store), len(store.runs()), len(store.answers())) == (0, True, 0, 0)
        assert "0 answers" in repr(store)


def test_runs_tell_their_answers_costs_and_times(store: sl.Store) -> None:
    latest, earliest = store.runs().to_dicts()
    assert (latest["run"], latest["model"], latest["answers"], latest["cost_usd"]) == (
        "run-2",
        "gemini-3.5-pro",
        2,
        2.0,
    )
    assert earliest == {
        "run": "run-1",
        "model": "gemini-3.5-flash-lite",
        "answers": 3,
        "cost_usd": 0.75,
        "input_tokens": 3_000,
        "output_tokens": 30,
        "thinking_tokens": None,
        "first_asked_at": instant(NOON),
        "last_answered_at": instant(NOON + 2_500),
    }


def test_answers_come_newest_first_with_their_json(store: sl.Store) -> None:
    answers = store.answers()
    assert answers["image"] == [f"gs://bucket/{number}.jpg" for number in (4, 3, 2, 1, 0)]
    assert [json.loads(body)["number"] for body in answers["body"]] == [4, 3, 2, 1, 0]
    assert answers["answered_at"][0] == instant(NOON + 4_500)


def test_answers_are_chosen_by_run_model_and_number(store: sl.Store) -> None:
    assert len(store.answers(run="run-1")) == 3
    assert len(store.answers(model="gemini-3.5-pro")) == 2
    assert len(store.answers(run="run-1", model="gemini-3.5-pro")) == 0
    assert store.answers(run="run-1", limit=2)["response_id"] == ["id-2", "id-1"]


def test_more_answers_than_are_read_at_once_come_all(tmp_path: Path) -> None:
    path = fill(tmp_path / "answers.sqlite", [answer(number) for number in range(2_500)])
    with sl.open_store(path) as store:
        assert store.answers()["response_id"] == [f"id-{number}" for number in reversed(range(2_500))]
        assert len(store.answers(limit=1_000)) == 1_000
        assert store.export(tmp_path / "copy.jsonl") == 2_500
        lines = (tmp_path / "copy.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["response_id"] for line in lines] == [
            f"id-{number}" for number in range(2_500)
        ]


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "3"])
def test_a_limit_that_is_none_is_refused(store: sl.Store, limit: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match="`limit="):
        store.answers(limit=limit)


def test_a_copy_in_lines_holds_every_answer_with_its_json(store: sl.Store, tmp_path: Path) -> None:
    assert store.export(tmp_path / "copy.jsonl") == 5
    lines = [json.loads(line) for line in (tmp_path / "copy.jsonl").read_text("utf-8").splitlines()]
    assert [line["body"] for line in lines] == [{"number": number} for number in range(5)]
    assert lines[0]["key"] == answer(0)["key"].hex()
    assert lines[0]["answered_at"] == "2026-11-22T12:00:00.500Z"
    assert set(lines[0]) == set(answer(0)) - {"body_length", "body_is_compressed"}


def test_numbers_and_odd_characters_of_a_body_are_copied_as_they_came(tmp_path: Path) -> None:
    body = '{\r\n "price": 1.10, "big": 123456789012345678901234567890, "text": "a\\nb\\u2028 é"}'
    path = fill(tmp_path / "answers.sqlite", [answer(0, body=body), answer(1, body="no \n JSON")])
    with sl.open_store(path) as store:
        store.export(tmp_path / "copy.jsonl")
    first, second = (tmp_path / "copy.jsonl").read_text("utf-8").split("\n")[:2]
    assert first.endswith('"body":' + body.replace("\r\n", "  ") + "}")
    assert json.loads(second)["body"] == "no \n JSON"


def test_a_copy_in_parquet_holds_the_columns_of_answers(store: sl.Store, tmp_path: Path) -> None:
    assert store.export(tmp_path / "copy.parquet") == 5
    assert pq.read_table(tmp_path / "copy.parquet").equals(store.answers().to_arrow())


@pytest.mark.parametrize("name", ["copy.csv", "copy", ".jsonl"])
def test_a_copy_of_another_kind_is_refused(store: sl.Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(sl.InvalidInput, match="ends with") as caught:
        store.export(tmp_path / name)
    assert "`.jsonl` or `.parquet`" in str(caught.value.hint)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_copy_that_cannot_be_written_leaves_nothing_behind(
    store: sl.Store, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"copies.{ending}"
    target.mkdir()
    (target / "kept").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(sl.StoreError, match=f"copies.{ending}` cannot be written"):
        store.export(target)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(sl.StoreError, match="cannot be written"):
        store.export(tmp_path / "missing" / f"copy.{ending}")


def test_a_copy_takes_the_place_of_an_earlier_one(store: sl.Store, tmp_path: Path) -> None:
    for ending in ("jsonl", "parquet"):
        target = tmp_path / f"copy.{ending}"
        target.write_text("of yesterday")
        store.export(target)
        assert not target.read_bytes().startswith(b"of yesterday")


def test_without_pyarrow_a_copy_in_parquet_says_what_to_install(
    store: sl.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(sl.MissingLibrary, match="pyarrow"):
        store.export(tmp_path / "copy.parquet")


def test_answers_of_a_run_are_removed(store: sl.Store) -> None:
    assert store.prune(run="run-1") == 3
    assert store.runs()["run"] == ["run-2"]
    assert store.prune(run="run-1") == 0


def test_only_answers_that_meet_every_condition_are_removed(store: sl.Store) -> None:
    assert store.prune(run="run-1", model="gemini-3.5-pro") == 0
    assert store.prune(run="run-2", model="gemini-3.5-pro") == 2


def test_answers_are_removed_by_age(tmp_path: Path) -> None:
    now = int(dt.datetime.now(dt.timezone.utc).timestamp() * 1_000)
    day = 86_400_000
    ages = [answer(days, answered_at=now - days * day) for days in (0, 10, 20, 40)]
    with sl.open_store(fill(tmp_path / "answers.sqlite", ages)) as store:
        assert store.prune(older_than=dt.timedelta(days=15)) == 2
        assert store.answers()["response_id"] == ["id-10", "id-0"]
        assert store.prune(older_than=dt.timedelta(0)) == 2


def test_removing_without_a_condition_is_refused(store: sl.Store) -> None:
    with pytest.raises(sl.InvalidInput, match="without a condition"):
        store.prune()
    with pytest.raises(sl.InvalidInput, match="`older_than` is a int"):
        store.prune(older_than=30)  # type: ignore[arg-type]  # what is refused
    assert len(store) == 5


def test_removing_gives_the_space_back(tmp_path: Path) -> None:
    path = fill(tmp_path / "answers.sqlite", [answer(number, body="x" * 4_000) for number in range(3_000)])
    with sl.open_store(path) as store:
        before = store.size_bytes
        assert before > 12_000_000
        assert store.prune(run="run-1") == 3_000
        assert store.size_bytes < before / 50


def test_its_text_and_html_show_the_runs_the_total_and_the_place(store: sl.Store) -> None:
    for shown in (repr(store), store._repr_html_()):
        assert all(text in shown for text in ("run-1", "run-2", "5 answers", "$2.7500", str(store.path)))


def test_its_html_escapes_what_came_from_elsewhere(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    path = fill(tmp_path / "answers.sqlite", [answer(0, run=attack, model=attack)])
    with sl.open_store(path) as store:
        assert "<script>" not in store._repr_html_()
