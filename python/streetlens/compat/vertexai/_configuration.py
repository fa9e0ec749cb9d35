"""Holds what `vertexai.init` was given, and the client that everything made after it shares."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from streetlens import _calls
from streetlens.client import Client
from streetlens.compat._endpoint import address
from streetlens.options import Endpoints

__all__ = ["Configuration", "current", "replace"]

_told: set[str] = set()
_lock = threading.Lock()


class Configuration:
    """Project, location, credentials and address of Vertex AI, with the clients made from them."""

    def __init__(
        self,
        project: str | None = None,
        location: str | None = None,
        credentials: Any = None,
        api_endpoint: str | None = None,
    ) -> None:
        self.project = project
        self.location = location
        self.credentials = credentials
        self.api_endpoint = api_endpoint
        self._clients: dict[str | None, Client] = {}

    def client(self, location: str | None = None) -> Client:
        """The client of a location, the configured one otherwise; its connections are kept for all later calls.

        Raises:
            ConfigurationError: A value is missing, malformed, or still a placeholder.
        """
        region = location or self.location
        with _lock:
            if region not in self._clients:
                url = address(self.api_endpoint) if self.api_endpoint else None
                self._clients[region] = Client(
                    project=self.project,
                    region=region,
                    credentials=self.credentials,
                    endpoint=Endpoints(vertex=url) if url else None,
                )
            return self._clients[region]

    def place(self, model: str | None) -> tuple[_calls.Session, str, str]:
        """Session, model and location that serve `model`; a change from the user's wish is told once a process.

        Raises:
            ModelUnavailable: The model is retired without a successor.
        """
        session = self.client()._session  # noqa: SLF001 - the public API places a model only within `classify`
        placed, location, notes = _calls.place(session, model, on_retired="replace")
        for note in notes:
            # The hint in brackets names an option that only `streetlens.Client` has.
            tell_once(note.partition(" (pass ")[0])
        return session, placed, location


def tell_once(note: str) -> None:
    """Warns of something once in the life of the process, wherever it happens next."""
    with _lock:
        if note in _told:
            return
        _told.add(note)
    warnings.warn(note, UserWarning, stacklevel=_frames_of_this_package())


def _frames_of_this_package() -> int:
    """How far up the caller outside of streetlens is, so that the warning shows the user's own line."""
    import sys  # noqa: PLC0415 - needed once a process

    depth, frame = 1, sys._getframe(1)  # noqa: SLF001 - as the warnings module itself does
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("streetlens."):
        depth, frame = depth + 1, frame.f_back
    return depth


_current = Configuration()


def current() -> Configuration:
    """The configuration of the last `vertexai.init`."""
    return _current


def replace(configuration: Configuration) -> None:
    """Makes `configuration` the one that is used from now on."""
    global _current  # noqa: PLW0603 - Google's `init` sets a global state as well
    _current = configuration
