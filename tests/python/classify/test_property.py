"""Whatever images and servers do: one row an image, in order, with a legal status, and no `ok` without an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import streetlens as sl
from servers.answers import candidate, gemini_error, generated, image_of
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer

Serve = Callable[[Script], ScriptedServer]
STATUSES = {"ok", "blocked", "truncated", "invalid", "image_error", "failed", "skipped"}
TOGETHER = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

GOOD = {name: f'{{"label": "{name}", "sure": 0.5}}' for name in ("stop", "yield")}
FINAL: dict[str, Answer] = {
    "stop": generated(GOOD["stop"]),
    "yield": generated(GOOD["yield"]),
    "fenced": generated(f"```json\n{GOOD['stop']}\n```"),
    "prose": generated("It is a stop sign."),
    "other label": generated('{"label": "tree", "sure": 1}'),
    "null": generated("null"),
    "empty": generated(""),
    "safety": generated(None, "SAFETY"),
    "cut": generated(GOOD["stop"][:9], "MAX_TOKENS"),
    "whole but cut": generated(GOOD["stop"], "MAX_TOKENS"),
    "future": generated(GOOD["stop"], "A_REASON_FROM_THE_FUTURE"),
    "no candidates": json_answer({"usageMetadata": {"promptTokenCount": 7}}),
    "feedback": json_answer({"promptFeedback": {"blockReason": "JAILBREAK"}}),
    "thought": json_answer(
        {"candidates": [candidate(None, "STOP", content={"parts": [{"text": "x", "thought": True}]})]}
    ),
    "bad picture": gemini_error(400, "Provided image is not valid."),
    "missing": gemini_error(404, "Image file not found in the storage URL"),
    "denied": gemini_error(403, "Permission denied while accessing input file."),
    "strange": gemini_error(400, "Request contains an invalid argument."),
    "teapot": gemini_error(418, "I am a teapot."),
    "throttled for long": gemini_error(429, "Resource exhausted.", Retry_After="9999"),
}
PASSING: dict[str, Answer] = {
    "unavailable": gemini_error(503, "busy", Retry_After="0"),
    "slow down": gemini_error(429, "Resource exhausted.", Retry_After="0"),
    "page": Answer(b"<html>busy</html>", 502, {"Retry-After": "0"}),
}
IMAGES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.sampled_from(["nonsense", "gs://b", "gs://bucket/a.gif", "https://host/a.jpg", "/no/such/file.jpg"]),
    st.just(b"not an image"),
    st.tuples(st.lists(st.sampled_from(list(PASSING)), max_size=1), st.sampled_from(list(FINAL))),
)


NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["stop", "yield", "ünïcode 停"]},
        "speed": {"type": ["integer", "null"]},
        "sure": {"type": "number"},
        "seen": {"type": "boolean"},
        "note": {"type": "string", "description": "anything else"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "box": {
            "type": "object",
            "properties": {
                "x": {"type": "integer"},
                "corner": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        },
        "parts": {
            "type": "array",
            "items": {"type": "object", "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}}},
        },
    },
    "required": ["label", "sure"],
}
PROPERTIES = list(NESTED["properties"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PROPERTIES), inner),
    max_leaves=8,
)


class Story:
    """What a server says about each image: first what passes, then what stays."""

    def __init__(self) -> None:
        self.scenes: list[tuple[list[str], str]] = []
        self._told: dict[str, int] = {}

    def tell(self, scenes: list[tuple[list[str], str]]) -> None:
        self.scenes = scenes
        self._told.clear()

    def answer(self, request: Received) -> Answer:
        uri = image_of(request)
        passing, final = self.scenes[int(uri.rsplit("/", 1)[1].removesuffix(".jpg"))]
        told = self._told.get(uri, 0)
        self._told[uri] = told + 1
        return PASSING[passing[told]] if told < len(passing) else FINAL[final]


def check_rows(results: sl.Results, images: list[Any], given_images: list[Any], typed: bool) -> None:
    assert len(results) == len(images)
    for row, image, original in zip(results, images, given_images, strict=True):
        column = row["image"] if "image" in row else row["gcs_uri"]
        digest = hashlib.sha256(image).hexdigest()[:12] if isinstance(image, bytes) else ""
        assert column == (f"{len(image)} bytes {digest}" if isinstance(image, bytes) else image)
        assert row["status"] in STATUSES
        answer = row["label"] if typed else row["classification"]
        if row["status"] == "ok":
            assert answer
            assert row["error"] is None
            assert isinstance(original, tuple)
            final = original[1]
            assert final in {"stop", "yield", "fenced"} if typed else final
            if typed:
                assert answer == ("yield" if final == "yield" else "stop")
        else:
            assert row["error"]
        if not isinstance(original, tuple):
            assert (row["status"], row["attempts"]) == ("image_error", 0)
        elif row["status"] != "skipped":
            # A refusal for the quota costs no attempt; an answer that does not fit is asked for twice.
            failures = len([passing for passing in original[0] if passing != "slow down"])
            assert row["attempts"] == failures + (2 if row["status"] == "invalid" else 1)
    assert sum(results.status_counts.values()) == len(images)
    assert len(results.errors) == sum(status != "ok" for status in results["status"])


def test_any_mixture_of_images_and_faults_gives_one_lawful_row_each(serve: Serve) -> None:
    story = Story()
    client = sl.Client(project="demo-project", region="us", endpoint=serve(story.answer).url)

    @TOGETHER
    @given(st.lists(IMAGES, max_size=12), st.booleans(), st.integers(1, 8))
    def check(given_images: list[Any], typed: bool, concurrency: int) -> None:
        story.tell([image if isinstance(image, tuple) else ([], "stop") for image in given_images])
        images = [
            f"gs://bucket/{number}.jpg" if isinstance(image, tuple) else image
            for number, image in enumerate(given_images)
        ]
        schema = {
            "type": "object",
            "properties": {"label": {"enum": ["stop", "yield"]}, "sure": {"type": "number"}},
            "required": ["label", "sure"],
        }
        try:
            results = client.classify(
                images, "What?", schema=schema if typed else None, concurrency=concurrency, progress=False
            )
        except sl.InvalidUri:
            # Nothing but malformed URIs is a mistake of the call.
            assert all(isinstance(image, str) for image in images)
            return
        check_rows(results, images, given_images, typed)

    check()


def test_whatever_a_model_says_the_row_is_ok_only_with_its_required_values(serve: Serve) -> None:
    answers: list[str] = []
    server = serve(
        lambda request: generated(answers[int(image_of(request).rsplit("/", 1)[1].removesuffix(".jpg"))])
    )
    client = sl.Client(project="demo-project", region="us", endpoint=server.url)

    @TOGETHER
    @given(
        st.lists(
            JSON_VALUES | st.fixed_dictionaries(dict.fromkeys(PROPERTIES, JSON_VALUES)),
            min_size=1,
            max_size=12,
        )
    )
    def check(values: list[Any]) -> None:
        answers[:] = [json.dumps(value) for value in values]
        images = [f"gs://bucket/{number}.jpg" for number in range(len(answers))]
        results = client.classify(images, "What?", schema=NESTED, progress=False)
        assert len(results) == len(values)
        for row, value in zip(results, values, strict=True):
            assert row["status"] in {"ok", "invalid"}
            if row["status"] == "ok":
                assert row["label"] == value["label"]
                assert row["sure"] == value["sure"]
            else:
                assert row["error"]
                assert all(row[name] is None for name in PROPERTIES)

    check()
