"""Keyword options that several verbs share: shown in their signatures, and refused where nobody knows them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["Verb", "refuse_unknown", "shows_options"]

Verb = TypeVar("Verb", bound=Callable[..., Any])


def shows_options(verb: Verb, options: Any, defaults: Mapping[str, Any]) -> Verb:
    """Shows every option of a TypedDict with its default in the signature of a verb that ends with `**options`."""
    signature = inspect.signature(verb)
    keywords = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            # As written, like the annotations of the other parameters.
            annotation=getattr(options.__annotations__[name], "__forward_arg__", None),
        )
        for name, default in defaults.items()
    ]
    others = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    verb.__signature__ = signature.replace(parameters=[*others, *keywords])  # type: ignore[attr-defined]  # functions take attributes
    return verb


def refuse_unknown(verb: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuses an option that the verb does not have.

    Raises:
        TypeError: There is no such option; the message names the closest one.
    """
    names = list(known)
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            wish = f"; did you mean `{close[0]}`?" if close else ""
            raise TypeError(f"{verb}() got an unexpected keyword argument `{name}`{wish}")
