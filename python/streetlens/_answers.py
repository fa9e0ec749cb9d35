"""The right answer of an example, as the model would write it."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from streetlens.exceptions import InvalidInput

__all__ = ["answer_text"]


_COLUMN = "classification"
"""Where an answer goes that is no object of named fields."""


def answer_text(answer: Any, position: int, *, is_typed: bool = False) -> str:
    """Free text as it is; for a schema (`is_typed`) the JSON that the model would answer with.

    Raises:
        InvalidInput: It cannot be written; the message names the example.

    Example:
        >>> answer_text("stop", 0), answer_text("stop", 0, is_typed=True)
        ('stop', '{"classification": "stop"}')
        >>> answer_text({"kind": "stop"}, 0, is_typed=True)
        '{"kind": "stop"}'
    """
    answer = _plain(answer)
    if isinstance(answer, str) and (not is_typed or _is_object(answer)):
        return answer
    if is_typed and not isinstance(answer, dict) and answer is not None:
        answer = {_COLUMN: answer}
    try:
        if answer is None:
            raise TypeError("None is no answer")
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, default=_plain_or_refused)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"the answer of example {position + 1} cannot be written: {error}",
            hint="pass a text, a dictionary, or a label or an instance of the schema's class",
        ) from error


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json", by_alias=True)
    return dict(value) if isinstance(value, Mapping) else value


def _plain_or_refused(value: Any) -> Any:
    plain = _plain(value)
    if plain is value:
        raise TypeError(f"it holds a {type(value).__name__}")
    return plain
