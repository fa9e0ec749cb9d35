"""The token and metadata endpoints as they look on the wire, and the token check of the services."""

from __future__ import annotations

import base64
import json
import time

import pytest
import requests

from streetlens.emulator import Emulator

FLAVOR = {"Metadata-Flavor": "Google"}
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(**claims: object) -> str:
    now = int(time.time())
    whole = {"iss": "robot@example.com", "scope": "a", "iat": now, "exp": now + 3600} | claims
    part = base64.urlsafe_b64encode(json.dumps(whole).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


def grant(emulator: Emulator, **form: str) -> requests.Response:
    return requests.post(f"{emulator.url}/token", data=form, timeout=10)


def test_the_answer_to_a_jwt_grant_has_the_fields_of_googles_token_endpoint(emulator: Emulator) -> None:
    answer = grant(emulator, grant_type=JWT_BEARER, assertion=assertion()).json()
    assert set(answer) == {"access_token", "expires_in", "token_type"}
    assert answer["token_type"] == "Bearer"
    assert 3590 <= answer["expires_in"] <= 3599


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": JWT_BEARER, "assertion": "not-a-jwt"}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": assertion(exp=1)}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": assertion(iat="now")}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": assertion(iss="")}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": assertion(scope="")}, "invalid_scope"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_grant_that_is_wrong_gets_the_oauth_error(
    emulator: Emulator, form: dict[str, str], error: str
) -> None:
    answer = grant(emulator, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_metadata_without_the_flavor_header_is_forbidden(emulator: Emulator) -> None:
    assert requests.get(f"{emulator.url}{ACCOUNT}/token", timeout=10).status_code == 403


def test_every_metadata_answer_carries_the_flavor(emulator: Emulator) -> None:
    for path in ("/", f"{ACCOUNT}/email", f"{ACCOUNT}/?recursive=true", "/computeMetadata/v1/nowhere"):
        answer = requests.get(f"{emulator.url}{path}", headers=FLAVOR, timeout=10)
        assert answer.headers["Metadata-Flavor"] == "Google"


def test_the_recursive_account_lists_email_and_scopes(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.url}{ACCOUNT}/?recursive=true", headers=FLAVOR, timeout=10).json()
    assert answer["email"] == emulator.world.tokens.email
    assert "https://www.googleapis.com/auth/cloud-platform" in answer["scopes"]


def test_before_sign_in_the_account_is_a_404_but_the_project_answers(emulator: Emulator) -> None:
    emulator.world.tokens.signed_in = False
    statuses = [
        requests.get(f"{emulator.url}{path}", headers=FLAVOR, timeout=10).status_code
        for path in (
            f"{ACCOUNT}/?recursive=true",
            f"{ACCOUNT}/token",
            "/computeMetadata/v1/project/project-id",
        )
    ]
    assert statuses == [404, 404, 200]


@pytest.fixture
def strict(emulator: Emulator) -> Emulator:
    emulator.world.require_token = True
    return emulator


def call(emulator: Emulator, path: str, token: str | None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(emulator.url + path, headers=headers, timeout=10)


BUCKETS = "/storage/v1/b?project=p"
SUBSCRIPTIONS = "/v1/projects/p/locations/us/subscriptions"


def test_a_token_issued_here_passes(strict: Emulator) -> None:
    assert call(strict, BUCKETS, strict.world.tokens.issue().value).status_code == 200


def test_an_expired_token_is_unauthenticated_with_googles_error_info(strict: Emulator) -> None:
    token = strict.world.tokens.issue().value
    strict.world.tokens.expire_all()
    answer = call(strict, SUBSCRIPTIONS, token)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("token", "reason"), [(None, "CREDENTIALS_MISSING"), ("x", "ACCESS_TOKEN_TYPE_UNSUPPORTED")]
)
def test_a_missing_or_foreign_token_says_which(strict: Emulator, token: str | None, reason: str) -> None:
    answer = call(strict, SUBSCRIPTIONS, token)
    assert (answer.status_code, answer.json()["error"]["details"][0]["reason"]) == (401, reason)


def test_cloud_storage_has_its_own_401(strict: Emulator) -> None:
    error = call(strict, BUCKETS, "x").json()["error"]
    assert (error["code"], error["message"], error["errors"][0]["reason"]) == (
        401,
        "Invalid Credentials",
        "authError",
    )


def test_the_token_endpoint_itself_needs_no_token(strict: Emulator) -> None:
    assert grant(strict, grant_type=JWT_BEARER, assertion=assertion()).status_code == 200


def test_without_require_token_any_token_or_none_passes(emulator: Emulator) -> None:
    assert [call(emulator, BUCKETS, token).status_code for token in (None, "x")] == [200, 200]


def test_secrets_do_not_reach_the_request_log(emulator: Emulator) -> None:
    secret = "canary-5f2c"
    requests.get(
        f"{emulator.url}/storage/v1/b?project=p&key={secret}&access_token={secret}",
        headers={"Authorization": f"Bearer {secret}", "x-goog-api-key": secret},
        timeout=10,
    )
    grant(emulator, grant_type="refresh_token", refresh_token=secret, client_id="i", client_secret=secret)
    assert secret not in json.dumps([entry.describe() for entry in emulator.requests])
