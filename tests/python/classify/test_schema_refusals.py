"""A schema that Gemini would reject or silently empty is refused before anything is sent, at its place."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, TypedDict

import pydantic
import pytest

import streetlens as sl
from streetlens.emulator import Emulator

QUESTION = "Which sign is this?"


class Mixed(enum.Enum):
    FAST = "fast"
    SLOW = 25


class Flag(enum.Enum):
    ON = True


@dataclasses.dataclass
class Node:
    name: str
    children: list[Node]


class NodeDict(TypedDict):
    parent: NodeDict | None


class NodeModel(pydantic.BaseModel):
    children: list[NodeModel] = []


@dataclasses.dataclass
class Unresolved:
    kind: Nowhere  # type: ignore[name-defined]  # noqa: F821 - the point of the test


class FreeTyped(TypedDict):
    extra: dict[str, str]


class FreeModel(pydantic.BaseModel):
    extra: dict[str, int]


class UnionModel(pydantic.BaseModel):
    value: int | str


class MixedModel(pydantic.BaseModel):
    speed: Literal[25, "fast"]


class AnyModel(pydantic.BaseModel):
    value: Any


class BareListModel(pydantic.BaseModel):
    values: list[Any]


class CallableModel(pydantic.BaseModel):
    value: Callable[[], int]


def holding(kind: Any, name: str = "field") -> type[Any]:
    """A dataclass `Sign` whose only field is of that type."""
    return dataclasses.make_dataclass("Sign", [(name, kind)])


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


LIST_OF_FIVE_HUNDRED = {"type": "array", "maxItems": 500, "items": {"type": "string"}}
REFUSED: dict[str, tuple[Any, ...]] = {
    "a free-form dictionary": (holding(dict[str, int]), "Sign.field", "dict[str, int]", "name its keys"),
    "a bare dictionary": (holding(dict), "Sign.field", "free-form dictionary", "name its keys"),
    "a dictionary in a TypedDict": (FreeTyped, "FreeTyped.extra", "free-form", "name its keys"),
    "a dictionary in a model": (
        FreeModel,
        "FreeModel.extra",
        "without named properties",
        "name its properties",
    ),
    "a dictionary in a JSON Schema": (of(a={"type": "object"}), "$.a", "empty one", "name its properties"),
    "a union": (holding(int | str), "Sign.field", "`int | str`", "one field for each"),
    "a union in a list": (holding(list[int | str]), "Sign.field[]", "`int | str`", "one field for each"),
    "a union in a model": (UnionModel, "UnionModel.value", "union of several types", "one property for each"),
    "several types": (of(a={"type": ["string", "integer"]}), "$.a", "several types", "one property for each"),
    "texts and numbers as an enum": (holding(Mixed), "Sign.field", "`SLOW` is `25`", 'SLOW = "25"'),
    "flags as an enum": (holding(Flag), "Sign.field", "`ON` is `True`", 'ON = "True"'),
    "texts and numbers as labels": (Mixed, "Mixed", "`SLOW` is `25`", 'SLOW = "25"'),
    "texts and numbers as literals": (holding(Literal["a", 25]), "Sign.field", "`25`", 'Literal["25"]'),
    "texts and numbers in a model": (MixedModel, "MixedModel.speed", "`25`", "as a non-empty string"),
    "fractions": (of(a={"type": "number", "enum": [0.5, 1]}), "$.a", "neither strings", "as strings"),
    "a value twice": (of(a={"enum": ["a", "a"]}), "$.a", '"a"` twice', "once"),
    "too many labels": (
        [f"a label of quite some words, number {number}" for number in range(2_000)],
        "$.classification",
        "too many states",
        "shorten or drop",
    ),
    "lists in lists without end": (
        of(a={"type": "array", "maxItems": 500, "items": LIST_OF_FIVE_HUNDRED}),
        "$.a",
        "too many states",
        "lower `maxItems`",
    ),
    "numbers in a JSON Schema": (of(a={"enum": ["a", 1]}), "$.a", "`1`", "as a non-empty string"),
    "recursion of a dataclass": (Node, "Node.children[]", "`Node` inside a `Node`", "write out the levels"),
    "recursion of a TypedDict": (NodeDict, "NodeDict.parent", "inside a `NodeDict`", "write out the levels"),
    "recursion of a model": (NodeModel, "NodeModel.children[]", "again", "write out the levels"),
    "anything": (holding(Any), "Sign.field", "`Any`", "use str, int"),
    "anything in a model": (AnyModel, "AnyModel.value", "could be anything", "give it one"),
    "a list of anything": (holding(list), "Sign.field", "list of anything", "list[str]"),
    "a list of anything in a model": (BareListModel, "BareListModel.values[]", "anything", "give it one"),
    "a tuple of two types": (holding(tuple[int, str]), "Sign.field", "int, str", "a dataclass"),
    "a type without JSON": (holding(Decimal), "Sign.field", "`Decimal`", "use str, int"),
    "bytes": (holding(bytes), "Sign.field", "`bytes`", "use str, int"),
    "a model without JSON": (CallableModel, "CallableModel", "no JSON Schema", "model_json_schema"),
    "a class of nothing": (dataclasses.make_dataclass("Nothing", []), "Nothing", "empty one", "name its"),
    "a column of results": (
        holding(str, "status"),
        "`Sign` has the property `status`",
        "results column",
        "answer_status",
    ),
    "an unknown requirement": (
        {**of(a={"type": "string"}), "required": ["b"]},
        "$",
        '"b"',
        "`properties` only",
    ),
    "a name of blanks": (of(**{" ": {"type": "string"}}), "$", '" "', "name columns"),
    "a name with a line break": (of(**{"a\nb": {"type": "string"}}), "$", r"a\nb", "name columns"),
    "a label that is no text": (["a", 1], "label 2", "`1`", "as texts"),
    "no labels": ([], "labels", "empty", "labels"),
    "a label twice": (["a", "a"], "`a`", "twice", "distinct"),
    "no labels with descriptions": ({}, "$", "no value at all", "list at least one"),
    "a blank label": ({" ": "nothing", "a": "something"}, "label", "empty", "non-empty"),
    "a description that is no text": ({"a": "x", "b": 2}, "`b`", "int", '"" for none'),
    "labels or a schema": ({"type": "its type", "brand": "its brand"}, "`type`", "could be", "enum.Enum"),
    "a set in a JSON Schema": ({"type": "string", "enum": {"a"}}, "`schema`", "set", "JSON Schema"),
    "a type nobody defines": (Unresolved, "Unresolved", "Nowhere", "top of the module"),
    "an instance of a dataclass": (Node("a", []), "`schema`", "Node", "the class `Node` itself"),
    "an instance of a model": (NodeModel(), "`schema`", "NodeModel", "the class `NodeModel` itself"),
    "a text": ("stop", "`schema`", "str", "a list of labels"),
    "a number": (5, "`schema`", "int", "a list of labels"),
    "a set of labels": ({"a", "b"}, "`schema`", "set", "a list of labels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_its_place_and_what_to_write(
    case: str, client: sl.Client, emulator: Emulator
) -> None:
    schema, *told, fix = REFUSED[case]
    with pytest.raises(sl.SchemaError) as refused:
        client.classify("SELECT gcs_uri FROM somewhere", QUESTION, schema=schema, progress=False)
    assert all(part in refused.value.message for part in told), refused.value
    assert refused.value.hint is not None
    assert fix in refused.value.hint
    assert len(emulator.requests) == 0


def test_the_asynchronous_twin_refuses_the_same(client: sl.Client, emulator: Emulator) -> None:
    with pytest.raises(sl.SchemaError, match=r"`Node\.children\[\]`"):
        asyncio.run(client.aio.classify("SELECT gcs_uri FROM somewhere", QUESTION, schema=Node))
    assert len(emulator.requests) == 0
