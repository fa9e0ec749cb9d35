"""How often the stand-in is right on pictures nobody tuned it with. The floors leave a margin.

The stand-in and the pictures are made by one hand, so this shows that answers follow from pixels, nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from streetlens.emulator.scenes import Truth, draw_jpeg, scene, shipped_pictures, truth_of
from streetlens.emulator.vision import Sighting, look
from streetlens.emulator.vision.training import SEEDS

HELD_OUT = range(40_000, 40_200)
EMPTY_STREETS = range(45_000, 45_030)

Pair = tuple[Truth, Sighting]


def overlap(truth: Truth, sighting: Sighting) -> float:
    """Returns intersection over union of the drawn and the found box."""
    if truth.box is None or sighting.box is None:
        return 0.0
    left, top = (max(truth.box[edge], sighting.box[edge]) for edge in (0, 1))
    right, bottom = (min(truth.box[edge], sighting.box[edge]) for edge in (2, 3))
    shared = max(0, right - left) * max(0, bottom - top)
    sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in (truth.box, sighting.box)]
    return shared / (sum(sizes) - shared)


@pytest.fixture(scope="module")
def held_out() -> list[Pair]:
    scenes = [scene(seed) for seed in HELD_OUT]
    return [(truth_of(each), look(draw_jpeg(each))) for each in scenes]


def share(right: Iterator[bool]) -> float:
    counts = Counter(right)
    return counts[True] / counts.total()


def test_the_held_out_seeds_are_not_the_training_seeds() -> None:
    assert not set(HELD_OUT) & set(SEEDS)


def test_at_least_93_of_100_labels_are_right(held_out: list[Pair]) -> None:
    assert share(truth.label == seen.label for truth, seen in held_out) >= 0.93


def test_at_least_95_of_100_asset_classes_are_right(held_out: list[Pair]) -> None:
    assert share(truth.asset_class == seen.asset_class for truth, seen in held_out) >= 0.95


def test_at_least_90_of_100_speeds_are_read(held_out: list[Pair]) -> None:
    assert share(truth.speed == seen.speed for truth, seen in held_out if truth.speed) >= 0.9


def test_at_least_85_of_100_attachments_are_right(held_out: list[Pair]) -> None:
    poles = (pair for pair in held_out if pair[0].asset_class == "utility_pole")
    assert share(truth.attachment == seen.attachment for truth, seen in poles) >= 0.85


def test_the_box_of_a_recognised_sign_lies_on_the_sign(held_out: list[Pair]) -> None:
    signs = (pair for pair in held_out if pair[0].asset_class == pair[1].asset_class == "road_sign")
    assert share(overlap(truth, seen) > 0.7 for truth, seen in signs) >= 0.95


def test_an_empty_street_is_mostly_seen_as_empty() -> None:
    seen = (look(draw_jpeg(scene(seed, asset_class="none"))) for seed in EMPTY_STREETS)
    assert share(each.asset_class == "none" for each in seen) >= 0.8


def test_it_is_wrong_sometimes() -> None:
    """A stand-in that is always right would hide what a confusion table is for."""
    hard = [scene(seed, asset_class="utility_pole") for seed in range(3000, 3100)]
    assert any(look(draw_jpeg(each)).label != each.asset.label for each in hard)


@pytest.mark.parametrize("picture", shipped_pictures(), ids=lambda picture: picture.file)
def test_every_shipped_picture_is_recognised(picture: object) -> None:
    shipped = next(each for each in shipped_pictures() if each is picture)
    seen, truth = look(shipped.read()), shipped.truth
    assert (seen.label, seen.speed, seen.attachment) == (truth.label, truth.speed, truth.attachment)
