"""Query parameters in the form of google-cloud-bigquery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streetlens.compat._absent import refuse_options
from streetlens.exceptions import InvalidInput
from streetlens.options import Parameter

__all__ = ["ArrayQueryParameter", "QueryJobConfig", "ScalarQueryParameter", "StructQueryParameter"]

_INSTEAD = "What a job writes, costs or caches is not part of it; use google-cloud-bigquery itself for that."


class ScalarQueryParameter:
    """One value; positional where `name` is `None`."""

    def __init__(self, name: str | None, type_: Any, value: Any) -> None:
        self.name = name
        """Its name without `@`."""
        self.type_ = _type_name(type_)
        """Its GoogleSQL type."""
        self.value = value
        """The value; `None` is NULL."""

    @classmethod
    def positional(cls, type_: Any, value: Any) -> ScalarQueryParameter:
        """A `?` parameter."""
        return cls(None, type_, value)

    def native(self) -> Parameter:
        """The parameter in this package's form."""
        return Parameter(self.value, self.type_)


class ArrayQueryParameter:
    """A list of values of one type, or of `StructQueryParameter`s; positional where `name` is `None`."""

    def __init__(self, name: str | None, array_type: Any, values: Sequence[Any]) -> None:
        self.name = name
        """Its name without `@`."""
        self.array_type = _type_name(array_type)
        """The GoogleSQL type of an item."""
        self.values = list(values)
        """The items."""

    @classmethod
    def positional(cls, array_type: Any, values: Sequence[Any]) -> ArrayQueryParameter:
        """A `?` parameter."""
        return cls(None, array_type, values)

    def native(self) -> Parameter:
        """The parameter in this package's form.

        Raises:
            InvalidInput: It is an empty array of STRUCT, whose fields nothing tells.
        """
        if self.array_type not in {"STRUCT", "RECORD"}:
            return Parameter(self.values, f"ARRAY<{self.array_type}>")
        if not self.values:
            raise InvalidInput(
                f"the parameter `{self.name}` is an empty array of STRUCT, which does not tell its fields",
                hint="write the type into the query: `CAST(... AS ARRAY<STRUCT<...>>)`",
            )
        items = [item.native() for item in self.values]
        return Parameter([item.value for item in items], f"ARRAY<{items[0].type}>")


class StructQueryParameter:
    """Named fields, each a parameter of its own; positional where `name` is `None`."""

    def __init__(
        self, name: str | None, *sub_params: ScalarQueryParameter | ArrayQueryParameter | StructQueryParameter
    ) -> None:
        self.name = name
        """Its name without `@`."""
        self.fields = sub_params
        """Its fields."""

    @classmethod
    def positional(cls, *sub_params: Any) -> StructQueryParameter:
        """A `?` parameter."""
        return cls(None, *sub_params)

    def native(self) -> Parameter:
        """The parameter in this package's form."""
        fields = [(str(field.name), field.native()) for field in self.fields]
        kinds = ", ".join(f"{name} {field.type}" for name, field in fields)
        return Parameter({name: field.value for name, field in fields}, f"STRUCT<{kinds}>")


QueryParameter = ScalarQueryParameter | ArrayQueryParameter | StructQueryParameter


class QueryJobConfig:
    """What a query is run with: its parameters.

    Raises:
        NotImplementedError: Another setting of the original is given, here or as an attribute.
    """

    def __init__(self, query_parameters: Sequence[QueryParameter] | None = None, **others: Any) -> None:
        self.query_parameters = list(query_parameters or [])
        for name, value in others.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        is_default = name in {"use_legacy_sql", "dry_run"} and value is False
        if name != "query_parameters" and not is_default:
            refuse_options("bigquery.QueryJobConfig", {name: value}, ["query_parameters"], _INSTEAD)
        super().__setattr__(name, value)

    def native_parameters(self) -> dict[str, Parameter] | list[Parameter] | None:
        """The parameters in this package's form, by name or in order.

        Raises:
            InvalidInput: Some have names and others have none.
        """
        if not self.query_parameters:
            return None
        named = {item.name: item.native() for item in self.query_parameters if item.name is not None}
        if not named:
            return [item.native() for item in self.query_parameters]
        if len(named) != len(self.query_parameters):
            raise InvalidInput(
                "the query parameters are partly named and partly positional, or one name is given twice",
                hint="name all of them (`@name`) or none (`?`)",
            )
        return named


def _type_name(given: Any) -> str:
    """The type as a text; the original also takes its own type objects."""
    name = given if isinstance(given, str) else getattr(given, "_type", None)
    if not isinstance(name, str):
        raise InvalidInput(f"`{given!r}` is not a type", hint='write it as in SQL, for example `"STRING"`')
    return name.upper()
