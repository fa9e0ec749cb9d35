"""Fills the caller's answer schema (OpenAPI subset or JSON Schema) with what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from streetlens.emulator.gemini import refusals
from streetlens.emulator.gemini.facts import Facts, words
from streetlens.emulator.gemini.matching import choose, is_true
from streetlens.emulator.gemini.prose import describe, inscription
from streetlens.emulator.vision import Sighting

Json = dict[str, Any]
UNDECIDED = object()
"""Nothing in the pictures decides this value."""
DEEPEST = 32


@dataclass
class Filling:
    """One answer being filled; `notes` name the fields that were filled by rule instead of by sight."""

    facts: Facts
    root: Json
    notes: list[str] = field(default_factory=list)


def fill(schema: Json, facts: Facts, prompt: str) -> tuple[Any, list[str]]:
    """Returns a value that fits the schema, and notes on what nothing in the pictures decided.

    Raises ServiceError (400) for a schema that the service would refuse.
    """
    filling = Filling(facts, schema)
    value = _value(filling, schema, Place("", prompt))
    if value is UNDECIDED:
        value = _by_rule(filling, _resolved(filling, schema), Place("answer", ""))
    return value, filling.notes


@dataclass(frozen=True)
class Place:
    """Where in the schema we are: the field's name and the words around it."""

    name: str
    context: str
    depth: int = 0

    def inside(self, name: str, schema: Json) -> Place:
        if self.depth >= DEEPEST:
            raise refusals.invalid(
                "The specified schema produces a constraint that has too many states for serving."
            )
        said = f"{name} {schema.get('title') or ''} {schema.get('description') or ''}"
        return Place(name, said, self.depth + 1)


def _value(filling: Filling, schema: Json, place: Place) -> Any:
    schema = _resolved(filling, schema)
    if "const" in schema:
        return schema["const"]
    branches = schema.get("anyOf") or schema.get("any_of") or schema.get("oneOf")
    if branches:
        return _first_decided(filling, branches, place)
    if schema.get("enum"):
        return _enum(filling, schema, place)
    kind = _kind(schema)
    if kind == "OBJECT":
        return _object(filling, schema, place)
    if kind == "ARRAY":
        return _array(filling, schema, place)
    if kind == "BOOLEAN":
        answer = is_true(place.context if place.depth else place.name, filling.facts)
        return UNDECIDED if answer is None else answer
    if kind in ("INTEGER", "NUMBER"):
        return _number(filling.facts, schema, place, whole=kind == "INTEGER")
    if kind == "STRING":
        return _string(filling.facts, schema, place)
    return None


def _kind(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [each for each in kind if str(each).lower() != "null"]
        kind = kinds[0] if kinds else "null"
    if kind is None:
        kind = "object" if schema.get("properties") else "array" if schema.get("items") else "string"
    upper = str(kind).upper()
    if upper not in {"OBJECT", "ARRAY", "BOOLEAN", "INTEGER", "NUMBER", "STRING", "NULL"}:
        raise refusals.invalid_value("generation_config.response_schema.type", kind)
    return upper


def _is_nullable(schema: Json) -> bool:
    kind = schema.get("type")
    return bool(schema.get("nullable")) or (
        isinstance(kind, list) and "null" in [str(each).lower() for each in kind]
    )


def _resolved(filling: Filling, schema: Json) -> Json:
    """Follows $ref (JSON Schema) or ref (OpenAPI subset) into the definitions of the root."""
    for _ in range(DEEPEST):
        reference = schema.get("$ref") or schema.get("ref")
        if not reference:
            return schema
        target: Any = filling.root
        for key in str(reference).lstrip("#/").split("/"):
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise refusals.invalid(f"The schema reference {reference} does not resolve.")
        schema = {**target, **{key: value for key, value in schema.items() if key not in ("$ref", "ref")}}
    raise refusals.invalid("The specified schema produces a constraint that has too many states for serving.")


def _first_decided(filling: Filling, branches: list[Json], place: Place) -> Any:
    resolved = [_resolved(filling, branch) for branch in branches]
    can_be_null = any(_kind(branch) == "NULL" for branch in resolved)
    for branch in resolved:
        if _kind(branch) == "NULL":
            continue
        # What may be null as a whole may be so instead of a member that nothing decides.
        value = _value(filling, {**branch, "nullable": True} if can_be_null else branch, place)
        if value is not UNDECIDED:
            return value
    return None if can_be_null else UNDECIDED


def _object(filling: Filling, schema: Json, place: Place) -> Json:
    properties: dict[str, Json] = schema.get("properties") or {}
    ordering = schema.get("propertyOrdering") or schema.get("property_ordering") or list(properties)
    required = set(schema.get("required") or ())
    answer: Json = {}
    for name in [*(each for each in ordering if each in properties), *(set(properties) - set(ordering))]:
        part = _resolved(filling, properties[name])
        inner = place.inside(name, part)
        value = _value(filling, part, inner)
        if value is UNDECIDED:
            if _is_nullable(part):
                value = None
            elif name in required or not required:
                value = _by_rule(filling, part, inner)
            else:
                continue
        answer[name] = value
    return answer


def _array(filling: Filling, schema: Json, place: Place) -> Any:
    items = _resolved(filling, schema.get("items") or {"type": "STRING"})
    said = set(words(f"{place.name} {place.context}" if place.depth else place.name))
    kind = _kind(items)
    low, high = (int(schema.get(name) or 0) for name in ("minItems", "maxItems"))
    is_box = bool(said & {"box", "bbox", "bounding", "coordinate"}) and low <= 4 <= (high or 4)
    if is_box and kind in ("INTEGER", "NUMBER"):
        return _box(filling.facts.main, items, whole=kind == "INTEGER")
    values: list[Any] = []
    if kind == "OBJECT":
        for sighting in _distinct(filling.facts):
            one = replace(filling, facts=Facts((sighting,), sighting))
            values.append(_value(one, items, place.inside(place.name, items)))
    elif filling.facts.found:
        if said & {"attachment", "equipment", "device", "fixture"} and not items.get("enum"):
            attachment = filling.facts.main.attachment or "none"
            values = [] if attachment == "none" else [attachment]
        else:
            value = _value(filling, items, place)
            values = [] if value is UNDECIDED else [value]
    if len(values) < low:
        filler = values[0] if values else _by_rule(filling, items, place)
        values += [filler] * (low - len(values))
    return values[:high] if high else values


def _distinct(facts: Facts) -> list[Sighting]:
    """Returns one sighting per different thing: several views of one asset are one thing."""
    best: dict[tuple[str, str], Sighting] = {}
    for sighting in facts.sightings:
        key = (sighting.asset_class, sighting.label)
        if sighting.asset_class != "none" and (key not in best or best[key].confidence < sighting.confidence):
            best[key] = sighting
    return list(best.values())


def _box(sighting: Sighting, items: Json, *, whole: bool) -> list[float]:
    """Returns [ymin, xmin, ymax, xmax] normalised to 0..1000 as Gemini does, or to the items' own maximum."""
    low, high = float(items.get("minimum") or 0), float(items.get("maximum") or 1000)
    left, top, right, bottom = sighting.box or (0, 0, 0, 0)
    across, down = max(1, sighting.width), max(1, sighting.height)
    shares = (top / down, left / across, bottom / down, right / across)
    edges = [max(low, high * share) for share in shares]
    return [round(edge) if whole else round(edge, 3) for edge in edges]


def _enum(filling: Filling, schema: Json, place: Place) -> Any:
    members = [member for member in schema["enum"] if member is not None]
    chosen = choose([str(member) for member in members], filling.facts, place.context)
    if chosen.why == "rule":
        if _is_nullable(schema) or None in schema["enum"]:
            return None
        filling.notes.append(f"{place.name or 'answer'}: nothing seen decides it, took the first member")
    member = members[[str(member) for member in members].index(chosen.member)]
    # The OpenAPI subset lists the members of an integer enum as texts.
    return int(member) if isinstance(member, str) and _kind(schema) == "INTEGER" else member


def _number(facts: Facts, schema: Json, place: Place, *, whole: bool) -> Any:
    said = set(words(place.name)) or set(words(place.context))
    main = facts.main
    value: float | None = None
    if said & {"confidence", "probability", "certainty", "score", "likelihood"}:
        top = float(schema.get("maximum") or (100 if whole else 1))
        value = main.confidence * top
    elif said & {"speed", "mph", "limit"}:
        value = main.speed
    elif said & {"lean", "angle", "tilt", "degree"}:
        value = main.lean
    elif said & {"count", "number", "quantity", "many", "total"}:
        answer = is_true(place.context, facts)
        value = len(_distinct(facts)) if answer is None else int(answer)
    if value is None:
        return UNDECIDED
    low, high = schema.get("minimum"), schema.get("maximum")
    value = max(value, float(low)) if low is not None else value
    value = min(value, float(high)) if high is not None else value
    return round(value) if whole else round(float(value), 3)


def _string(facts: Facts, schema: Json, place: Place) -> Any:
    said = set(words(place.name))
    main, aspects = facts.main, facts.aspects()
    text: Any = UNDECIDED
    if said & {
        "description",
        "summary",
        "explanation",
        "reason",
        "reasoning",
        "rationale",
        "note",
        "caption",
    }:
        text = describe(facts)
    elif said & {"text", "inscription", "legend", "wording", "message"}:
        text = inscription(main) if facts.found else ""
    elif said & {"material"}:
        text = main.material or UNDECIDED
    elif said & {"attachment", "equipment"}:
        text = main.attachment or UNDECIDED
    else:
        for aspect, asked in (
            ("colour", {"color", "colour"}),
            ("shape", {"shape"}),
            ("condition", {"condition", "state"}),
            ("lighting", {"lighting", "light", "weather", "time"}),
            ("confidence", {"confidence", "certainty"}),
            ("category", {"group", "family"}),
            ("speed", {"speed", "limit", "mph"}),
        ):
            if said & asked:
                return _cut(aspects[aspect][0], schema) if aspect in aspects else UNDECIDED
        if "asset" in said and facts.found:
            text = aspects["asset"][0]
        elif not said or said & {
            "type",
            "kind",
            "label",
            "class",
            "classification",
            "category",
            "name",
            "sign",
            "pole",
            "object",
            "answer",
            "result",
        }:
            text = facts.name
    return text if text is UNDECIDED else _cut(str(text), schema)


def _cut(text: str, schema: Json) -> str:
    longest = schema.get("maxLength") or schema.get("max_length")
    return text[: int(longest)] if longest else text


def _by_rule(filling: Filling, schema: Json, place: Place) -> Any:
    """Returns a plain value for what nothing decides, and says so in the notes."""
    if schema.get("default") is not None:
        return schema["default"]
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _enum(filling, schema, place)
    branches = schema.get("anyOf") or schema.get("any_of") or schema.get("oneOf")
    if branches:
        return _by_rule(filling, _resolved(filling, branches[0]), place)
    kind = _kind(schema)
    if kind == "OBJECT":
        return _object(filling, schema, place)
    if kind == "ARRAY":
        return _array(filling, schema, place)
    filling.notes.append(f"{place.name or 'answer'}: nothing seen decides it, took a plain {kind.lower()}")
    if kind == "STRING":
        return _dated(schema) or "unknown"
    if kind in ("INTEGER", "NUMBER"):
        low = schema.get("minimum")
        value = max(0.0, float(low)) if low is not None else 0.0
        return round(value) if kind == "INTEGER" else value
    return False if kind == "BOOLEAN" else None


def _dated(schema: Json) -> str | None:
    kind = re.sub(r"[^a-z]", "", str(schema.get("format") or "").lower())
    return {"date": "1970-01-01", "datetime": "1970-01-01T00:00:00Z", "time": "00:00:00"}.get(kind)
