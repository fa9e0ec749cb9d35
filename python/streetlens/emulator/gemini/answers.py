"""Builds GenerateContentResponse bodies: what was seen in the caller's form, with consistent counts."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from streetlens.emulator.gemini.facts import Facts
from streetlens.emulator.gemini.fill import fill
from streetlens.emulator.gemini.matching import choose
from streetlens.emulator.gemini.models import Model
from streetlens.emulator.gemini.prose import answer, describe
from streetlens.emulator.gemini.request import GenerateRequest
from streetlens.emulator.vision import Sighting

Json = dict[str, Any]
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class PromptTokens:
    """Tokens of a prompt by modality."""

    text: int
    image: int

    @property
    def total(self) -> int:
        return self.text + self.image

    def details(self) -> list[Json]:
        counts = (("TEXT", self.text), ("IMAGE", self.image))
        return [{"modality": modality, "tokenCount": count} for modality, count in counts if count]


@dataclass(frozen=True)
class Answer:
    """The text of an answer before it is cut to the token limit, and what it was not decided by."""

    text: str
    notes: list[str] = field(default_factory=list)


def text_tokens(text: str) -> int:
    """Returns a plausible number of tokens: a quarter of the characters, rounded up."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def prompt_tokens(request: GenerateRequest, sightings: list[Sighting], model: Model) -> PromptTokens:
    image = sum(
        model.image_tokens(sighting.width, sighting.height, media.resolution)
        for media, sighting in zip(request.media, sightings, strict=True)
    )
    return PromptTokens(max(1, text_tokens(request.text)), image)


def compose(request: GenerateRequest, facts: Facts) -> Answer:
    """Returns the answer in the form that the request asks for."""
    schema = request.form.schema
    if schema is not None:
        if request.form.is_enum:
            chosen = choose([str(each) for each in schema.get("enum") or ["unknown"]], facts, request.prompt)
            return Answer(chosen.member, ["nothing seen decides it"] if chosen.why == "rule" else [])
        value, notes = fill(schema, facts, request.prompt)
        return Answer(json.dumps(value, ensure_ascii=False), notes)
    if request.form.is_json:
        main = facts.main
        plain = {
            "asset_type": main.asset_class,
            "label": main.label,
            "speed_limit": main.speed,
            "attachment": main.attachment,
            "confidence": main.confidence,
            "description": describe(facts),
        }
        return Answer(json.dumps({key: value for key, value in plain.items() if value is not None}))
    return Answer(answer(request.prompt or request.system, facts))


def response(model: Model, request: GenerateRequest, made: Answer, tokens: PromptTokens) -> Json:
    """Returns the response body. Thought tokens count against maxOutputTokens, as they do in the service."""
    thoughts = request.thought_tokens(model)
    text, finish = made.text, "STOP"
    limit = request.max_output_tokens
    if limit is not None and thoughts + text_tokens(text) > limit:
        finish = "MAX_TOKENS"
        thoughts = min(thoughts, limit)
        text = text[: (limit - thoughts) * CHARACTERS_PER_TOKEN]
    parts: list[Json] = []
    if request.include_thoughts and thoughts:
        parts.append({"text": "Looking for signs by colour and outline, then for poles.", "thought": True})
    if text:
        part: Json = {"text": text}
        if model.is_gemini_3 and thoughts:
            part["thoughtSignature"] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        parts.append(part)
    content: Json = {"role": "model"}
    if parts:
        content["parts"] = parts
    candidate: Json = {"content": content, "finishReason": finish}
    if made.notes:
        candidate["finishMessage"] = "Stand-in, not Gemini. " + "; ".join(made.notes)
    candidates = [
        candidate if index == 0 else {**candidate, "index": index} for index in range(request.candidates)
    ]
    return {
        "candidates": candidates,
        "usageMetadata": usage(tokens, request.candidates * text_tokens(text), thoughts),
        **envelope(model.name),
    }


def usage(prompt: PromptTokens, candidates: int, thoughts: int = 0) -> Json:
    """Returns usageMetadata; the total is always prompt + candidates + thoughts."""
    counts: Json = {"promptTokenCount": prompt.total}
    if candidates:
        counts["candidatesTokenCount"] = candidates
    counts["totalTokenCount"] = prompt.total + candidates + thoughts
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    counts["trafficType"] = "ON_DEMAND"
    counts["promptTokensDetails"] = prompt.details()
    if candidates:
        counts["candidatesTokensDetails"] = [{"modality": "TEXT", "tokenCount": candidates}]
    return counts


def envelope(model: str) -> Json:
    """Returns what every response carries; modelVersion says that this is a stand-in."""
    return {
        "modelVersion": f"{model}@streetlens-stand-in",
        "createTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "responseId": secrets.token_urlsafe(16),
    }
