"""What the emulated Gemini answers fits the discovery documents, and nearly so what google-genai sends."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from contract.discovery import check_request, check_response
from contract.logged import check_logged
from streetlens.emulator import Emulator
from streetlens.emulator.faults import ANSWER_KINDS

MODEL = "publishers/google/models/gemini-3.5-flash-lite"


def body(emulator: Emulator, **config: Any) -> dict[str, Any]:
    uri = next(iter(emulator.world.dataset.truth))
    parts = [{"fileData": {"fileUri": uri, "mimeType": "image/jpeg"}}, {"text": "What is this?"}]
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {
            "responseMimeType": "application/json",
            "responseSchema": {"type": "STRING", "enum": ["stop", "pole"]},
        },
        {"maxOutputTokens": 1},
    ],
)
def test_an_answer_fits(emulator: Emulator, version: str, config: dict[str, Any]) -> None:
    path = f"/{version}/projects/p/locations/us/{MODEL}:generateContent"
    sent = body(emulator, **config)
    answer = requests.post(emulator.url + path, json=sent, timeout=30)
    assert check_request("aiplatform", "POST", path, {}, sent) == []
    assert (answer.status_code, check_response("aiplatform", "POST", path, answer.json())) == (200, [])


@pytest.mark.parametrize("kind", sorted(ANSWER_KINDS - {"unknown_finish"}))
def test_a_degenerate_answer_fits(emulator: Emulator, kind: str) -> None:
    path = f"/v1/projects/p/locations/us/{MODEL}:generateContent"
    header = {"x-streetlens-fault": kind}
    answer = requests.post(emulator.url + path, json=body(emulator), headers=header, timeout=30)
    assert (answer.status_code, check_response("aiplatform", "POST", path, answer.json())) == (200, [])


def test_the_unknown_finish_reason_is_the_only_thing_unknown_in_its_answer(emulator: Emulator) -> None:
    path = f"/v1/projects/p/locations/us/{MODEL}:generateContent"
    header = {"x-streetlens-fault": "unknown_finish"}
    answer = requests.post(emulator.url + path, json=body(emulator), headers=header, timeout=30)
    found = check_response("aiplatform", "POST", path, answer.json())
    assert [".finishReason: " in problem and "is none of" in problem for problem in found] == [True]


def test_a_token_count_fits(emulator: Emulator) -> None:
    path = f"/v1/projects/p/locations/us/{MODEL}:countTokens"
    sent = {"contents": body(emulator)["contents"]}
    answer = requests.post(emulator.url + path, json=sent, timeout=30)
    assert check_response("aiplatform", "POST", path, answer.json()) == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (
            "/v1/projects/p/locations/us/publishers/google/models/no-such-model:generateContent",
            {"contents": []},
        ),
        (f"/v1/projects/p/locations/us/{MODEL}:generateContent", {"contents": []}),
        (f"/v1/projects/p/locations/us/{MODEL}:generateContent", {"colour": "red"}),
    ],
)
def test_a_refusal_fits_googles_envelope(emulator: Emulator, path: str, sent: dict[str, Any]) -> None:
    answer = requests.post(emulator.url + path, json=sent, timeout=30)
    assert answer.status_code >= 400
    assert check_response("aiplatform", "POST", path, answer.json(), answer.status_code) == []


def test_google_genai_differs_from_the_document_only_by_its_known_snake_case(emulator: Emulator) -> None:
    client = genai.Client(
        vertexai=True,
        project="p",
        location="us",
        credentials=Credentials("a-token"),
        http_options={"base_url": emulator.url, "api_version": "v1"},
    )
    uri = next(iter(emulator.world.dataset.truth))
    contents: Any = [types.Part.from_uri(file_uri=uri, mime_type="image/jpeg"), "What is this?"]
    client.models.generate_content(
        model="gemini-3.5-flash-lite",
        contents=contents,
        config=types.GenerateContentConfig(temperature=0.0, max_output_tokens=100),
    )
    client.close()
    found = [problem.partition("$")[2] for entry in emulator.requests for problem in check_logged(entry)]
    where = ".contents[0].parts[0].fileData"
    assert found == [
        f"{where}.file_uri: unknown key, did you mean fileUri?",
        f"{where}.mime_type: unknown key, did you mean mimeType?",
    ]
