"""Reads in which form an answer is wanted, in any of the three ways of asking, and refuses what the service refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streetlens.emulator.gemini import refusals
from streetlens.emulator.gemini.spelling import camel_case, snake_case

Json = dict[str, Any]

_FIELDS = (
    "type format title description nullable default items minItems maxItems enum properties propertyOrdering "
    "required minProperties maxProperties minimum maximum minLength maxLength pattern example anyOf "
    "additionalProperties ref defs"
)
_OPENAPI = frozenset(_FIELDS.split())
"""Fields of the message `Schema`; those of JSON Schema that are not among them are unknown names to the parser."""
_MIME_TYPES = frozenset({"text/plain", "application/json", "text/x.enum"})
_FORMATS = frozenset({"text", "image", "audio", "video"})
_TEXT_FORMATS = frozenset({"MIME_TYPE_UNSPECIFIED", "APPLICATION_JSON", "TEXT_PLAIN"})
_DEEPEST = 64


@dataclass(frozen=True)
class AnswerForm:
    """What an answer is to look like: free text, JSON, JSON after a schema, or a bare member of an enum."""

    schema: Json | None
    is_json: bool
    is_enum: bool


def answer_form(config: Json) -> AnswerForm:
    """Returns the form that a generationConfig (in camelCase) asks for. Raises the service's 400."""
    mime_type = str(config.get("responseMimeType") or "text/plain")
    if mime_type not in _MIME_TYPES:
        raise refusals.invalid_value("generation_config.response_mime_type", mime_type)
    openapi, json_schema = config.get("responseSchema"), config.get("responseJsonSchema")
    if openapi is not None:
        _check_openapi(openapi, "generation_config.response_schema")
        if mime_type == "text/plain":
            raise refusals.schema_without_json("response_schema", "application/json or text/x.enum")
    if json_schema is not None and mime_type != "application/json":
        raise refusals.schema_without_json("response_json_schema", "application/json")
    is_json, formatted = _response_format(config.get("responseFormat"))
    given = [schema for schema in (openapi, json_schema, formatted) if schema]
    if len(given) > 1:
        raise refusals.invalid(
            "Only one of response_schema, response_json_schema and response_format can be set."
        )
    if given and not isinstance(given[0], dict):
        raise refusals.invalid_value("generation_config.response_json_schema", given[0])
    return AnswerForm(
        schema=given[0] if given else None,
        is_json=is_json or mime_type == "application/json",
        is_enum=mime_type == "text/x.enum",
    )


def _response_format(formats: object) -> tuple[bool, Any]:
    """Returns whether JSON is wanted, and its schema."""
    where = "generation_config.response_format"
    if formats is None:
        return False, None
    texts = []
    # Google's parser takes a single message for a repeated field.
    for position, entry in enumerate([formats] if isinstance(formats, dict) else _list(formats, where)):
        place = f"{where}[{position}]"
        fields = _message(entry, _FORMATS, place)
        if "text" in fields:
            texts.append(_message(fields["text"], frozenset({"mimeType", "schema"}), f"{place}.text"))
    if len(texts) > 1:
        raise refusals.invalid("Only one text format can be set in response_format.")
    text: Json = texts[0] if texts else {}
    mime_type = text.get("mimeType", "MIME_TYPE_UNSPECIFIED")
    if mime_type not in _TEXT_FORMATS:
        raise refusals.invalid_value(f"{where}.text.mime_type", mime_type)
    if text.get("schema") and mime_type != "APPLICATION_JSON":
        raise refusals.schema_without_json("response_format.text.schema", "APPLICATION_JSON")
    return mime_type == "APPLICATION_JSON", text.get("schema")


def _check_openapi(schema: object, where: str, depth: int = 0) -> None:
    """Refuses what the message `Schema` cannot hold, as the JSON parser does before any model sees it."""
    if depth > _DEEPEST:
        raise refusals.invalid(
            "Invalid JSON payload received. Message too deep. Max recursion depth reached."
        )
    fields = _message(schema, _OPENAPI, where)
    if isinstance(fields.get("type"), list):
        raise refusals.not_repeating("type", where)
    for position, member in enumerate(_list(fields.get("enum", []), f"{where}.enum")):
        if not isinstance(member, str):
            raise refusals.invalid(f"Invalid value at '{where}.enum[{position}]' (TYPE_STRING), {member}")
    inner: list[tuple[str, object]] = []
    if "items" in fields:
        inner.append(("items", fields["items"]))
    for position, branch in enumerate(_list(fields.get("anyOf", []), f"{where}.any_of")):
        inner.append((f"any_of[{position}]", branch))
    for name in ("properties", "defs"):
        members = fields.get(name, {})
        if not isinstance(members, dict):
            raise refusals.invalid_value(f"{where}.{name}", members)
        inner += [(f"{name}[{key!r}]", member) for key, member in members.items()]
    for name, part in inner:
        _check_openapi(part, f"{where}.{name}", depth + 1)


def _message(value: object, known: frozenset[str], where: str) -> Json:
    if not isinstance(value, dict):
        raise refusals.invalid_value(where, value)
    fields = camel_case(value)
    for name in fields:
        if name not in known:
            raise refusals.unknown_name(snake_case(name), where)
    return fields


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise refusals.invalid_value(where, value)
    return value
