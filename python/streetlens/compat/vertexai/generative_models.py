"""Stands in for `vertexai.generative_models`: a model that is asked about images, and what it is asked with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from streetlens import _calls
from streetlens.compat._absent import absent_member, module_getattr, refuse_options
from streetlens.compat.vertexai import _configuration
from streetlens.compat.vertexai._enums import FinishReason, HarmBlockThreshold, HarmCategory
from streetlens.compat.vertexai._parts import Content, Image, Part, contents_on_the_wire, single_content
from streetlens.compat.vertexai._response import Candidate, GenerationResponse
from streetlens.compat.vertexai._settings import (
    GenerationConfig,
    SafetySetting,
    generation_config_on_the_wire,
    safety_settings_on_the_wire,
)

__all__ = [
    "Candidate",
    "Content",
    "FinishReason",
    "GenerationConfig",
    "GenerationResponse",
    "GenerativeModel",
    "HarmBlockThreshold",
    "HarmCategory",
    "Image",
    "Part",
    "SafetySetting",
]

_ATTEMPT_SECONDS = 120.0
_OPTIONS = ("generation_config", "safety_settings", "labels")
_INSTEAD = "For many images at once, use `streetlens.Client.classify`."


class GenerativeModel:
    """A Gemini model on Vertex AI in the project and location of `vertexai.init`.

    A retired model is replaced by its successor, and a location that does not serve the model by a wider one; each
    is told once a process as a `UserWarning`. Requests are repeated where the service asks for it.

    Raises:
        NotImplementedError: An option of the original is given that is not implemented.
    """

    def __init__(
        self,
        model_name: str,
        *,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
        safety_settings: Any = None,
        system_instruction: Any = None,
        labels: Mapping[str, str] | None = None,
        **others: Any,
    ) -> None:
        refuse_options("GenerativeModel", others, (*_OPTIONS, "system_instruction"), _INSTEAD)
        self._model_name = model_name
        self._generation_config = generation_config
        self._safety_settings = safety_settings
        self._system_instruction = system_instruction
        self._labels = labels

    def generate_content(
        self,
        contents: Any,
        *,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
        safety_settings: Any = None,
        labels: Mapping[str, str] | None = None,
        stream: bool = False,
        **others: Any,
    ) -> GenerationResponse:
        """Asks the model and waits for its answer.

        Raises:
            NotImplementedError: `stream=True`, tools, or another option that is not implemented.
            ModelUnavailable: The model is unknown, or not served there.
            StreetlensError: The service gave no answer; the message says why and what to do.
        """
        call = self._call(contents, generation_config, safety_settings, labels, stream=stream, others=others)
        return GenerationResponse(json.loads(call.wait()))

    async def generate_content_async(
        self,
        contents: Any,
        *,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
        safety_settings: Any = None,
        labels: Mapping[str, str] | None = None,
        stream: bool = False,
        **others: Any,
    ) -> GenerationResponse:
        """`generate_content` for `async` programs."""
        call = self._call(contents, generation_config, safety_settings, labels, stream=stream, others=others)
        return GenerationResponse(json.loads(await call))

    def _call(
        self,
        contents: Any,
        generation_config: Any,
        safety_settings: Any,
        labels: Mapping[str, str] | None,
        *,
        stream: bool,
        others: Mapping[str, Any],
    ) -> _calls.Call[str]:
        options = {"stream": stream or None, **others}
        refuse_options("GenerativeModel.generate_content", options, _OPTIONS, _INSTEAD)
        body: dict[str, Any] = {"contents": contents_on_the_wire(contents)}
        if instruction := self._system_instruction:
            parts = list(instruction) if isinstance(instruction, (list, tuple)) else [instruction]
            body["systemInstruction"] = single_content(parts)
        if config := generation_config or self._generation_config:
            body["generationConfig"] = generation_config_on_the_wire(config)
        if settings := safety_settings or self._safety_settings:
            body["safetySettings"] = safety_settings_on_the_wire(settings)
        if named := labels or self._labels:
            body["labels"] = dict(named)
        session, model, location = _configuration.current().place(self._model_name)
        return _calls.generate_content(session, model, location, json.dumps(body), timeout=_ATTEMPT_SECONDS)

    def __getattr__(self, name: str) -> NoReturn:
        raise absent_member(self, name, _INSTEAD)

    def __repr__(self) -> str:
        return f"GenerativeModel({self._model_name!r})"


__getattr__ = module_getattr("vertexai.generative_models", __all__, _INSTEAD)
