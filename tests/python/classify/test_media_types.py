"""Which media type is sent with an image, and what becomes of files, bytes and objects that are no images."""

from __future__ import annotations

from pathlib import Path

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)


@pytest.mark.parametrize("name", ["a.gif", "a.bmp", "a.TIFF", "a.svg"])
def test_a_format_gemini_does_not_read_is_a_row_without_a_request(
    client: sl.Client, emulator: Emulator, name: str
) -> None:
    results = client.classify([f"gs://bucket/{name}"], QUESTION, progress=False)
    assert results["status"] == ["image_error"]
    assert "not a format Gemini reads" in results["error"][0]
    assert len(emulator.requests) == 0


def stored(emulator: Emulator, name: str, content_type: str) -> str:
    truth = emulator.world.dataset.truth
    bucket, _, first = next(iter(truth)).removeprefix("gs://").partition("/")
    found = emulator.world.objects.get(bucket, first)
    assert found is not None
    emulator.world.objects.put("mime-types", name, found.data, content_type)
    return f"gs://mime-types/{name}"


def mime_types(emulator: Emulator) -> list[str]:
    parts = [entry.json["contents"][0]["parts"][0] for entry in emulator.requests.of("gemini")]
    return [next(iter(part.values()))["mimeType"] for part in parts]


@pytest.mark.parametrize(
    ("name", "content_type", "sent"),
    [
        ("no extension/o1:a", "image/jpeg", "image/jpeg"),
        ("no-extension-png", "image/png", "image/png"),
        ("wrong.jpg.bak", "image/jpg", "image/jpeg"),
        ("v1.2/named like a version", "image/webp", "image/webp"),
    ],
)
def test_the_objects_metadata_tells_the_type_where_the_name_does_not(
    client: sl.Client, emulator: Emulator, name: str, content_type: str, sent: str
) -> None:
    client.classify([stored(emulator, name, content_type)], QUESTION, progress=False)
    assert mime_types(emulator) == [sent]


def test_metadata_of_another_type_is_a_row_that_names_it(client: sl.Client, emulator: Emulator) -> None:
    results = client.classify([stored(emulator, "notes", "text/plain")], QUESTION, progress=False)
    assert results["status"] == ["image_error"]
    assert "`text/plain`" in results["error"][0]


@pytest.mark.parametrize("name", ["O.JPG", "o.jpe", "o.png", "o.webp", "o.heic", "o.HEIF"])
def test_an_extension_tells_the_type_without_asking_cloud_storage(
    client: sl.Client, emulator: Emulator, name: str
) -> None:
    client.classify([stored(emulator, name, "application/octet-stream")], QUESTION, progress=False)
    assert mime_types(emulator)[0].startswith("image/")
    assert emulator.requests.of("storage") == []


def test_metadata_one_may_not_read_leaves_it_to_google(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="storage")
    results = client.classify([stored(emulator, "unlisted", "image/png")], QUESTION, progress=False)
    assert mime_types(emulator) == ["image/jpeg"]
    assert results["status"] == ["ok"]


def test_an_object_that_is_gone_is_a_row(client: sl.Client, uris: list[str]) -> None:
    missing = ["gs://bucket-of-none/gone.jpg", "gs://bucket-of-none/gone-without-extension"]
    results = client.classify([*missing, uris[0]], QUESTION, progress=False)
    assert results["status"] == ["image_error", "image_error", "ok"]
    assert results["attempts"] == [1, 0, 1]
    assert results["source"] == ["online", "none", "online"]


def test_a_bucket_one_may_not_read_is_a_row_with_the_fix(client: sl.Client, uris: list[str]) -> None:
    results = client.classify(["gs://forbidden-bucket/a.jpg", uris[0]], QUESTION, progress=False)
    assert results["status"] == ["image_error", "ok"]
    assert "roles/storage.objectViewer" in results["error"][0]


def test_files_and_bytes_go_along_with_the_type_their_content_tells(
    client: sl.Client, emulator: Emulator, uris: list[str], tmp_path: Path
) -> None:
    bucket, _, name = uris[0].removeprefix("gs://").partition("/")
    found = emulator.world.objects.get(bucket, name)
    assert found is not None
    path = tmp_path / "picture.png"
    path.write_bytes(found.data)
    results = client.classify(
        [found.data, path, str(path), bytearray(found.data), memoryview(found.data), uris[0]],
        QUESTION,
        schema=LABELS,
        progress=False,
    )
    assert set(results["status"]) == {"ok"}
    assert len(set(results["classification"])) == 1
    assert set(mime_types(emulator)) == {"image/jpeg"}
    assert results.column_names[0] == "image"
    assert results["image"][1] == str(path)
    assert results["image"][0].startswith(f"{len(found.data)} bytes ")


def test_an_object_too_large_for_gemini_is_a_row(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.world.objects.put("large-objects", "large.jpg", JPEG + bytes(30_000_000), "image/jpeg")
    results = client.classify(["gs://large-objects/large.jpg", uris[0]], QUESTION, progress=False)
    assert results["status"] == ["image_error", "ok"]
    assert "30 MB" in results["error"][0]


def test_one_file_alone_needs_no_list(client: sl.Client, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(JPEG)
    assert len(client.classify(path, QUESTION, progress=False)) == 1
    assert len(client.classify(JPEG, QUESTION, progress=False)) == 1
    assert len(client.classify("gs://bucket/a.jpg", QUESTION, progress=False)) == 1


def test_an_unreadable_file_is_a_row_that_names_it(client: sl.Client, tmp_path: Path) -> None:
    folder = tmp_path / "folder.jpg"
    folder.mkdir()
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    images = [tmp_path / "missing.jpg", folder, tmp_path / "empty.jpg", tmp_path / "notes.txt"]
    results = client.classify(images, QUESTION, progress=False)
    assert results["status"] == ["image_error"] * 4
    for path, error in zip(images, results["error"], strict=True):
        assert path.name in error


def test_a_file_too_large_to_go_along_says_what_to_do(client: sl.Client, emulator: Emulator) -> None:
    results = client.classify([JPEG + bytes(7_000_000)], QUESTION, progress=False)
    assert results["status"] == ["image_error"]
    assert "has 7001 kB, and Gemini takes 7000 kB along" in results["error"][0]
    assert "Cloud Storage" in results["error"][0]
    assert len(emulator.requests) == 0
