"""The configuration of a client, and its native session."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streetlens import _streetlens
from streetlens._checks import check_store
from streetlens._query_options import check_maximum_bytes
from streetlens._streetlens import Session as NativeSession
from streetlens.exceptions import ConfigurationError
from streetlens.options import Endpoints, OnRetired, StorePlace

NativeHttp = Callable[
    [str, str, "list[tuple[str, str]]", "bytes | None", float], "tuple[int, list[tuple[str, str]], bytes]"
]


class Session:
    """The configuration of a client, and its native session once something is asked."""

    def __init__(
        self,
        *,
        project: str | None,
        region: str | Sequence[str] | None,
        location: str | None,
        credentials: Any,
        endpoint: str | Endpoints | Mapping[str, str] | None,
        on_retired: OnRetired,
        strict_region: bool,
        store: StorePlace = None,
        maximum_bytes_billed: int | None = None,
    ) -> None:
        self._given = {**_given_settings(project, region, location, endpoint), "store": check_store(store)}
        self.settings = _check_settings(
            self._given, may_lack_project=credentials is None or hasattr(credentials, "refresh")
        )
        from streetlens import _credentials  # noqa: PLC0415 - an import of the package should cost nothing

        self.source = _credentials.resolve(
            credentials, is_loopback=self.settings["is_loopback"], http=_streetlens.http_request
        )
        if on_retired not in {"raise", "replace", "allow"}:
            raise ConfigurationError(f"`on_retired={on_retired!r}` is not one of 'raise', 'replace', 'allow'")
        self.on_retired = on_retired
        self.strict_region = strict_region
        check_maximum_bytes(maximum_bytes_billed)
        self.maximum_bytes_billed = maximum_bytes_billed or None
        self.told: set[str] = set()
        """What the user was warned of already."""
        self._native: tuple[int, NativeSession] | None = None

    def native(self) -> NativeSession:
        """The session of this process: made when first needed, and again after a fork."""
        made = self._native
        if made is None or made[0] != os.getpid():
            with _making_sessions:
                made = self._native
                if made is None or made[0] != os.getpid():
                    if made is not None:
                        # Dropping the parent's would touch connections that the parent still uses.
                        _of_parents.append(made)
                    made = self._native = os.getpid(), NativeSession(self._complete(), self.source)
        return made[1]

    @property
    def project(self) -> str:
        """The project, asking the credentials for it where nothing else names one."""
        if self.settings["project"] is None:
            self.settings = _streetlens.settings(self._complete())
        return str(self.settings["project"])

    def _complete(self) -> dict[str, Any]:
        project = self.settings["project"]
        default_project = getattr(self.source, "default_project", None)
        if project is None and default_project is not None:
            project = default_project()
        return {**self._given, "project": project} if project else self._given


# Threads that ask at the same time share one session, and with it one token. Held during a fork, so that no child
# inherits it locked by a thread that it does not have.
_making_sessions = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_making_sessions.acquire,
        after_in_parent=_making_sessions.release,
        after_in_child=_making_sessions.release,
    )
_of_parents: list[object] = []


def _given_settings(
    project: str | None,
    region: str | Sequence[str] | None,
    location: str | None,
    endpoint: str | Endpoints | Mapping[str, str] | None,
) -> dict[str, Any]:
    for name, value in (("project", project), ("location", location)):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"`{name}` is a {type(value).__name__}", hint=f"pass `{name}` as a text")
    first, others = _regions(region)
    given: dict[str, Any] = {
        "project": project,
        "region": first,
        "more_regions": others,
        "location": location,
    }
    if isinstance(endpoint, str) or endpoint is None:
        given["endpoint"] = endpoint
        return given
    if not isinstance(endpoint, (Endpoints, Mapping)):
        raise ConfigurationError(
            f"`endpoint` is a {type(endpoint).__name__}",
            hint="pass an address as a text, or `sl.Endpoints` with one for each service",
        )
    named = endpoint._asdict() if isinstance(endpoint, Endpoints) else dict(endpoint)
    unknown = set(named) - set(Endpoints._fields)
    if unknown:
        raise ConfigurationError(
            f"`endpoint` names unknown services: {', '.join(sorted(unknown))}",
            hint=f"the services are {', '.join(Endpoints._fields)}",
        )
    given["endpoints"] = [(name, url) for name, url in named.items() if url is not None]
    return given


def _regions(region: object) -> tuple[str | None, list[str]]:
    """The first region, and those that share its requests."""
    if region is None or isinstance(region, str):
        return region, []
    hint = 'pass a text, or several in a list: `region=["global", "us", "eu"]`'
    if not isinstance(region, Sequence) or isinstance(region, (bytes, bytearray)):
        raise ConfigurationError(f"`region` is a {type(region).__name__}", hint=hint)
    named = list(region)
    if not named:
        raise ConfigurationError("`region` is an empty list", hint=hint)
    for each in named:
        if not isinstance(each, str):
            raise ConfigurationError(f"`region` holds a {type(each).__name__}", hint=hint)
    return named[0], named[1:]


def _check_settings(given: dict[str, Any], *, may_lack_project: bool) -> dict[str, Any]:
    try:
        return _streetlens.settings(given)
    except ConfigurationError as error:
        if (
            given["project"] is not None
            or "`project` is not set" not in error.message
            or not may_lack_project
        ):
            raise
    # The credentials may name the project; asking them now would contact something.
    return {**_streetlens.settings({**given, "project": "unknown"}), "project": None}
