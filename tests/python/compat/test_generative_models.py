"""What goes out is what was asked, and `.text` is the text or an error that says why there is none."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from compat.conftest import MODEL
from streetlens.compat.vertexai.generative_models import (
    Content,
    FinishReason,
    GenerationConfig,
    GenerationResponse,
    GenerativeModel,
    HarmBlockThreshold,
    HarmCategory,
    Image,
    Part,
    SafetySetting,
)
from streetlens.emulator import Emulator

PICTURE = b"\xff\xd8\xff\xe0 and so on"


def sent(served: Emulator) -> dict[str, Any]:
    return dict(list(served.requests)[-1].json)


def ask(served: Emulator, contents: Any, **options: Any) -> dict[str, Any]:
    GenerativeModel(MODEL).generate_content(contents, **options)
    return sent(served)


def answer(*parts: dict[str, Any], finish_reason: str = "STOP") -> GenerationResponse:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finish_reason": finish_reason}
    return GenerationResponse.from_dict({"candidates": [candidate]})


def test_a_picture_and_a_question_are_one_content_of_the_user(served: Emulator, uris: list[str]) -> None:
    body = ask(served, [Part.from_uri(uri=uris[0], mime_type="image/jpeg"), "What is it?"])
    picture = {"fileData": {"mimeType": "image/jpeg", "fileUri": uris[0]}}
    assert body == {"contents": [{"role": "user", "parts": [picture, {"text": "What is it?"}]}]}


def test_a_text_alone_is_a_request(served: Emulator) -> None:
    assert ask(served, "Hello.")["contents"] == [{"role": "user", "parts": [{"text": "Hello."}]}]


def test_a_conversation_keeps_its_roles(served: Emulator) -> None:
    turns = [
        Content(role="user", parts=[Part.from_text("One?")]),
        Content(role="model", parts=[Part.from_text("Two.")]),
        {"role": "user", "parts": [{"text": "Three?"}]},
    ]
    assert [content["role"] for content in ask(served, turns)["contents"]] == ["user", "model", "user"]


def test_bytes_are_sent_in_base64() -> None:
    part = Part.from_data(data=PICTURE, mime_type="image/jpeg")
    encoded = base64.b64encode(PICTURE).decode()
    assert part.to_dict() == {"inline_data": {"mime_type": "image/jpeg", "data": encoded}}
    assert (part.inline_data.data, part.mime_type) == (PICTURE, "image/jpeg")


def test_an_image_file_is_sent_with_the_type_its_bytes_tell(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(PICTURE)
    assert Part.from_image(Image.load_from_file(str(path))).mime_type == "image/jpeg"


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="no JPEG, PNG"):
        Part.from_image(Image.from_bytes(b"<html>"))


def test_a_null_uri_is_refused_before_any_call() -> None:
    missing: Any = None
    with pytest.raises(TypeError, match="uri=None"):
        Part.from_uri(uri=missing, mime_type="image/jpeg")


@pytest.mark.parametrize("contents", [None, "", [], [3], ["text", Content(role="user", parts=[])]])
@pytest.mark.usefixtures("served")
def test_contents_of_another_kind_are_refused(contents: Any) -> None:
    with pytest.raises(TypeError, match="`contents`"):
        GenerativeModel(MODEL).generate_content(contents)


@pytest.mark.parametrize("form", [dict, GenerationConfig.from_dict])
def test_the_generation_config_reaches_the_service(served: Emulator, form: Any) -> None:
    config = form({"temperature": 0.0, "max_output_tokens": 64, "response_mime_type": "text/plain"})
    body = ask(served, "Hello.", generation_config=config)
    assert body["generationConfig"] == {
        "temperature": 0.0,
        "maxOutputTokens": 64,
        "responseMimeType": "text/plain",
    }


def test_a_response_schema_is_sent_as_vertex_ai_takes_it(served: Emulator, uris: list[str]) -> None:
    schema = {
        "type": "object",
        "properties": {
            "asset_kind": {"type": "string", "enum": ["sign", "pole"]},
            "is_lit": {"type": "boolean"},
        },
        "required": ["asset_kind"],
    }
    config = GenerationConfig(response_mime_type="application/json", response_schema=schema)
    body = ask(
        served, [Part.from_uri(uri=uris[0], mime_type="image/jpeg"), "What?"], generation_config=config
    )
    assert body["generationConfig"]["responseSchema"] == {
        "type": "OBJECT",
        "properties": {
            "asset_kind": {"type": "STRING", "enum": ["sign", "pole"]},
            "is_lit": {"type": "BOOLEAN"},
        },
        "required": ["asset_kind"],
        "propertyOrdering": ["asset_kind", "is_lit"],
    }


def test_what_the_model_is_made_with_is_sent_each_time(served: Emulator) -> None:
    model = GenerativeModel(
        MODEL,
        system_instruction="Be brief.",
        generation_config={"seed": 7},
        safety_settings={HarmCategory.HARM_CATEGORY_HARASSMENT: HarmBlockThreshold.BLOCK_ONLY_HIGH},
        labels={"team": "poles"},
    )
    model.generate_content("Hello.")
    body = sent(served)
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["generationConfig"] == {"seed": 7}
    assert body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}
    ]
    assert body["labels"] == {"team": "poles"}


def test_safety_settings_may_be_a_list(served: Emulator) -> None:
    setting = SafetySetting(
        category=SafetySetting.HarmCategory.HARM_CATEGORY_HATE_SPEECH,
        threshold=SafetySetting.HarmBlockThreshold.OFF,
    )
    assert ask(served, "Hello.", safety_settings=[setting])["safetySettings"] == [setting.to_dict()]


@pytest.mark.parametrize("option", [{"stream": True}, {"tools": ["a tool"]}, {"tool_config": object()}])
def test_what_is_not_implemented_names_what_is(option: dict[str, Any]) -> None:
    named = next(iter(option))
    with pytest.raises(
        NotImplementedError, match=f"`{named}`; it implements generation_config, safety_settings"
    ):
        GenerativeModel(MODEL).generate_content("Hello.", **option)


def test_a_chat_is_refused_with_what_there_is() -> None:
    with pytest.raises(AttributeError, match="`start_chat`; it implements generate_content"):
        GenerativeModel(MODEL).start_chat()


@pytest.mark.usefixtures("served")
def test_the_answer_tells_its_tokens_and_why_it_ended(uris: list[str]) -> None:
    response = GenerativeModel(MODEL).generate_content(
        [Part.from_uri(uri=uris[0], mime_type="image/jpeg"), "What is it?"]
    )
    assert response.text == response.candidates[0].content.parts[0].text
    assert response.candidates[0].finish_reason == FinishReason.STOP
    assert response.candidates[0].finish_reason.name == "STOP"
    usage = response.usage_metadata
    assert usage.prompt_token_count + usage.candidates_token_count == usage.total_token_count
    assert response.to_dict()["usage_metadata"]["prompt_token_count"] == usage.prompt_token_count


@pytest.mark.usefixtures("served")
def test_an_async_program_gets_the_same_answer() -> None:
    model = GenerativeModel(MODEL)
    awaited = asyncio.run(model.generate_content_async("Hello."))
    assert awaited.text == model.generate_content("Hello.").text


def test_thoughts_are_not_part_of_the_text() -> None:
    assert (
        answer({"text": "Hm.", "thought": True}, {"text": "A stop "}, {"text": "sign."}).text
        == "A stop sign."
    )


def test_an_empty_text_is_a_text_as_in_the_original() -> None:
    assert not answer({"text": ""}).text


@pytest.mark.parametrize(
    ("response", "explanation"),
    [
        (
            answer(finish_reason="SAFETY"),
            r"reason SAFETY; the answer is likely blocked by the safety filters",
        ),
        (answer(finish_reason="MAX_TOKENS"), r"reason MAX_TOKENS; the token limit left no room"),
        (answer(finish_reason="RECITATION"), r"reason RECITATION; .* recitation"),
        (answer({}), r"hold no text. .* reason STOP"),
        (answer({"text": "Hm.", "thought": True}), r"hold thoughts only"),
        (answer(finish_reason="A_NEW_REASON"), r"reason A_NEW_REASON"),
        (GenerationResponse.from_dict({}), r"no candidates.*probably blocked"),
        (
            GenerationResponse.from_dict({"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}}),
            r"no candidates.*blocked for the reason PROHIBITED_CONTENT",
        ),
    ],
)
def test_an_answer_without_text_says_why(response: GenerationResponse, explanation: str) -> None:
    with pytest.raises(ValueError, match=explanation):
        response.text  # noqa: B018 - reading it is what fails


def test_the_error_says_where_the_parts_are_and_shows_the_answer() -> None:
    response = answer(finish_reason="SAFETY")
    with pytest.raises(ValueError, match=r"response\.candidates\[0\]\.content\.parts") as caught:
        response.text  # noqa: B018 - reading it is what fails
    assert '"finish_reason": "SAFETY"' in str(caught.value)


def test_several_candidates_have_no_text_in_common() -> None:
    candidate = {"content": {"parts": [{"text": "a"}]}}
    response = GenerationResponse.from_dict({"candidates": [candidate, candidate]})
    with pytest.raises(ValueError, match="2 candidates"):
        response.text  # noqa: B018 - reading it is what fails
    assert response.candidates[1].text == "a"


def test_a_part_without_text_has_no_text_attribute() -> None:
    with pytest.raises(AttributeError, match="has no text"):
        Part.from_uri(uri="gs://b/a.jpg", mime_type="image/jpeg").text  # noqa: B018 - reading it is what fails


@pytest.mark.parametrize("kind", ["bad_json", "html", "503"])
def test_a_broken_answer_is_asked_for_again(served: Emulator, kind: str) -> None:
    rule = served.faults.add(kind, service="gemini", times=1)
    assert GenerativeModel(MODEL).generate_content("Hello.").text
    assert rule.struck == 1


def test_a_denied_permission_is_an_error_that_says_so(served: Emulator) -> None:
    served.faults.add("403", service="gemini")
    with pytest.raises(sl.PermissionDenied):
        GenerativeModel(MODEL).generate_content("Hello.")
