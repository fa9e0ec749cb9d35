"""Answers fill the caller's schema with what is in the picture, and abstain where nothing decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streetlens.emulator.gemini.facts import facts_of
from streetlens.emulator.gemini.fill import fill
from streetlens.emulator.vision import Sighting

from .conftest import Endpoint, uri_of

STOP = Sighting(400, 300, "road_sign", "stop", 0.92, (100, 60, 180, 140))
SPEED = Sighting(400, 300, "road_sign", "speed_limit", 0.9, (100, 60, 180, 160), speed=35)
POLE = Sighting(
    400, 300, "utility_pole", "wood", 0.9, (200, 20, 220, 280), attachment="transformer", lean=4.0
)
NOTHING = Sighting(400, 300)


def filled(schema: dict[str, Any], *sightings: Sighting) -> Any:
    return fill(schema, facts_of(list(sightings)), "Classify the picture.")[0]


def field(name: str, schema: dict[str, Any], *sightings: Sighting) -> Any:
    return filled({"type": "OBJECT", "properties": {name: schema}, "required": [name]}, *sightings)[name]


SIGN_TYPES = ["SPEED_LIMIT", "STOP_SIGN", "YIELD", "NO_PARKING", "PEDESTRIAN_CROSSING", "OTHER"]


@pytest.mark.parametrize(
    ("members", "sighting", "expected"),
    [
        (SIGN_TYPES, STOP, "STOP_SIGN"),
        (SIGN_TYPES, SPEED, "SPEED_LIMIT"),
        (SIGN_TYPES, POLE, "OTHER"),
        (SIGN_TYPES, NOTHING, "OTHER"),
        (["Regulatory", "Warning", "Guide"], STOP, "Regulatory"),
        (["ROAD_SIGN", "UTILITY_POLE", "NONE"], POLE, "UTILITY_POLE"),
        (["ROAD_SIGN", "UTILITY_POLE", "NONE"], STOP, "ROAD_SIGN"),
        (["ROAD_SIGN", "UTILITY_POLE", "NONE"], NOTHING, "NONE"),
        (["wooden", "steel", "concrete"], POLE, "wooden"),
        (["DoNotEnter", "Stop", "Unknown"], STOP, "Stop"),
        (["25", "35", "45"], SPEED, "35"),
        (["apples", "pears", "n/a"], STOP, "n/a"),
    ],
)
def test_an_enum_takes_the_member_that_says_what_was_seen(
    members: list[str], sighting: Sighting, expected: str
) -> None:
    assert field("label", {"type": "STRING", "enum": members}, sighting) == expected


def test_an_attachment_enum_is_decided_by_the_attachment_not_by_the_pole() -> None:
    schema = {"type": "STRING", "enum": ["NONE", "TRANSFORMER", "STREET_LIGHT"]}
    assert field("attachment", schema, POLE) == "TRANSFORMER"


def test_an_enum_that_nothing_decides_takes_its_first_member_and_says_so() -> None:
    schema = {"type": "STRING", "enum": ["apples", "pears"]}
    value, notes = fill(schema, facts_of([STOP]), "Which fruit?")
    assert value == "apples"
    assert notes == ["answer: nothing seen decides it, took the first member"]


def test_a_nullable_enum_that_nothing_decides_is_null() -> None:
    assert field("fruit", {"type": "STRING", "enum": ["apples", "pears"], "nullable": True}, STOP) is None


@pytest.mark.parametrize(
    ("name", "sighting", "expected"),
    [
        ("is_stop_sign", STOP, True),
        ("is_stop_sign", SPEED, False),
        ("is_stop_sign", POLE, False),
        ("has_transformer", POLE, True),
        ("has_street_light", POLE, False),
        ("is_road_sign", POLE, False),
        ("isUtilityPole", POLE, True),
        ("leaning", POLE, True),
        ("visible", STOP, True),
        ("visible", NOTHING, False),
        ("graffiti", STOP, False),
        ("is_pole_leaning", POLE, True),
        ("is_sign_damaged", STOP, False),
        ("is_sign_legible", STOP, True),
        ("sign_visible", POLE, False),
    ],
)
def test_a_flag_is_decided_by_what_its_name_mentions(name: str, sighting: Sighting, expected: bool) -> None:
    assert field(name, {"type": "BOOLEAN"}, sighting) is expected


def test_numbers_are_read_from_the_picture() -> None:
    properties = {
        "speed_limit_mph": {"type": "INTEGER"},
        "confidence": {"type": "NUMBER"},
        "number_of_signs": {"type": "INTEGER"},
    }
    schema = {"type": "OBJECT", "properties": properties, "required": list(properties)}
    assert filled(schema, SPEED) == {"speed_limit_mph": 35, "confidence": 0.9, "number_of_signs": 1}


def test_a_number_stays_within_its_bounds() -> None:
    assert field("confidence", {"type": "INTEGER", "minimum": 1, "maximum": 5}, STOP) == 5


def test_a_box_is_given_as_ymin_xmin_ymax_xmax_of_a_thousand() -> None:
    schema = {"type": "ARRAY", "items": {"type": "INTEGER"}}
    assert field("box_2d", schema, STOP) == [200, 250, 467, 450]


def test_several_views_of_one_thing_are_one_item_of_a_list() -> None:
    item = {"type": "OBJECT", "properties": {"label": {"type": "STRING"}}, "required": ["label"]}
    schema = {"type": "ARRAY", "items": item}
    assert filled(schema, STOP, STOP, POLE) == [
        {"label": "stop sign"},
        {"label": "wood utility pole with a transformer"},
    ]


def test_a_list_is_empty_when_nothing_was_seen() -> None:
    item = {"type": "OBJECT", "properties": {"label": {"type": "STRING"}}}
    assert filled({"type": "ARRAY", "items": item}, NOTHING) == []


def test_the_most_frequent_sighting_of_several_views_decides() -> None:
    schema = {"type": "STRING", "enum": SIGN_TYPES}
    assert field("sign", schema, STOP, SPEED, STOP) == "STOP_SIGN"


def test_properties_come_in_the_order_asked_for() -> None:
    properties = {name: {"type": "STRING"} for name in ("a", "b", "c")}
    schema = {"type": "OBJECT", "properties": properties, "propertyOrdering": ["c", "a", "b"]}
    assert list(filled(schema, STOP)) == ["c", "a", "b"]


def test_references_and_nullable_unions_of_json_schema_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "sign": {"$ref": "#/$defs/Sign"},
            "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["sign", "speed"],
        "$defs": {"Sign": {"type": "string", "enum": ["stop", "other"]}},
    }
    assert filled(schema, STOP) == {"sign": "stop", "speed": None}


def test_a_response_format_schema_is_filled(endpoint: Endpoint) -> None:
    schema = {"type": "object", "properties": {"material": {"type": "string"}}}
    form = [{"text": {"mimeType": "APPLICATION_JSON", "schema": schema}}]
    body = endpoint.ask(uri_of("wood", "lamp"), responseFormat=form)
    assert json.loads(body["candidates"][0]["content"]["parts"][0]["text"]) == {"material": "wood"}


def test_an_enum_answer_is_bare_text(endpoint: Endpoint) -> None:
    schema = {"type": "STRING", "enum": ["stop sign", "yield sign", "other"]}
    body = endpoint.ask(uri_of("yield"), responseMimeType="text/x.enum", responseSchema=schema)
    assert body["candidates"][0]["content"]["parts"][0]["text"] == "yield sign"


def test_the_box_in_the_answer_lies_on_the_drawn_sign(endpoint: Endpoint) -> None:
    schema = {"type": "OBJECT", "properties": {"box_2d": {"type": "ARRAY", "items": {"type": "INTEGER"}}}}
    top, left, bottom, right = endpoint.answer(uri_of("stop"), schema)["box_2d"]
    assert 0 <= top < bottom <= 1000
    assert 0 <= left < right <= 1000


_names = st.sampled_from(
    ["label", "material", "speed_limit", "is_stop_sign", "confidence", "notes", "box_2d", "weather", "x"]
)
_leaves = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.builds(lambda low: {"type": "integer", "minimum": low, "maximum": low + 50}, st.integers(-20, 20)),
    st.just({"type": "number", "minimum": 0, "maximum": 1}),
    st.just({"type": ["string", "null"]}),
    st.just({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    st.just({"anyOf": [{"type": "boolean"}, {"type": "string"}]}),
    st.just({"const": "fixed"}),
    st.builds(
        lambda members: {"type": "string", "enum": members},
        st.lists(st.sampled_from([*SIGN_TYPES, "wood", "metal", "unknown", "red"]), min_size=1, unique=True),
    ),
)


def _nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(_names, inner, min_size=1, max_size=4).map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )
    arrays = st.builds(
        lambda items, low: {"type": "array", "items": items, "minItems": low, "maxItems": low + 3},
        inner,
        st.integers(0, 2),
    )
    return st.one_of(objects, arrays)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(_leaves, _nested, max_leaves=8), st.sampled_from([STOP, SPEED, POLE, NOTHING]))
def test_whatever_the_schema_the_answer_fits_it(schema: dict[str, Any], sighting: Sighting) -> None:
    value = json.loads(json.dumps(filled(schema, sighting)))
    assert [each.message for each in Draft202012Validator(schema).iter_errors(value)] == []
