"""What is found where nothing is given: google-auth's default, Compute Engine, Colab, and `"native"`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from child_process import printed_by
from streetlens.emulator import Emulator

# An endpoint that is not all loopback, so that anonymous is not implied.
ASK = """
    import sys
    import streetlens as sl

    endpoint = {"bigquery": sys.argv[1], "vertex": "https://vertex.example.com"}
    credentials = sys.argv[2] if len(sys.argv) > 2 else None
    client = sl.Client(endpoint=endpoint, credentials=credentials)
    try:
        print(client.project, client.query("SELECT 1 AS one").to_dicts())
    except sl.StreetlensError as error:
        print(type(error).__name__, error)
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment in which no credentials can be found."""
    return {"HOME": str(tmp_path), "PATH": str(tmp_path), "NO_GCE_CHECK": "true"}


@pytest.fixture
def metadata(guarded: Emulator, tmp_path: Path) -> dict[str, str]:
    """The environment of a virtual machine whose metadata server is the emulator."""
    authority = guarded.url.removeprefix("http://")
    named = {f"GCE_METADATA_{name}": authority for name in ("HOST", "IP", "ROOT")}
    return {"HOME": str(tmp_path), "PATH": str(tmp_path), **named}


def test_the_default_is_the_key_that_the_environment_names(
    guarded: Emulator, key_file: Path, nowhere: Mapping[str, str]
) -> None:
    environment = {**nowhere, "GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}
    assert printed_by(ASK, guarded.url, environment=environment) == "project-of-the-key [{'one': 1}]"
    assert guarded.world.tokens.requests == 1


def test_the_project_of_the_environment_wins_over_that_of_the_key(
    guarded: Emulator, key_file: Path, nowhere: Mapping[str, str]
) -> None:
    environment = {
        **nowhere,
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
        "GOOGLE_CLOUD_PROJECT": "from-environment",
    }
    assert printed_by(ASK, guarded.url, environment=environment) == "from-environment [{'one': 1}]"


def test_the_default_on_a_virtual_machine_is_its_service_account(
    guarded: Emulator, metadata: Mapping[str, str]
) -> None:
    assert printed_by(ASK, guarded.url, environment=metadata) == "streetlens-demo [{'one': 1}]"


def test_compute_engine_credentials_can_be_given(guarded: Emulator, metadata: Mapping[str, str]) -> None:
    program = """
        import sys
        import streetlens as sl
        from google.auth import compute_engine

        client = sl.Client(project="demo", endpoint=sys.argv[1], credentials=compute_engine.Credentials())
        print(client.query("SELECT 1 AS one").to_dicts())
    """
    assert printed_by(program, guarded.url, environment=metadata) == "[{'one': 1}]"


def test_where_nothing_is_found_the_error_says_what_to_run(
    guarded: Emulator, nowhere: Mapping[str, str]
) -> None:
    environment = {**nowhere, "GOOGLE_CLOUD_PROJECT": "demo"}
    said = printed_by(ASK, guarded.url, environment=environment)
    assert said.startswith("AuthenticationError no credentials were found")
    assert "gcloud auth application-default login" in said


def test_in_colab_before_sign_in_the_error_says_exactly_what_to_run(
    guarded: Emulator, metadata: Mapping[str, str]
) -> None:
    guarded.world.tokens.signed_in = False
    in_colab = "    import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    said = printed_by(in_colab + ASK, guarded.url, environment={**metadata, "GOOGLE_CLOUD_PROJECT": "demo"})
    assert said.startswith("AuthenticationError ")
    run = "run `from google.colab import auth; auth.authenticate_user()` in a cell, then this again"
    assert said.endswith(run)
    assert guarded.requests.of("bigquery") == []


def test_in_colab_after_sign_in_the_same_client_works(guarded: Emulator, metadata: Mapping[str, str]) -> None:
    guarded.world.tokens.signed_in = False
    program = """
        import json, sys, time, types, urllib.request
        sys.modules["google.colab"] = types.ModuleType("google.colab")
        import streetlens as sl

        endpoint = {"bigquery": sys.argv[1], "vertex": "https://vertex.example.com"}
        client = sl.Client(project="demo", endpoint=endpoint)
        try:
            client.query("SELECT 1 AS one")
        except sl.AuthenticationError:
            body = json.dumps({"signedIn": True}).encode()
            urllib.request.urlopen(sys.argv[1] + "/emulator/tokens", data=body).close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                print(client.query("SELECT 1 AS one").to_dicts())
                break
            except sl.AuthenticationError:
                time.sleep(0.2)  # a failure is remembered for two seconds
    """
    assert printed_by(program, guarded.url, environment=metadata) == "[{'one': 1}]"


def test_native_credentials_read_a_service_account_key(
    guarded: Emulator, key_file: Path, nowhere: Mapping[str, str]
) -> None:
    environment = {
        **nowhere,
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
        "GOOGLE_CLOUD_PROJECT": "demo",
    }
    assert printed_by(ASK, guarded.url, "native", environment=environment) == "demo [{'one': 1}]"
    assert guarded.world.tokens.requests == 1


def test_native_credentials_renew_a_refused_token(
    guarded: Emulator, key_file: Path, nowhere: Mapping[str, str]
) -> None:
    program = """
        import json, sys, urllib.request
        import streetlens as sl

        client = sl.Client(project="demo", endpoint=sys.argv[1], credentials="native")
        client.query("SELECT 1 AS one")
        body = json.dumps({"expire": True}).encode()
        urllib.request.urlopen(sys.argv[1] + "/emulator/tokens", data=body).close()
        print(client.query("SELECT 2 AS two").to_dicts())
    """
    environment = {**nowhere, "GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}
    assert printed_by(program, guarded.url, environment=environment) == "[{'two': 2}]"
    assert guarded.world.tokens.requests == 2


def test_native_credentials_that_cannot_be_read_point_to_google_auth(
    guarded: Emulator, tmp_path: Path, nowhere: Mapping[str, str]
) -> None:
    user_file = tmp_path / "user.json"
    user_file.write_text(
        json.dumps({"type": "authorized_user", "client_id": "1", "client_secret": "2", "refresh_token": "3"})
    )
    environment = {
        **nowhere,
        "GOOGLE_APPLICATION_CREDENTIALS": str(user_file),
        "GOOGLE_CLOUD_PROJECT": "demo",
    }
    said = printed_by(ASK, guarded.url, "native", environment=environment)
    assert said.startswith("AuthenticationError the native credentials gave no token")
    assert "leave `credentials` out to use google-auth" in said
