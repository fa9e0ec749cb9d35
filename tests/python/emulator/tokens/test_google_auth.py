"""google-auth, unmodified, against the token endpoint and the metadata server."""

from __future__ import annotations

import time
from typing import Any

import google.auth
import google.auth.transport.requests
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import compute_engine
from google.auth.exceptions import RefreshError
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from streetlens.emulator import Emulator

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def transport() -> Any:
    with requests.Session() as session:
        yield google.auth.transport.requests.Request(session)


@pytest.fixture
def account(emulator: Emulator, private_key: str) -> Any:
    return service_account.Credentials.from_service_account_info(
        {
            "type": "service_account",
            "project_id": "streetlens-demo",
            "private_key": private_key,
            "client_email": "robot@streetlens-demo.iam.gserviceaccount.com",
            "token_uri": f"{emulator.url}/token",
        },
        scopes=[SCOPE],
    )


@pytest.fixture
def metadata_server(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point google-auth's metadata client at the emulator; it reads the variables when it is imported."""
    from google.auth.compute_engine import _metadata

    authority = emulator.url.removeprefix("http://")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "NO_GCE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("GCE_METADATA_HOST", authority)
    monkeypatch.setenv("GCE_METADATA_IP", authority)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", authority, raising=False)


def test_a_service_account_key_gets_a_token_that_the_emulator_accepts(
    account: Any, transport: Any, emulator: Emulator
) -> None:
    account.refresh(transport)
    assert emulator.world.tokens.check(f"Bearer {account.token}") == "valid"


def test_a_token_expires_when_its_lifetime_is_over(account: Any, transport: Any, emulator: Emulator) -> None:
    emulator.world.tokens.lifetime = 0.0
    account.refresh(transport)
    assert emulator.world.tokens.check(f"Bearer {account.token}") == "expired"


def test_user_credentials_are_refreshed(emulator: Emulator, transport: Any) -> None:
    user = user_credentials.Credentials(
        None,
        refresh_token="1//refresh",
        token_uri=f"{emulator.url}/token",
        client_id="id",
        client_secret="secret",
    )
    user.refresh(transport)
    assert emulator.world.tokens.check(f"Bearer {user.token}") == "valid"


def test_a_revoked_refresh_token_is_an_invalid_grant(emulator: Emulator, transport: Any) -> None:
    user = user_credentials.Credentials(
        None,
        refresh_token="revoked-token",
        token_uri=f"{emulator.url}/token",
        client_id="id",
        client_secret="secret",
    )
    with pytest.raises(RefreshError, match=r"expired or revoked"):
        user.refresh(transport)


@pytest.mark.usefixtures("metadata_server")
def test_compute_engine_credentials_get_the_default_account(transport: Any, emulator: Emulator) -> None:
    credentials = compute_engine.Credentials()
    credentials.refresh(transport)
    assert credentials.service_account_email == emulator.world.tokens.email
    assert emulator.world.tokens.check(f"Bearer {credentials.token}") == "valid"


@pytest.mark.usefixtures("metadata_server")
def test_default_credentials_come_with_the_project(transport: Any) -> None:
    credentials, project = google.auth.default(scopes=[SCOPE], request=transport)
    assert isinstance(credentials, compute_engine.Credentials)
    assert project == "streetlens-demo"


@pytest.mark.usefixtures("metadata_server")
def test_the_metadata_server_hands_out_one_token_until_it_is_nearly_over(
    transport: Any, emulator: Emulator
) -> None:
    credentials = compute_engine.Credentials()
    credentials.refresh(transport)
    first = credentials.token
    credentials.refresh(transport)
    assert credentials.token == first
    emulator.world.tokens.expire_all()
    credentials.refresh(transport)
    assert credentials.token != first


@pytest.mark.usefixtures("metadata_server")
def test_before_sign_in_a_colab_runtime_has_no_default_account(transport: Any, emulator: Emulator) -> None:
    emulator.world.tokens.signed_in = False
    with pytest.raises(RefreshError, match="404"):
        compute_engine.Credentials().refresh(transport)


def test_requests_for_tokens_are_counted(account: Any, transport: Any, emulator: Emulator) -> None:
    for _ in range(3):
        account.refresh(transport)
    assert emulator.world.tokens.requests == 3


def test_the_expiry_that_google_auth_computes_is_the_lifetime(
    account: Any, transport: Any, emulator: Emulator
) -> None:
    emulator.world.tokens.lifetime = 120.0
    account.refresh(transport)
    left = account.expiry.timestamp() if account.expiry.tzinfo else _naive_utc(account.expiry)
    assert 100 < left - time.time() <= 120


def _naive_utc(moment: Any) -> float:
    from datetime import timezone

    return float(moment.replace(tzinfo=timezone.utc).timestamp())
