"""Answers in free text: a description, a yes or no, or one of the choices that the prompt lists."""

from __future__ import annotations

import re

from streetlens.emulator.gemini.facts import COLOURS, SHAPES, Facts
from streetlens.emulator.gemini.matching import choose, is_true
from streetlens.emulator.vision import Sighting

_LIST = re.compile(
    r"(?:one of|from|categories|category|choices|options|labels|classes|types|values|following|either)\b"
    r"[^:\n]{0,60}:[ \t]*(?P<list>(?:\n+\s*(?:[-*•]|\d+[.)])\s*[^\n]+)+|[^\n.?!]+)",
    re.IGNORECASE,
)
_BULLETS = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*(.+?)\s*$", re.MULTILINE)
_QUESTION = re.compile(r"(?:^|[.!?\n]\s*)((?:is|are|does|do|has|have|can|was)\b[^?]*\?)", re.IGNORECASE)
_YES_OR_NO = re.compile(r"\byes\s*(?:/|or)\s*no\b", re.IGNORECASE)
_LIGHT = {"day": "by day", "overcast": "under an overcast sky", "dusk": "at dusk", "night": "at night"}


def answer(prompt: str, facts: Facts) -> str:
    """Returns the free-text answer to a prompt."""
    choices = listed_choices(prompt)
    if len(choices) >= 2:
        chosen = choose(choices, facts, prompt)
        return chosen.member if chosen.why != "rule" else f"None of these: {describe(facts)}"
    question = _QUESTION.search(prompt)
    if question or _YES_OR_NO.search(prompt):
        verdict = is_true(question[1] if question else prompt, facts)
        word = "Unclear" if verdict is None else "Yes" if verdict else "No"
        only = re.search(r"\b(?:only|just|single word|one word)\b", prompt, re.IGNORECASE)
        return word if only else f"{word}. {describe(facts)}"
    return describe(facts)


def listed_choices(prompt: str) -> list[str]:
    """Returns the alternatives that a prompt lists after words such as "one of:", else nothing."""
    match = _LIST.search(prompt)
    if match is None:
        return []
    text = match["list"]
    parts = _BULLETS.findall(text) or re.split(r",|;|\||\bor\b|\band\b", text)
    cleaned = [part.strip().strip("\"'`*[](){}").removesuffix(".").strip() for part in parts]
    # "label: what it means" lists the label.
    return [part.split(": ")[0].strip("\"'`* ") for part in cleaned if part]


def describe(facts: Facts) -> str:
    """Returns one or two sentences on what was seen."""
    if not facts.sightings:
        return "There is no picture in this request."
    main = facts.main
    where = _LIGHT[main.lighting]
    if not facts.found:
        return f"No road sign or utility pole was recognised in this street scene {where}."
    views = sum(each.label == main.label for each in facts.sightings)
    several = f" {views} of {len(facts.sightings)} pictures show it." if len(facts.sightings) > 1 else ""
    if main.asset_class == "road_sign":
        look = f"a {COLOURS[main.label]} {SHAPES[main.label]}"
        says = inscription(main)
        reads = f' that reads "{says}"' if says else ""
        return f"The picture shows a {facts.name}: {look}{reads}, {where}.{several}"
    attachment = main.attachment or "none"
    carries = "Nothing is attached to it" if attachment == "none" else f"It carries a {attachment}"
    lean = f", and it leans by {abs(main.lean or 0):.0f} degrees" if facts.condition == "leaning" else ""
    return f"The picture shows a utility pole made of {main.label}, {where}. {carries}{lean}.{several}"


def inscription(sighting: Sighting) -> str:
    """Returns the lettering of a sign; a street's name is not read, so it gives nothing."""
    if sighting.speed is not None:
        return f"SPEED LIMIT {sighting.speed}"
    return {
        "stop": "STOP",
        "yield": "YIELD",
        "do_not_enter": "DO NOT ENTER",
        "no_parking": "ANY TIME",
    }.get(sighting.label, "")
