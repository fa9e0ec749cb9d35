"""The right answer of an example, as the model would write it."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from streetlens.exceptions import InvalidInput

__all__ = ["answer_text"]


def answer_text(answer: Any, position: int) -> str:
    """A text or label as it is; a dictionary, an instance or a number as JSON.

    Raises:
        InvalidInput: It is neither; the message names the example.

    Example:
        >>> answer_text("stop", 0), answer_text({"kind": "stop"}, 0)
        ('stop', '{"kind": "stop"}')
    """
    answer = _plain(answer)
    if isinstance(answer, str):
        return answer
    try:
        if answer is None:
            raise TypeError("None is no answer")
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, default=_plain_or_refused)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"the answer of example {position + 1} cannot be written: {error}",
            hint="pass a text, a dictionary, or an instance of the schema's class",
        ) from error


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
