"""A token is fetched once for everybody, renewed when it ends, and a refusal is answered once."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import streetlens as sl
from streetlens._calls import session as _calls
from streetlens._credentials import GoogleAuthSource
from streetlens._streetlens import http_request  # noqa: TID251 - what the client gives its credentials
from streetlens.emulator import Emulator

ONE = "SELECT 1 AS one"


def client_of(emulator: Emulator, credentials: Any) -> sl.Client:
    return sl.Client(project="demo", region="global", endpoint=emulator.url, credentials=credentials)


def test_200_concurrent_callers_cause_one_token_request(guarded: Emulator, user: Any) -> None:
    client = client_of(guarded, user)

    async def ask_at_once() -> list[sl.Table]:
        return await asyncio.gather(*(client.aio.query(ONE) for _ in range(200)))

    tables = asyncio.run(ask_at_once())
    assert [table.to_dicts() for table in tables] == [[{"one": 1}]] * 200
    assert guarded.world.tokens.requests == 1


def test_threads_that_begin_together_cause_one_token_request(
    guarded: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    together = threading.Barrier(16)
    make_session = vars(_calls)["NativeSession"]

    def token() -> str:
        asked.append(1)
        return guarded.world.tokens.issue().value

    def make_slowly(*arguments: Any) -> Any:
        time.sleep(0.05)  # lets the other threads run meanwhile
        return make_session(*arguments)

    def ask() -> int:
        together.wait()
        return len(client.query(ONE))

    monkeypatch.setattr(_calls, "NativeSession", make_slowly)
    client = client_of(guarded, token)
    with ThreadPoolExecutor(16) as pool:
        assert [future.result() for future in [pool.submit(ask) for _ in range(16)]] == [1] * 16
    assert len(asked) == 1


def test_a_failed_renewal_is_told_to_everybody_who_waited(guarded: Emulator, revoked_user: Any) -> None:
    client = client_of(guarded, revoked_user)

    async def ask_at_once() -> list[sl.Table | BaseException]:
        return await asyncio.gather(*(client.aio.query(ONE) for _ in range(50)), return_exceptions=True)

    errors = asyncio.run(ask_at_once())
    assert {type(error) for error in errors} == {sl.AuthenticationError}
    assert all("revoked" in str(error) and "gcloud auth" in str(error) for error in errors)
    assert guarded.world.tokens.requests == 1


def test_a_token_that_expires_in_the_middle_of_a_run_costs_no_row(
    guarded: Emulator, user: Any, uris: list[str]
) -> None:
    guarded.faults.add("expired_token", service="gemini", after=20, times=1)
    results = client_of(guarded, user).classify(uris, "What is it?", concurrency=8, progress=False)
    assert results.status_counts == {"ok": len(uris)}
    assert guarded.world.tokens.requests == 2


def test_a_run_outlives_many_short_lived_tokens(guarded: Emulator, user: Any, uris: list[str]) -> None:
    guarded.world.tokens.lifetime = 2.5
    guarded.faults.add("slow", service="gemini", seconds=0.4)
    results = client_of(guarded, user).classify(uris, "What is it?", concurrency=6, progress=False)
    assert results.status_counts == {"ok": len(uris)}
    requests = guarded.requests.of("gemini")
    took = requests[-1].received_at - requests[0].received_at
    assert 2 <= guarded.world.tokens.requests <= 3 + 2 * took


def test_a_refused_token_is_renewed_once_and_the_request_sent_once_more(guarded: Emulator, user: Any) -> None:
    client = client_of(guarded, user)
    client.query(ONE)
    guarded.world.tokens.expire_all()
    guarded.requests.clear()
    assert client.query(ONE).to_dicts() == [{"one": 1}]
    assert [request.status for request in guarded.requests.of("bigquery")] == [401, 200]
    assert guarded.world.tokens.requests == 2


def test_a_second_refusal_is_an_authentication_error(guarded: Emulator) -> None:
    asked = []

    def unknown_token() -> str:
        asked.append(1)
        return "never-issued"

    with pytest.raises(sl.AuthenticationError, match="also after one renewal") as caught:
        client_of(guarded, unknown_token).query(ONE)
    assert (caught.value.status, caught.value.service) == (401, "BigQuery")
    assert [request.status for request in guarded.requests.of("bigquery")] == [401, 401]
    assert len(asked) == 2


def test_a_second_refusal_stops_a_run(guarded: Emulator, uris: list[str]) -> None:
    with pytest.raises(sl.AuthenticationError) as caught:
        client_of(guarded, lambda: "never-issued").classify(uris, "What?", concurrency=4, progress=False)
    assert caught.value.results is not None
    assert len(caught.value.results) == len(uris)
    assert len(guarded.requests.of("gemini")) <= 8


@pytest.mark.parametrize("service", ["bigquery", "gemini"])
def test_a_403_never_renews_the_token(guarded: Emulator, user: Any, service: Any, uris: list[str]) -> None:
    guarded.faults.add("403", service=service)
    client = client_of(guarded, user)
    with pytest.raises(sl.PermissionDenied):
        client.query(ONE) if service == "bigquery" else client.classify(uris[:1], "What?", progress=False)
    assert guarded.world.tokens.requests == 1
    assert len(guarded.requests.of(service)) == 1


def test_a_refused_static_token_says_to_pass_a_new_one(guarded: Emulator) -> None:
    with pytest.raises(sl.AuthenticationError, match="refused the access token, which may have") as caught:
        client_of(guarded, "never-issued").query(ONE)
    assert caught.value.hint == "pass a new token, or credentials that can renew it"
    assert len(guarded.requests.of("bigquery")) == 1


def test_a_service_that_wants_credentials_says_that_none_were_given(guarded: Emulator) -> None:
    with pytest.raises(sl.AuthenticationError, match="and none were given") as caught:
        client_of(guarded, "anonymous").query(ONE)
    assert "google-auth" in str(caught.value.hint)


def test_a_token_is_renewed_in_the_background_while_it_still_holds(guarded: Emulator) -> None:
    renewed, answered = threading.Event(), threading.Event()
    asked = []

    def token() -> tuple[str, float]:
        asked.append(1)
        if len(asked) > 1:
            renewed.set()
            assert answered.wait(30)
        return guarded.world.tokens.issue().value, time.time() + 6

    client = client_of(guarded, token)
    client.query(ONE)
    try:
        while not renewed.is_set():
            assert client.query(ONE).to_dicts() == [{"one": 1}]
        # The renewal is under way and cannot end: the old token serves meanwhile.
        assert client.query(ONE).to_dicts() == [{"one": 1}]
    finally:
        answered.set()
    assert len(asked) == 2


@pytest.mark.parametrize("fault", ["503", "reset"])
def test_a_passing_failure_of_the_token_server_is_tried_again(
    guarded: Emulator, user: Any, fault: str
) -> None:
    guarded.faults.add(fault, service="token", times=1)
    assert client_of(guarded, user).query(ONE).to_dicts() == [{"one": 1}]


def test_a_token_server_that_is_gone_is_named_and_worth_another_try(user: Any) -> None:
    user._token_uri = "http://127.0.0.1:9/token"
    with pytest.raises(sl.AuthenticationError, match=r"`127\.0\.0\.1`.* cannot be reached") as caught:
        GoogleAuthSource(user, http_request).fetch(force=False)
    assert caught.value.retryable


def test_credentials_that_give_no_token_stop_a_run(
    guarded: Emulator, revoked_user: Any, uris: list[str]
) -> None:
    with pytest.raises(sl.AuthenticationError, match="revoked"):
        client_of(guarded, revoked_user).classify(uris, "What is it?", progress=False)
    assert guarded.requests.of("gemini") == []
