"""The three ways of asking for a schema: each is filled as the service fills it, and refused as it refuses it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Endpoint, question, uri_of

JSON = "application/json"
OPENAPI = {
    "type": "OBJECT",
    "properties": {
        "sign": {"type": "STRING", "format": "enum", "enum": ["stop", "other"]},
        "count": {"type": "INTEGER", "format": "enum", "enum": ["1", "2"]},
        "speed": {"type": "INTEGER", "nullable": True},
        "damage": {"type": "STRING", "format": "enum", "enum": ["dent", "rust"], "nullable": True},
    },
    "required": ["sign", "count", "speed", "damage"],
    "propertyOrdering": ["sign", "count", "speed", "damage"],
}
JSON_SCHEMA = {
    "type": "object",
    "properties": {
        "sign": {"type": "string", "enum": ["stop", "other"]},
        "count": {"type": "integer", "enum": [1, 2]},
        "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "damage": {"anyOf": [{"type": "string", "enum": ["dent", "rust"]}, {"type": "null"}]},
    },
    "required": ["sign", "count", "speed", "damage"],
    "additionalProperties": False,
}
FORMAT = [{"text": {"mimeType": "APPLICATION_JSON", "schema": JSON_SCHEMA}}]
WAYS: dict[str, dict[str, Any]] = {
    "responseSchema": {"responseMimeType": JSON, "responseSchema": OPENAPI},
    "responseJsonSchema": {"responseMimeType": JSON, "responseJsonSchema": JSON_SCHEMA},
    "responseFormat": {"responseFormat": FORMAT},
    "snake_case": {"response_format": [{"text": {"mime_type": "APPLICATION_JSON", "schema": JSON_SCHEMA}}]},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_is_the_same_whichever_way_it_is_asked_for(endpoint: Endpoint, way: str) -> None:
    body = endpoint.ask(uri_of("stop"), **WAYS[way])
    answer = json.loads(body["candidates"][0]["content"]["parts"][0]["text"])
    assert answer == {"sign": "stop", "count": 1, "speed": None, "damage": None}
    assert list(answer) == OPENAPI["propertyOrdering"]


def formatted(**text: Any) -> dict[str, Any]:
    return {"responseFormat": [{"text": text}]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both schemas": ({**WAYS["responseSchema"], **WAYS["responseJsonSchema"]}, "Only one of"),
    "a schema and a format": ({**WAYS["responseSchema"], **WAYS["responseFormat"]}, "Only one of"),
    "two formats": ({"responseFormat": FORMAT * 2}, "Only one text format"),
    "a JSON Schema without a media type": (
        {"responseJsonSchema": JSON_SCHEMA},
        "response_json_schema is only",
    ),
    "a JSON Schema of bare text": (
        {"responseMimeType": "text/x.enum", "responseJsonSchema": JSON_SCHEMA},
        "response_json_schema is only",
    ),
    "a schema without a media type": ({"responseSchema": OPENAPI}, "response_schema is only"),
    "a format with a media type of the web": (
        formatted(mimeType="application/json", schema=JSON_SCHEMA),
        "'application/json'",
    ),
    "a format of plain text with a schema": (
        formatted(mimeType="TEXT_PLAIN", schema=JSON_SCHEMA),
        "only supported with",
    ),
    "an unknown field of a format": (
        formatted(mimeType="APPLICATION_JSON", shape={}),
        'Unknown name "shape"',
    ),
    "an unknown format": ({"responseFormat": [{"table": {}}]}, 'Unknown name "table"'),
    "a format that is a text": ({"responseFormat": "json"}, "response_format"),
    "definitions of JSON Schema": (
        {"responseMimeType": JSON, "responseSchema": {**OPENAPI, "$defs": {}}},
        'Unknown name "$defs"',
    ),
    "a list of types": (
        {
            "responseMimeType": JSON,
            "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": ["STRING", "NULL"]}}},
        },
        "cannot start list",
    ),
    "an enum of numbers": (
        {"responseMimeType": JSON, "responseSchema": {"type": "INTEGER", "enum": [1, 2]}},
        "enum[0]' (TYPE_STRING), 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_malformed_wish_is_a_400_that_names_it(endpoint: Endpoint, case: str) -> None:
    config, told = REFUSED[case]
    response = endpoint.post(question(None, **config))
    assert response.status_code == 400
    assert told in response.json()["error"]["message"]
