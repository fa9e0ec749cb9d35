"""Turns Google's JSON from snake_case, as Python users write it, to camelCase, as the service does, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["camel_case", "schema_on_the_wire", "snake_case"]

# The caller's own names and values stand below these.
_FREE = frozenset({"args", "response", "labels", "properties", "defs", "responseSchema", "response_schema"})


def camel_case(value: Any) -> Any:
    """The value with its keys in camelCase, at every level."""
    return _respelled(value, lambda name: re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name))


def snake_case(value: Any) -> Any:
    """The value with its keys in snake_case, at every level."""
    return _respelled(value, lambda name: re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name))


def schema_on_the_wire(schema: Any) -> Any:
    """A response schema as Vertex AI takes it: camelCase, types in capitals, properties in their given order."""
    if not isinstance(schema, dict):
        return schema
    wire = {camel_case_name(name).removeprefix("$"): value for name, value in schema.items()}
    if isinstance(wire.get("type"), str):
        wire["type"] = wire["type"].upper()
    for name in ("items", "additionalProperties"):
        if name in wire:
            wire[name] = schema_on_the_wire(wire[name])
    if "anyOf" in wire:
        wire["anyOf"] = [schema_on_the_wire(option) for option in wire["anyOf"]]
    for name in ("properties", "defs"):
        if name in wire:
            wire[name] = {key: schema_on_the_wire(value) for key, value in wire[name].items()}
    if wire.get("properties"):
        wire.setdefault("propertyOrdering", list(wire["properties"]))
    if wire.get("additionalProperties") is False:
        # Vertex AI allows no other properties anyway, and takes no boolean here.
        del wire["additionalProperties"]
    return wire


def camel_case_name(name: str) -> str:
    """One name in camelCase."""
    return str(next(iter(camel_case({name: None}))))


def _respelled(value: Any, respell: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            respell(name): item if name in _FREE else _respelled(item, respell)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_respelled(item, respell) for item in value]
    return value
