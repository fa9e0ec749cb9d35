"""Options that are more than a value: service addresses and typed query parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = ["Endpoints", "OnRetired", "Parameter", "Schema", "StorePlace"]

OnRetired = Literal["raise", "replace", "allow"]

StorePlace: TypeAlias = "str | os.PathLike[str] | Literal[False] | None"
"""Where paid answers are kept: a file or its folder, False for nowhere, None for the default."""

Schema: TypeAlias = type[Any] | Mapping[str, Any] | Sequence[str]
"""What an answer looks like: a class (dataclass, TypedDict, Pydantic model, enum), a JSON Schema, or labels.

A dictionary of texts is labels with descriptions, unless it has a key that makes it a JSON Schema (`type`, `enum`,
`properties`, `$ref`, ...).
"""


class Endpoints(NamedTuple):
    """Base addresses of single services; a service that is left out is Google's own.

    Example:
        >>> Endpoints(vertex="https://us-central1-aiplatform.example.com")
        Endpoints(bigquery=None, vertex='https://us-central1-aiplatform.example.com', storage=None, sharing=None)
    """

    bigquery: str | None = None
    """BigQuery."""
    vertex: str | None = None
    """Vertex AI (Gemini)."""
    storage: str | None = None
    """Cloud Storage."""
    sharing: str | None = None
    """Analytics Hub."""


class Parameter(NamedTuple):
    """A query parameter of a type that its Python value does not tell.

    The type is written as in SQL: `"DATE"`, `"GEOGRAPHY"`, `"ARRAY<STRING>"`, `"STRUCT<lat FLOAT64, lng FLOAT64>"`,
    `"RANGE<DATE>"`. Values of a scalar type may be given as text in the form of that type's literals.

    Example:
        >>> Parameter("POINT(-122 37)", "GEOGRAPHY")
        Parameter(value='POINT(-122 37)', type='GEOGRAPHY')
    """

    value: Any
    """The value; `None` is NULL."""
    type: str
    """Its GoogleSQL type."""
