"""Checks one JSON value against one schema of a discovery document, by the rules of proto3 JSON."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")


def _is_integer(text: str, form: str) -> bool:
    low, high = _INTEGERS[form]
    return re.fullmatch(r"-?\d+", text) is not None and low <= int(text) <= high


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return False
    return True


_TEXT_FORMATS: dict[str, Callable[[str], bool]] = {
    "int64": lambda text: _is_integer(text, "int64"),
    "uint64": lambda text: _is_integer(text, "uint64"),
    "byte": _is_base64,
    "google-datetime": lambda text: _DATE_TIME.fullmatch(text) is not None,
    "date-time": lambda text: _DATE_TIME.fullmatch(text) is not None,
    "google-duration": lambda text: re.fullmatch(r"-?\d+(\.\d{1,9})?s", text) is not None,
    "google-fieldmask": lambda text: re.fullmatch(r"[\w.]+(,[\w.]+)*|\*|", text) is not None,
    "date": lambda text: re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None,
}
_NUMBER_WORDS = {"NaN", "Infinity", "-Infinity"}

Schema = Mapping[str, Any]


def problems(value: object, schema: Schema, schemas: Mapping[str, Schema], where: str = "$") -> Iterator[str]:
    """Yield what is wrong with `value`: unknown keys, wrong types, enum values, formats; `where` locates it.

    64-bit integers must be strings, as proto3 JSON writes them. `null` is allowed nowhere.
    """
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if kind == "object":
        yield from _object_problems(value, schema, schemas, where)
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{where}: expected an array, got {_show(value)}"
            return
        for index, element in enumerate(value):
            yield from problems(element, schema["items"], schemas, f"{where}[{index}]")
    else:
        fault = scalar_problem(value, schema)
        if fault:
            yield f"{where}: {fault}"


def scalar_problem(value: object, schema: Schema) -> str | None:
    """Say what is wrong with a string, number or boolean, or None."""
    kind, form = schema["type"], schema.get("format")
    if kind == "boolean":
        return None if isinstance(value, bool) else f"expected true or false, got {_show(value)}"
    if kind == "integer":
        low, high = _INTEGERS[form or "int32"]
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if good else f"expected an {form} number, got {_show(value)}"
    if kind == "number":
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if good or value in _NUMBER_WORDS else f"expected a number, got {_show(value)}"
    if kind != "string":
        raise ValueError(f"unknown type {kind!r} in a discovery document")
    if not isinstance(value, str):
        return f"expected a string ({form or 'text'}), got {_show(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is none of {', '.join(schema['enum'])}"
    check = _TEXT_FORMATS.get(form) if form else None
    return f"{value!r} is no {form}" if check is not None and not check(value) else None


def _object_problems(
    value: object, schema: Schema, schemas: Mapping[str, Schema], where: str
) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where}: expected an object, got {_show(value)}"
        return
    properties = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    for key, below in value.items():
        inner = properties.get(key, extra)
        if inner is None:
            yield f"{where}.{key}: unknown key{_hint(key, properties)}"
        else:
            yield from problems(below, inner, schemas, f"{where}.{key}")


def _hint(key: str, properties: Mapping[str, Schema]) -> str:
    camel = re.sub(r"_(\w)", lambda match: match[1].upper(), key)
    return f", did you mean {camel}?" if camel != key and camel in properties else ""


def _show(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
