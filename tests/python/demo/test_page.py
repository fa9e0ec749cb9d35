"""Nothing that came from data is markup on the page."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from streetlens.demo.gallery import gallery_html
from streetlens.demo.page import page_html

if TYPE_CHECKING:
    from demo.demonstration import Demonstrated

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("field", ["uri", "error", "description", "status", "asset_id", "model"])
def test_a_hostile_value_of_a_row_is_escaped(demonstrated: Demonstrated, field: str) -> None:
    """A file name, an answer and an error may hold anything."""
    hostile: dict[str, Any] = {field: HOSTILE}
    answered = next(row for row in demonstrated.played.rows if row.answer is not None)
    failed = next(row for row in demonstrated.played.rows if row.answer is None)
    html = gallery_html([dataclasses.replace(row, **hostile) for row in (answered, failed)], {HOSTILE: 2})
    assert "<script" not in html
    assert "<img src=x" not in html


def test_a_hostile_data_set_and_model_are_escaped(demonstrated: Demonstrated) -> None:
    """So may the names around the rows."""
    played = dataclasses.replace(demonstrated.played, dataset=HOSTILE, model=HOSTILE)
    page = page_html(played)
    assert "<script>alert" not in page
    assert page.count("<script>") == 1


def test_the_browser_may_run_the_pages_own_script_only(demonstrated: Demonstrated) -> None:
    """The policy names the script by its hash; there are no inline handlers or styles that it would refuse."""
    script = re.search(r"<script>(.*?)</script>", demonstrated.page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', demonstrated.page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in unescape(policy[1])
    assert not re.search(r'\s(?:style|on\w+)="', demonstrated.page)


def test_every_filter_finds_the_number_of_images_it_promises(demonstrated: Demonstrated) -> None:
    """The buttons count what their values select."""
    import json

    cards = [
        dict(re.findall(r'data-(\w+)="([^"]*)"', card))
        for card in re.findall(r"<article ([^>]*)>", demonstrated.page)
    ]
    buttons = re.findall(r'<button data-show="([^"]*)"[^>]*>(?:[^<]*<b>)?([\d,]+)', demonstrated.page)
    assert len(buttons) > 8
    for wanted, count in buttons:
        values = json.loads(unescape(wanted)).items()
        assert sum(all(card[name] == value for name, value in values) for card in cards) == int(count), wanted
