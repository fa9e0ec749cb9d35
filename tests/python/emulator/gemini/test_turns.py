"""Conversations: examples before the question, and the question once more after an answer."""

from __future__ import annotations

import json
from typing import Any

from .conftest import Endpoint, question, uri_of

SCHEMA = {
    "type": "object",
    "properties": {"sign": {"enum": ["stop", "yield", "other"]}},
    "required": ["sign"],
}
CONFIG: dict[str, Any] = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def turn(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def picture(uri: str) -> dict[str, Any]:
    return {"fileData": {"fileUri": uri, "mimeType": "image/jpeg"}}


def test_pictures_of_examples_are_billed_and_not_asked_about(endpoint: Endpoint) -> None:
    body = question(uri_of("yield"), **CONFIG)
    alone = endpoint.post(body).json()
    body["contents"][:0] = [
        turn("user", picture(uri_of("stop"))),
        turn("model", {"text": '{"sign": "stop"}'}),
    ]
    after = endpoint.post(body).json()
    assert json.loads(after["candidates"][0]["content"]["parts"][0]["text"]) == {"sign": "yield"}
    assert after["usageMetadata"]["promptTokenCount"] > alone["usageMetadata"]["promptTokenCount"] + 1000


def test_a_question_asked_once_more_is_about_the_picture_before(endpoint: Endpoint) -> None:
    body = question(uri_of("yield"), **CONFIG)
    body["contents"] += [turn("model", {"text": "a stop sign"}), turn("user", {"text": "Answer once more."})]
    answer = endpoint.post(body).json()["candidates"][0]["content"]["parts"][0]["text"]
    assert json.loads(answer) == {"sign": "yield"}


def test_several_views_of_one_turn_are_asked_about_together(endpoint: Endpoint) -> None:
    body = question(None, **CONFIG)
    views = [picture(uri_of("stop")), {"text": "from the south"}, picture(uri_of("stop"))]
    body["contents"][0]["parts"][:0] = views
    assert endpoint.post(body).json()["usageMetadata"]["promptTokensDetails"][1]["tokenCount"] == 2 * 1120
