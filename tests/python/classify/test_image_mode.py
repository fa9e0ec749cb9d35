"""Images go by URI or along, and a bucket that Gemini may not read is found out once."""

from __future__ import annotations

from typing import Any

import pytest

import streetlens as sl
from classify.pictures import noise, picture, sent, store
from streetlens.emulator import Emulator

QUESTION = "What is it?"


def stored(emulator: Emulator, count: int, bucket: str = "pictures") -> list[str]:
    """Pictures that differ."""
    return [
        store(emulator, f"o1:{number}.jpg", picture(box=(number, 0, number + 40, 40)), bucket)
        for number in range(count)
    ]


def test_by_uri_nothing_is_fetched(client: sl.Client, emulator: Emulator) -> None:
    uris = stored(emulator, 3)
    client.classify(uris, QUESTION, image_mode="uri", progress=False)
    assert sorted(request.uris[0] for request in sent(emulator)) == uris
    assert emulator.requests.of("storage") == []


def test_inline_every_image_goes_along_byte_for_byte(client: sl.Client, emulator: Emulator) -> None:
    uris = stored(emulator, 3)
    client.classify(uris, QUESTION, image_mode="inline", progress=False)
    files = {file for request in sent(emulator) for file in request.files}
    assert files == {picture(box=(number, 0, number + 40, 40)) for number in range(3)}
    assert all(request.uris == [] for request in sent(emulator))
    assert len(emulator.requests.of("storage")) == 3


def test_inline_an_image_too_large_is_scaled_down_to_fit(client: sl.Client, emulator: Emulator) -> None:
    large = noise(1800, 1500)
    assert len(large) > 7_000_000
    uri = store(emulator, "large.png", large)
    results = client.classify([uri], QUESTION, image_mode="inline", progress=False)
    # The emulator refuses a file above 7 MB, and one that is no picture.
    assert "image_error" not in results["status"]
    [request] = emulator.requests.of("gemini")
    assert 1_000_000 < request.body_length < 7_000_000 * 4 / 3 + 1_000


def test_by_uri_bytes_too_large_are_refused_rather_than_changed(
    client: sl.Client, emulator: Emulator
) -> None:
    results = client.classify([noise(1800, 1500)], QUESTION, progress=False)
    assert results["status"] == ["image_error"]
    assert "image_mode" in results["error"][0]
    assert emulator.requests.of("gemini") == []


def test_a_closed_bucket_by_uri_is_an_image_error_with_the_fix(client: sl.Client, emulator: Emulator) -> None:
    uris = stored(emulator, 2, "closed-to-agent")
    emulator.world.objects.close_to_agent("closed-to-agent")
    results = client.classify(uris, QUESTION, image_mode="uri", progress=False)
    assert results["status"] == ["image_error"] * 2
    assert "roles/storage.objectViewer" in results["error"][0]
    assert emulator.requests.of("storage") == []


def test_a_closed_bucket_is_found_out_once_and_remembered(client: sl.Client, emulator: Emulator) -> None:
    uris = stored(emulator, 30, "closed-to-agent")
    emulator.world.objects.close_to_agent("closed-to-agent")
    results = client.classify(uris, QUESTION, concurrency=2, progress=False)
    assert "image_error" not in results["status"]
    asked = sent(emulator)
    assert sum(len(request.files) for request in asked) == 30
    assert sum(len(request.uris) for request in asked) <= 2
    emulator.world.request_log.clear()
    client.classify(uris, "And now?", concurrency=2, progress=False)
    assert sum(len(request.uris) for request in sent(emulator)) == 0


def test_only_the_closed_bucket_is_fetched_from(client: sl.Client, emulator: Emulator) -> None:
    closed, opened = stored(emulator, 5, "closed-to-agent"), stored(emulator, 5, "open-to-agent")
    emulator.world.objects.close_to_agent("closed-to-agent")
    results = client.classify([*closed, *opened], QUESTION, progress=False)
    assert "image_error" not in results["status"]
    by_uri = {uri for request in sent(emulator) for uri in request.uris}
    assert set(opened) <= by_uri
    assert sum(len(request.files) for request in sent(emulator)) == 5


def test_a_bucket_nobody_may_read_is_an_image_error_that_names_both(
    client: sl.Client, emulator: Emulator
) -> None:
    uris = stored(emulator, 4, "closed-to-agent")
    emulator.world.objects.close_to_agent("closed-to-agent")
    emulator.faults.add("403", service="storage")
    results = client.classify(uris, QUESTION, concurrency=1, progress=False)
    assert results["status"] == ["image_error"] * 4
    assert all("service agent" in error and "yourself" in error for error in results["error"])
    assert len(emulator.requests.of("storage")) <= 3


def test_an_open_bucket_is_never_fetched_from(client: sl.Client, emulator: Emulator) -> None:
    client.classify(stored(emulator, 5), QUESTION, progress=False)
    assert emulator.requests.of("storage") == []


def test_a_mode_nobody_knows_is_refused(client: sl.Client) -> None:
    unknown: Any = "base64"
    with pytest.raises((sl.ConfigurationError, sl.InvalidInput), match="image_mode"):
        client.classify(["gs://pictures/a.jpg"], QUESTION, image_mode=unknown, progress=False)
