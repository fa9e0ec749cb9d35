"""Reads a GenerateContentRequest as Google's JSON parser does, and refuses what the service refuses."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from streetlens.emulator.gemini import refusals
from streetlens.emulator.gemini.models import THINKING, Model
from streetlens.emulator.gemini.response_format import AnswerForm, answer_form
from streetlens.emulator.gemini.spelling import camel_case, snake_case

Json = dict[str, Any]

_FIELDS = {
    "": "contents systemInstruction generationConfig safetySettings labels cachedContent tools "
    "toolConfig modelArmorConfig outputConfig continuationToken serviceTier model instances",
    "generation_config": "temperature topP topK candidateCount maxOutputTokens stopSequences presencePenalty "
    "frequencyPenalty seed responseLogprobs logprobs responseModalities mediaResolution thinkingConfig "
    "responseMimeType responseSchema responseJsonSchema responseFormat routingConfig speechConfig "
    "audioTimestamp audioTranscriptionConfig enableAffectiveDialog imageConfig translationConfig modelConfig",
    "content": "role parts",
    "part": "text inlineData fileData functionCall functionResponse executableCode "
    "codeExecutionResult thought thoughtSignature videoMetadata mediaResolution speechMetadata "
    "audioTranscription mediaProcessing",
    "thinking_config": "thinkingBudget thinkingLevel includeThoughts",
}
_COUNTED = frozenset(["contents", "systemInstruction", "generationConfig", "tools", "model", "instances"])
_KNOWN = {place: frozenset(names.split()) for place, names in _FIELDS.items()}


@dataclass(frozen=True)
class Media:
    """A picture in the request: by URI or inline."""

    mime_type: str
    uri: str | None
    data: bytes | None
    resolution: str | None


@dataclass(frozen=True)
class _Said:
    """What the contents say. Texts of model turns are history and not in `prompt`."""

    prompt: str
    system: str
    text: str
    """Everything that counts as text tokens."""
    media: tuple[Media, ...]
    subject: int
    """Where in `media` the pictures begin that are asked about: those of the last turn that has any."""


@dataclass(frozen=True)
class GenerateRequest(_Said):
    """What the stand-in needs of a request."""

    form: AnswerForm
    max_output_tokens: int | None
    thinking_level: str | None
    thinking_budget: int | None
    include_thoughts: bool
    candidates: int

    def thought_tokens(self, model: Model) -> int:
        """Returns how many thought tokens the stand-in bills. Raises the 400 for a refused level."""
        level = self.thinking_level or model.thinking
        if self.thinking_budget is not None:
            if self.thinking_budget == 0:
                level = "MINIMAL"
            elif self.thinking_budget > 0:
                return min(self.thinking_budget, THINKING["HIGH"])
        explicit = self.thinking_level is not None or self.thinking_budget is not None
        if explicit and level in model.refuses:
            raise refusals.minimal_thinking()
        return THINKING[level]


def read_request(body: object) -> GenerateRequest:
    """Returns the request of a parsed JSON body. Raises ServiceError with the service's text."""
    if not isinstance(body, dict):
        raise refusals.invalid("Invalid JSON payload received. Expected an object.")
    top = _object(body, "")
    if "cachedContent" in top:
        raise refusals.cache_not_found(str(top["cachedContent"]))
    contents = [_content(entry) for entry in _list(top.get("contents"), "contents")]
    if not contents:
        raise refusals.cannot_submit("at least one contents field is required", "Add contents and try again.")
    config = _object(top.get("generationConfig") or {}, "generation_config")
    resolution = _resolution(config.get("mediaResolution"))
    texts, prompt = [], []
    media: list[Media] = []
    subject = 0
    for role, parts in contents:
        before = len(media)
        for part in parts:
            if "text" in part and not part.get("thought"):
                texts.append(str(part["text"]))
                if role == "user":
                    prompt.append(str(part["text"]))
            found = _media(part, resolution)
            if found is not None:
                media.append(found)
        if role == "user" and len(media) > before:
            subject = before
    if not texts:
        raise refusals.cannot_submit("it must have a text parameter", "Add a text parameter and try again.")
    if not any(text.strip() for text in texts):
        raise refusals.cannot_submit(
            "it has an empty text parameter", "Add a value to the parameter and try again."
        )
    system = _system(top.get("systemInstruction"))
    said = _Said("\n".join(prompt), system, "\n".join([system, *texts]), tuple(media), subject)
    return _with_config(config, said)


def read_count(body: object) -> GenerateRequest:
    """Returns the request that countTokens is asked about. Raises also for what only generateContent knows."""
    for name in camel_case(body if isinstance(body, dict) else {}):
        if name not in _COUNTED:
            raise refusals.unknown_name(snake_case(name), "")
    return read_request(body)


def _with_config(config: Json, said: _Said) -> GenerateRequest:
    _check_range(config, "temperature", 0.0, 2.0001)
    _check_range(config, "topP", 0.0, 1.0001)
    _check_range(config, "maxOutputTokens", 1, 65537)
    _check_range(config, "candidateCount", 1, 9)
    thinking = _object(config.get("thinkingConfig") or {}, "thinking_config")
    level = thinking.get("thinkingLevel")
    if level is not None:
        level = str(level).upper()
        if level == "THINKING_LEVEL_UNSPECIFIED":
            level = None
        elif level not in THINKING:
            raise refusals.invalid_value("generation_config.thinking_config.thinking_level", level)
    budget = _integer(thinking.get("thinkingBudget"), "generation_config.thinking_config.thinking_budget")
    if level is not None and budget is not None:
        raise refusals.invalid(
            "You can only set only one of thinking budget and thinking level."  # the service's own words
        )
    form = answer_form(config)
    return GenerateRequest(
        **vars(said),
        form=form,
        max_output_tokens=_integer(config.get("maxOutputTokens"), "generation_config.max_output_tokens"),
        thinking_level=level,
        thinking_budget=budget,
        include_thoughts=bool(thinking.get("includeThoughts")),
        candidates=_integer(config.get("candidateCount"), "generation_config.candidate_count") or 1,
    )


def _content(entry: object) -> tuple[str, list[Json]]:
    content = _object(entry, "content", "contents")
    role = content.get("role") or "user"
    if role not in {"user", "model"}:
        raise refusals.invalid("Please use a valid role: user, model.")
    parts = [
        _object(part, "part", "contents.parts") for part in _list(content.get("parts"), "contents.parts")
    ]
    if not parts:
        raise refusals.cannot_submit(
            "it must include at least one parts field, which describes the prompt input",
            "Add a parts field and try again.",
        )
    return str(role), parts


def _system(entry: object) -> str:
    if entry is None:
        return ""
    content = _object(entry, "content", "system_instruction")
    parts = [_object(part, "part") for part in _list(content.get("parts"), "system_instruction.parts")]
    return "\n".join(str(part.get("text", "")) for part in parts)


def _media(part: Json, resolution: str | None) -> Media | None:
    kind = "fileData" if "fileData" in part else "inlineData" if "inlineData" in part else None
    if kind is None:
        return None
    blob = camel_case(part[kind] if isinstance(part[kind], dict) else {})
    mime_type = str(blob.get("mimeType") or "")
    if not mime_type:
        raise refusals.cannot_submit("it must have a mimeType parameter", "Add a mimeType and try again.")
    level = part.get("mediaResolution")
    if isinstance(level, dict):
        resolution = _resolution(camel_case(level).get("level")) or resolution
    if kind == "fileData":
        uri = str(blob.get("fileUri") or "")
        if not uri:
            raise refusals.cannot_submit("it must have a fileUri parameter", "Add a fileUri and try again.")
        return Media(mime_type, uri, None, resolution)
    return Media(mime_type, None, _bytes(blob.get("data")), resolution)


def _bytes(text: object) -> bytes:
    """Returns the bytes of standard or URL-safe base64, padded or not."""
    plain = str(text or "").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusals.invalid(
            "Invalid value at 'contents.parts.inline_data.data' (TYPE_BYTES), Base64 decoding failed"
        ) from error


def _resolution(value: object) -> str | None:
    if value is None or value == "MEDIA_RESOLUTION_UNSPECIFIED":
        return None
    level = str(value).removeprefix("MEDIA_RESOLUTION_")
    if level not in {"LOW", "MEDIUM", "HIGH", "ULTRA_HIGH"}:
        raise refusals.invalid_value("media_resolution", value)
    return level


def _check_range(config: Json, name: str, low: float, high: float) -> None:
    value = config.get(name)
    if value is None:
        return
    if isinstance(value, str):  # proto3 JSON takes numbers as strings too
        try:
            value = float(value)
        except ValueError as error:
            raise refusals.invalid_value(f"generation_config.{snake_case(name)}", value) from error
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refusals.invalid_value(f"generation_config.{snake_case(name)}", value)
    if not low <= value < high:
        raise refusals.out_of_range(name, value, f"{low:g}", f"{high:.4f}".rstrip("0").rstrip("."))


def _integer(value: object, where: str) -> int | None:
    if value is None:
        return None
    try:
        return int(str(value))
    except ValueError as error:
        raise refusals.invalid_value(where, value) from error


def _object(value: object, place: str, where: str | None = None) -> Json:
    if not isinstance(value, dict):
        raise refusals.invalid_value(where or place, value)
    fields = camel_case(value)
    for name in fields:
        if name not in _KNOWN[place]:
            raise refusals.unknown_name(snake_case(name), where if where is not None else place)
    return fields


def _list(value: object, where: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict) and where == "contents":
        return [value]  # Google's parser takes a single message for a repeated field
    if not isinstance(value, list):
        raise refusals.invalid_value(where, value)
    return value
