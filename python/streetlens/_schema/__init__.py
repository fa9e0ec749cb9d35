"""Schemas in the forms that users write, as labels or JSON Schema for the native module."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from streetlens._schema.annotations import Json, Reader, is_annotation, is_class, noted
from streetlens.exceptions import SchemaError

__all__ = ["native_schema"]

FORMS = (
    "pass a list of labels, a dictionary of labels and their descriptions, a dataclass, a TypedDict, an enum, a "
    "Pydantic model, or a JSON Schema as a dictionary"
)
STRUCTURE = {
    *("type", "properties", "enum", "const", "items", "prefixItems", "anyOf", "oneOf", "allOf"),
    *("$ref", "$defs", "$schema", "definitions"),
}
"""Keys that make a dictionary a JSON Schema."""
NOTES = {"title", "description", "default", "examples", "format", "nullable", "$id", "$comment"}
"""Keys of a JSON Schema that could as well be labels."""
JSON_TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


def native_schema(schema: Any) -> tuple[list[str] | str, str]:
    """Labels, or JSON Schema as text; and what messages call the whole of it.

    Raises:
        SchemaError: It is in no known form, or holds what no answer can be; the message names the place.
    """
    if isinstance(schema, Mapping):
        is_json_schema = _is_json_schema(schema)
        return _text(dict(schema) if is_json_schema else _described_labels(schema)), "$"
    if isinstance(schema, Sequence) and not isinstance(schema, (str, bytes, bytearray)):
        return _labels(schema), "$"
    if not is_annotation(schema):
        is_instance = dataclasses.is_dataclass(schema) or hasattr(schema, "model_json_schema")
        hint = f"pass the class `{type(schema).__name__}` itself" if is_instance else FORMS
        raise SchemaError(f"`schema` is a {type(schema).__name__}", hint=hint)
    root = schema.__name__ if is_class(schema) else "$"
    reader = Reader()
    document = reader.read(schema, root)
    return _text({"$defs": reader.definitions, **document} if reader.definitions else document), root


def _text(schema: Json) -> str:
    try:
        return json.dumps(schema)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"`schema` is not JSON: {error}", hint=FORMS) from error


def _labels(labels: Sequence[Any]) -> list[str]:
    for position, label in enumerate(labels):
        if not isinstance(label, str):
            problem = f"label {position + 1} is `{label!r}`, which is not a text"
            raise SchemaError(problem, hint="write labels as texts")
    return [str(label) for label in labels]


def _is_json_schema(schema: Mapping[Any, Any]) -> bool:
    keys = set(schema)
    structure = keys & STRUCTURE
    if not structure:
        return bool(keys) and keys <= NOTES
    is_of_texts = all(isinstance(value, str) for value in schema.values())
    is_typed = str(schema.get("type", "")).lower() in JSON_TYPES
    if is_of_texts and not is_typed and not keys <= STRUCTURE | NOTES:
        raise SchemaError(
            f"`schema` could be label descriptions or a JSON Schema: it has the key `{sorted(structure)[0]}`",
            hint="write the labels as an `enum.Enum` class or as a list, or complete the JSON Schema",
        )
    return True


def _described_labels(descriptions: Mapping[Any, Any]) -> Json:
    """One of the labels; what each means goes into the description, which the model reads."""
    labels = _labels(list(descriptions))
    for label, text in descriptions.items():
        if not isinstance(text, str):
            raise SchemaError(
                f"the description of the label `{label}` is a {type(text).__name__}",
                hint='describe each label with a text ("" for none); a JSON Schema has a `type`',
            )
        if not label.strip():
            raise SchemaError("a label is empty", hint="list distinct, non-empty labels")
    lines = [f"{label}: {text.strip()}" for label, text in descriptions.items() if text.strip()]
    return noted({"type": "string", "enum": labels}, "\n".join(lines))
