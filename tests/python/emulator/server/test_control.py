"""The emulator's own routes, for processes that cannot reach its Python object."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests

from streetlens.emulator import Emulator

MODEL = "/v1/projects/p/locations/us/publishers/google/models/gemini-2.5-flash:countTokens"
SERVED = "/v1/projects/p/locations/us/publishers/google/models/gemini-3.5-flash-lite:generateContent"
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def test_the_world_is_described(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.url}/emulator/world", timeout=10).json()
    assert answer["project"] == "streetlens-demo"
    assert answer["bucket"] == emulator.world.dataset.bucket


def test_a_retired_model_is_served_once_it_is_enabled(emulator: Emulator) -> None:
    control = f"{emulator.url}/emulator/models"
    before = requests.post(emulator.url + MODEL, json=CONTENTS, timeout=10).status_code
    requests.post(control, json={"enable": ["gemini-2.5-flash"]}, timeout=10)
    enabled = requests.post(emulator.url + MODEL, json=CONTENTS, timeout=10).status_code
    requests.post(control, json={"disable": ["gemini-2.5-flash"]}, timeout=10)
    disabled = requests.post(emulator.url + MODEL, json=CONTENTS, timeout=10).status_code
    assert (before, enabled, disabled) == (404, 200, 404)


def test_a_reset_retires_an_enabled_model_again(emulator: Emulator) -> None:
    emulator.world.models.enable("gemini-2.5-flash")
    emulator.reset()
    assert requests.post(emulator.url + MODEL, json=CONTENTS, timeout=10).status_code == 404


def test_a_bucket_closed_to_the_agent_is_read_by_the_caller_and_not_by_gemini(emulator: Emulator) -> None:
    control = f"{emulator.url}/emulator/buckets"
    uri = next(iter(emulator.world.dataset.truth))
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    image: Any = {"fileData": {"fileUri": uri, "mimeType": "image/jpeg"}}
    body: dict[str, Any] = {"contents": [{"role": "user", "parts": [image, {"text": "What is it?"}]}]}

    def asked() -> requests.Response:
        return requests.post(emulator.url + SERVED, json=body, timeout=30)

    requests.post(control, json={"closeToAgent": [bucket]}, timeout=10)
    refused = asked()
    assert refused.status_code == 403
    assert refused.json()["error"]["message"].startswith("Permission denied while accessing input file.")
    media = f"{emulator.url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media"
    assert requests.get(media, timeout=30).status_code == 200
    requests.post(control, json={"openToAgent": [bucket]}, timeout=10)
    assert asked().status_code == 200


def test_a_reset_opens_every_bucket_to_the_agent_again(emulator: Emulator) -> None:
    emulator.world.objects.close_to_agent(emulator.world.dataset.bucket)
    emulator.reset()
    assert emulator.world.objects.agent_may_read(emulator.world.dataset.bucket)


def test_tokens_are_expired_and_their_lifetime_changed(emulator: Emulator) -> None:
    token = emulator.world.tokens.issue()
    answer = requests.post(
        f"{emulator.url}/emulator/tokens",
        json={"expire": True, "lifetime": 5, "signedIn": False, "required": True},
        timeout=10,
    )
    assert answer.json() == {"requests": 0, "lifetime": 5.0, "signedIn": False, "required": True}
    assert emulator.world.tokens.check(f"Bearer {token.value}") == "expired"


@pytest.mark.parametrize("route", ["tokens", "models", "buckets"])
@pytest.mark.parametrize(
    "body", ["{", "[]", '{"colour": 1}', '{"enable": "x"}', '{"lifetime": "x", "closeToAgent": "x"}']
)
def test_a_wrong_change_is_a_400(emulator: Emulator, route: str, body: str) -> None:
    assert requests.post(f"{emulator.url}/emulator/{route}", data=body, timeout=10).status_code == 400


def test_the_request_log_is_cleared(emulator: Emulator) -> None:
    requests.get(f"{emulator.url}/storage/v1/b?project=p", timeout=10)
    requests.delete(f"{emulator.url}/emulator/requests", timeout=10)
    assert requests.get(f"{emulator.url}/emulator/requests", timeout=10).json() == {"requests": []}
