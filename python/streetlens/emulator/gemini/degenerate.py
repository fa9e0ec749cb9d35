"""The answers with status 200 that hold no usable text: blocked, cut off, empty, or in no known form."""

from __future__ import annotations

from typing import Any

from streetlens.emulator.gemini.answers import PromptTokens, envelope, usage

Json = dict[str, Any]
_TEXT = '{"label": "stop", "confidence": 0.9}'
_RATING = {
    "category": "HARM_CATEGORY_DANGEROUS_CONTENT",
    "probability": "HIGH",
    "probabilityScore": 0.93,
    "severity": "HARM_SEVERITY_HIGH",
    "severityScore": 0.81,
    "blocked": True,
}


def degenerate_body(kind: str, model: str, tokens: PromptTokens) -> Json:
    """Returns the response body of one kind; raises KeyError for a kind that does not exist.

    Shapes: recorded responses of the service, see the reference on degenerate answers.
    """
    candidates = _CANDIDATES.get(kind)
    text_count = {"truncated": 3, "empty_text": 0, "unknown_finish": 9, "wrong_schema": 12}.get(kind, 0)
    thoughts = 256 if kind == "thoughts_only" else 0
    body: Json = {}
    if kind == "blocked":
        body["promptFeedback"] = {
            "blockReason": "PROHIBITED_CONTENT",
            "blockReasonMessage": "The prompt is blocked due to prohibited contents",
        }
    elif kind != "no_candidates":
        if candidates is None:
            raise KeyError(f"no degenerate answer {kind!r}; there are {', '.join(KINDS)}")
        body["candidates"] = [candidates]
    return {**body, "usageMetadata": usage(tokens, text_count, thoughts), **envelope(model)}


def _said(text: str, finish: str, **more: Any) -> Json:
    return {"content": {"role": "model", "parts": [{"text": text, **more}]}, "finishReason": finish}


_CANDIDATES: dict[str, Json] = {
    "safety": {"finishReason": "SAFETY", "safetyRatings": [_RATING]},
    "recitation": {
        "finishReason": "RECITATION",
        "citationMetadata": {
            "citations": [{"startIndex": 4, "endIndex": 140, "uri": "https://example.com/"}]
        },
    },
    "truncated": _said(_TEXT[:12], "MAX_TOKENS"),
    "no_parts": {"content": {"role": "model"}, "finishReason": "STOP"},
    "empty_text": _said("", "STOP"),
    "thoughts_only": _said("Considering what the picture shows.", "MAX_TOKENS", thought=True),
    "unknown_finish": _said(_TEXT, "STREETLENS_REASON_NOBODY_KNOWS"),
    "wrong_schema": _said('{"unexpected": ["shape"], "confidence": "very"}', "STOP"),
}
KINDS = ("blocked", "no_candidates", *_CANDIDATES)
