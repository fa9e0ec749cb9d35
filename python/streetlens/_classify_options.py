"""The keyword options of a run: their defaults, their checks, and their names where a verb takes `**options`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streetlens._checks import (
    check_choice,
    check_count,
    check_flag,
    check_labels,
    check_number,
    check_rate,
    check_seconds,
    check_store,
    check_text,
)
from streetlens._keywords import Verb, refuse_unknown, shows_options
from streetlens.exceptions import ConfigurationError, InvalidInput
from streetlens.options import ClassifyOptions

__all__ = ["DEFAULTS", "check_concurrency", "completed", "native_options", "takes_classify_options"]

DEFAULTS: dict[str, Any] = {
    "schema": None,
    "model": None,
    "uri_column": "gcs_uri",
    "system_instruction": None,
    "examples": None,
    "temperature": None,
    "max_output_tokens": None,
    "media_resolution": None,
    "thinking": None,
    "group_by": None,
    "max_images": 4,
    "crop": None,
    "crop_margin": 0.15,
    "image_mode": "auto",
    "concurrency": "4-20-200",
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "max_cost_usd": None,
    "max_error_ratio": None,
    "timeout": 60.0,
    "deadline": 600.0,
    "hedge": False,
    "labels": None,
    "store": None,
    "refresh": False,
    "only_new": False,
    "into": None,
    "progress": None,
}

_MOST_IMAGES = 100
_WIDEST_MARGIN = 10.0
_USUAL_HEDGE = 0.05
_HIGHEST_HEDGE = 0.5
_THINKING = ("minimal", "low", "medium", "high", "off", "default")


def takes_classify_options(verb: Verb) -> Verb:
    """Shows every option with its default in the signature of a verb that ends with `**options`."""
    return shows_options(verb, ClassifyOptions, DEFAULTS)


def completed(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a call, each checked on its own.

    Raises:
        TypeError: There is no such option; the message names the closest one.
        ConfigurationError: A value cannot be used; the message names the option.
    """
    refuse_unknown(verb, given, DEFAULTS)
    options = {**DEFAULTS, **given}
    _check(options)
    return options


def _check(options: Mapping[str, Any]) -> None:
    for name in ("model", "system_instruction", "group_by", "crop", "into"):
        check_text(name, options[name], optional=True)
    check_text("uri_column", options["uri_column"])
    check_number("temperature", options["temperature"], 0, 2, optional=True)
    check_count("max_output_tokens", options["max_output_tokens"], optional=True)
    resolution = options["media_resolution"]
    known = resolution.lower() if isinstance(resolution, str) else resolution
    check_choice("media_resolution", known, ("low", "medium", "high"), optional=True)
    _check_thinking(options["thinking"])
    check_count("max_images", options["max_images"])
    check_number("max_images", options["max_images"], 1, _MOST_IMAGES)
    check_number("crop_margin", options["crop_margin"], 0, _WIDEST_MARGIN)
    check_choice("image_mode", options["image_mode"], ("auto", "uri", "inline"))
    check_concurrency(options["concurrency"])
    for name in ("requests_per_minute", "tokens_per_minute", "max_cost_usd"):
        check_rate(name, options[name])
    check_number("max_error_ratio", options["max_error_ratio"], 0, 1, optional=True)
    check_seconds("timeout", options["timeout"])
    check_seconds("deadline", options["deadline"])
    _hedge(options["hedge"])
    check_labels(options["labels"])
    check_store(options["store"])
    check_flag("refresh", options["refresh"])
    _check_only_new(options)
    progress = options["progress"]
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise ConfigurationError(f"`progress={progress!r}` is not True, False or a function of `Progress`")


def _check_only_new(options: Mapping[str, Any]) -> None:
    only_new = options["only_new"]
    if isinstance(only_new, bool):
        if only_new and options["refresh"]:
            raise ConfigurationError("`refresh` asks anew what the store knows, and `only_new` leaves it out")
        return
    if not isinstance(only_new, str) or not re.fullmatch(r"\s*`?[^`\s.]+(\.[^`\s.]+){1,2}`?\s*", only_new):
        raise ConfigurationError(
            f"`only_new={only_new!r}` is neither True nor False nor a table",
            hint='name the table of results with its data set: only_new="dataset.results"',
        )


def check_concurrency(value: object) -> str:
    """Gives a number of requests, or the range of them, as text.

    Raises:
        ConfigurationError: It is neither.
    """
    if not isinstance(value, str):
        check_count("concurrency", value)
        return str(value)
    numbers = [int(part) for part in re.findall(r"\d+", value)]
    is_number_or_range = re.fullmatch(r"\s*\d{1,6}\s*(-\s*\d{1,6}\s*-\s*\d{1,6}\s*)?", value, re.ASCII)
    if not is_number_or_range or numbers[0] < 1 or numbers != sorted(numbers):
        raise ConfigurationError(
            f"`concurrency={value}` is not a number of requests or a range of them",
            hint='pass a number from 1, or `least-first-most` as in "4-20-200"',
        )
    return value


def _check_thinking(value: object) -> None:
    is_budget = isinstance(value, int) and not isinstance(value, bool)
    is_digits = isinstance(value, str) and value.strip().lstrip("-").isdecimal()
    if value is None or is_budget or is_digits:
        return
    if not isinstance(value, str) or value.strip().lower() not in _THINKING:
        levels = ", ".join(f"`{level}`" for level in _THINKING)
        raise ConfigurationError(f"`thinking={value!r}` is not one of {levels} or a number of tokens")


def _hedge(value: object) -> float:
    """The share of requests that may be sent twice; 0 for none."""
    if isinstance(value, bool):
        return _USUAL_HEDGE if value else 0.0
    check_number("hedge", value, 0, _HIGHEST_HEDGE)
    return float(value)  # type: ignore[arg-type]  # a number, as checked


def native_options(options: Mapping[str, Any], *, native_image: Callable[[Any, int], Any]) -> dict[str, Any]:
    """The options as the native module takes them.

    Raises:
        InvalidInput: An example is not an image with its answer.
    """
    same = (
        "system_instruction",
        "temperature",
        "max_output_tokens",
        "media_resolution",
        "group_by",
        "max_images",
    )
    limits = (
        "crop",
        "image_mode",
        "requests_per_minute",
        "tokens_per_minute",
        "max_cost_usd",
        "max_error_ratio",
    )
    thinking = options["thinking"]
    return {
        **{name: options[name] for name in (*same, *limits, "refresh")},
        "thinking": None if thinking is None else str(thinking),
        "crop_margin": float(options["crop_margin"]),
        "concurrency": check_concurrency(options["concurrency"]),
        "timeout": float(options["timeout"]),
        "deadline": float(options["deadline"]),
        "hedge": _hedge(options["hedge"]),
        "store": check_store(options["store"]),
        "examples": _examples(options["examples"], native_image, is_typed=options["schema"] is not None),
        "request_labels": check_labels(options["labels"]),
    }


def _examples(
    value: Any, native_image: Callable[[Any, int], Any], *, is_typed: bool
) -> list[tuple[Any, str]]:
    if value is None:
        return []
    hint = 'pass a list of (image, answer) pairs: `examples=[("gs://bucket/a.jpg", "stop")]`'
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InvalidInput(f"`examples` is a {type(value).__name__}", hint=hint)
    from streetlens._answers import answer_text  # noqa: PLC0415 - most runs have none

    examples = []
    for position, pair in enumerate(value):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InvalidInput(f"example {position + 1} is not a pair of an image and its answer", hint=hint)
        image = native_image(pair[0], position)
        if image is None:
            raise InvalidInput(f"example {position + 1} has no image", hint=hint)
        examples.append((image, answer_text(pair[1], position, is_typed=is_typed)))
    return examples
