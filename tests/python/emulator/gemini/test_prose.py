"""Free-text answers name what was seen, and follow a question or a list of choices in the prompt."""

from __future__ import annotations

import pytest

from streetlens.emulator.gemini.facts import facts_of
from streetlens.emulator.gemini.prose import answer, listed_choices
from streetlens.emulator.vision import Sighting

STOP = Sighting(400, 300, "road_sign", "stop", 0.92, (100, 60, 180, 140), lighting="night")
SPEED = Sighting(400, 300, "road_sign", "speed_limit", 0.9, (100, 60, 180, 160), speed=35)
POLE = Sighting(400, 300, "utility_pole", "metal", 0.9, (200, 20, 220, 280), attachment="lamp", lean=0.0)
NOTHING = Sighting(400, 300)


def said(prompt: str, *sightings: Sighting) -> str:
    return answer(prompt, facts_of(list(sightings)))


def test_a_plain_prompt_gets_a_description() -> None:
    text = said("Classify the road sign in this image.", SPEED)
    assert "speed limit 35 sign" in text
    assert "SPEED LIMIT 35" in text


def test_a_pole_is_described_with_material_and_attachment() -> None:
    text = said("Describe the image.", POLE)
    assert "made of metal" in text
    assert "a lamp" in text


def test_an_empty_street_is_said_to_be_empty() -> None:
    assert said("What is this?", NOTHING).startswith("No road sign or utility pole was recognised")


def test_a_request_without_a_picture_is_told_so() -> None:
    assert said("What is this?") == "There is no picture in this request."


@pytest.mark.parametrize(
    ("question", "sighting", "word"),
    [
        ("Is this a stop sign? Answer yes or no.", STOP, "Yes"),
        ("Is this a stop sign? Answer yes or no.", SPEED, "No"),
        ("Is there a transformer on the pole?", POLE, "No"),
        ("Does the picture show a utility pole?", POLE, "Yes"),
        ("Was it taken at night?", STOP, "Yes"),
        ("Is the sign covered with stickers?", SPEED, "Unclear"),
        ("Is the pole leaning?", POLE, "No"),
        ("Is there a road sign?", POLE, "No"),
        ("Was it manufactured in Ohio?", STOP, "Unclear"),
    ],
)
def test_a_question_is_answered_with_yes_or_no(question: str, sighting: Sighting, word: str) -> None:
    assert said(question, sighting).split(".")[0] == word


def test_a_single_word_is_given_when_only_that_is_wanted() -> None:
    assert said("Is this a stop sign? Answer with only yes or no.", STOP) == "Yes"


@pytest.mark.parametrize(
    "prompt",
    [
        "Answer with one of: stop sign, yield sign, other.",
        "Choose from the following categories: stop sign; yield sign; other",
        "Pick one of these labels:\n- stop sign\n- yield sign\n- other\n",
        'Respond with exactly one of these options: "stop sign", "yield sign" or "other"',
    ],
)
def test_a_listed_choice_is_given_verbatim(prompt: str) -> None:
    assert listed_choices(prompt) == ["stop sign", "yield sign", "other"]
    assert [said(prompt, STOP), said(prompt, NOTHING)] == ["stop sign", "other"]
