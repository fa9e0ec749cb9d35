"""An emulator that asks for tokens, and keys that its token endpoint accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2.credentials import Credentials

from streetlens.emulator import Emulator


@pytest.fixture
def guarded(emulator: Emulator) -> Emulator:
    """The emulator, accepting only tokens that it issued."""
    emulator.world.require_token = True
    return emulator


@pytest.fixture
def user(guarded: Emulator) -> Any:
    """Credentials of a user, without a token yet; refreshing is one request to the emulator."""
    return user_credentials(guarded, "1//refresh")


@pytest.fixture
def revoked_user(guarded: Emulator) -> Any:
    """Credentials of a user who took back the consent."""
    return user_credentials(guarded, "revoked-token")


def user_credentials(emulator: Emulator, refresh_token: str) -> Any:
    return Credentials(
        None,
        refresh_token=refresh_token,
        token_uri=f"{emulator.url}/token",
        client_id="id",
        client_secret="secret",
    )


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def key(guarded: Emulator, private_key: str) -> dict[str, str]:
    """A service account key whose token endpoint is the emulator."""
    return {
        "type": "service_account",
        "project_id": "project-of-the-key",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "robot@project-of-the-key.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{guarded.url}/token",
    }


@pytest.fixture
def key_file(key: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    return path


@pytest.fixture
def uris(emulator: Emulator) -> list[str]:
    """The pictures of the synthetic data set."""
    dataset = emulator.world.dataset
    return [f"gs://{dataset.bucket}/{name}" for name in sorted(dataset.images)]
