"""Typed answers: each schema becomes columns, and an answer that does not fit is `invalid`, never half a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

import streetlens as sl
from servers.answers import generated, image_of
from servers.scripted import Answer, Received, Script, ScriptedServer

Serve = Callable[[Script], ScriptedServer]
QUESTION = "What is it?"
NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["stop", "yield", "ünïcode 停"]},
        "speed": {"type": ["integer", "null"]},
        "sure": {"type": "number"},
        "seen": {"type": "boolean"},
        "note": {"type": "string", "description": "anything else"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "box": {
            "type": "object",
            "properties": {
                "x": {"type": "integer"},
                "corner": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        },
        "parts": {
            "type": "array",
            "items": {"type": "object", "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}}},
        },
    },
    "required": ["label", "sure"],
}
FULL = {
    "label": "ünïcode 停",
    "speed": 30,
    "sure": 0.75,
    "seen": True,
    "note": 'quote " and \\ and \n and 🛑',
    "tags": ["a", ""],
    "box": {"x": 5, "corner": {"name": "left"}},
    "parts": [{"kind": "k", "n": 1}, {"kind": "l", "n": -2}],
}


def ask(serve: Serve, schema: Any, *answers: object) -> sl.Results:
    """One row an answer; texts are sent as they are, other values as JSON."""
    texts = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]

    def script(request: Received) -> Answer:
        return generated(texts[int(image_of(request).rsplit("/", 1)[1].removesuffix(".jpg"))])

    server = serve(script)
    client = sl.Client(project="demo-project", region="us", endpoint=server.url)
    images = [f"gs://bucket/{number}.jpg" for number in range(len(texts))]
    return client.classify(images, QUESTION, schema=schema, progress=False)


def one(kind: Any, *, required: bool = True) -> dict[str, Any]:
    """A schema of one property `v`."""
    return {"type": "object", "properties": {"v": kind}, **({"required": ["v"]} if required else {})}


def test_labels_become_one_column_of_labels(serve: Serve) -> None:
    results = ask(serve, ["sign", "pole"], {"classification": "sign"}, {"classification": "tree"}, "sign")
    assert results["status"] == ["ok", "invalid", "invalid"]
    assert results["classification"] == ["sign", None, None]
    assert results.schema["classification"] == "label<string>"
    assert "`tree`" in results["error"][1]
    assert "not JSON" in results["error"][2]


def test_properties_become_typed_columns_in_their_order(serve: Serve) -> None:
    results = ask(serve, NESTED, FULL, {"label": "stop", "sure": 1})
    assert results.column_names[1:9] == list(NESTED["properties"])
    assert {name: results.schema[name] for name in NESTED["properties"]} == {
        "label": "label<string>",
        "speed": "int64",
        "sure": "double",
        "seen": "bool",
        "note": "string",
        "tags": "list<string>",
        "box": "struct<x: int64, corner: struct<name: string>>",
        "parts": "list<struct<kind: string, n: int64>>",
    }
    assert {name: results[0][name] for name in FULL} == FULL
    assert {name: results[1][name] for name in FULL} == {
        **dict.fromkeys(FULL),
        "label": "stop",
        "sure": 1.0,
    }


def test_typed_answers_go_to_every_library(serve: Serve) -> None:
    results = ask(serve, NESTED, FULL, "nonsense", {"label": "stop", "sure": 1})
    arrow = results.to_arrow()
    assert arrow.schema.field("speed").type == pa.int64()
    assert arrow["box"].to_pylist() == [FULL["box"], None, None]
    assert results.to_pandas()["label"].tolist()[::2] == ["ünïcode 停", "stop"]
    assert results.to_polars()["parts"].to_list()[0] == FULL["parts"]


def test_the_schema_is_sent_in_the_apis_own_form(serve: Serve) -> None:
    bodies: list[Any] = []

    def script(request: Received) -> Answer:
        bodies.append(request.json)
        return generated(json.dumps({"zebra": "a", "apple": None}))

    schema = {
        "type": "object",
        "properties": {
            "zebra": {"type": "string"},
            "apple": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["zebra", "apple"],
    }
    client = sl.Client(project="demo-project", region="us", endpoint=serve(script).url)
    results = client.classify(["gs://bucket/a.jpg"], QUESTION, schema=schema, progress=False)
    assert results["status"] == ["ok"]
    assert results.column_names[1:3] == ["zebra", "apple"]
    config = bodies[0]["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {
        "type": "object",
        "properties": {
            "zebra": {"type": "string"},
            "apple": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["zebra", "apple"],
        "additionalProperties": False,
    }
    assert list(config["responseJsonSchema"]["properties"]) == ["zebra", "apple"]


def test_an_older_or_unknown_model_gets_the_form_that_every_model_takes(serve: Serve) -> None:
    bodies: list[Any] = []

    def script(request: Received) -> Answer:
        bodies.append(request.json)
        return generated('{"zebra": "a", "apple": 2}')

    schema = {
        "type": "object",
        "properties": {
            "zebra": {"type": "string"},
            "apple": {"type": ["integer", "null"], "enum": [1, 2, None]},
        },
        "required": ["zebra", "apple"],
    }
    client = sl.Client(project="demo-project", region="us", endpoint=serve(script).url, on_retired="allow")
    for model in ("gemini-2.5-flash", "gemini-9-nova"):
        results = client.classify(["gs://bucket/a.jpg"], QUESTION, schema=schema, model=model, progress=False)
        assert results["apple"] == [2]
    first, second = (body["generationConfig"] for body in bodies)
    assert first["responseSchema"] == second["responseSchema"]
    assert first["responseSchema"] == {
        "type": "OBJECT",
        "properties": {
            "zebra": {"type": "STRING"},
            "apple": {"type": "INTEGER", "format": "enum", "enum": ["1", "2"], "nullable": True},
        },
        "required": ["zebra", "apple"],
        "propertyOrdering": ["zebra", "apple"],
    }


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ({"type": "integer"}, '{"v": 9223372036854775807}', 2**63 - 1),
        ({"type": "integer"}, '{"v": -9223372036854775808}', -(2**63)),
        ({"type": "integer"}, '{"v": 30.0}', 30),
        ({"type": "integer"}, '{"v": 3e2}', 300),
        ({"type": "integer"}, '{"v": -0.0}', 0),
        ({"type": "number"}, '{"v": 3}', 3.0),
        ({"type": "number"}, '{"v": 123456789012345678901234567890}', 123456789012345678901234567890.0),
        ({"type": "number"}, '{"v": 18446744073709551615}', 18446744073709551615.0),
        ({"type": "number"}, '{"v": 1e-320}', 1e-320),
        ({"type": "number"}, '{"v": 0.1}', 0.1),
        ({"type": "string"}, '{"v": ""}', ""),
        ({"type": "string"}, '{"v": "\\u0000\\ud83d\\uded1"}', "\x00🛑"),
        ({"type": "string"}, '{"v": "first", "v": "second"}', "second"),
        ({"type": "string"}, '\ufeff{"v": "after a byte order mark"}', "after a byte order mark"),
        ({"type": "string"}, '```json\n{"v": "fenced"}\n```', "fenced"),
        ({"type": ["string", "null"]}, '{"v": null}', None),
        ({"type": "array", "items": {"type": "integer"}}, '{"v": []}', []),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, '{"v": [1, null, 2.0]}', [1, None, 2]),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            '{"v": [[1], []]}',
            [[1.0], []],
        ),
        ({"type": "object", "properties": {"w": {"type": "string"}}}, '{"v": {}}', {"w": None}),
        (
            {"type": "object", "properties": {"w": {"type": "string"}}},
            '{"v": {"w": null, "x": 1}}',
            {"w": None},
        ),
        ({"type": "string", "enum": ["1", "true"]}, '{"v": "1"}', "1"),
    ],
)
def test_an_odd_answer_that_fits_is_read_exactly(
    serve: Serve, kind: Any, answer: str, expected: object
) -> None:
    results = ask(serve, one(kind), answer)
    assert (results["status"], results["v"]) == (["ok"], [expected])
    assert type(results["v"][0]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "answer", "told"),
    [
        ({"type": "integer"}, '{"v": 9223372036854775808}', "not a whole number"),
        ({"type": "integer"}, '{"v": 1e300}', "not a whole number"),
        ({"type": "integer"}, '{"v": 2.5}', "not a whole number"),
        ({"type": "integer"}, '{"v": "5"}', "not a whole number"),
        ({"type": "integer"}, '{"v": true}', "not a whole number"),
        ({"type": "number"}, '{"v": NaN}', "not JSON"),
        ({"type": "number"}, '{"v": Infinity}', "not JSON"),
        ({"type": "number"}, '{"v": 1e400}', "not JSON"),
        ({"type": "number"}, '{"v": "0.5"}', "not a number"),
        ({"type": "boolean"}, '{"v": "true"}', "not a boolean"),
        ({"type": "boolean"}, '{"v": 1}', "not a boolean"),
        ({"type": "string"}, '{"v": 5}', "not a string"),
        ({"type": "string"}, '{"v": null}', "`$.v` is null"),
        ({"type": "string"}, "{}", "`$.v` is missing"),
        ({"type": "string"}, '{"V": "x"}', "`$.v` is missing"),
        ({"type": "string"}, "null", "`$` is null"),
        ({"type": "string"}, '["x"]', "not an object"),
        ({"type": "string"}, '{"v": "x"} and more', "not JSON"),
        ({"type": "string"}, '{"v": "x"', "not JSON"),
        ({"type": "string"}, '{"v": "\\ud83d"}', "not JSON"),
        ({"type": "string", "enum": ["A"]}, '{"v": "a"}', "not an allowed value"),
        ({"type": "array", "items": {"type": "integer"}}, '{"v": [1, null]}', r"`$.v[1]` is null"),
        ({"type": "array", "items": {"type": "integer"}}, '{"v": 1}', "not a list"),
        ({"type": "object", "properties": {"w": {"type": "string"}}}, '{"v": []}', "not an object"),
        (
            {"type": "object", "properties": {"w": {"type": "string"}}, "required": ["w"]},
            '{"v": {}}',
            "`$.v.w` is missing",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_invalid_and_says_where(
    serve: Serve, kind: Any, answer: str, told: str
) -> None:
    row = ask(serve, one(kind), answer)[0]
    assert (row["status"], row["v"]) == ("invalid", None)
    assert told in row["error"]


def test_an_answer_nested_without_end_is_invalid_and_breaks_nothing(serve: Serve) -> None:
    deep = '{"v": ' + "[" * 100_000 + "]" * 100_000 + "}"
    results = ask(serve, one({"type": "string"}), deep, {"v": "fine"})
    assert results["status"] == ["invalid", "ok"]


def test_one_odd_answer_never_spoils_the_others(serve: Serve) -> None:
    results = ask(serve, one({"type": "integer"}), {"v": 1}, "null", '{"v": 1e300}', {"v": 2}, "", {"v": 3})
    assert results["v"] == [1, None, None, 2, None, 3]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["object", "null"], "properties": {"v": {"type": "string"}}},
        {"anyOf": [{"type": "object", "properties": {"v": {"type": "string"}}}, {"type": "null"}]},
    ],
)
def test_an_answer_that_may_be_null_whole_is_a_row_of_nulls(serve: Serve, schema: Any) -> None:
    results = ask(serve, schema, "null", {"v": "x"})
    assert results["v"] == [None, "x"]
    assert results["status"][1] == "ok"


def test_an_answer_of_one_value_is_asked_for_in_the_column_classification(serve: Serve) -> None:
    results = ask(serve, {"type": "boolean"}, {"classification": True}, {"classification": "yes"}, "true")
    assert results["classification"] == [True, None, None]
    assert results["status"] == ["ok", "invalid", "invalid"]


def test_a_property_with_the_name_of_an_input_column_moves_the_inputs(serve: Serve) -> None:
    def script(_: Received) -> Answer:
        return generated('{"k": "answer"}')

    client = sl.Client(project="demo-project", region="us", endpoint=serve(script).url)
    table = pa.table({"gcs_uri": ["gs://bucket/a.jpg"], "k": ["input"]})
    results = client.classify(
        table, QUESTION, schema={"type": "object", "properties": {"k": {"type": "string"}}}, progress=False
    )
    assert (results["k"], results["input_k"]) == (["answer"], ["input"])


def test_odd_property_names_are_columns_too(serve: Serve) -> None:
    names = ["a b", "ä", "x.y", "", 'q"', "select"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names if name}}
    results = ask(serve, schema, {name: name for name in names if name})
    assert {name: results[name][0] for name in names if name} == {name: name for name in names if name}
