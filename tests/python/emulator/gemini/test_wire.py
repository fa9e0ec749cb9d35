"""The stand-in speaks Gemini's wire format: Google's own schema, lenient parsing, consistent counts."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from streetlens.emulator.gemini import degenerate_body
from streetlens.emulator.gemini.answers import PromptTokens
from streetlens.emulator.gemini.degenerate import KINDS

from .conftest import MODEL, Endpoint, bytes_of, question, uri_of

NOT_IN_DISCOVERY = {"unknown_finish"}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"candidateCount": 2},
        {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True}},
        {"maxOutputTokens": 3},
        {"responseMimeType": "application/json"},
        {"responseMimeType": "application/json", "responseSchema": {"type": "STRING", "enum": ["a", "b"]}},
    ],
    ids=lambda config: ",".join(config) or "plain",
)
def test_an_answer_fits_googles_discovery_document(
    endpoint: Endpoint, discovery: Any, config: dict[str, Any]
) -> None:
    discovery("GenerateContentResponse", endpoint.ask(uri_of("stop"), **config))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_IN_DISCOVERY])
def test_a_degenerate_answer_fits_googles_discovery_document(discovery: Any, kind: str) -> None:
    discovery("GenerateContentResponse", degenerate_body(kind, MODEL, PromptTokens(12, 1120)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_degenerate_answer_holds_no_usable_text_of_its_own_accord(endpoint: Endpoint, kind: str) -> None:
    body = endpoint.post(question(uri_of("stop")), headers={"x-degenerate": kind}).json()
    usage = body["usageMetadata"]
    parts = [usage.get(f"{name}TokenCount", 0) for name in ("prompt", "candidates", "thoughts")]
    assert usage["totalTokenCount"] == sum(parts)
    assert usage["promptTokenCount"] > 1120
    normal = [
        candidate
        for candidate in body.get("candidates", [])
        if candidate["finishReason"] == "STOP"
        and any(part.get("text") for part in candidate["content"].get("parts", []))
    ]
    assert bool(normal) == (kind == "wrong_schema")


def test_count_tokens_refuses_what_its_request_does_not_have(endpoint: Endpoint) -> None:
    answer = endpoint.post({**question(uri_of("stop")), "labels": {"team": "signs"}}, method="countTokens")
    assert (answer.status_code, 'Unknown name "labels"' in answer.json()["error"]["message"]) == (400, True)


def test_count_tokens_fits_googles_discovery_document(endpoint: Endpoint, discovery: Any) -> None:
    body = endpoint.post(question(uri_of("stop")), method="countTokens").json()
    discovery("CountTokensResponse", body)
    assert body["totalTokens"] == sum(each["tokenCount"] for each in body["promptTokensDetails"])


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_both_api_versions_answer(endpoint: Endpoint, version: str) -> None:
    assert endpoint.post(question(None, "Hello"), version=version).status_code == 200


def test_snake_case_keys_and_url_safe_base64_are_understood(endpoint: Endpoint) -> None:
    data = base64.urlsafe_b64encode(bytes_of("stop")).decode().rstrip("=")
    parts = [{"inline_data": {"mime_type": "image/jpeg", "data": data}}, {"text": "What sign is it?"}]
    body = {"contents": [{"parts": parts}], "generation_config": {"max_output_tokens": "500"}}
    answer = endpoint.post(body).json()
    assert "stop sign" in answer["candidates"][0]["content"]["parts"][0]["text"]


def test_the_total_is_prompt_plus_answer_plus_thoughts(endpoint: Endpoint) -> None:
    body = endpoint.ask(uri_of("stop"), thinkingConfig={"thinkingLevel": "MEDIUM"})
    usage = body["usageMetadata"]
    assert usage["thoughtsTokenCount"] > 0
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    )
    assert usage["promptTokenCount"] == sum(each["tokenCount"] for each in usage["promptTokensDetails"])


@pytest.mark.parametrize(("resolution", "tokens"), [("LOW", 280), ("MEDIUM", 560), ("HIGH", 1120)])
def test_a_picture_costs_what_its_resolution_says(endpoint: Endpoint, resolution: str, tokens: int) -> None:
    body = endpoint.ask(uri_of("stop"), mediaResolution=f"MEDIA_RESOLUTION_{resolution}")
    details = body["usageMetadata"]["promptTokensDetails"]
    assert {"modality": "IMAGE", "tokenCount": tokens} in details


def test_the_resolution_of_a_part_wins_over_that_of_the_request(endpoint: Endpoint) -> None:
    body = question(uri_of("stop"), mediaResolution="MEDIA_RESOLUTION_HIGH")
    body["contents"][0]["parts"][0]["mediaResolution"] = {"level": "MEDIA_RESOLUTION_LOW"}
    details = endpoint.post(body).json()["usageMetadata"]["promptTokensDetails"]
    assert {"modality": "IMAGE", "tokenCount": 280} in details


def test_a_small_picture_costs_258_tokens_on_gemini_2(endpoint: Endpoint) -> None:
    body = endpoint.post(question(uri_of("stop")), model="gemini-2.5-flash-lite").json()
    assert {"modality": "IMAGE", "tokenCount": 258} in body["usageMetadata"]["promptTokensDetails"]


def test_thoughts_that_use_up_the_limit_leave_no_parts(endpoint: Endpoint) -> None:
    body = endpoint.ask(uri_of("stop"), maxOutputTokens=40, thinkingConfig={"thinkingLevel": "HIGH"})
    candidate = body["candidates"][0]
    assert candidate["finishReason"] == "MAX_TOKENS"
    assert "parts" not in candidate["content"]
    assert body["usageMetadata"]["thoughtsTokenCount"] == 40


def test_an_answer_longer_than_the_limit_is_cut(endpoint: Endpoint) -> None:
    body = endpoint.ask(uri_of("stop"), maxOutputTokens=3)
    assert body["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert body["usageMetadata"]["candidatesTokenCount"] == 3


def test_asked_for_thoughts_come_as_thought_parts_before_the_text(endpoint: Endpoint) -> None:
    thinking = {"thinkingLevel": "LOW", "includeThoughts": True}
    parts = endpoint.ask(uri_of("stop"), thinkingConfig=thinking)["candidates"][0]["content"]["parts"]
    assert [part.get("thought", False) for part in parts] == [True, False]


def test_without_sse_a_stream_is_one_json_array(endpoint: Endpoint) -> None:
    chunks = endpoint.post(question(uri_of("stop")), method="streamGenerateContent").json()
    assert isinstance(chunks, list)
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_the_same_question_gives_the_same_answer(endpoint: Endpoint) -> None:
    uri = uri_of("pedestrian_crossing")
    with ThreadPoolExecutor(8) as threads:
        bodies = list(threads.map(lambda _: endpoint.ask(uri), range(16)))
    assert len({body["candidates"][0]["content"]["parts"][0]["text"] for body in bodies}) == 1
    assert len({body["responseId"] for body in bodies}) == 16


def test_another_picture_under_the_same_name_gives_another_answer(endpoint: Endpoint) -> None:
    objects, uri = endpoint.world.objects, "gs://pictures/o1:swapped.jpg"
    seen = []
    for label in ("stop", "yield"):
        objects.stored["pictures", "o1:swapped.jpg"] = bytes_of(label)
        seen.append(endpoint.ask(uri)["candidates"][0]["content"]["parts"][0]["text"])
    assert "stop sign" in seen[0]
    assert "yield sign" in seen[1]
