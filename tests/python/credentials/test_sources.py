"""Every kind of `credentials=` argument gets a token that the service accepts, or says what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.oauth2 import service_account

import streetlens as sl
from streetlens._credentials import GoogleAuthSource
from streetlens._streetlens import http_request  # noqa: TID251 - what the client gives its credentials
from streetlens.emulator import Emulator

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def ask(emulator: Emulator, credentials: Any) -> list[dict[str, Any]]:
    client = sl.Client(project="demo", endpoint=emulator.url, credentials=credentials)
    return client.query("SELECT 1 AS one").to_dicts()


def test_user_credentials_of_google_auth(guarded: Emulator, user: Any) -> None:
    assert ask(guarded, user) == [{"one": 1}]
    assert guarded.world.tokens.requests == 1


def test_a_service_account_of_google_auth(guarded: Emulator, key: dict[str, str]) -> None:
    account = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])
    assert ask(guarded, account) == [{"one": 1}]


def test_a_service_account_without_scopes_is_given_the_one_it_needs(
    guarded: Emulator, key: dict[str, str]
) -> None:
    assert ask(guarded, service_account.Credentials.from_service_account_info(key)) == [{"one": 1}]


def test_a_fresh_token_is_kept_when_scopes_were_added(guarded: Emulator, key: dict[str, str]) -> None:
    source = GoogleAuthSource(service_account.Credentials.from_service_account_info(key), http_request)
    assert source.fetch(force=False) == source.fetch(force=False)
    assert guarded.world.tokens.requests == 1


def test_credentials_with_a_fresh_token_are_not_refreshed(guarded: Emulator, user: Any) -> None:
    user.token = guarded.world.tokens.issue().value
    user.expiry = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=1)
    assert ask(guarded, user) == [{"one": 1}]
    assert guarded.world.tokens.requests == 0


def test_the_quota_project_of_the_credentials_is_sent(guarded: Emulator, user: Any) -> None:
    ask(guarded, user.with_quota_project("billed-elsewhere"))
    [request] = guarded.requests.of("bigquery")
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert sent["x-goog-user-project"] == "billed-elsewhere"


def test_a_static_token(guarded: Emulator) -> None:
    assert ask(guarded, f" {guarded.world.tokens.issue().value}\n") == [{"one": 1}]


@pytest.mark.parametrize(
    "expiry",
    [
        None,
        lambda: time.time() + 3600,
        lambda: datetime.now(timezone.utc) + timedelta(hours=1),
        lambda: datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=1),
        lambda: float("inf"),
        lambda: datetime.max.replace(tzinfo=timezone.utc),
    ],
    ids=["no-expiry", "seconds", "aware", "naive-utc", "infinite", "the-last-day"],
)
def test_a_callable_is_asked_once_for_several_requests(
    guarded: Emulator, expiry: Callable[[], object] | None
) -> None:
    asked = []

    def token() -> object:
        asked.append(1)
        value = guarded.world.tokens.issue().value
        return (value, expiry()) if expiry else value

    client = sl.Client(project="demo", endpoint=guarded.url, credentials=token)
    for _ in range(3):
        assert client.query("SELECT 1 AS one").to_dicts() == [{"one": 1}]
    assert len(asked) == 1


def test_a_callable_that_returns_no_token_is_told_what_to_return(guarded: Emulator) -> None:
    with pytest.raises(sl.AuthenticationError, match="returned a NoneType instead of a token") as caught:
        ask(guarded, lambda: None)
    assert "(token, expiry)" in str(caught.value.hint)


def test_a_callable_whose_expiry_is_a_text_is_told_what_to_return(guarded: Emulator) -> None:
    with pytest.raises(sl.AuthenticationError, match="returned a str as the expiry"):
        ask(guarded, lambda: ("token", "2030-01-01"))


def test_what_a_callable_raises_is_the_cause_of_the_error(guarded: Emulator) -> None:
    def token() -> str:
        raise KeyError("vault")

    with pytest.raises(sl.AuthenticationError, match="callable failed: KeyError: 'vault'") as caught:
        ask(guarded, token)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_token_that_cannot_be_a_header_is_refused_without_showing_it(guarded: Emulator) -> None:
    with pytest.raises(sl.AuthenticationError, match="cannot be sent in an HTTP header") as caught:
        ask(guarded, "ya29.can\nary")
    assert "ary" not in str(caught.value)


@pytest.mark.parametrize("anonymous", ["anonymous", AnonymousCredentials()])
def test_anonymous_sends_no_authorization(emulator: Emulator, anonymous: object) -> None:
    assert ask(emulator, anonymous) == [{"one": 1}]
    [request] = emulator.requests.of("bigquery")
    assert "authorization" not in {name.lower() for name in request.headers}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_loopback_endpoint_implies_anonymous(emulator: Emulator, host: str) -> None:
    client = sl.Client(project="demo", endpoint=emulator.url.replace("127.0.0.1", host))
    assert "credentials='anonymous'" in repr(client)


@pytest.mark.parametrize("endpoint", [None, "http://192.0.2.1", {"bigquery": "http://127.0.0.1:9"}])
def test_any_other_endpoint_implies_google_auth(endpoint: Any) -> None:
    if isinstance(endpoint, dict):
        endpoint = {**endpoint, "vertex": "https://vertex.example.com"}
    assert "google-auth's default credentials" in repr(sl.Client(project="demo", endpoint=endpoint))


@pytest.mark.parametrize(("wrong", "said"), [(7, "is a int"), (b"token", "is a bytes"), ("  ", "empty text")])
def test_anything_else_is_refused_when_the_client_is_made(wrong: Any, said: str) -> None:
    with pytest.raises(sl.ConfigurationError, match=said):
        sl.Client(project="demo", credentials=wrong)
