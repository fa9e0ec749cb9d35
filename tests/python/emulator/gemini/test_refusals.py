"""What the real service refuses is refused, with its status and in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import BUCKET, MODEL, Endpoint, bytes_of, question, uri_of


def refusal(endpoint: Endpoint, body: Any, **options: Any) -> tuple[int, str, str]:
    response = endpoint.post(body, **options)
    error = response.json()["error"]
    assert error["code"] == response.status_code
    return response.status_code, error["status"], error["message"]


def picture(uri: str, mime_type: str = "image/jpeg") -> dict[str, Any]:
    body = question(uri)
    body["contents"][0]["parts"][0]["fileData"]["mimeType"] = mime_type
    return body


def test_empty_contents_are_refused(endpoint: Endpoint) -> None:
    status, _, message = refusal(endpoint, {"contents": []})
    assert (status, "contents field is required" in message) == (400, True)


def test_a_request_without_text_is_refused(endpoint: Endpoint) -> None:
    body = question(uri_of("stop"))
    del body["contents"][0]["parts"][1]
    assert "it must have a text parameter" in refusal(endpoint, body)[2]


def test_an_empty_text_is_refused(endpoint: Endpoint) -> None:
    assert "it has an empty text parameter" in refusal(endpoint, question(None, ""))[2]


def test_content_without_parts_is_refused(endpoint: Endpoint) -> None:
    assert "at least one parts field" in refusal(endpoint, {"contents": [{"role": "user", "parts": []}]})[2]


def test_an_unknown_role_is_refused(endpoint: Endpoint) -> None:
    body = question(None)
    body["contents"][0]["role"] = "assistant"
    assert refusal(endpoint, body)[2] == "Please use a valid role: user, model."


def test_a_temperature_out_of_range_is_refused(endpoint: Endpoint) -> None:
    message = refusal(endpoint, question(None, temperature=1000))[2]
    assert "temperature value of 1000" in message
    assert "from 0 (inclusive) to 2.0001 (exclusive)" in message


def test_a_field_that_the_message_does_not_have_is_named(endpoint: Endpoint) -> None:
    message = refusal(endpoint, {**question(None), "tempratur": 1})[2]
    assert message == 'Invalid JSON payload received. Unknown name "tempratur": Cannot find field.'


def test_a_body_that_is_no_json_is_refused(endpoint: Endpoint) -> None:
    status, name, message = refusal(endpoint, "{")
    assert (status, name) == (400, "INVALID_ARGUMENT")
    assert message.startswith("Invalid JSON payload received.")


def test_minimal_thinking_is_refused_where_the_model_does_not_know_it(endpoint: Endpoint) -> None:
    body = question(None, thinkingConfig={"thinkingLevel": "MINIMAL"})
    message = refusal(endpoint, body, model="gemini-3.8-flash")[2]
    assert message == "Thinking level MINIMAL is not supported for this model."


def test_a_thinking_budget_of_zero_is_refused_like_minimal_thinking(endpoint: Endpoint) -> None:
    body = question(None, thinkingConfig={"thinkingBudget": 0})
    assert refusal(endpoint, body, model="gemini-3.8-flash")[0] == 400


def test_minimal_thinking_is_fine_on_flash_lite(endpoint: Endpoint) -> None:
    body = question(None, thinkingConfig={"thinkingLevel": "MINIMAL"})
    assert endpoint.post(body).status_code == 200


def test_a_schema_without_a_json_mime_type_is_refused(endpoint: Endpoint) -> None:
    assert refusal(endpoint, question(None, responseSchema={"type": "STRING"}))[0] == 400


def test_a_missing_object_is_a_404_that_names_it(endpoint: Endpoint) -> None:
    status, name, message = refusal(endpoint, picture(f"gs://{BUCKET}/o1:missing.jpg"))
    assert (status, name) == (404, "NOT_FOUND")
    assert f"gs://{BUCKET}/o1:missing.jpg" in message


def test_a_forbidden_bucket_is_a_403(endpoint: Endpoint) -> None:
    status, name, message = refusal(endpoint, picture("gs://forbidden-bucket/o1:a.jpg"))
    assert (status, name) == (403, "PERMISSION_DENIED")
    assert message.startswith("Permission denied while accessing input file.")


@pytest.mark.parametrize("mime_type", ["image/gif", "image/jpg", "text/html"])
def test_an_unsupported_mime_type_is_refused(endpoint: Endpoint, mime_type: str) -> None:
    assert mime_type in refusal(endpoint, picture(uri_of("stop"), mime_type))[2]


def test_a_web_address_is_refused(endpoint: Endpoint) -> None:
    message = refusal(endpoint, picture("https://example.com/a.jpg"))[2]
    assert message.startswith("Cannot fetch content from the provided URL.")


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"GIF89a" + data,
        lambda _: b"plain",
    ],
    ids=["empty", "truncated", "prefixed", "text"],
)
def test_an_unreadable_picture_is_refused(endpoint: Endpoint, damage: Any) -> None:
    endpoint.world.objects.stored[BUCKET, "o1:damaged.jpg"] = damage(bytes_of("stop"))
    status, _, message = refusal(endpoint, picture(f"gs://{BUCKET}/o1:damaged.jpg"))
    assert (status, message) == (400, "Provided image is not valid.")


def test_a_retired_model_is_a_404_until_it_is_enabled(endpoint: Endpoint) -> None:
    body, name = question(None), "gemini-2.5-flash"
    status, _, message = refusal(endpoint, body, model=name, location="us-central1")
    assert status == 404
    assert f"projects/demo/locations/us-central1/publishers/google/models/{name}` was not found" in message
    endpoint.world.models.enable(name)
    try:
        assert endpoint.post(body, model=name, location="us-central1").status_code == 200
    finally:
        endpoint.world.models.disable(name)


@pytest.mark.parametrize("location", ["global", "us", "eu"])
def test_a_recent_model_is_served_globally_and_in_the_multi_regions(
    endpoint: Endpoint, location: str
) -> None:
    assert endpoint.post(question(None), location=location).status_code == 200


@pytest.mark.parametrize("location", ["us-central1", "europe-west4"])
def test_a_recent_model_is_not_served_in_a_single_region(endpoint: Endpoint, location: str) -> None:
    status, _, message = refusal(endpoint, question(None), location=location)
    assert (status, f"locations/{location}/" in message) == (404, True)


def test_an_unknown_location_is_answered_with_an_html_page(endpoint: Endpoint) -> None:
    response = endpoint.post(question(None), location="atlantis")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_an_unknown_cache_is_a_404(endpoint: Endpoint) -> None:
    body = {**question(None), "cachedContent": "projects/1/locations/global/cachedContents/42"}
    assert refusal(endpoint, body)[2] == "Not found: cache content metadata 42."


def test_a_schema_that_refers_to_nothing_is_refused(endpoint: Endpoint) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/Nothing"}}}
    body = question(None, responseMimeType="application/json", responseJsonSchema=schema)
    assert "#/$defs/Nothing" in refusal(endpoint, body)[2]


def test_a_schema_that_contains_itself_is_refused(endpoint: Endpoint) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    body = question(None, responseMimeType="application/json", responseJsonSchema=schema)
    assert "too many states" in refusal(endpoint, body)[2]


def test_every_error_says_its_status_twice(endpoint: Endpoint) -> None:
    response = endpoint.post(question(None), model="no-such-model")
    assert json.loads(response.text)["error"]["status"] == "NOT_FOUND"
    assert MODEL not in response.text
