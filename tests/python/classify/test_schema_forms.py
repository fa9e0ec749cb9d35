"""Every form of `schema=` reaches Gemini as the user meant it, and its answers come back as typed columns."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import warnings
from typing import Annotated, Any, Literal, TypedDict

import pyarrow as pa
import pydantic
import pytest
from typing_extensions import NotRequired

import streetlens as sl
from child_process import printed_by
from streetlens.emulator import Emulator

QUESTION = "Which sign is this?"
LABELS = pa.dictionary(pa.int32(), pa.string())


class Kind(enum.Enum):
    STOP = "stop"
    YIELD = "yield"
    OTHER = "other"


@dataclasses.dataclass
class Box:
    top: int
    left: int


@dataclasses.dataclass
class Sign:
    """A road sign."""

    zeta: Annotated[str, "What is written on it"]
    kind: Kind
    speed: int | None = dataclasses.field(metadata={"description": "Posted miles per hour"})
    box: Box
    colour: Literal["red", "white"] = "red"
    tags: list[str] = dataclasses.field(default_factory=list)
    sure: float = 0.0
    area: int = dataclasses.field(init=False, default=0)


class Speed(enum.IntEnum):
    SLOW = 25
    FAST = 65


class BoxDict(TypedDict):
    top: int
    left: int


class SignDict(TypedDict):
    """A road sign."""

    zeta: Annotated[str, "What is written on it"]
    kind: Kind
    speed: Annotated[int | None, "Posted miles per hour"]
    box: BoxDict
    colour: NotRequired[Literal["red", "white"]]
    tags: NotRequired[list[str]]
    sure: NotRequired[float]


class BoxModel(pydantic.BaseModel):
    top: int
    left: int


class SignModel(pydantic.BaseModel):
    """A road sign."""

    zeta: str = pydantic.Field(description="What is written on it")
    kind: Kind
    speed: int | None = pydantic.Field(description="Posted miles per hour")
    box: BoxModel
    colour: Literal["red", "white"] = "red"
    tags: list[str] = []
    sure: float = 0.0


@pydantic.dataclasses.dataclass(kw_only=True)
class SignPydanticDataclass:
    """A road sign."""

    zeta: str = pydantic.Field(description="What is written on it")
    kind: Kind
    speed: int | None = pydantic.Field(description="Posted miles per hour")
    box: BoxModel
    colour: Literal["red", "white"] = "red"
    tags: list[str] = dataclasses.field(default_factory=list)
    sure: float = 0.0


SIGN_JSON = {
    "type": "object",
    "description": "A road sign.",
    "properties": {
        "zeta": {"type": "string", "description": "What is written on it"},
        "kind": {"type": "string", "enum": ["stop", "yield", "other"]},
        "speed": {"type": ["integer", "null"], "description": "Posted miles per hour"},
        "box": {
            "type": "object",
            "properties": {"top": {"type": "integer"}, "left": {"type": "integer"}},
            "required": ["top", "left"],
        },
        "colour": {"enum": ["red", "white"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sure": {"type": "number"},
    },
    "required": ["zeta", "kind", "speed", "box"],
}
SIGNS = [Sign, SignDict, SignModel, SignPydanticDataclass, SIGN_JSON]
SIGN_ON_THE_WIRE = {
    "type": "object",
    "description": "A road sign.",
    "properties": {
        "zeta": {"type": "string", "description": "What is written on it"},
        "kind": {"type": "string", "enum": ["stop", "yield", "other"]},
        "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "Posted miles per hour"},
        "box": {
            "type": "object",
            "properties": {"top": {"type": "integer"}, "left": {"type": "integer"}},
            "required": ["top", "left"],
            "additionalProperties": False,
        },
        "colour": {"type": "string", "enum": ["red", "white"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sure": {"type": "number"},
    },
    "required": ["zeta", "kind", "speed", "box"],
    "additionalProperties": False,
}
SIGN_COLUMNS = {
    "zeta": pa.string(),
    "kind": LABELS,
    "speed": pa.int64(),
    "box": pa.struct({"top": pa.int64(), "left": pa.int64()}),
    "colour": LABELS,
    "tags": pa.list_(pa.string()),
    "sure": pa.float64(),
}


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    return list(emulator.world.dataset.truth)[:4]


def sent(emulator: Emulator) -> Any:
    """The schema of the last request, without the titles that Pydantic gives."""
    return untitled(emulator.requests.of("gemini")[-1].json["generationConfig"]["responseJsonSchema"])


def untitled(schema: Any) -> Any:
    if isinstance(schema, list):
        return [untitled(each) for each in schema]
    if isinstance(schema, dict):
        return {key: untitled(value) for key, value in schema.items() if key != "title"}
    return schema


def columns_of(results: sl.Results) -> dict[str, pa.DataType]:
    """The types of the answer's columns."""
    fields = results.to_arrow().schema
    return {field.name: field.type for field in list(fields)[1 : fields.get_field_index("status")]}


@pytest.mark.parametrize("schema", SIGNS, ids=lambda schema: getattr(schema, "__name__", "json"))
def test_every_form_of_one_thing_is_sent_alike_and_comes_back_as_the_same_columns(
    schema: Any, client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    results = client.classify(uris, QUESTION, schema=schema, progress=False)
    wire = sent(emulator)
    assert wire == SIGN_ON_THE_WIRE
    assert list(wire["properties"]) == list(SIGN_COLUMNS)
    assert results.status_counts == {"ok": len(uris)}
    assert columns_of(results) == SIGN_COLUMNS
    assert list(columns_of(results)) == list(SIGN_COLUMNS)
    assert set(results["kind"]) <= {"stop", "yield", "other"}


def test_the_asynchronous_twin_takes_the_same(client: sl.Client, emulator: Emulator, uris: list[str]) -> None:
    results = asyncio.run(client.aio.classify(uris, QUESTION, schema=Sign, progress=False))
    assert sent(emulator) == SIGN_ON_THE_WIRE
    assert columns_of(results) == SIGN_COLUMNS


@pytest.mark.parametrize(
    "schema",
    [["stop", "yield", "other"], ("stop", "yield", "other"), Kind, Literal["stop", "yield", "other"]],
    ids=["list", "tuple", "enum", "literal"],
)
def test_labels_in_any_form_are_one_column_of_labels(
    schema: Any, client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    results = client.classify(uris, QUESTION, schema=schema, progress=False)
    labels = {"type": "string", "enum": ["stop", "yield", "other"]}
    assert sent(emulator)["properties"] == {"classification": labels}
    assert columns_of(results) == {"classification": LABELS}
    assert results.status_counts == {"ok": len(uris)}


@pytest.mark.parametrize(
    "schema",
    [
        dataclasses.make_dataclass("Posted", [("speed", Speed | None)]),
        dataclasses.make_dataclass("Posted", [("speed", Literal[25, 65] | None)]),
        pydantic.create_model("Posted", speed=(Speed | None, ...)),
        pydantic.create_model("Posted", speed=(Literal[25, 65] | None, ...)),
    ],
    ids=["enum", "literal", "model of an enum", "model of a literal"],
)
def test_whole_numbers_to_choose_from_are_a_column_of_numbers(
    schema: Any, client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    results = client.classify(uris, QUESTION, schema=schema, progress=False)
    choice = {"anyOf": [{"type": "integer", "enum": [25, 65]}, {"type": "null"}]}
    assert sent(emulator)["properties"]["speed"] == choice
    assert columns_of(results) == {"speed": pa.int64()}
    assert results.status_counts == {"ok": len(uris)}
    assert set(results["speed"]) <= {25, 65, None}


def test_every_model_fills_the_same_columns_whatever_form_its_schema_has(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.world.models.enable("gemini-2.5-flash")
    older = sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url, on_retired="allow")
    answered = older.classify(uris, QUESTION, schema=Sign, model="gemini-2.5-flash", progress=False)
    config = emulator.requests.of("gemini")[-1].json["generationConfig"]
    assert config["responseSchema"]["propertyOrdering"] == list(SIGN_COLUMNS)
    assert "responseJsonSchema" not in config
    recent = client.classify(uris, QUESTION, schema=Sign, progress=False)
    assert columns_of(answered) == columns_of(recent) == SIGN_COLUMNS
    assert answered.to_arrow().select(list(SIGN_COLUMNS)) == recent.to_arrow().select(list(SIGN_COLUMNS))


def test_two_hundred_fields_are_one_schema(client: sl.Client, uris: list[str]) -> None:
    kinds = [str, int | None, bool, float, Kind, list[str]]
    fields = [(f"field_{number}", kinds[number % len(kinds)]) for number in range(200)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = client.classify(
            uris, QUESTION, schema=dataclasses.make_dataclass("Wide", fields), progress=False
        )
    assert list(columns_of(results)) == [name for name, _ in fields]
    assert results.status_counts == {"ok": len(uris)}


def test_a_schema_that_may_be_too_large_is_warned_about_and_asked_all_the_same(
    client: sl.Client, uris: list[str]
) -> None:
    labels = [f"a rather long label, number {number}" for number in range(200)]
    with pytest.warns(UserWarning, match=r"too many states.*200 texts") as told:
        results = client.classify(uris[:1], QUESTION, schema=labels, progress=False)
    assert [warning.filename for warning in told] == [__file__]
    assert results.status_counts == {"ok": 1}


def test_descriptions_of_labels_reach_the_model(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    schema = {"stop": "a red octagon", "yield": "a triangle on its tip", "other": ""}
    results = client.classify(uris, QUESTION, schema=schema, progress=False)
    assert sent(emulator) == {
        "type": "object",
        "properties": {
            "classification": {
                "type": "string",
                "enum": ["stop", "yield", "other"],
                "description": "stop: a red octagon\nyield: a triangle on its tip",
            }
        },
        "required": ["classification"],
        "additionalProperties": False,
    }
    assert columns_of(results) == {"classification": LABELS}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (bool, pa.bool_()),
        (int, pa.int64()),
        (list[str], pa.list_(pa.string())),
        (list[Box], pa.list_(pa.struct({"top": pa.int64(), "left": pa.int64()}))),
        ({"type": "string"}, pa.string()),
        ({"title": "A title", "description": "A note", "type": "string"}, pa.string()),
    ],
)
def test_what_is_not_an_object_is_the_column_classification(
    schema: Any, kind: pa.DataType, client: sl.Client, uris: list[str]
) -> None:
    results = client.classify(uris, QUESTION, schema=schema, progress=False)
    assert columns_of(results) == {"classification": kind}


def test_models_inside_other_classes_keep_their_definitions_apart(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    holder = pydantic.create_model("Holder", boxes=(list[BoxModel], ...))
    namesake = pydantic.create_model("BoxModel", right=(int, ...))
    list_of: Any = list
    other = pydantic.create_model("Holder", boxes=(list_of[namesake], ...))
    scene = dataclasses.make_dataclass("Scene", [("first", SignModel), ("second", holder), ("third", other)])
    client.classify(uris[:1], QUESTION, schema=scene, progress=False)
    properties = sent(emulator)["properties"]
    assert properties["first"] == SIGN_ON_THE_WIRE
    second, third = (properties[name]["properties"]["boxes"]["items"] for name in ("second", "third"))
    assert list(second["properties"]) == ["top", "left"]
    assert list(third["properties"]) == ["right"]


def test_a_tuple_is_a_list_of_its_length_in_every_form(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    forms = [
        dataclasses.make_dataclass("Place", [("at", tuple[int, int])]),
        pydantic.create_model("Place", at=(tuple[int, int], ...)),
    ]
    for form in forms:
        client.classify(uris[:1], QUESTION, schema=form, progress=False)
        at = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
        assert sent(emulator)["properties"]["at"] == at


def test_a_dataclass_needs_no_pydantic() -> None:
    program = """
        import sys
        from dataclasses import dataclass
        import streetlens as sl

        @dataclass
        class Sign:
            status: str

        try:
            sl.Client(project="demo", endpoint="http://127.0.0.1:9").classify([], "What?", schema=Sign)
        except sl.SchemaError as error:
            print(error.message.split("`")[1], "pydantic" in sys.modules)
    """
    assert printed_by(program) == "Sign False"
