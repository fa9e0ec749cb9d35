"""Images that cannot be fetched: what passes is waited for, and what does not costs little."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import streetlens as sl
from classify.pictures import picture
from engine.echo import PROMPT, uris_of
from servers.answers import generated
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
IN_FLIGHT = 8
IMAGE = Answer(picture(), headers={"Content-Type": "image/jpeg"})


def refusal(status: int, message: str) -> Answer:
    """An error of Cloud Storage."""
    return json_answer({"error": {"code": status, "message": message}}, status)


def fetching(serve: Serve, fetch: Callable[[str], Answer]) -> sl.Client:
    """A client that gets an answer for every image, where `fetch` gives it the one of that name."""

    def script(request: Received) -> Answer:
        return generated() if request.method == "POST" else fetch(request.path.rpartition("/")[2])

    return sl.Client("demo", "us", endpoint=serve(script).url)


def test_a_bucket_that_the_user_may_not_read_stops_the_run_after_a_handful_with_the_hint(
    client: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("403", service="storage")
    with pytest.raises(sl.PermissionDenied, match="no image of the bucket `pictures`") as raised:
        client.classify(uris_of(1_000), PROMPT, image_mode="inline", concurrency=IN_FLIGHT, progress=False)
    assert "grant yourself `roles/storage.objectViewer`" in str(raised.value)
    assert len(echoing.requests.of("storage")) <= 10 + IN_FLIGHT
    assert echoing.requests.of("gemini") == []


def test_credentials_that_cloud_storage_refuses_for_a_moment_after_good_rows_cost_no_row(
    serve: Serve,
) -> None:
    fetched: Counter[str] = Counter()

    def fetch(name: str) -> Answer:
        fetched[name] += 1
        # Twice, because the first refusal renews the token.
        is_refused = name == "000020.jpg" and fetched[name] <= 2
        return refusal(401, "Invalid Credentials") if is_refused else IMAGE

    client = fetching(serve, fetch)
    results = client.classify(uris_of(40), PROMPT, image_mode="inline", concurrency=1, progress=False)
    assert fetched["000020.jpg"] == 3
    assert results["status"] == ["ok"] * 40


def test_credentials_that_cloud_storage_never_accepts_stop_the_run(serve: Serve) -> None:
    fetched: list[str] = []

    def fetch(name: str) -> Answer:
        fetched.append(name)
        return refusal(401, "Invalid Credentials")

    client = fetching(serve, fetch)
    with pytest.raises(sl.AuthenticationError):
        client.classify(uris_of(1_000), PROMPT, image_mode="inline", concurrency=IN_FLIGHT, progress=False)
    assert len(fetched) <= 2 * IN_FLIGHT


def test_images_that_cannot_be_fetched_for_a_while_hold_up_no_others_and_cost_no_row(serve: Serve) -> None:
    # More than are fetched at a time.
    images = uris_of(44)
    others = {image.rpartition("/")[2] for image in images[40:]}
    awaited = set(others)

    def fetch(name: str) -> Answer:
        awaited.discard(name)
        is_there = name in others or not awaited
        return IMAGE if is_there else refusal(503, "We encountered an internal error.")

    client = fetching(serve, fetch)
    results = client.classify(images, PROMPT, image_mode="inline", concurrency=64, progress=False)
    assert results["status"] == ["ok"] * len(images)


def test_an_image_that_can_never_be_fetched_is_tried_a_few_times_and_costs_its_row_only(
    serve: Serve,
) -> None:
    fetched: Counter[str] = Counter()

    def fetch(name: str) -> Answer:
        fetched[name] += 1
        return refusal(503, "We encountered an internal error.") if name == "000001.jpg" else IMAGE

    client = fetching(serve, fetch)
    results = client.classify(uris_of(3), PROMPT, image_mode="inline", deadline=3, progress=False)
    assert results["status"] == ["ok", "failed", "ok"]
    assert 2 <= fetched.pop("000001.jpg") <= 6
    assert set(fetched.values()) == {1}


def test_a_file_too_large_is_refused_before_it_is_read(client: sl.Client, tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as opened:
        # No disk holds it, and no memory would: it is one hole.
        opened.truncate(1 << 40)
    results = client.classify([file, *uris_of(1)], PROMPT, progress=False)
    assert results["status"] == ["image_error", "ok"]
    assert f"the file `{file}` has 1099512 MB, and 30 MB are the most" in results["error"][0]
    assert "scale it down first" in results["error"][0]


def test_a_pipe_is_refused_before_it_is_read(client: sl.Client, tmp_path: Path) -> None:
    # Nobody ever writes into it.
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    results = client.classify([pipe, *uris_of(1)], PROMPT, progress=False)
    assert results["status"] == ["image_error", "ok"]
    assert f"`{pipe}` is not a file" in results["error"][0]
