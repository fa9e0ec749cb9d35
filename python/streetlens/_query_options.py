"""The keyword options of a query: their defaults, their checks, and their form for the native module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from streetlens._checks import check_choice, check_count, check_flag, check_labels, check_seconds, check_text
from streetlens._keywords import Verb, refuse_unknown, shows_options
from streetlens.exceptions import ConfigurationError
from streetlens.options import QueryOptions
from streetlens.results import LinkedDataset

__all__ = [
    "DEFAULTS",
    "check_maximum_bytes",
    "check_stream",
    "completed",
    "native_options",
    "takes_query_options",
]

DEFAULTS: dict[str, Any] = {
    "location": None,
    "page_size": None,
    "timeout": None,
    "transport": "auto",
    "ordered": True,
    "maximum_bytes_billed": None,
    "labels": None,
    "default_dataset": None,
    "session": None,
    "use_cache": True,
    "priority": "interactive",
    "progress": None,
}


def takes_query_options(verb: Verb) -> Verb:
    """Shows every option with its default in the signature of a verb that ends with `**options`."""
    return shows_options(verb, QueryOptions, DEFAULTS)


def completed(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a call, each checked on its own.

    Raises:
        TypeError: There is no such option; the message names the closest one.
        ConfigurationError: A value cannot be used; the message names the option.
    """
    refuse_unknown(verb, given, DEFAULTS)
    options = {**DEFAULTS, **given}
    check_text("location", options["location"], optional=True)
    check_count("page_size", options["page_size"], optional=True)
    check_seconds("timeout", options["timeout"], optional=True)
    check_choice("transport", options["transport"], ("auto", "arrow", "storage", "rest"))
    check_flag("ordered", options["ordered"])
    check_maximum_bytes(options["maximum_bytes_billed"])
    check_labels(options["labels"])
    _check_dataset(options["default_dataset"])
    if not isinstance(options["session"], bool):
        check_text("session", options["session"], optional=True)
    check_flag("use_cache", options["use_cache"])
    check_choice("priority", options["priority"], ("interactive", "batch"))
    progress = options["progress"]
    if progress is not None and not callable(progress):
        raise ConfigurationError(f"`progress={progress!r}` is not a function of `QueryProgress`")
    return options


def check_stream(*, stream: bool, dry_run: bool) -> None:
    """Refuses a stream of the rows of a query that is not run.

    Raises:
        ConfigurationError: Both are wanted, or one of them is neither True nor False.
    """
    check_flag("stream", stream)
    check_flag("dry_run", dry_run)
    if stream and dry_run:
        raise ConfigurationError(
            "`dry_run=True` and `stream=True` exclude each other: a dry run has no rows",
            hint="leave one of them out",
        )


def check_maximum_bytes(value: object) -> None:
    """Refuses what is no limit of bytes.

    Raises:
        ConfigurationError: It is not a whole number of at least 1, False or None.
    """
    if value is None or value is False:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**63:
        raise ConfigurationError(
            f"`maximum_bytes_billed={value!r}` is not a whole number of at least 1",
            hint="pass bytes, for example 10**9 for 1 GB, or False for no limit",
        )


def native_options(
    options: Mapping[str, Any],
    parameters: Sequence[tuple[str | None, tuple[Any, ...]]],
    *,
    default_maximum_bytes: int | None,
) -> dict[str, Any]:
    """The options as the native module takes them; the progress is the caller's affair."""
    maximum = options["maximum_bytes_billed"]
    session = options["session"]
    same = ("location", "page_size", "transport", "ordered", "use_cache")
    dataset = options["default_dataset"]
    return {
        "default_dataset": None if dataset is None else str(dataset),
        **{name: options[name] for name in same},
        "parameters": parameters,
        "timeout": None if options["timeout"] is None else float(options["timeout"]),
        "maximum_bytes_billed": default_maximum_bytes if maximum is None else maximum or None,
        "labels": dict(check_labels(options["labels"])),
        "session": session if isinstance(session, str) else None,
        "new_session": session is True,
        "batch": options["priority"] == "batch",
    }


def _check_dataset(value: object) -> None:
    if isinstance(value, LinkedDataset):
        return
    check_text("default_dataset", value, optional=True)
    if isinstance(value, str) and not re.fullmatch(r"([a-z0-9.:-]+\.)?\w+", value):
        raise ConfigurationError(
            f"`default_dataset={value!r}` is not the name of a data set",
            hint="write `dataset` or `project.dataset`",
        )
