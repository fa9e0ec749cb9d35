"""Trouble with answers: every kind is a row with the right status, and what may pass is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from servers.answers import candidate, gemini_error, generated, image_of
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]
ONE = ["gs://bucket/a.jpg"]
STATUSES = {
    "blocked": "blocked",
    "safety": "blocked",
    "recitation": "blocked",
    "truncated": "truncated",
    "thoughts_only": "truncated",
    "no_candidates": "failed",
    "no_parts": "failed",
    "empty_text": "failed",
    "unknown_finish": "failed",
}


def client_of(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url)


@pytest.mark.parametrize("schema", [None, LABELS])
@pytest.mark.parametrize("kind", STATUSES)
def test_every_degenerate_answer_has_its_status(
    client: sl.Client, emulator: Emulator, uris: list[str], kind: str, schema: list[str] | None
) -> None:
    emulator.faults.add(kind, service="gemini")
    row = client.classify(uris[:1], QUESTION, schema=schema, progress=False)[0]
    assert row["status"] == STATUSES[kind]
    assert row["error"]
    assert row["input_tokens"] > 0
    assert row["cost_usd"] > 0
    if kind not in {"truncated", "unknown_finish"}:
        assert row["classification"] is None


def test_an_answer_outside_the_schema_is_invalid_and_quoted(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("wrong_schema", service="gemini")
    row = client.classify(uris[:1], QUESTION, schema=LABELS, progress=False)[0]
    assert (row["status"], row["classification"]) == ("invalid", None)
    assert "`$.classification` is missing" in row["error"]
    assert "unexpected" in row["error"]


FINISHES: dict[str, str] = {
    "SPII": "blocked",
    "BLOCKLIST": "blocked",
    "PROHIBITED_CONTENT": "blocked",
    "IMAGE_SAFETY": "blocked",
    "MODEL_ARMOR": "blocked",
    "LANGUAGE": "blocked",
    "OTHER": "failed",
    "FINISH_REASON_UNSPECIFIED": "failed",
    "MALFORMED_FUNCTION_CALL": "failed",
    "MALFORMED_RESPONSE": "failed",
    "UNEXPECTED_TOOL_CALL": "failed",
    "NO_IMAGE": "failed",
    "MAX_TOKENS": "truncated",
    "": "failed",
}


@pytest.mark.parametrize("finish", FINISHES)
def test_text_with_another_reason_than_stop_is_never_ok(serve: Serve, finish: str) -> None:
    results = client_of(serve(lambda _: generated("sign", finish))).classify(ONE, QUESTION, progress=False)
    assert results["status"] == [FINISHES[finish]]


SHAPES: dict[str, Any] = {
    "null": {"candidates": None},
    "an object": {"candidates": [{"content": {"parts": [{}]}, "finishReason": "STOP"}]},
    "white space": {"candidates": [candidate("  \n\t ")]},
    "null content": {"candidates": [{"content": None, "finishReason": "STOP"}]},
    "null text": {"candidates": [{"content": {"parts": [{"text": None}]}, "finishReason": "STOP"}]},
    "a thought": {
        "candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}, "finishReason": "STOP"}]
    },
    "a picture": {
        "candidates": [
            {
                "content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]},
                "finishReason": "STOP",
            }
        ]
    },
    "a call": {
        "candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}]
    },
    "an error": {"error": {"code": 400, "message": "with status 200"}},
    "feedback": {"promptFeedback": {"blockReasonMessage": "no reason given"}},
    "no usage": {"candidates": [candidate("")], "usageMetadata": None},
}


@pytest.mark.parametrize("name", SHAPES)
def test_no_shape_without_text_is_ok(serve: Serve, name: str) -> None:
    row = client_of(serve(lambda _: json_answer(SHAPES[name]))).classify(ONE, QUESTION, progress=False)[0]
    assert row["status"] in {"failed", "blocked"}
    assert row["classification"] is None
    assert row["error"]


def test_thoughts_are_not_part_of_the_answer(serve: Serve) -> None:
    parts = [{"text": "Thinking: pole?", "thought": True}, {"text": "sign", "thoughtSignature": "c2ln"}]
    body = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP", "score": 1}], "newKey": {}}
    results = client_of(serve(lambda _: json_answer(body))).classify(ONE, QUESTION, progress=False)
    assert results["classification"] == ["sign"]


@pytest.mark.parametrize("kind", ["500", "502", "503", "504", "reset", "cut_body", "bad_json", "html"])
def test_what_may_pass_is_tried_again(
    client: sl.Client, emulator: Emulator, uris: list[str], kind: str
) -> None:
    rule = emulator.faults.add(kind, service="gemini", times=1)
    results = client.classify(uris[:1], QUESTION, progress=False)
    assert (results["status"], results["attempts"], rule.struck) == (["ok"], [2], 1)


def test_a_refusal_for_the_quota_costs_a_row_no_attempt(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    rule = emulator.faults.add("429", service="gemini", rate=0.3)
    results = client.classify(uris, QUESTION, progress=False)
    assert set(results["status"]) == {"ok"}
    assert set(results["attempts"]) == {1}
    assert rule.struck >= 10


def test_a_run_that_is_refused_says_so_in_its_progress(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    seen: list[sl.Progress] = []
    emulator.faults.add("429", service="gemini", times=20)
    client.classify(uris[:20], QUESTION, concurrency="2-8-8", progress=seen.append)
    assert any(progress.throttled for progress in seen)
    assert 2 <= min(progress.concurrency for progress in seen) < 8


def test_a_limit_of_the_users_spreads_the_requests(client: sl.Client, uris: list[str]) -> None:
    started = time.monotonic()
    results = client.classify(uris[:11], QUESTION, requests_per_minute=600, progress=False)
    assert set(results["status"]) == {"ok"}
    assert time.monotonic() - started >= 1.0


def test_what_may_pass_is_tried_again_for_the_metadata_too(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    bucket, _, name = uris[0].removeprefix("gs://").partition("/")
    found = emulator.world.objects.get(bucket, name)
    assert found is not None
    emulator.world.objects.put("retried", "no-extension", found.data, "image/jpeg")
    rule = emulator.faults.add("503", service="storage", times=1)
    assert client.classify(["gs://retried/no-extension"], QUESTION, progress=False)["status"] == ["ok"]
    assert rule.struck == 1


def test_a_stalled_attempt_ends_with_its_timeout_and_is_tried_again(serve: Serve) -> None:
    answers = [generated(seconds=60), generated("sign")]
    results = client_of(serve(lambda _: answers.pop(0))).classify(ONE, QUESTION, timeout=1, progress=False)
    assert (results["status"], results["attempts"]) == (["ok"], [2])
    assert 1_000 <= results["latency_ms"][0] < 20_000


def test_one_stalled_image_does_not_hold_up_the_others(serve: Serve) -> None:
    stalled: list[str] = []

    def answer(request: Received) -> Answer:
        stalls = image_of(request).endswith("/0.jpg") and not stalled
        if stalls:
            stalled.append(image_of(request))
        return generated(seconds=60 if stalls else 0)

    images = [f"gs://bucket/{number}.jpg" for number in range(6)]
    results = client_of(serve(answer)).classify(images, QUESTION, timeout=2, concurrency=2, progress=False)
    assert set(results["status"]) == {"ok"}
    assert results["attempts"] == [2, 1, 1, 1, 1, 1]


def test_the_emulators_own_stall_is_survived(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    emulator.faults.add("stall", service="gemini", times=1)
    results = client.classify(uris[:1], QUESTION, timeout=3, progress=False)
    assert results["status"] == ["ok"]
    assert results["attempts"][0] >= 2


def test_the_wait_a_server_asks_for_is_kept(serve: Serve) -> None:
    times: list[float] = []

    def answer(_: Received) -> Answer:
        times.append(time.monotonic())
        return gemini_error(429, "Resource exhausted.", Retry_After="1.5") if len(times) == 1 else generated()

    results = client_of(serve(answer)).classify(ONE, QUESTION, progress=False)
    assert results["status"] == ["ok"]
    assert times[1] - times[0] >= 1.5


def test_the_wait_in_the_details_is_kept(serve: Serve) -> None:
    times: list[float] = []
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.2s"}

    def answer(_: Received) -> Answer:
        times.append(time.monotonic())
        return gemini_error(429, "Resource exhausted.", info) if len(times) == 1 else generated()

    client_of(serve(answer)).classify(ONE, QUESTION, progress=False)
    assert times[1] - times[0] >= 1.2


def test_a_wait_beyond_the_deadline_fails_the_row_now(serve: Serve) -> None:
    server = serve(lambda _: gemini_error(429, "Resource exhausted.", Retry_After="3600"))
    row = client_of(server).classify(ONE, QUESTION, progress=False)[0]
    assert (row["status"], row["attempts"], len(server.received)) == ("failed", 1, 1)
    assert "Resource exhausted" in row["error"]
    assert "concurrency" in row["error"]


def test_trouble_that_stays_fails_its_row_and_no_other(serve: Serve) -> None:
    """One run for all kinds, because the waits between six attempts add up to half a minute."""
    kinds: dict[str, Answer] = {
        "unavailable": gemini_error(503, "The service is currently unavailable."),
        "internal": gemini_error(500, "Internal error encountered."),
        "page": Answer(b"<html><title>502 Bad Gateway</title></html>", 502),
        "broken": Answer(b'{"candidates": [{"content"'),
        "good_page": Answer(b"<html><title>Sign in</title></html>", 200),
        "nothing": Answer(b""),
        "list": Answer(b'[{"candidates": 3}]'),
        "number": json_answer(
            {"candidates": [{"content": {"parts": [{"text": 5}]}, "finishReason": "STOP"}]}
        ),
        "fine": generated("a sign"),
    }
    server = serve(lambda request: kinds[image_of(request).rsplit("/", 1)[1].removesuffix(".jpg")])
    images = [f"gs://bucket/{kind}.jpg" for kind in kinds]
    results = client_of(server).classify(images, QUESTION, progress=False, concurrency=len(kinds))
    by_kind = dict(zip(kinds, results, strict=True))
    assert by_kind.pop("fine")["status"] == "ok"
    for kind, row in by_kind.items():
        assert (row["status"], row["classification"], row["attempts"]) == ("failed", None, 6), kind
        assert "6 attempts" in row["error"], kind
    assert "Sign in" in by_kind["good_page"]["error"] or "HTML" in by_kind["good_page"]["error"]


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "Provided image is not valid.", "image_error"),
        (400, "Unable to process input image. Please retry.", "image_error"),
        (
            400,
            "Cannot fetch content from the provided URL. Status: URL_ROBOTED-ROBOTED_DENIED",
            "image_error",
        ),
        (403, "Permission denied while accessing input file. Learn more", "image_error"),
        (404, "Image file not found in the storage URL", "image_error"),
        (400, "The input token count exceeds the maximum number of tokens allowed", "failed"),
        (400, "Request contains an invalid argument.", "failed"),
        (413, "Request Entity Too Large", "image_error"),
    ],
)
def test_what_concerns_one_image_is_its_row_alone(
    serve: Serve, status: int, message: str, expected: str
) -> None:
    def answer(request: Received) -> Answer:
        return gemini_error(status, message) if "bad" in image_of(request) else generated("sign")

    images = ["gs://bucket/good.jpg", "gs://bucket/bad.jpg", "gs://bucket/other.jpg"]
    # One after the other: once Gemini has read an image of the bucket, a refusal concerns the other image only.
    results = client_of(serve(answer)).classify(images, QUESTION, concurrency=1, progress=False)
    assert results["status"] == ["ok", expected, "ok"]
    assert message.split(".", maxsplit=1)[0] in results["error"][1]
    assert results["attempts"] == [1, 1, 1]
    assert results.errors["gcs_uri"] == ["gs://bucket/bad.jpg"]


def test_a_real_unreadable_picture_is_a_row(client: sl.Client, uris: list[str]) -> None:
    results = client.classify([b"\xff\xd8\xff broken", uris[0]], QUESTION, progress=False)
    assert results["status"] == ["image_error", "ok"]


def test_a_cut_answer_in_free_text_is_kept_because_it_was_paid_for(serve: Serve) -> None:
    row = client_of(serve(lambda _: generated("a stop si", "MAX_TOKENS"))).classify(
        ONE, QUESTION, progress=False
    )[0]
    assert (row["status"], row["classification"], row["finish_reason"]) == (
        "truncated",
        "a stop si",
        "MAX_TOKENS",
    )


def test_the_finish_message_of_google_is_passed_on(serve: Serve) -> None:
    body = {"candidates": [{"finishReason": "OTHER", "finishMessage": "The picture was too strange."}]}
    row = client_of(serve(lambda _: json_answer(body))).classify(ONE, QUESTION, progress=False)[0]
    assert "The picture was too strange." in row["error"]
