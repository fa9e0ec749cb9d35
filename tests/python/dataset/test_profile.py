"""The profile of a selection counts what is there, and is shown without trusting it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streetlens as sl
from streetlens._display.profile import profile_html, profile_text

Rows = list[dict[str, Any]]


def test_a_profile_counts_rows_assets_views_classes_and_years(client: sl.Client, rows: Rows) -> None:
    profile = client.observations(limit=3).describe()
    views = Counter(Counter(row["asset_id"] for row in rows).values())
    assert profile.rows == len(rows)
    assert profile.assets == len({row["asset_id"] for row in rows})
    assert profile.views == dict(sorted(views.items()))
    assert profile.classes == dict(Counter(row["asset_type"] for row in rows))
    assert profile.years == dict(sorted(Counter(row["capture_time"].year for row in rows).items()))
    assert profile.first_capture == min(row["capture_time"] for row in rows)
    assert profile.last_capture == max(row["capture_time"] for row in rows)


def test_assets_that_nobody_saw_are_counted_within_the_filters(client: sl.Client, rows: Rows) -> None:
    profile = client.observations("pole").describe()
    poles = {row["asset_id"] for row in rows if row["asset_type"] == "ASSET_CLASS_UTILITY_POLE"}
    assert profile.known_assets == client.assets("pole").count()
    assert profile.assets_without_observations == profile.known_assets - len(poles)


def test_assets_have_a_profile_too(client: sl.Client) -> None:
    profile = client.assets().describe()
    assert profile.rows == profile.assets == client.assets().count()
    assert profile.views == {}
    assert profile.assets_without_observations == client.assets(max_views=0).count()


def test_nothing_is_a_profile(client: sl.Client) -> None:
    profile = client.observations(captured_after="2100-01-01").describe()
    assert (profile.rows, profile.assets, profile.first_capture) == (0, 0, None)
    assert "rows           0" in repr(profile)


def test_a_profile_reads_as_a_page_of_facts(client: sl.Client) -> None:
    lines = repr(client.observations("sign").describe()).splitlines()
    assert lines[0].startswith("Profile of streetlens-demo.imagery_insights___preview___us.")
    assert [line[:15].strip() for line in lines[1:4]] == ["snapshot", "rows", "assets"]
    assert any(line.startswith("unseen assets") and "have no observation" in line for line in lines)


def test_what_a_table_holds_is_no_markup(client: sl.Client) -> None:
    facts = dict(vars(client.observations().describe()))
    hostile = "<script>alert(1)</script>"
    facts |= {"classes": {hostile: 1}, "table": hostile, "notes": (hostile,)}
    assert hostile not in profile_html(facts)
    assert hostile in profile_text(facts)
