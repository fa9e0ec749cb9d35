"""A token goes to its service and nowhere else: not into a text, an error, a log or another machine."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import Any

import pytest

import streetlens as sl
from streetlens.emulator import Emulator

CANARY = "ya29.canary-that-nobody-may-see"


@pytest.fixture(params=["static", "callable", "google-auth"])
def secret(request: pytest.FixtureRequest, user: Any) -> Any:
    """Credentials of three kinds whose token is the canary."""
    if request.param == "static":
        return CANARY
    if request.param == "callable":
        return lambda: CANARY
    user.refresh = lambda _: setattr(user, "token", CANARY)
    return user


@pytest.fixture
def client(guarded: Emulator, secret: Any) -> sl.Client:
    return sl.Client(project="demo", region="global", endpoint=guarded.url, credentials=secret)


def test_a_client_shows_what_kind_of_credentials_it_has_and_no_token(client: sl.Client) -> None:
    shown = f"{client} {client!r} {client.aio!r} {client._session!r} {vars(client._session)!r}"
    assert CANARY not in shown


def test_a_refusal_shows_no_token(client: sl.Client) -> None:
    with pytest.raises(sl.AuthenticationError) as caught:
        client.query("SELECT 1")
    error = caught.value
    shown = f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception(error))}"
    assert CANARY not in shown


def test_a_server_that_repeats_the_token_is_not_quoted(client: sl.Client, guarded: Emulator) -> None:
    guarded.faults.add("403", message=f"no access for {CANARY}, really")
    with pytest.raises(sl.PermissionDenied, match="no access for") as caught:
        client.query("SELECT 1")
    assert CANARY not in str(caught.value)
    with pytest.raises(sl.PermissionDenied) as caught:
        client.classify(["gs://bucket/a.jpg"], "What?", progress=False)
    assert CANARY not in str(caught.value)
    assert CANARY not in str(caught.value.results and caught.value.results.to_dicts())


def test_nothing_logs_the_token(client: sl.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(sl.AuthenticationError):
        client.query("SELECT 1")
    assert CANARY not in caplog.text


def test_nothing_prints_the_token(client: sl.Client, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(sl.AuthenticationError):
        client.query("SELECT 1")
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err


def test_a_client_is_not_pickled_and_says_what_to_do(client: sl.Client) -> None:
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="make one in each process"):
            copied(client)


@pytest.mark.parametrize("credentials", [CANARY, lambda: CANARY])
def test_no_token_goes_over_plain_http_to_another_machine(credentials: Any) -> None:
    # 192.0.2.1 is of a documentation network: a connection would hang until its timeout.
    client = sl.Client(project="demo", region="global", endpoint="http://192.0.2.1", credentials=credentials)
    with pytest.raises(sl.ConfigurationError, match=r"refused to send a token to `192\.0\.2\.1`") as caught:
        client.query("SELECT 1")
    assert "https" in str(caught.value.hint)
    with pytest.raises(sl.ConfigurationError, match="refused to send a token"):
        client.classify(["gs://bucket/a.jpg"], "What?", progress=False)


def test_the_token_goes_over_plain_http_to_loopback(guarded: Emulator) -> None:
    token = guarded.world.tokens.issue().value
    client = sl.Client(project="demo", endpoint=guarded.url, credentials=token)
    assert client.query("SELECT 1 AS one").to_dicts() == [{"one": 1}]


def test_a_redirect_is_not_followed_with_the_token(guarded: Emulator) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", guarded.url + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        client = sl.Client(
            project="demo", endpoint=f"http://127.0.0.1:{server.server_port}", credentials=CANARY
        )
        with pytest.raises(sl.StreetlensError):
            client.query("SELECT 1")
        server.shutdown()
    assert guarded.requests.of("bigquery") == []
