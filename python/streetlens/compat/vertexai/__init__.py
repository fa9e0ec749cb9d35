"""Stands in for `vertexai`: `init`, and `generative_models` beside it."""

from __future__ import annotations

from typing import Any

from streetlens.compat._absent import module_getattr, refuse_options
from streetlens.compat.vertexai import _configuration
from streetlens.compat.vertexai._configuration import Configuration

__all__ = ["generative_models", "init"]

from streetlens.compat.vertexai import generative_models


def init(
    *,
    project: str | None = None,
    location: str | None = None,
    credentials: Any = None,
    api_endpoint: str | None = None,
    api_transport: str | None = None,  # noqa: ARG001 - requests go over HTTP whatever it says
    **others: Any,
) -> None:
    """Sets project, location, credentials and address for all that follows; what is left out stays as it was.

    Raises:
        ConfigurationError: A value is malformed, or still a placeholder of the guide.
        NotImplementedError: Another option of the original is given.
    """
    implemented = ["project", "location", "credentials", "api_endpoint", "api_transport"]
    refuse_options(
        "vertexai.init", others, implemented, "They configure services that streetlens does not use."
    )
    before = _configuration.current()
    configuration = Configuration(
        project or before.project,
        location or before.location,
        credentials or before.credentials,
        api_endpoint or before.api_endpoint,
    )
    if configuration.project is not None:
        configuration.client()
    _configuration.replace(configuration)


__getattr__ = module_getattr(
    "vertexai", __all__, "streetlens classifies images through `streetlens.Client.classify`."
)
