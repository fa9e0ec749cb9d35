"""Says what a drop-in module holds when something else of the original is asked of it."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

__all__ = ["absent_member", "module_getattr", "refuse_options"]


def module_getattr(module: str, implemented: Iterable[str], instead: str) -> Callable[[str], Any]:
    """A module's `__getattr__`: an AttributeError, or an ImportError for `from module import name`."""
    names = ", ".join(sorted(implemented))

    def get(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        message = f"`{module}` does not implement `{name}`; it implements {names}. {instead}"
        # An AttributeError would reach the user as "cannot import name" without a word of this.
        if _is_from_import(sys._getframe(1)):  # noqa: SLF001 - the only way to see the caller
            raise ImportError(message, name=module)
        raise AttributeError(message)

    return get


def absent_member(owner: object, name: str, instead: str) -> AttributeError:
    """The error for a member that the original class has and ours does not."""
    kind = type(owner).__name__
    if name.startswith("__"):
        return AttributeError(f"{kind!r} object has no attribute {name!r}")
    names = ", ".join(member for member in dir(type(owner)) if not member.startswith("_"))
    return AttributeError(f"`{kind}` does not implement `{name}`; it implements {names}. {instead}")


def refuse_options(
    function: str, options: Mapping[str, Any], implemented: Iterable[str], instead: str
) -> None:
    """Refuses options that would have no effect; those left at `None` ask for none.

    Raises:
        NotImplementedError: An option is given; the message names those that are implemented.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        unknown = ", ".join(f"`{name}`" for name in given)
        names = ", ".join(implemented)
        raise NotImplementedError(
            f"`{function}` does not implement {unknown}; it implements {names}. {instead}"
        )


def _is_from_import(frame: FrameType) -> bool:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"
