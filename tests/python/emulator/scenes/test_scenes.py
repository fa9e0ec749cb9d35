"""Scenes follow from their seed, several views show one asset, and the box lies where the object was drawn."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from streetlens.emulator.scenes import asset_from_seed, draw_jpeg, scene, shipped_pictures, truth_of, view_of
from streetlens.emulator.scenes.camera import object_box
from streetlens.emulator.scenes.compose import draw
from streetlens.emulator.scenes.scene import (
    ATTACHMENTS,
    LIGHTS,
    MATERIALS,
    SIGN_LABELS,
    Asset,
    Scene,
)
from streetlens.emulator.scenes.shipped import shipped_scenes


def test_the_same_seed_gives_the_same_picture() -> None:
    assert draw_jpeg(scene(3)) == draw_jpeg(scene(3))


def test_every_seed_and_every_view_gives_another_picture() -> None:
    drawn = [draw_jpeg(scene(seed, view)) for seed in range(4) for view in range(3)]
    assert len({hashlib.sha256(data).digest() for data in drawn}) == len(drawn)


def test_the_views_of_an_asset_show_the_same_asset_in_other_poses() -> None:
    asset = asset_from_seed(8)
    views = [view_of(asset, number) for number in range(6)]
    assert len({view.metre for view in views}) == 6
    assert len({view.centre for view in views}) == 6
    assert len({truth_of(Scene(asset, view)).label for view in views}) == 1


def test_seeds_give_every_kind_of_asset_in_every_light() -> None:
    scenes = [scene(seed) for seed in range(600)]
    poles = {
        (each.asset.label, each.asset.attachment)
        for each in scenes
        if each.asset.asset_class == "utility_pole"
    }
    assert {each.asset.label for each in scenes} == {*SIGN_LABELS, *MATERIALS}
    assert poles == {(material, attachment) for material in MATERIALS for attachment in ATTACHMENTS}
    assert {each.view.light for each in scenes} == set(LIGHTS)
    for trait in ("rain", "blur", "occluded"):
        assert {bool(getattr(each.view, trait)) for each in scenes} == {True, False}


def lone_objects() -> list[Scene]:
    """Returns scenes where only the object is added to the street: no leaves, wires, rain or glowing lamp."""
    scenes = [scene(seed) for seed in range(100, 150)]
    return [
        each
        for each in scenes
        if not (each.view.occluded or each.view.rain or each.asset.crossarms or each.view.light == "night")
    ]


@pytest.mark.parametrize("drawn", lone_objects()[:20], ids=lambda drawn: str(drawn.asset.seed))
def test_the_box_encloses_everything_that_the_object_changes(drawn: Scene) -> None:
    empty = Scene(Asset("none", "none", drawn.asset.seed), drawn.view)
    box = object_box(drawn)
    assert box is not None
    with_object, without = (np.asarray(draw(each), dtype=int) for each in (drawn, empty))
    changed = np.abs(with_object - without).max(axis=-1) > 40
    rows, columns = np.nonzero(changed[: box[3]])  # below a sign stands its post, which is not the sign
    assert box[0] - 3 <= columns.min()
    assert columns.max() <= box[2] + 3
    assert box[1] - 12 <= rows.min()  # the post shows a little above the sign


def test_the_box_lies_inside_the_picture() -> None:
    for seed in range(300):
        truth = truth_of(scene(seed))
        assert truth.box is not None
        left, top, right, bottom = truth.box
        assert 0 <= left < right <= truth.width
        assert 0 <= top < bottom <= truth.height


def test_a_scene_without_an_object_has_no_box() -> None:
    assert truth_of(scene(1, asset_class="none")).box is None


def test_the_shipped_pictures_show_every_kind_in_several_views() -> None:
    truths = [picture.truth for picture in shipped_pictures()]
    assert 48 <= len(truths) <= 60
    assert {truth.label for truth in truths} == {*SIGN_LABELS, *MATERIALS}
    assert {truth.attachment for truth in truths} == {None, *ATTACHMENTS}
    assert max(truth.view for truth in truths) >= 3


def test_the_shipped_pictures_are_those_of_their_seeds() -> None:
    assert [truth_of(each) for each in shipped_scenes()] == [each.truth for each in shipped_pictures()]


def test_the_shipped_pictures_are_small_jpegs_of_the_size_they_claim() -> None:
    total = 0
    for picture in shipped_pictures():
        data = picture.read()
        total += len(data)
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"
            assert image.size == (picture.truth.width, picture.truth.height)
    assert total < 750_000


def test_reading_shipped_pictures_needs_no_pillow() -> None:
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from streetlens.emulator.scenes import shipped_pictures, scene, truth_of\n"
        "assert shipped_pictures()[0].read()[:2] == b'\\xff\\xd8'\n"
        "truth_of(scene(1))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
