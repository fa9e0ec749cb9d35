"""The guide's two helpers: in order, nulls left out, a failure is a text with its reason."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

import streetlens as sl
from streetlens.compat import classify_image_with_gemini, classify_images, vertexai
from streetlens.compat.classification import Classification
from streetlens.compat.vertexai import _configuration
from streetlens.emulator import Emulator

PROMPT = "Which road sign or pole does the picture show?"


@pytest.mark.usefixtures("served")
def test_one_image_is_answered_with_a_text(uris: list[str]) -> None:
    answer = classify_image_with_gemini(uris[0], PROMPT)
    assert isinstance(answer, str)
    assert answer.startswith("The picture shows")


@pytest.mark.usefixtures("served")
def test_the_text_carries_status_model_and_usage(uris: list[str]) -> None:
    answer = classify_image_with_gemini(uris[0], PROMPT)
    assert (answer.status, answer.error) == ("ok", None)
    assert answer.model is not None
    assert answer.usage.input_tokens > answer.usage.output_tokens > 0


@pytest.mark.usefixtures("served")
def test_many_images_are_answered_in_their_order(uris: list[str]) -> None:
    answers = classify_images(uris, PROMPT)
    assert [list(answer) for answer in answers] == [["gcs_uri", "classification"]] * len(uris)
    assert [answer["gcs_uri"] for answer in answers] == uris
    assert answers[3]["classification"] == classify_image_with_gemini(uris[3], PROMPT)


@pytest.mark.usefixtures("served")
def test_rows_without_an_image_are_left_out(uris: list[str]) -> None:
    given: list[Any] = [None, uris[0], float("nan"), uris[1], None]
    assert [answer["gcs_uri"] for answer in classify_images(given, PROMPT)] == uris[:2]


def test_nothing_to_classify_sends_nothing(served: Emulator) -> None:
    assert classify_images([None], PROMPT) == []
    assert list(served.requests) == []


def test_images_are_asked_about_at_the_same_time(served: Emulator, uris: list[str]) -> None:
    served.faults.add("slow", service="gemini", seconds=0.4)
    classify_images(uris, PROMPT)
    asked = [request for request in served.requests if request.service == "gemini"]
    assert max(request.received_at for request in asked) - min(request.received_at for request in asked) < 0.4


def test_a_failure_reads_as_the_guide_prints_it(served: Emulator, uris: list[str]) -> None:
    served.faults.add("safety", service="gemini", match=uris[1].rpartition("/")[2])
    first, second, third = (answer["classification"] for answer in classify_images(uris[:3], PROMPT))
    assert second == "Classification failed."
    assert second.status == "blocked"
    assert "SAFETY" in second.error
    assert (first.status, third.status) == ("ok", "ok")


@pytest.mark.usefixtures("served")
def test_a_failure_is_logged_with_its_image_and_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="streetlens"):
        answer = classify_image_with_gemini("gs://nowhere/missing.jpg", PROMPT)
    assert (answer, answer.status) == ("Classification failed.", "image_error")
    assert "gs://nowhere/missing.jpg" in caplog.text
    assert "not found" in caplog.text


@pytest.mark.usefixtures("served")
def test_a_malformed_uri_fails_its_own_row(uris: list[str]) -> None:
    first, second = (answer["classification"] for answer in classify_images(["not a uri", uris[0]], PROMPT))
    assert (first, first.status) == ("Classification failed.", "image_error")
    assert second.status == "ok"


@pytest.mark.usefixtures("served")
def test_a_single_malformed_uri_is_a_failed_text_too() -> None:
    answer = classify_image_with_gemini("not a uri", PROMPT)
    assert answer == "Classification failed."
    assert "gs://" in str(answer.error)


def test_what_every_image_would_meet_fails_them_all_without_raising(
    served: Emulator, uris: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    served.faults.add("403", service="gemini")
    with caplog.at_level(logging.ERROR, logger="streetlens"):
        answers = classify_images(uris, PROMPT)
    assert [answer["classification"] for answer in answers] == ["Classification failed."] * len(uris)
    assert all(answer["classification"].error for answer in answers)
    assert caplog.text.count("Classification failed.") == 1


def test_answers_that_came_before_such_an_error_are_kept(served: Emulator, uris: list[str]) -> None:
    served.faults.add("403", service="gemini", after=3)
    answers = classify_images(uris, PROMPT, concurrency=1)
    statuses = [answer["classification"].status for answer in answers]
    assert statuses[:3] == ["ok"] * 3
    assert "ok" not in statuses[3:]


def test_braces_in_a_prompt_are_text(served: Emulator, uris: list[str]) -> None:
    prompt = 'Answer as {"kind": {kind}} or {{kind}} or {}.'
    assert classify_image_with_gemini(uris[0], prompt).status == "ok"
    parts = list(served.requests)[-1].json["contents"][0]["parts"]
    assert prompt in [part.get("text") for part in parts]


def test_without_a_project_the_error_says_what_to_set(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_configuration, "_current", _configuration.Configuration())
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(sl.ConfigurationError, match="`project` is not set"):
        classify_image_with_gemini(uris[0], PROMPT)


@pytest.mark.usefixtures("served")
def test_a_widened_region_is_told_once_for_both_helpers(uris: list[str]) -> None:
    vertexai.init(location="europe-west4")
    with pytest.warns(UserWarning, match="requests go to `eu`"):
        classify_images(uris[:2], PROMPT)
    assert classify_image_with_gemini(uris[0], PROMPT).status == "ok"


def test_a_classification_survives_pickling() -> None:
    answer = Classification("Classification failed.", status="blocked", error="SAFETY")
    copy = pickle.loads(pickle.dumps(answer))
    assert (copy, copy.status, copy.error, copy.usage) == (answer, "blocked", "SAFETY", answer.usage)
