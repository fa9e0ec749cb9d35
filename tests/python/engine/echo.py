"""An emulator whose Gemini repeats the image's URI instead of looking at it, so that every answer tells its row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from streetlens.emulator.request_log import LoggedRequest

Json = dict[str, Any]

SCHEMA: Json = {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]}
"""What is asked for: the image's own URI."""

PROMPT = "Which image is it?"
INPUT_TOKENS, OUTPUT_TOKENS = 1_000, 10


def uris_of(rows: int, bucket: str = "pictures") -> list[str]:
    """As many images, none of which is there or missed."""
    return [f"gs://{bucket}/{row:06}.jpg" for row in range(rows)]


def table_of(rows: int) -> pa.Table:
    """The images with their number, which shows whether a row was swapped."""
    return pa.table({"gcs_uri": uris_of(rows), "number": list(range(rows))})


def echo(_service: object, _model: object, body: bytes) -> Json:
    """Answers a generateContent body: JSON with the URI where a schema is asked for, the bare URI otherwise."""
    request = json.loads(body)
    uri = image_in(request)
    has_schema = "responseMimeType" in request.get("generationConfig", {})
    text = json.dumps({"uri": uri}) if has_schema else uri
    total = INPUT_TOKENS + OUTPUT_TOKENS
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": OUTPUT_TOKENS,
            "totalTokenCount": total,
        },
        "modelVersion": "gemini-3.5-flash-lite",
        "responseId": uri,
    }


def image_in(request: Json) -> str:
    """The first image that a request asks about."""
    for content in request["contents"]:
        for part in content["parts"]:
            if "fileData" in part:
                return str(part["fileData"]["fileUri"])
    raise ValueError("the request has no image")


def asked(log: Iterable[LoggedRequest]) -> Counter[str]:
    """How often each image was asked about."""
    return Counter(image_in(entry.json) for entry in log if entry.service == "gemini")


def answered(log: Iterable[LoggedRequest]) -> Counter[str]:
    """How often each image was answered well: with no fault, or one that only took its time."""
    return Counter(
        image_in(entry.json)
        for entry in log
        if entry.service == "gemini"
        and entry.status == 200
        and set((entry.fault or "slow").split(",")) == {"slow"}
    )
