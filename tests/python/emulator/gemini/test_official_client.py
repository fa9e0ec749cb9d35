"""google-genai, which nobody here wrote, talks to the stand-in and understands its answers."""

from __future__ import annotations

import enum

import pydantic
import pytest
from google.genai import errors, types

from streetlens.emulator.scenes import shipped_pictures

from .conftest import MODEL, Endpoint, bytes_of, uri_of


class SignType(str, enum.Enum):
    STOP = "STOP"
    YIELD = "YIELD"
    SPEED_LIMIT = "SPEED_LIMIT"
    OTHER = "OTHER"


class RoadSign(pydantic.BaseModel):
    sign_type: SignType
    speed_limit: int | None
    is_road_sign: bool


def about(uri: str, question: str) -> list[types.PartUnionDict]:
    return [types.Part.from_uri(file_uri=uri, mime_type="image/jpeg"), question]


def test_a_stored_picture_is_classified_into_a_pydantic_model(endpoint: Endpoint) -> None:
    response = endpoint.client().models.generate_content(
        model=MODEL,
        contents=about(uri_of("speed_limit", 45), "What sign is this?"),
        config=types.GenerateContentConfig(response_mime_type="application/json", response_schema=RoadSign),
    )
    assert response.parsed == RoadSign(sign_type=SignType.SPEED_LIMIT, speed_limit=45, is_road_sign=True)


def test_a_json_schema_of_the_caller_is_filled(endpoint: Endpoint) -> None:
    response = endpoint.client().models.generate_content(
        model=MODEL,
        contents=about(uri_of("stop"), "What sign is this?"),
        config=types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=RoadSign.model_json_schema()
        ),
    )
    assert RoadSign.model_validate_json(response.text or "").sign_type is SignType.STOP


def test_inline_bytes_give_the_same_answer_as_the_stored_object(endpoint: Endpoint) -> None:
    client = endpoint.client()
    inline = types.Part.from_bytes(data=bytes_of("yield"), mime_type="image/jpeg")
    questions: list[list[types.PartUnionDict]] = [
        [inline, "What is this?"],
        about(uri_of("yield"), "What is this?"),
    ]
    answers = [client.models.generate_content(model=MODEL, contents=each).text for each in questions]
    assert answers[0] == answers[1]
    assert "yield sign" in (answers[0] or "")


def test_count_tokens_agrees_with_the_usage_of_the_answer(endpoint: Endpoint) -> None:
    client = endpoint.client()
    contents = about(uri_of("stop"), "What sign is this?")
    counted = client.models.count_tokens(model=MODEL, contents=contents)
    used = client.models.generate_content(model=MODEL, contents=contents).usage_metadata
    assert used is not None
    assert counted.total_tokens == used.prompt_token_count


def test_count_tokens_takes_what_shapes_the_prompt(endpoint: Endpoint) -> None:
    client = endpoint.client()
    contents = about(uri_of("stop"), "What sign is this?")
    plain = client.models.count_tokens(model=MODEL, contents=contents).total_tokens or 0
    config = types.CountTokensConfig(
        system_instruction="You know road signs.",
        generation_config=types.GenerationConfig(media_resolution=types.MediaResolution.MEDIA_RESOLUTION_LOW),
    )
    shaped = client.models.count_tokens(model=MODEL, contents=contents, config=config).total_tokens or 0
    # A picture at low resolution is 280 tokens instead of 1,120, and the instruction a few more.
    assert plain - 840 < shaped < plain - 830


def test_a_stream_adds_up_to_the_whole_answer(endpoint: Endpoint) -> None:
    client = endpoint.client()
    contents = about(uri_of("do_not_enter"), "Describe the picture.")
    whole = client.models.generate_content(model=MODEL, contents=contents).text
    chunks = list(client.models.generate_content_stream(model=MODEL, contents=contents))
    assert len(chunks) > 1
    assert "".join(chunk.text or "" for chunk in chunks) == whole


def test_the_model_version_says_that_it_is_a_stand_in(endpoint: Endpoint) -> None:
    response = endpoint.client().models.generate_content(model=MODEL, contents="Who are you?")
    assert response.model_version == f"{MODEL}@streetlens-stand-in"


def test_a_missing_picture_is_a_404_that_names_it(endpoint: Endpoint) -> None:
    with pytest.raises(errors.ClientError) as raised:
        endpoint.client().models.generate_content(
            model=MODEL, contents=about("gs://pictures/o1:gone.jpg", "What is this?")
        )
    assert raised.value.code == 404
    assert "gs://pictures/o1:gone.jpg" in str(raised.value)


def test_a_model_of_the_third_generation_is_not_served_in_a_region(endpoint: Endpoint) -> None:
    with pytest.raises(errors.ClientError) as raised:
        endpoint.client("us-central1").models.generate_content(model=MODEL, contents="hello")
    assert raised.value.code == 404
    assert f"locations/us-central1/publishers/google/models/{MODEL}` was not found" in str(raised.value)


@pytest.mark.parametrize("label", sorted({each.truth.label for each in shipped_pictures()}))
def test_every_kind_of_shipped_picture_is_named(endpoint: Endpoint, label: str) -> None:
    response = endpoint.client().models.generate_content(
        model=MODEL, contents=about(uri_of(label), "What is in the picture?")
    )
    assert label.replace("_", " ") in (response.text or "")
