"""The stand-in looks at pixels: unrelated pictures show nothing, damaged ones are refused, changes are noticed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from streetlens.emulator.scenes import draw_jpeg, scene
from streetlens.emulator.vision import UnreadableImageError, look


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, form)
    return file.getvalue()


def noise(channels: int) -> np.ndarray:
    drawn = np.random.default_rng(1).integers(0, 256, (300, 400, channels))
    return np.broadcast_to(drawn, (300, 400, 3))


UNRELATED = {
    "noise": noise(3),
    "grey noise": noise(1),
    "horizontal gradient": np.broadcast_to(np.linspace(0, 255, 400)[None, :, None], (300, 400, 3)),
    "vertical gradient": np.broadcast_to(np.linspace(0, 255, 300)[:, None, None], (300, 400, 3)),
    "grey": np.full((300, 400, 3), 128),
    "black": np.zeros((300, 400, 3)),
    "red": np.broadcast_to(np.array([200, 10, 10]), (300, 400, 3)),
    "stripes": np.broadcast_to((np.arange(400) // 20 % 2 * 255)[None, :, None], (300, 400, 3)),
    "one pixel": np.full((1, 1, 3), 90),
}


@pytest.mark.parametrize("name", UNRELATED)
def test_nothing_is_recognised_in_an_unrelated_picture(name: str) -> None:
    assert look(encoded(UNRELATED[name])).asset_class == "none"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_unreadable(share: float) -> None:
    data = draw_jpeg(scene(5))
    with pytest.raises(UnreadableImageError):
        look(data[: int(share * len(data))])


def test_text_is_unreadable() -> None:
    with pytest.raises(UnreadableImageError):
        look(b"<html>not found</html>")


def test_looking_twice_gives_the_same() -> None:
    data = draw_jpeg(scene(6))
    assert look(data) == look(data)


def test_a_picture_in_another_format_and_size_is_recognised_with_its_own_box() -> None:
    original = draw_jpeg(scene(11, asset_class="road_sign", label="stop"))
    with Image.open(io.BytesIO(original)) as image:
        doubled = image.resize((2 * image.width, 2 * image.height))
    file = io.BytesIO()
    doubled.save(file, "WEBP", quality=90)
    small, large = look(original), look(file.getvalue())
    assert large.label == small.label == "stop"
    assert small.box is not None
    assert large.box is not None
    assert large.box == pytest.approx([2 * edge for edge in small.box], abs=6)


def test_the_number_on_the_plate_decides_not_the_plate() -> None:
    speeds = set()
    for seed in range(700, 712):
        drawn = scene(seed, asset_class="road_sign", label="speed_limit")
        speeds.add(look(draw_jpeg(drawn)).speed)
    assert len(speeds) >= 5


def test_the_light_is_told_from_the_sky() -> None:
    for seed in range(2000, 2400):
        drawn = scene(seed)
        if drawn.view.light == "night":
            assert look(draw_jpeg(drawn)).lighting == "night"
            return
    raise AssertionError("no night scene among 400 seeds")
