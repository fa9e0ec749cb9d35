"""Faults on demand: each kind does on the wire what its name says."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import requests

from streetlens.emulator import Emulator
from streetlens.emulator.faults import FaultSet

BUCKETS = "/storage/v1/b?project=p"
SUBSCRIPTIONS = "/v1/projects/p/locations/us/subscriptions"
MODEL = "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash"
GENERATE = f"/v1/{MODEL}:generateContent"
QUERIES = "/bigquery/v2/projects/p/queries"


def get(emulator: Emulator, path: str = BUCKETS, **headers: str) -> requests.Response:
    return requests.get(emulator.url + path, headers=headers, timeout=10)


def post(emulator: Emulator, path: str) -> requests.Response:
    return requests.post(emulator.url + path, json={}, timeout=10)


def test_a_429_of_gemini_has_no_details_and_no_delay(emulator: Emulator) -> None:
    emulator.faults.add("429", service="gemini")
    answer = post(emulator, GENERATE)
    assert answer.json()["error"] == {
        "code": 429,
        "message": "Resource exhausted. Please try again later. Please refer to "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
        "status": "RESOURCE_EXHAUSTED",
    }
    assert "Retry-After" not in answer.headers


def test_a_429_may_carry_both_kinds_of_delay(emulator: Emulator) -> None:
    emulator.faults.add("429", service="gemini", retry_after=7, retry_delay=1.5)
    answer = post(emulator, GENERATE)
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}
    ]


def test_a_403_of_gemini_names_permission_and_resource(emulator: Emulator) -> None:
    emulator.faults.add("403")
    error = post(emulator, GENERATE).json()["error"]
    assert error["status"] == "PERMISSION_DENIED"
    assert error["details"][0]["metadata"]["resource"] == f"//aiplatform.googleapis.com/{MODEL}"


def test_a_404_of_gemini_names_the_model(emulator: Emulator) -> None:
    emulator.faults.add("404")
    assert MODEL in post(emulator, GENERATE).json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("403", "accessDenied"),
        ("404", "notFound"),
        ("429", "rateLimitExceeded"),
        ("500", "internalError"),
        ("503", "backendError"),
    ],
)
def test_an_error_of_bigquery_carries_its_reason(emulator: Emulator, kind: str, reason: str) -> None:
    emulator.faults.add(kind, service="bigquery")
    answer = post(emulator, QUERIES)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (int(kind), reason)


def test_a_rate_limit_may_arrive_as_a_403_with_another_reason(emulator: Emulator) -> None:
    emulator.faults.add("403", service="bigquery", reason="rateLimitExceeded", message="slow down")
    error = post(emulator, QUERIES).json()["error"]
    assert (error["code"], error["message"]) == (403, "slow down")
    assert error["errors"][0]["reason"] == "rateLimitExceeded"


def test_a_503_of_cloud_storage_has_its_format(emulator: Emulator) -> None:
    emulator.faults.add("503", service="storage")
    error = get(emulator).json()["error"]
    assert "status" not in error
    assert error["errors"][0]["reason"] == "backendError"


def test_an_error_of_the_token_endpoint_is_an_oauth_error(emulator: Emulator) -> None:
    emulator.faults.add("503", service="token")
    answer = post(emulator, "/token")
    assert (answer.status_code, answer.json()["error"]) == (503, "internal_failure")


@pytest.mark.parametrize(("kind", "status"), [("502", 502), ("html", 200)])
def test_an_answer_in_html_is_no_json(emulator: Emulator, kind: str, status: int) -> None:
    emulator.faults.add(kind)
    answer = get(emulator)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_bad_json_is_a_complete_answer_that_does_not_parse(emulator: Emulator) -> None:
    emulator.faults.add("bad_json")
    answer = get(emulator)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_cut_body_delivers_half_of_what_it_declared(emulator: Emulator) -> None:
    whole = get(emulator).content
    emulator.faults.add("cut_body")
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
        get(emulator)
    incomplete = caught.value.args[0].args[1]
    assert (incomplete.partial, incomplete.expected) == (len(whole) // 2, len(whole) - len(whole) // 2)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_cut_body_delivers_as_many_bytes_as_its_rule_says(emulator: Emulator, count: int) -> None:
    emulator.faults.add("cut_body", bytes=count)
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
        get(emulator)
    assert caught.value.args[0].args[1].partial == count


def test_a_reset_connection_is_reset(emulator: Emulator) -> None:
    emulator.faults.add("reset")
    with socket.create_connection(("127.0.0.1", emulator.port), 10) as connection:
        connection.sendall(b"GET /storage/v1/b?project=p HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_stalled_request_is_never_answered(emulator: Emulator) -> None:
    emulator.faults.add("stall")
    with pytest.raises(requests.ReadTimeout):
        requests.get(emulator.url + BUCKETS, timeout=0.3)
    assert emulator.requests[-1].status is None


def test_a_slow_request_is_answered_after_its_seconds(emulator: Emulator) -> None:
    emulator.faults.add("slow", seconds=0.3)
    started = time.monotonic()
    assert get(emulator).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_slow_goes_together_with_another_fault(emulator: Emulator) -> None:
    emulator.faults.add("slow", seconds=0.2)
    emulator.faults.add("503")
    started = time.monotonic()
    assert get(emulator).status_code == 503
    assert time.monotonic() - started >= 0.2


def test_an_expired_token_stays_expired_for_that_token_only(emulator: Emulator) -> None:
    emulator.world.require_token = True
    old = emulator.world.tokens.issue().value
    emulator.faults.add("expired_token", times=1)
    first = get(emulator, SUBSCRIPTIONS, Authorization=f"Bearer {old}")
    second = get(emulator, SUBSCRIPTIONS, Authorization=f"Bearer {old}")
    third = get(emulator, SUBSCRIPTIONS, Authorization=f"Bearer {emulator.world.tokens.issue().value}")
    assert [answer.status_code for answer in (first, second, third)] == [401, 401, 200]
    assert first.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"


def test_times_limits_how_often_a_rule_strikes(emulator: Emulator) -> None:
    rule = emulator.faults.add("503", times=2)
    assert [get(emulator).status_code for _ in range(4)] == [503, 503, 200, 200]
    assert rule.struck == 2


def test_after_lets_the_first_requests_pass(emulator: Emulator) -> None:
    emulator.faults.add("503", after=2)
    assert [get(emulator).status_code for _ in range(3)] == [200, 200, 503]


def test_a_rule_strikes_its_service_only(emulator: Emulator) -> None:
    emulator.faults.add("503", service="bigquery")
    assert get(emulator).status_code == 200


def test_match_looks_into_path_and_body(emulator: Emulator) -> None:
    emulator.faults.add("503", match="needle")
    plain = requests.post(emulator.url + BUCKETS, json={"name": "no"}, timeout=10)
    struck = requests.post(emulator.url + BUCKETS, json={"name": "needle-bucket"}, timeout=10)
    assert (plain.status_code, struck.status_code) == (400, 503)


def test_a_header_strikes_one_request(emulator: Emulator) -> None:
    header = {"x-streetlens-fault": "429;retry_after=3"}
    first = requests.get(emulator.url + BUCKETS, headers=header, timeout=10)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert get(emulator).status_code == 200


@pytest.mark.parametrize("text", ["nonsense", "429;colour=red", "429;retry_after", "blocked"])
def test_a_header_that_cannot_strike_is_a_400_that_says_why(emulator: Emulator, text: str) -> None:
    answer = requests.get(emulator.url + BUCKETS, headers={"x-streetlens-fault": text}, timeout=10)
    assert answer.status_code == 400
    assert "x-streetlens-fault" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "418"},
        {"kind": "503", "service": "spanner"},
        {"kind": "503", "rate": 2.0},
        {"kind": "503", "colour": "red"},
        {"kind": "blocked", "service": "bigquery"},
        {"kind": "arrow_ignored", "service": "bigquery_storage"},
        {"kind": "rst_stream", "service": "bigquery"},
    ],
)
def test_a_rule_that_could_never_strike_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown|between|never meets"):
        FaultSet().add(**wrong)


def test_rules_are_managed_over_http(emulator: Emulator) -> None:
    control = f"{emulator.url}/emulator/faults"
    assert requests.post(control, json={"kind": "503", "service": "storage"}, timeout=10).status_code == 200
    assert get(emulator).status_code == 503
    listed = requests.get(control, timeout=10).json()["faults"]
    assert [(rule["kind"], rule["struck"]) for rule in listed] == [("503", 1)]
    requests.delete(control, timeout=10)
    assert get(emulator).status_code == 200


@pytest.mark.parametrize("body", ["{", "[]", '{"kind":"418"}', '{"colour":"red"}'])
def test_a_wrong_rule_over_http_is_a_400(emulator: Emulator, body: str) -> None:
    assert requests.post(f"{emulator.url}/emulator/faults", data=body, timeout=10).status_code == 400


def test_the_log_over_http_tells_which_fault_struck(emulator: Emulator) -> None:
    emulator.faults.add("503")
    get(emulator)
    logged = requests.get(f"{emulator.url}/emulator/requests?service=storage", timeout=10).json()["requests"]
    assert [(entry["path"], entry["status"], entry["fault"]) for entry in logged] == [
        ("/storage/v1/b", 503, "503")
    ]


def test_a_rule_may_match_the_query_of_a_request(emulator: Emulator) -> None:
    emulator.faults.add("400", service="storage", match="pageToken=late")
    get(emulator, f"{BUCKETS}&pageToken=early")
    get(emulator, f"{BUCKETS}&pageToken=late")
    assert [entry.fault for entry in emulator.requests] == [None, "400"]


def draws(faults: FaultSet, bodies: list[bytes]) -> list[bool]:
    return [bool(faults.draw("POST", GENERATE, body)) for body in bodies]


def test_the_same_seed_strikes_the_same_requests_in_any_order() -> None:
    bodies = [str(number).encode() for number in range(500)]
    one, two = FaultSet(seed=1), FaultSet(seed=1)
    for faults in (one, two):
        faults.add("503", rate=0.3)
    forward = dict(zip(bodies, draws(one, bodies), strict=True))
    backward = dict(zip(reversed(bodies), draws(two, bodies[::-1]), strict=True))
    assert forward == backward


def test_another_seed_strikes_other_requests() -> None:
    bodies = [str(number).encode() for number in range(500)]
    one, two = FaultSet(seed=1), FaultSet(seed=2)
    for faults in (one, two):
        faults.add("503", rate=0.3)
    assert draws(one, bodies) != draws(two, bodies)


def test_a_rate_strikes_about_that_share() -> None:
    faults = FaultSet(seed=3)
    faults.add("503", rate=0.2)
    struck = sum(draws(faults, [str(number).encode() for number in range(5000)]))
    assert 900 < struck < 1100


def test_a_repeated_request_is_drawn_anew() -> None:
    faults = FaultSet(seed=3)
    faults.add("503", rate=0.5)
    assert len(set(draws(faults, [b"the same"] * 50))) == 2


def test_clearing_starts_the_draws_over() -> None:
    faults = FaultSet(seed=3)
    faults.add("503", rate=0.5)
    first = draws(faults, [b"the same"] * 50)
    faults.clear()
    faults.add("503", rate=0.5)
    assert draws(faults, [b"the same"] * 50) == first
