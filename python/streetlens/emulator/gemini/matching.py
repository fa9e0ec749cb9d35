"""Matches the words of a caller (enum members, choices, questions) with what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streetlens.emulator.gemini.facts import ASPECTS, SYNONYMS, Facts, words

ABSTENTIONS = (
    "unknown",
    "unclear",
    "uncertain",
    "unidentified",
    "unrecognized",
    "unrecognised",
    "undetermined",
    "other",
    "none",
    "nothing",
    "no sign",
    "no pole",
    "not applicable",
    "n a",
    "not visible",
    "not a sign",
    "unspecified",
    "invalid",
)
LEAST_FIT = 0.5
UNSEEN = (
    "damaged",
    "damage",
    "broken",
    "bent",
    "rusty",
    "rust",
    "faded",
    "dirty",
    "covered",
    "obstructed",
    "occluded",
    "blocked",
    "missing",
    "graffiti",
    "vandalized",
    "sticker",
)
"""States that the stand-in cannot see."""
_FILLER = frozenset({"sign", "pole", "the", "a", "an", "of", "asset", "class", "type", "road", "traffic"})


@dataclass(frozen=True)
class Choice:
    """The member that was chosen; `why` is "seen", "abstained" or "rule" (nothing in the picture decides)."""

    member: str
    why: str


def choose(members: Sequence[str], facts: Facts, context: str) -> Choice:
    """Returns the enum member that says most truly what was seen; `context` names and describes the field."""
    asked = set(words(context))
    aspects = facts.aspects()
    best: tuple[float, str] | None = None
    for member in members:
        for aspect, phrases in aspects.items():
            fit = max(overlap(member, phrase) for phrase in phrases)
            if fit >= LEAST_FIT:
                score = fit + (0.35 if asked & ASPECTS[aspect] else 0.0)
                if best is None or score > best[0]:
                    best = (score, member)
    if best is not None and not (_is_abstention(best[1]) and facts.found and best[0] < 1.0):
        return Choice(best[1], "seen")
    abstention = abstain(members)
    if abstention is not None:
        return Choice(abstention, "abstained")
    return Choice(members[0], "rule")


def abstain(members: Sequence[str]) -> str | None:
    """Returns the member that means "none of these", if there is one."""
    for meaning in ABSTENTIONS:
        for member in members:
            if " ".join(words(member)) == " ".join(words(meaning)):
                return member
    for member in members:
        if _is_abstention(member):
            return member
    return None


def _is_abstention(member: str) -> bool:
    said = words(member)
    return any(word in said for word in ("unknown", "other", "none", "unclear", "unspecified", "nothing"))


def overlap(first: str, second: str) -> float:
    """Returns how alike two phrases are (0 to 1): shared words, filler words counting little."""
    one, two = set(words(first)), set(words(second))

    def weight(said: set[str]) -> float:
        return sum(0.25 if word in _FILLER else 1.0 for word in said)

    shared = weight(one & two)
    if shared < 0.5 and one != two:
        return 0.0
    return 2 * shared / (weight(one) + weight(two))


def is_true(question: str, facts: Facts) -> bool | None:
    """Returns whether the things a question or flag names were seen; None if nothing seen decides it."""
    asked = f" {' '.join(words(question))} "
    seen = facts.vocabulary()
    named = []
    for name, phrases in SYNONYMS.items():
        said = [phrase for phrase in phrases if f" {' '.join(words(phrase))} " in asked]
        if said:
            named.append((max(len(phrase.split()) for phrase in said), name))
    specific = [each for each in named if each[1] not in ("road_sign", "utility_pole")]
    if not specific:
        if any(f" {word} " in asked for word in UNSEEN):
            return None
        about = _about_condition(asked, facts)
        if about is not None or not named:
            return about
    chosen = specific or named
    longest = max(length for length, _ in chosen)
    kept = [name for length, name in chosen if length >= min(longest, 2)]
    return any(" ".join(words(SYNONYMS[name][0])) in seen for name in kept)


def _about_condition(asked: str, facts: Facts) -> bool | None:
    for named, answer in (
        (("night", "nighttime", "dark"), facts.main.lighting == "night"),
        (("day", "daytime", "daylight"), facts.main.lighting in ("day", "overcast")),
        (("leaning", "lean", "tilted", "tilt"), facts.found and facts.condition == "leaning"),
        (("attachment", "equipment"), (facts.main.attachment or "none") != "none"),
        (("legible", "readable"), facts.main.asset_class == "road_sign"),
    ):
        if any(f" {word} " in asked for word in named):
            return answer
    # Whether *something* is there, when nothing is named that could be there.
    exists = ("visible", "present", "recognized", "recognised", "detected")
    things = ("sign", "pole")
    if any(f" {word} " in asked for word in exists) and not any(f" {word} " in asked for word in things):
        return facts.found
    return None
