"""Any dataclass of supported types is a schema that the core accepts, in the order of its fields."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from hypothesis import assume, given
from hypothesis import strategies as st

from streetlens import _schema, _streetlens  # noqa: TID251 - the core's own judgement is asked for

NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).map(lambda name: f"field_{name}")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
SCALARS = st.sampled_from([str, int, float, bool, dt.date, dt.datetime, dt.time])
LABELS = st.lists(TEXTS, min_size=1, max_size=5, unique=True)
LITERALS = LABELS.map(lambda labels: Literal[tuple(labels)])
ENUMS = LABELS.map(lambda labels: enum.Enum("Label", [(f"L{at}", text) for at, text in enumerate(labels)]))

LIST: Any = list
SEQUENCE: Any = Sequence
TUPLE: Any = tuple


def made(fields: list[tuple[str, Any, bool, str]]) -> type[Any]:
    """A dataclass of those fields: name, type, whether it has a default, description."""
    return dataclasses.make_dataclass(
        "Made",
        [
            (
                name,
                kind,
                dataclasses.field(
                    default=None if has_default else dataclasses.MISSING,
                    metadata={"description": description} if description else {},
                    kw_only=True,
                ),
            )
            for name, kind, has_default, description in fields
        ],
    )


def dataclasses_of(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[type[Any]]:
    field = st.tuples(NAMES, kinds, st.booleans(), st.just("") | TEXTS)
    return st.lists(field, min_size=1, max_size=6, unique_by=lambda each: each[0]).map(made)


def wrapped(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        kinds.map(lambda kind: LIST[kind]),
        kinds.map(lambda kind: SEQUENCE[kind]),
        kinds.map(lambda kind: TUPLE[kind, ...]),
        kinds.map(lambda kind: TUPLE[kind, kind]),
        kinds.map(lambda kind: kind | None),
        st.tuples(kinds, TEXTS).map(lambda pair: Annotated[pair[0], pair[1]]),
    )


PLAIN = SCALARS | LITERALS | ENUMS
KINDS = PLAIN | wrapped(PLAIN) | dataclasses_of(PLAIN | wrapped(PLAIN)) | wrapped(dataclasses_of(PLAIN))


@given(dataclasses_of(KINDS))
def test_any_dataclass_of_supported_types_is_accepted_by_the_core(kind: type[Any]) -> None:
    text, root = _schema.native_schema(kind)
    _streetlens.check_schema(text, root)
    assert isinstance(text, str)
    schema = json.loads(text)
    fields = dataclasses.fields(kind)
    assert root == "Made"
    assert list(schema["properties"]) == [field.name for field in fields]
    assert schema["required"] == [field.name for field in fields if field.default is dataclasses.MISSING]


@given(st.dictionaries(TEXTS, st.text(max_size=20), min_size=1))
def test_a_dictionary_of_texts_is_labels_unless_a_key_says_json_schema(descriptions: dict[str, str]) -> None:
    keys = set(descriptions)
    assume(not keys & _schema.STRUCTURE and not keys <= _schema.NOTES)
    text, root = _schema.native_schema(descriptions)
    _streetlens.check_schema(text, root)
    assert isinstance(text, str)
    assert json.loads(text)["enum"] == list(descriptions)
