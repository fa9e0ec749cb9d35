"""Which rows a plan would ask, and that it asks none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import streetlens as sl
from contract.logged import check_logged
from streetlens.emulator import Emulator

QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]
QUERY = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` WHERE gcs_uri IS NOT NULL"


def methods(emulator: Emulator) -> set[str]:
    """What Gemini was asked for."""
    return {entry.path.rpartition(":")[2] for entry in emulator.requests.of("gemini")}


def test_nothing_is_generated_and_the_store_stays_as_it_was(
    client: sl.Client, emulator: Emulator, uris: list[str], store: Path
) -> None:
    client.classify(uris[:3], QUESTION, schema=LABELS)
    with sl.open_store(store) as opened:
        before = opened.answers().to_dicts()
    emulator.requests.clear()
    client.plan(uris[:10], QUESTION, schema=LABELS)
    assert methods(emulator) == {"countTokens"}
    with sl.open_store(store) as opened:
        assert opened.answers().to_dicts() == before
    assert len(before) == 3


def test_every_row_is_to_ask_or_has_its_reason_not_to_be(client: sl.Client, uris: list[str]) -> None:
    client.classify(uris[:3], QUESTION, schema=LABELS)
    images = [*uris[:10], uris[5], uris[0], "not a URI", None]
    plan = client.plan(images, QUESTION, schema=LABELS)
    assert (plan.rows, plan.rows_to_ask, plan.stored_rows) == (14, 7, 3)
    assert (plan.duplicate_rows, plan.unusable_rows) == (2, 2)
    assert any(note.startswith("2 rows cannot be asked; the first one: ") for note in plan.notes)


def test_what_the_store_has_costs_nothing_unless_it_is_asked_anew(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    client.classify(uris[:4], QUESTION, schema=LABELS)
    emulator.requests.clear()
    plan = client.plan(uris[:4], QUESTION, schema=LABELS)
    assert (plan.rows_to_ask, plan.cost_usd, plan.seconds) == (0, sl.Estimate(0, 0), sl.Estimate(0, 0))
    assert methods(emulator) == set()
    assert client.plan(uris[:4], QUESTION, schema=LABELS, refresh=True).rows_to_ask == 4


def test_eight_of_many_rows_are_counted_far_from_each_other(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    plan = client.plan(uris[:40], QUESTION)
    counted = [
        entry.json["contents"][0]["parts"][0]["fileData"]["fileUri"]
        for entry in emulator.requests.of("gemini")
    ]
    assert plan.sampled_rows == 8
    assert sorted(uris.index(uri) for uri in counted) == [2, 7, 12, 17, 22, 27, 32, 37]


def test_what_is_sent_is_what_google_documents(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    client.plan(
        uris[:2],
        QUESTION,
        schema=LABELS,
        system_instruction="You know signs.",
        media_resolution="low",
        labels={"team": "signs"},
    )
    sent = emulator.requests.of("gemini")
    assert [problem for entry in sent for problem in check_logged(entry)] == []
    assert {entry.status for entry in sent} == {200}
    assert sent[0].json["generationConfig"]["mediaResolution"] == "MEDIA_RESOLUTION_LOW"


def test_views_of_an_asset_are_one_row(client: sl.Client, emulator: Emulator) -> None:
    client.subscribe("1234-5678")
    table = client.query(QUERY.replace("SELECT gcs_uri", "SELECT asset_id, gcs_uri"))
    plan = client.plan(table, QUESTION, group_by="asset_id")
    assert plan.rows == len({row["asset_id"] for row in table}) < len(table)
    assert "countTokens" in methods(emulator)


def test_a_query_is_run_and_its_bytes_are_told(client: sl.Client) -> None:
    client.subscribe("1234-5678")
    plan = client.plan(f"{QUERY} LIMIT 4", QUESTION)
    table = client.query(f"{QUERY} LIMIT 4", use_cache=False)
    assert (plan.rows, plan.bytes_billed) == (4, table.stats.bytes_billed)
    assert client.plan(table, QUESTION).bytes_billed is None


def test_the_awaited_twin_plans_the_same(client: sl.Client, uris: list[str]) -> None:
    async def ask() -> sl.Plan:
        return await client.aio.plan(uris[:10], QUESTION)

    assert asyncio.run(ask()) == client.plan(uris[:10], QUESTION)


def test_an_unknown_option_is_named(client: sl.Client, uris: list[str]) -> None:
    with pytest.raises(
        TypeError, match=r"plan\(\) got an unexpected keyword argument `shema`; did you mean `schema`"
    ):
        client.plan(uris, QUESTION, shema=LABELS)  # type: ignore[call-arg]  # the mistake is the point
