"""Every option is checked by name before anything is sent, a query for the images included."""

from __future__ import annotations

import asyncio
import enum
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from streetlens._answers import answer_text
from streetlens.emulator import Emulator

SQL = "SELECT gcs_uri FROM t"

REFUSED: dict[str, list[Any]] = {
    "model": [7, "", b"gemini"],
    "uri_column": [None, 7, ""],
    "system_instruction": [7, ["be brief"]],
    "temperature": ["hot", -0.1, 2.1, float("nan"), True],
    "max_output_tokens": [0, 1.5, "many", True],
    "media_resolution": ["huge", 7],
    "thinking": ["loud", True, 1.5],
    "group_by": [7, "", ["asset_id"]],
    "max_images": [0, 101, 1.5, None, True],
    "crop": [True, 7, ""],
    "crop_margin": [-0.1, 11, "wide", None],
    "image_mode": ["url", None, True],
    "concurrency": [0, 1.5, "many", "9-3-1", "0-1-2", "1-2", None, True],
    "requests_per_minute": [0, -1, "fast", True],
    "tokens_per_minute": [0, float("inf")],
    "max_cost_usd": [0, -1, "little", float("nan"), True],
    "max_error_ratio": [-0.1, 1.1, "some", True],
    "timeout": [0, -1, None, "soon"],
    "deadline": [0, None, float("inf")],
    "hedge": [-0.1, 0.6, "yes", None],
    "labels": [["team"], "team", {"Team": "signs"}, {"team": "a b"}, {"9": "x"}, {"team": "x" * 64}],
    "store": [True, 7, b"path"],
    "refresh": [None, 1, "yes"],
    "progress": ["bar", 1],
}
EXAMPLES: list[Any] = [
    7,
    "gs://b/a.jpg",
    {"gs://b/a.jpg": "sign"},
    ["gs://b/a.jpg"],
    [("gs://b/a.jpg",)],
    [(None, "sign")],
    [(7, "sign")],
    [("gs://b/a.jpg", None)],
    [("gs://b/a.jpg", object())],
    [("gs://b/a.jpg", float("nan"))],
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in REFUSED for value in REFUSED[name]])
def test_a_value_that_cannot_be_used_is_refused_by_name(
    client: sl.Client, emulator: Emulator, name: str, value: Any
) -> None:
    options: Any = {name: value}
    with pytest.raises(sl.ConfigurationError) as raised:
        client.classify(SQL, "What?", **options)
    assert name.rstrip("s") in raised.value.message
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("examples", EXAMPLES)
def test_examples_that_are_no_pairs_are_refused(client: sl.Client, emulator: Emulator, examples: Any) -> None:
    with pytest.raises(sl.InvalidInput):
        client.classify(SQL, "What?", examples=examples)
    assert len(emulator.requests) == 0


def test_an_unknown_option_is_refused_with_the_closest_one(client: sl.Client) -> None:
    options: Any = {"modle": "gemini"}
    with pytest.raises(TypeError, match=r"classify\(\) .* `modle`; did you mean `model`\?"):
        client.classify(SQL, "What?", **options)
    with pytest.raises(TypeError, match=r"start\(\) .* `modle`"):
        client.start(SQL, "What?", **options)
    with pytest.raises(TypeError, match="`modle`"):
        asyncio.run(client.aio.classify(SQL, "What?", **options))


def test_an_option_that_resembles_none_is_refused_without_a_guess(client: sl.Client) -> None:
    options: Any = {"zzzz": 1}
    with pytest.raises(TypeError, match=r"`zzzz`$"):
        client.classify(SQL, "What?", **options)


def test_every_option_can_be_given_at_once(client: sl.Client, uris: list[str], tmp_path: Path) -> None:
    results = client.classify(
        uris[:3],
        "Is it a sign or a pole?",
        schema=["sign", "pole"],
        model="gemini-3.5-flash-lite",
        uri_column="gcs_uri",
        system_instruction="Look twice.",
        examples=[(uris[3], "sign")],
        temperature=0,
        max_output_tokens=500,
        media_resolution="LOW",
        thinking="minimal",
        max_images=2,
        crop_margin=0,
        image_mode="uri",
        concurrency=" 1 - 2 - 3 ",
        requests_per_minute=6_000,
        tokens_per_minute=10_000_000.0,
        max_cost_usd=1,
        max_error_ratio=0.5,
        timeout=30,
        deadline=120,
        hedge=True,
        labels={"team": "signs", "count": 3},
        store=tmp_path / "answers.sqlite",
        refresh=True,
        progress=False,
    )
    assert results.status_counts == {"ok": 3}


class Label(enum.Enum):
    SIGN = "sign"


@dataclass
class Seen:
    kind: Label
    count: int = 1


ANSWERS: list[tuple[Any, Any]] = [
    ("sign", {"classification": "sign"}),
    (Label.SIGN, {"classification": "sign"}),
    (True, {"classification": True}),
    ([Seen(Label.SIGN, 2)], {"classification": [{"kind": "sign", "count": 2}]}),
    ({"kind": "sign", "note": "größer"}, {"kind": "sign", "note": "größer"}),
    ('{"kind": "sign"}', {"kind": "sign"}),
    (Seen(Label.SIGN), {"kind": "sign", "count": 1}),
]


@pytest.mark.parametrize(("answer", "sent"), ANSWERS)
def test_an_examples_answer_is_written_as_the_model_would_by_the_schema(answer: Any, sent: Any) -> None:
    assert json.loads(answer_text(answer, 0, is_typed=True)) == sent


@pytest.mark.parametrize("answer", ["a sign", Label.SIGN, '{"kind": "sign"}'])
def test_an_examples_answer_stays_a_text_without_a_schema(answer: Any) -> None:
    assert answer_text(answer, 0) == getattr(answer, "value", answer)


def test_examples_are_sent_before_the_rows_own_image(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    examples = [(uris[1], "sign"), (uris[2], "pole")]
    client.classify(uris[:1], "Which?", schema=["sign", "pole"], examples=examples, progress=False)
    (request,) = emulator.requests.of("gemini")
    sent = request.body.decode()
    assert [sent.index(uri) for uri in (uris[1], uris[2], uris[0])] == sorted(
        sent.index(uri) for uri in uris[:3]
    )
