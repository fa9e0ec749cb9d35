"""Turns the `credentials=` argument into something the native module can ask for a token."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from streetlens.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    StreetlensError,
)

if TYPE_CHECKING:
    from streetlens._calls import NativeHttp

__all__ = ["GoogleAuthSource", "TokenSource", "resolve"]

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

Fetched = tuple[list[tuple[str, str]], float | None]


class TokenSource(Protocol):
    """What the native module asks for headers."""

    description: str
    """The kind of credentials in words, without any secret."""
    can_refresh: bool
    """Whether asking again can give another token."""

    def fetch(self, force: bool) -> Fetched:
        """Headers to send, and when they expire in seconds since 1970."""


def resolve(credentials: Any, *, is_loopback: bool, http: NativeHttp) -> TokenSource | str:
    """The source behind a `credentials=` argument: an object with `fetch`, `"anonymous"`, `"native"` or a token."""
    if credentials is None:
        return "anonymous" if is_loopback else GoogleAuthSource(None, http)
    if isinstance(credentials, str):
        if not credentials.strip():
            raise ConfigurationError("`credentials` is an empty text", hint="leave it out to use google-auth")
        text = credentials.strip()
        return text if text in {"anonymous", "native"} else _Token(text)
    if _is_anonymous(credentials):
        return "anonymous"
    if hasattr(credentials, "refresh") and hasattr(credentials, "apply"):
        return GoogleAuthSource(credentials, http)
    if callable(credentials):
        return _CallableSource(credentials)
    raise ConfigurationError(
        f"`credentials` is a {type(credentials).__name__}",
        hint="pass google.auth credentials, an access token, a callable that returns one, "
        '"anonymous" or "native"; leave it out to use google-auth',
    )


class _Token(str):
    """An access token, which tools that print variables do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


def _is_anonymous(credentials: Any) -> bool:
    return type(credentials).__name__ == "AnonymousCredentials" and type(credentials).__module__.startswith(
        "google."
    )


class _CallableSource:
    """A callable that returns a token, or a token and its expiry."""

    can_refresh = True
    description = "a callable"

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def fetch(self, force: bool) -> Fetched:  # noqa: ARG002 - a callable gives what it has
        token, expiry = self._read(self._ask())
        return [("authorization", f"Bearer {token}")], expiry

    def _ask(self) -> Any:
        try:
            return self._function()
        except StreetlensError:
            raise
        except Exception as error:
            what = f"the `credentials` callable failed: {type(error).__name__}: {error}"
            raise _failed(AuthenticationError(what), error) from error

    @staticmethod
    def _read(answer: Any) -> tuple[str, float | None]:
        token, expiry = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        if not isinstance(token, str) or not token.strip():
            raise AuthenticationError(
                f"the `credentials` callable returned a {type(token).__name__} instead of a token",
                hint="return the access token as a text, or `(token, expiry)`",
            )
        if not isinstance(expiry, (datetime, int, float, type(None))):
            raise AuthenticationError(
                f"the `credentials` callable returned a {type(expiry).__name__} as the expiry",
                hint="return a datetime (UTC) or seconds since 1970",
            )
        return token.strip(), _timestamp(expiry)

    def __repr__(self) -> str:
        return f"<{self.description}>"


class GoogleAuthSource:
    """Credentials of google-auth: an object, or `google.auth.default()` looked up when first needed."""

    can_refresh = True

    def __init__(self, credentials: Any, http: NativeHttp) -> None:
        self._credentials = credentials
        self._http = http
        self._locks: dict[int, threading.Lock] = {}
        self.description = (
            "google-auth's default credentials" if credentials is None else _described(credentials)
        )
        self.project: str | None = None

    def fetch(self, force: bool) -> Fetched:
        """Headers of the credentials, refreshed where they are not fresh.

        Raises:
            AuthenticationError: There are no credentials, or they cannot be refreshed; the hint says what to run.
        """
        with self._lock():
            credentials = self._resolved()
            if force or not _is_fresh(credentials):
                self._refresh(credentials)
            headers: dict[str, str] = {}
            credentials.apply(headers)
        return [(name, str(value)) for name, value in headers.items()], _expiry(credentials)

    def default_project(self) -> str | None:
        """The project that the credentials name, if any.

        Raises:
            AuthenticationError: There are no credentials.
        """
        with self._lock():
            credentials = self._resolved()
        return (
            self.project
            or getattr(credentials, "project_id", None)
            or getattr(credentials, "quota_project_id", None)
        )

    def _lock(self) -> threading.Lock:
        """The lock of this process: a forked child may inherit one that is held by a thread it does not have."""
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _resolved(self) -> Any:
        if self._credentials is None:
            self._credentials, self.project = _google_default(self._http)
            self.description = _described(self._credentials)
        self._credentials = _scoped(self._credentials)
        return self._credentials

    def _refresh(self, credentials: Any) -> None:
        from google.auth import exceptions  # noqa: PLC0415 - importing google-auth costs 60 ms

        try:
            credentials.refresh(_Request(self._http))
        except exceptions.GoogleAuthError as error:
            raise _refused(error, self.description) from error

    def __repr__(self) -> str:
        return f"<{self.description}>"


def _google_default(http: NativeHttp) -> tuple[Any, str | None]:
    try:
        import google.auth  # noqa: PLC0415 - importing google-auth costs 60 ms
        from google.auth import exceptions  # noqa: PLC0415 - as above
    except ImportError as error:
        raise AuthenticationError(
            "google-auth is not installed",
            hint='run `pip install google-auth`, or pass `credentials="native"`',
        ) from error
    quota_project = os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT")
    try:
        transport: Any = _Request(http)
        credentials, project = google.auth.default(
            scopes=_SCOPES, request=transport, quota_project_id=quota_project
        )
    except exceptions.GoogleAuthError as error:
        raise AuthenticationError("no credentials were found", hint=_sign_in_hint()) from error
    return credentials, project


def _scoped(credentials: Any) -> Any:
    if getattr(credentials, "requires_scopes", False):
        return credentials.with_scopes(_SCOPES)
    return credentials


def _is_fresh(credentials: Any) -> bool:
    state = getattr(credentials, "token_state", None)
    if state is not None:
        return getattr(state, "name", "") == "FRESH"
    return bool(getattr(credentials, "valid", False))


def _expiry(credentials: Any) -> float | None:
    return _timestamp(getattr(credentials, "expiry", None))


def _timestamp(moment: Any) -> float | None:
    """Seconds since 1970; google-auth's `expiry` is UTC without saying so."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    return float(moment)


def _described(credentials: Any) -> str:
    kind = f"{type(credentials).__module__.removeprefix('google.')}.{type(credentials).__name__}"
    principal = getattr(credentials, "service_account_email", None)
    return f"{kind} of {principal}" if principal and principal != "default" else kind


def _refused(error: Exception, description: str) -> AuthenticationError:
    message = f"the credentials ({description}) gave no token: {error}"
    return _failed(AuthenticationError(message, hint=_sign_in_hint()), error)


def _failed(raised: AuthenticationError, cause: Exception) -> AuthenticationError:
    """Marks an error as worth another try where its cause, or the cause of that, says so of itself."""
    raised.retryable = any(bool(getattr(error, "retryable", False)) for error in (cause, cause.__cause__))
    return raised


def _sign_in_hint() -> str:
    if "google.colab" in sys.modules or os.environ.get("COLAB_RELEASE_TAG"):
        return "run `from google.colab import auth; auth.authenticate_user()` in a cell, then this again"
    return (
        "run `gcloud auth application-default login` in a terminal, or set `GOOGLE_APPLICATION_CREDENTIALS` "
        "to a service account key, or pass `credentials=`"
    )


class _Request:
    """google-auth's transport over the native HTTP client, so that proxies and certificates are the same."""

    def __init__(self, http: NativeHttp) -> None:
        self._http = http

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Response:
        from google.auth import exceptions  # noqa: PLC0415 - importing google-auth costs 60 ms

        sent: Sequence[tuple[str, str]] = [(name, str(value)) for name, value in (headers or {}).items()]
        data = body.encode() if isinstance(body, str) else body
        try:
            status, received, content = self._http(method, url, list(sent), data, timeout or 60.0)
        except StreetlensError as error:
            may_pass = isinstance(error, (ConnectionFailed, DeadlineExceeded))
            raise exceptions.TransportError(str(error), retryable=may_pass) from error
        return _Response(status, dict(received), content)


class _Response:
    """An answer in the form google-auth reads."""

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data
        self.received_at = time.time()
