"""How the model is to answer: `GenerationConfig` and `SafetySetting`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streetlens.compat._absent import refuse_options
from streetlens.compat.vertexai import _enums
from streetlens.compat.vertexai._spelling import camel_case, camel_case_name, schema_on_the_wire, snake_case

__all__ = [
    "GenerationConfig",
    "SafetySetting",
    "generation_config_on_the_wire",
    "safety_settings_on_the_wire",
]

_IMPLEMENTED = (
    "temperature",
    "top_p",
    "top_k",
    "candidate_count",
    "max_output_tokens",
    "stop_sequences",
    "presence_penalty",
    "frequency_penalty",
    "response_mime_type",
    "response_schema",
    "seed",
    "logprobs",
    "response_logprobs",
    "response_modalities",
    "media_resolution",
    "thinking_config",
)


class GenerationConfig:
    """Parameters of an answer by their names in Google's API, in snake_case.

    Raises:
        NotImplementedError: There is no such parameter here.
    """

    def __init__(self, **parameters: Any) -> None:
        unknown = {name: value for name, value in parameters.items() if name not in _IMPLEMENTED}
        refuse_options(
            "GenerationConfig", unknown, _IMPLEMENTED, "Audio and model routing are not part of it."
        )
        self._parameters = {name: value for name, value in parameters.items() if value is not None}

    @classmethod
    def from_dict(cls, generation_config_dict: Mapping[str, Any]) -> GenerationConfig:
        """Parameters from a dictionary, in snake_case or camelCase."""
        return cls(
            **{str(next(iter(snake_case({name: 0})))): item for name, item in generation_config_dict.items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """The parameters that are set."""
        return dict(snake_case(self.on_the_wire()))

    def on_the_wire(self) -> dict[str, Any]:
        """The parameters as they are sent."""
        wire: dict[str, Any] = {}
        for name, value in self._parameters.items():
            is_schema = name == "response_schema"
            wire[camel_case_name(name)] = schema_on_the_wire(value) if is_schema else camel_case(value)
        return wire

    def __repr__(self) -> str:
        return (
            f"GenerationConfig({', '.join(f'{name}={value!r}' for name, value in self._parameters.items())})"
        )


class SafetySetting:
    """From when on answers of one category are blocked."""

    HarmCategory = _enums.HarmCategory
    HarmBlockMethod = _enums.HarmBlockMethod
    HarmBlockThreshold = _enums.HarmBlockThreshold

    def __init__(self, *, category: Any, threshold: Any, method: Any = None) -> None:
        self._wire = {
            "category": _enums.HarmCategory(category).name,
            "threshold": _enums.HarmBlockThreshold(threshold).name,
        }
        if method is not None:
            self._wire["method"] = _enums.HarmBlockMethod(method).name

    @classmethod
    def from_dict(cls, safety_setting_dict: Mapping[str, Any]) -> SafetySetting:
        """A setting from the dictionary that `to_dict` gives."""
        return cls(**safety_setting_dict)

    def to_dict(self) -> dict[str, str]:
        """The setting as Google's JSON."""
        return dict(self._wire)

    def __repr__(self) -> str:
        return f"SafetySetting({', '.join(f'{name}={value!r}' for name, value in self._wire.items())})"


def generation_config_on_the_wire(config: Any) -> dict[str, Any]:
    """The `generationConfig` of a request.

    Raises:
        TypeError: It is neither a `GenerationConfig` nor a dictionary.
    """
    if isinstance(config, Mapping):
        config = GenerationConfig.from_dict(config)
    if not isinstance(config, GenerationConfig):
        raise TypeError(
            f"`generation_config` is a {type(config).__name__}; pass a `GenerationConfig` or a dictionary"
        )
    return config.on_the_wire()


def safety_settings_on_the_wire(settings: Any) -> list[dict[str, str]]:
    """The `safetySettings` of a request.

    Raises:
        TypeError: They are neither a list of `SafetySetting` nor a dictionary of thresholds by category.
    """
    if isinstance(settings, Mapping):
        settings = [SafetySetting(category=name, threshold=value) for name, value in settings.items()]
    if not isinstance(settings, (list, tuple)) or not all(
        isinstance(item, SafetySetting) for item in settings
    ):
        raise TypeError("`safety_settings` takes a list of `SafetySetting`, or thresholds by `HarmCategory`")
    return [item.to_dict() for item in settings]
