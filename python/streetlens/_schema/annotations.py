"""Python types as JSON Schema: dataclasses, TypedDicts, enums, Pydantic models, and what they hold."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import inspect
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from streetlens.exceptions import SchemaError

__all__ = ["Json", "Reader", "is_annotation", "is_class", "noted"]

Json = dict[str, Any]

SCALARS: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
}
ALIASED = ("__value__", "__supertype__")
"""What `type Name = ...` and `NewType` stand for."""
LISTS = {list, tuple, set, frozenset, Sequence, Iterable, AbstractSet}


class Reader:
    """Turns Python types into JSON Schema; `definitions` are what Pydantic models refer to."""

    def __init__(self) -> None:
        self.definitions: Json = {}
        self._inside: list[Any] = []

    def read(self, annotation: Any, path: str) -> Json:
        """The JSON Schema of one type; `path` is its place in the user's own types."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return noted(self.read(arguments[0], path), _note(arguments[1:]))
        for alias in ALIASED:
            if hasattr(annotation, alias):
                return self.read(getattr(annotation, alias), path)
        if annotation in SCALARS:
            return dict(SCALARS[annotation])
        if origin is Union or origin is types.UnionType:
            return self._union(arguments, path)
        if origin is Literal:
            return _literal(arguments, path)
        if (origin or annotation) in LISTS:
            return self._list(origin, arguments, path)
        if is_class(annotation):
            return self._class(annotation, path)
        raise _refused_type(annotation, path)

    def _union(self, members: tuple[Any, ...], path: str) -> Json:
        others = [member for member in members if member is not types.NoneType]
        if others and all(get_origin(member) is Literal for member in others):
            schema = _literal(tuple(value for member in others for value in get_args(member)), path)
        elif len(others) == 1:
            schema = self.read(others[0], path)
        else:
            named = " | ".join(_name(member) for member in members)
            raise _refused(
                path, f"is a union of several types, `{named}`", "use one type, or one field for each"
            )
        return _nullable(schema) if types.NoneType in members else schema

    def _list(self, origin: Any, arguments: tuple[Any, ...], path: str) -> Json:
        if not arguments:
            raise _refused(path, "is a list of anything", "say what it holds, for example `list[str]`")
        inside = f"{path}[]"
        if origin is not tuple or arguments[1:] == (Ellipsis,):
            return {"type": "array", "items": self.read(arguments[0], inside)}
        if len(set(arguments)) > 1:
            hint = "use a dataclass with a name for each, or `list[...]` of one type"
            raise _refused(
                path, f"is a list of several types, {', '.join(_name(each) for each in arguments)}", hint
            )
        length = len(arguments)
        items = self.read(arguments[0], inside)
        return {"type": "array", "items": items, "minItems": length, "maxItems": length}

    def _class(self, kind: type[Any], path: str) -> Json:
        if issubclass(kind, enum.Enum):
            return _enum(kind, path)
        if hasattr(kind, "model_json_schema") or hasattr(kind, "__pydantic_validator__"):
            return self._pydantic(kind, path)
        if not (dataclasses.is_dataclass(kind) or _is_typed_dict(kind)):
            raise _refused_type(kind, path)
        if kind in self._inside:
            problem = f"is a `{kind.__name__}` inside a `{kind.__name__}`, so answers could nest without end"
            raise _refused(path, problem, "write out the levels that are wanted, each as a class of its own")
        self._inside.append(kind)
        schema = self._object(kind, path)
        self._inside.pop()
        return schema

    def _object(self, kind: type[Any], path: str) -> Json:
        properties, required = {}, []
        for name, annotation, description, is_required in _fields(kind, path):
            properties[name] = noted(self.read(annotation, f"{path}.{name}"), description)
            if is_required:
                required.append(name)
        schema = {"type": "object", "properties": properties, "required": required}
        return noted(schema, _documentation(kind))

    def _pydantic(self, kind: Any, path: str) -> Json:
        """What Pydantic says itself; its definitions are put beside those of other models."""
        prefix = f"{len(self.definitions)}." if self.definitions else ""
        template = f"#/$defs/{prefix}{{model}}"
        try:
            if hasattr(kind, "model_json_schema"):
                schema: Json = kind.model_json_schema(ref_template=template)
            else:
                schema = sys.modules["pydantic"].TypeAdapter(kind).json_schema(ref_template=template)
        except (NameError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            hint = "use fields that `model_json_schema()` can write"
            raise SchemaError(f"the schema at `{path}` has no JSON Schema: {reason}", hint=hint) from error
        if dataclasses.is_dataclass(kind) and "properties" in schema:
            # Pydantic puts the fields of its dataclasses in an order of its own.
            order = [field.name for field in dataclasses.fields(kind)]
            named = {name: schema["properties"][name] for name in order if name in schema["properties"]}
            schema["properties"] = {**named, **schema["properties"]}
        definitions = schema.pop("$defs", {})
        self.definitions |= {f"{prefix}{name}": definition for name, definition in definitions.items()}
        return schema


def is_class(value: Any) -> bool:
    """Whether it is a class of its own, and not one with arguments."""
    # `list[str]` says it is a class in Python 3.10.
    return isinstance(value, type) and get_origin(value) is None


def is_annotation(value: Any) -> bool:
    """Whether it could stand behind a colon."""
    return is_class(value) or get_origin(value) is not None or any(hasattr(value, name) for name in ALIASED)


def _fields(kind: type[Any], path: str) -> Iterator[tuple[str, Any, Any, bool]]:
    """Name, type, description, and whether an answer must hold it."""
    hints = _hints(kind, path)
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if field.init:  # What is computed is not asked for.
                missing = dataclasses.MISSING
                is_required = field.default is missing and field.default_factory is missing
                yield field.name, hints[field.name], field.metadata.get("description"), is_required
        return
    for name, hint in hints.items():
        annotation, is_required = hint, name in kind.__required_keys__
        # Python reads these marks itself only where annotations are not texts.
        while (mark := getattr(get_origin(annotation), "_name", None)) in {
            "Required",
            "NotRequired",
            "ReadOnly",
        }:
            is_required = is_required if mark == "ReadOnly" else mark == "Required"
            annotation = get_args(annotation)[0]
        yield name, annotation, None, is_required


def _hints(kind: type[Any], path: str) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except (AttributeError, NameError, TypeError, SyntaxError) as error:
        hint = "define the types it names at the top of the module"
        raise SchemaError(f"the types of `{path}` cannot be read: {error}", hint=hint) from error


def _is_typed_dict(kind: type[Any]) -> bool:
    return issubclass(kind, dict) and hasattr(kind, "__required_keys__")


def _enum(kind: type[enum.Enum], path: str) -> Json:
    values = [member.value for member in kind]
    schema = _choice(values)
    if schema is None:
        member = next(member for member in kind if not isinstance(member.value, str))
        problem = (
            f"is the enum `{kind.__name__}`, whose `{member.name}` is `{member.value!r}`: "
            "its members are neither all texts nor all whole numbers"
        )
        raise _refused(
            path, problem, f'give its members texts, for example `{member.name} = "{member.value}"`'
        )
    return noted(schema, _documentation(kind))


def _literal(values: tuple[Any, ...], path: str) -> Json:
    plain = [value.value if isinstance(value, enum.Enum) else value for value in values]
    allowed = [value for value in plain if value is not None]
    schema = _choice(allowed)
    if schema is None:
        value = next(value for value in allowed if not isinstance(value, str))
        problem = f"allows `{value!r}`, but its values are neither all texts nor all whole numbers"
        raise _refused(path, problem, f'write it as a text: `Literal["{value}"]`')
    return _nullable(schema) if None in plain else schema


def _choice(values: list[Any]) -> Json | None:
    """One of these texts or whole numbers; None if they are something else."""
    if all(isinstance(value, str) for value in values):
        return {"type": "string", "enum": [str(value) for value in values]}
    # A `bool` is an `int` in Python, and not in JSON.
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return {"type": "integer", "enum": [int(value) for value in values]}
    return None


def _nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def noted(schema: Json, description: object) -> Json:
    """The schema with a description, if there is one."""
    return {**schema, "description": description} if description else schema


def _note(notes: tuple[Any, ...]) -> str | None:
    """The description among the notes of `Annotated`: a text, a `Doc`, or a Pydantic `Field`."""
    for note in reversed(notes):
        for text in (note, getattr(note, "documentation", None), getattr(note, "description", None)):
            if isinstance(text, str):
                return text
    return None


def _documentation(kind: type[Any]) -> str | None:
    text = vars(kind).get("__doc__")
    # What dataclasses and old enums write themselves says nothing to the model.
    if not text or text.startswith(f"{kind.__name__}(") or text == "An enumeration.":
        return None
    return inspect.cleandoc(text)


def _name(annotation: Any) -> str:
    return annotation.__name__ if is_class(annotation) else str(annotation).replace("typing.", "")


def _refused_type(annotation: Any, path: str) -> SchemaError:
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Mapping):
        problem = f"is a free-form dictionary, `{_name(annotation)}`, which Gemini answers with an empty one"
        hint = "name its keys in a dataclass or a TypedDict, or use a list of dataclasses with a name and a value"
        return _refused(path, problem, hint)
    hint = "use str, int, float, bool, Literal, an enum of texts, list[...], a dataclass or a TypedDict"
    return _refused(path, f"is `{_name(annotation)}`, which no answer can be", hint)


def _refused(path: str, problem: str, fix: str) -> SchemaError:
    return SchemaError(f"the schema at `{path}` {problem}", hint=fix)
