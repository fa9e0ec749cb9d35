"""A crop sends the box and a margin, and never the whole image in its place."""

from __future__ import annotations

import struct
import zlib
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import streetlens as sl
from classify.pictures import box, is_red, picture, sent, store
from streetlens.emulator import Emulator

QUESTION = "What is it?"
BOX = box(40, 30, 80, 50)


def observations(uris: list[Any], boxes: list[Any], name: str = "gcs_uri") -> pa.Table:
    """A table as a query gives it."""
    corner = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    return pa.table({name: uris, "bbox": pa.array(boxes, pa.struct([("lo", corner), ("hi", corner)]))})


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_box_goes_along_as_jpeg(client: sl.Client, emulator: Emulator, form: str) -> None:
    uri = store(emulator, "snapshot/v0/o1:0a:ff.jpg", picture(form=form))
    results = client.classify(
        observations([uri], [BOX]), QUESTION, crop="bbox", crop_margin=0.0, progress=False
    )
    assert results["gcs_uri"] == [uri]
    request = sent(emulator)[0]
    assert (request.uris, len(request.files)) == ([], 1)
    assert request.files[0].startswith(b"\xff\xd8\xff")
    cut = request.pictures[0]
    assert cut.size == (40, 20)
    assert is_red(cut.getpixel((20, 10)))
    assert is_red(cut.getpixel((2, 2)))


def test_the_margin_is_a_share_of_the_larger_side(client: sl.Client, emulator: Emulator) -> None:
    table = observations([store(emulator, "a.jpg", picture())], [BOX])
    client.classify(table, QUESTION, crop="bbox", progress=False)
    client.classify(table, QUESTION, crop="bbox", crop_margin=0.5, progress=False)
    normal, wide = (request.pictures[0] for request in sent(emulator))
    assert (normal.size, wide.size) == ((52, 32), (80, 60))
    assert not is_red(wide.getpixel((5, 5)))
    assert is_red(wide.getpixel((40, 30)))


def test_decimals_are_pixels_too(client: sl.Client, emulator: Emulator) -> None:
    corner = pa.struct([("x", pa.decimal128(38, 9)), ("y", pa.decimal128(38, 9))])
    decimals = {
        end: {axis: Decimal(int(value)) for axis, value in corners.items()} for end, corners in BOX.items()
    }
    boxes = pa.array([decimals], pa.struct([("lo", corner), ("hi", corner)]))
    table = pa.table({"gcs_uri": [store(emulator, "a.jpg", picture())], "bbox": boxes})
    client.classify(table, QUESTION, crop="bbox", crop_margin=0.0, progress=False)
    assert sent(emulator)[0].pictures[0].size == (40, 20)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (None, "there is no box"),
        (box(40, 30, 40, 50), "is empty"),
        (box(40, 50, 80, 30), "is empty"),
        (box(40, 30, float("nan"), 50), "is empty"),
        (box(200, 10, 220, 20), "outside the image of 200 x 100 pixels"),
    ],
)
def test_a_row_without_a_usable_box_is_an_image_error_and_sends_nothing(
    client: sl.Client, emulator: Emulator, bounds: Any, said: str
) -> None:
    good, bad = store(emulator, "good.jpg", picture()), store(emulator, "bad.jpg", picture())
    results = client.classify(observations([bad, good], [bounds, BOX]), QUESTION, crop="bbox", progress=False)
    assert results["status"][0] == "image_error"
    assert results["status"][1] != "image_error"
    assert said in results["error"][0]
    assert "bad.jpg" in results["error"][0]
    assert [len(request.files) for request in sent(emulator)] == [1]


def test_bytes_of_a_column_are_cropped_like_objects(client: sl.Client, emulator: Emulator) -> None:
    table = observations([picture(), None], [BOX, BOX], name="picture")
    results = client.classify(
        table, QUESTION, uri_column="picture", crop="bbox", crop_margin=0.0, progress=False
    )
    assert results["status"][1] == "image_error"
    assert [request.pictures[0].size for request in sent(emulator)] == [(40, 20)]


def test_a_heic_image_is_an_error_that_says_what_to_do(client: sl.Client, emulator: Emulator) -> None:
    uri = store(emulator, "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    results = client.classify(observations([uri], [BOX]), QUESTION, crop="bbox", progress=False)
    assert results["status"] == ["image_error"]
    assert "convert them to JPEG" in results["error"][0]


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims these sides."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_decompression_bomb_is_refused(client: sl.Client, emulator: Emulator, side: int) -> None:
    uri = store(emulator, "bomb.png", claiming(side, side))
    results = client.classify(observations([uri], [BOX]), QUESTION, crop="bbox", progress=False)
    assert results["status"] == ["image_error"]
    assert "too large to decode" in results["error"][0]
    assert sent(emulator) == []


def test_an_object_above_the_limit_is_refused(client: sl.Client, emulator: Emulator) -> None:
    uri = store(emulator, "large.jpg", picture() + bytes(30_000_000))
    results = client.classify(observations([uri], [BOX]), QUESTION, crop="bbox", progress=False)
    assert results["status"] == ["image_error"]
    assert "30 MB" in results["error"][0]


def test_what_is_no_image_or_cut_off_is_a_row_that_says_so(client: sl.Client, emulator: Emulator) -> None:
    whole = picture()
    files = [b"", b"no picture at all", whole[: len(whole) // 2], whole[:-30]]
    uris = [store(emulator, f"{number}.jpg", data) for number, data in enumerate(files)]
    results = client.classify(observations(uris, [BOX] * 4), QUESTION, crop="bbox", progress=False)
    assert results["status"] == ["image_error"] * 4
    assert all(uri in error for uri, error in zip(uris, results["error"], strict=True))


def test_an_object_that_is_gone_is_named(client: sl.Client, emulator: Emulator) -> None:
    store(emulator, "there.jpg", picture())
    results = client.classify(
        observations(["gs://pictures/gone.jpg"], [BOX]), QUESTION, crop="bbox", progress=False
    )
    assert results["status"] == ["image_error"]
    assert "gs://pictures/gone.jpg" in results["error"][0]


def test_without_a_column_of_boxes_there_is_nothing_to_crop_by(client: sl.Client, emulator: Emulator) -> None:
    with pytest.raises(sl.InvalidInput, match="no column `bbox`"):
        client.classify(["gs://pictures/a.jpg"], QUESTION, crop="bbox", progress=False)
    with pytest.raises(sl.InvalidInput, match="not boxes"):
        client.classify(
            pa.table({"gcs_uri": ["gs://pictures/a.jpg"], "bbox": [1]}), QUESTION, crop="bbox", progress=False
        )
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("margin", [-0.1, 11.0, float("nan")])
def test_a_margin_out_of_range_is_refused(client: sl.Client, margin: float) -> None:
    with pytest.raises((sl.ConfigurationError, sl.InvalidInput), match="crop_margin"):
        client.classify(
            observations(["gs://pictures/a.jpg"], [BOX]),
            QUESTION,
            crop="bbox",
            crop_margin=margin,
            progress=False,
        )
