"""The demo runs the whole workflow and tells honestly what it did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.demonstration import Demonstrated

STAND_IN = "Its accuracy says nothing about Gemini"


def test_every_image_has_its_row(demonstrated: Demonstrated) -> None:
    """The rows answer the images one by one, in order."""
    rows = demonstrated.played.rows
    assert [row.uri for row in rows] == demonstrated.played.results["gcs_uri"]
    assert len({row.uri for row in rows}) == len(rows) == 24


def test_the_page_holds_each_row_once(demonstrated: Demonstrated) -> None:
    """A card a row, none twice."""
    positions = re.findall(r'data-row="(\d+)"', demonstrated.page)
    assert positions == [str(position) for position in range(24)]


def test_each_planted_failure_is_a_row_with_its_own_status(demonstrated: Demonstrated) -> None:
    """Nothing that was planted gets lost, and nothing else fails."""
    assert demonstrated.played.results.status_counts == {
        "ok": 20,
        "image_error": 1,
        "blocked": 1,
        "truncated": 1,
        "invalid": 1,
    }


def test_every_row_without_an_answer_says_why(demonstrated: Demonstrated) -> None:
    """A status alone helps nobody."""
    failed = [row for row in demonstrated.played.rows if row.answer is None]
    assert len(failed) == 4
    assert all(row.error for row in failed)


def test_only_the_deleted_image_has_no_picture(demonstrated: Demonstrated) -> None:
    """The page shows what Cloud Storage holds."""
    without = [row.status for row in demonstrated.played.rows if row.picture is None]
    assert without == ["image_error"]
    assert demonstrated.page.count('src="data:image/jpeg;base64,') == 23


def test_the_planted_trouble_is_told_in_summary_and_page(demonstrated: Demonstrated) -> None:
    """Nobody should take it for weather."""
    assert len(demonstrated.played.trouble.planted) == 4
    for told in demonstrated.played.trouble.planted:
        assert told in demonstrated.said
        assert told in demonstrated.page


def test_summary_and_page_say_that_the_model_is_a_stand_in(demonstrated: Demonstrated) -> None:
    """Its accuracy must never be quoted as Gemini's."""
    assert STAND_IN in " ".join(demonstrated.said.split())
    assert STAND_IN in demonstrated.page


def test_the_summary_names_tokens_would_be_cost_and_time(demonstrated: Demonstrated) -> None:
    """The numbers are those of the results."""
    usage = demonstrated.played.results.usage
    assert usage.cost_usd > 0
    assert f"${usage.cost_usd:,.4f} at list price" in demonstrated.said
    assert f"{usage.input_tokens:,} in" in demonstrated.said
    assert re.search(r"[\d.]+ s \([\d.,]+ rows/s\)", demonstrated.said)


def test_the_imagery_is_called_synthetic_and_nobody_elses(demonstrated: Demonstrated) -> None:
    """Google's name belongs to Google's imagery only."""
    assert "Imagery: synthetic scenes drawn by streetlens' emulator." in demonstrated.page
    assert "© Google" not in demonstrated.page


def test_the_page_loads_nothing(demonstrated: Demonstrated) -> None:
    """Every picture, style and script is inside the file."""
    sources = re.findall(r'(?:src|href)="([^"]*)"', demonstrated.page)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_the_assets_without_an_observation_are_counted(demonstrated: Demonstrated) -> None:
    """The queries that run beside the images' one are answered too."""
    assert {row["asset_type"] for row in demonstrated.played.assets} == {
        "ASSET_CLASS_ROAD_SIGN",
        "ASSET_CLASS_UTILITY_POLE",
    }
    assert demonstrated.played.observations_without_image == 1
