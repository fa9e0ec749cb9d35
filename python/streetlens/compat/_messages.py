"""Messages as Google's generated clients have them: made from keywords or a dictionary, filled in by attribute."""

from __future__ import annotations

import copy
import typing
from collections.abc import Mapping
from typing import Any

from streetlens.compat._absent import refuse_options

__all__ = ["Message"]


class Message:
    """A message whose fields are the annotations of its class: texts, or messages that are there from the beginning.

    Raises:
        NotImplementedError: A field of the original is set that is not implemented.
        TypeError: A field gets a value of another type.
    """

    def __init__(self, mapping: Message | Mapping[str, Any] | None = None, **fields: Any) -> None:
        given = mapping.to_dict() if isinstance(mapping, Message) else dict(mapping or {})
        for name, kind in self._kinds().items():
            object.__setattr__(self, name, kind())
        for name, value in {**given, **fields}.items():
            setattr(self, name, value)

    @classmethod
    def _kinds(cls) -> dict[str, type]:
        return typing.get_type_hints(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self._kinds()
        if name not in kinds:
            refuse_options(
                type(self).__name__, {name: value}, kinds, "The others have no effect on a subscription."
            )
            return
        kind = kinds[name]
        if value is None:
            value = kind()
        elif issubclass(kind, Message) and isinstance(value, (Mapping, kind)):
            # Google's messages take a copy as well.
            value = kind(copy.deepcopy(value))
        elif not isinstance(value, kind):
            expected = "a text" if kind is str else f"a `{kind.__name__}` or a dictionary"
            raise TypeError(f"`{type(self).__name__}.{name}` is {expected}, not a {type(value).__name__}")
        object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The fields as dictionaries and texts."""
        values = {name: getattr(self, name) for name in self._kinds()}
        return {
            name: value.to_dict() if isinstance(value, Message) else value for name, value in values.items()
        }

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Message) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # messages change

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._kinds())})"
        )
