"""What every row would meet ends the run with the fix, and keeps the rows that were answered before."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from servers.answers import gemini_error, generated, image_of
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
QUESTION = "Is it a sign or a pole?"
URIS = [f"gs://bucket/{number}.jpg" for number in range(40)]
STATES = {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    "fieldViolations": [
        {"description": "The specified schema produces a constraint that has too many states for serving."}
    ],
}


def info(reason: str) -> dict[str, str]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}


FATAL: dict[str, tuple[Answer, type[sl.StreetlensError], str]] = {
    "an unknown model": (
        gemini_error(
            404, "Publisher Model `projects/p/locations/us/publishers/google/models/m` was not found."
        ),
        sl.ModelUnavailable,
        "known models|served in|successor",
    ),
    "no permission": (
        gemini_error(
            403,
            "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/x'",
            info("IAM_PERMISSION_DENIED"),
        ),
        sl.PermissionDenied,
        "roles/aiplatform.user",
    ),
    "a disabled API": (
        gemini_error(403, "Vertex AI API has not been used in project 1 before", info("SERVICE_DISABLED")),
        sl.PermissionDenied,
        "enable the Vertex AI API",
    ),
    "no billing": (
        gemini_error(403, "This API method requires billing to be enabled.", info("BILLING_DISABLED")),
        sl.PermissionDenied,
        "billing",
    ),
    "a schema with too many states": (
        gemini_error(400, "Request contains an invalid argument.", STATES),
        sl.SchemaError,
        "simplify the schema",
    ),
    "a refused thinking level": (
        gemini_error(400, "Thinking level MINIMAL is not supported for this model."),
        sl.InvalidRequest,
        "Thinking level",
    ),
    "a refused value": (
        gemini_error(400, "Unable to submit request because it has a topP value of 5"),
        sl.InvalidRequest,
        "topP",
    ),
    "another location": (
        gemini_error(400, "User location is not supported for the API use."),
        sl.PermissionDenied,
        "location",
    ),
    "no credentials": (
        gemini_error(401, "Request had invalid authentication credentials.", info("CREDENTIALS_MISSING")),
        sl.AuthenticationError,
        "credentials",
    ),
    "an address nobody knows": (
        Answer(b"<html><title>Error 404 (Not Found)!!1</title></html>", 404),
        sl.ConfigurationError,
        "region=",
    ),
}


def client_of(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url)


@pytest.mark.parametrize("name", FATAL)
def test_what_every_row_would_meet_ends_the_run_at_once(serve: Serve, name: str) -> None:
    answer, kind, hint = FATAL[name]
    server = serve(lambda _: answer)
    with pytest.raises(kind, match=hint) as caught:
        client_of(server).classify(URIS, QUESTION, schema=["a", "b"], concurrency=4, progress=False)
    assert len(server.received) <= 8
    results = caught.value.results
    assert results is not None
    assert results["gcs_uri"] == URIS
    assert set(results["status"]) <= {"failed", "skipped"}
    assert "skipped" in results["status"]


def test_rows_that_were_answered_before_are_kept(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if image_of(request).endswith("/20.jpg"):
            return FATAL["no permission"][0]
        return generated(image_of(request))

    with pytest.raises(sl.PermissionDenied) as caught:
        client_of(serve(answer)).classify(URIS, QUESTION, concurrency=1, progress=False)
    results = caught.value.results
    assert results is not None
    assert results["status"] == ["ok"] * 20 + ["failed"] + ["skipped"] * 19
    assert results["classification"][:20] == URIS[:20]
    assert results.usage.cost_usd > 0
    assert len(results.errors) == 20
    assert "roles/aiplatform.user" in results["error"][20]


def test_answers_under_way_are_waited_for_because_they_are_paid_for(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if image_of(request).endswith("/0.jpg"):
            # Late enough for the others to be under way on a busy machine.
            return dataclasses.replace(FATAL["no permission"][0], seconds=1.0)
        return generated("sign", seconds=2.0)

    with pytest.raises(sl.PermissionDenied) as caught:
        client_of(serve(answer)).classify(URIS[:8], QUESTION, concurrency=4, progress=False)
    results = caught.value.results
    assert results is not None
    assert results["status"] == ["failed", "ok", "ok", "ok", *["skipped"] * 4]


def test_answers_that_do_not_come_do_not_hold_up_the_end(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        return FATAL["no permission"][0] if image_of(request).endswith("/0.jpg") else generated(seconds=40)

    started = time.monotonic()
    with pytest.raises(sl.PermissionDenied) as caught:
        client_of(serve(answer)).classify(URIS[:4], QUESTION, progress=False)
    assert time.monotonic() - started < 10
    assert caught.value.results is not None
    assert caught.value.results["status"] == ["failed", "skipped", "skipped", "skipped"]


def test_what_is_left_can_be_asked_about_later(serve: Serve) -> None:
    broken = [True]

    def answer(request: Received) -> Answer:
        if broken[0] and image_of(request).endswith("/3.jpg"):
            return FATAL["no permission"][0]
        return generated("sign")

    client = client_of(serve(answer))
    with pytest.raises(sl.PermissionDenied) as caught:
        client.classify(URIS[:6], QUESTION, concurrency=1, progress=False)
    assert caught.value.results is not None
    broken.clear()
    broken.append(False)
    again = client.classify(caught.value.results.errors, QUESTION, progress=False)
    assert again["gcs_uri"] == URIS[3:6]
    assert set(again["status"]) == {"ok"}


def test_a_refusal_without_a_reason_may_concern_one_bucket_only(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        bad = image_of(request).endswith("/1.jpg")
        return gemini_error(403, "The caller does not have permission") if bad else generated("sign")

    results = client_of(serve(answer)).classify(URIS[:3], QUESTION, progress=False)
    assert results["status"] == ["ok", "failed", "ok"]


def test_a_model_that_is_gone_names_what_to_use_instead(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.world.models.disable("gemini-3.5-flash-lite")
    try:
        with pytest.raises(sl.ModelUnavailable, match=r"gemini-3\.5-flash-lite") as caught:
            client.classify(uris[:3], QUESTION, progress=False)
    finally:
        emulator.world.models.enable("gemini-3.5-flash-lite")
    assert caught.value.status == 404
    assert caught.value.hint


def test_a_retired_model_is_refused_before_anything_is_sent(
    serve: Serve,
) -> None:
    server = serve(lambda _: generated())
    with pytest.raises(sl.ModelUnavailable, match="retired on 2026-10-20") as caught:
        client_of(server).classify(URIS, QUESTION, model="gemini-2.5-flash", progress=False)
    assert "gemini-3.5-flash-lite" in str(caught.value.hint)
    assert server.received == []


def test_a_retired_model_is_replaced_on_request_with_one_visible_note(
    emulator: Emulator, uris: list[str]
) -> None:
    client = sl.Client(project="demo-project", region="us", endpoint=emulator.url, on_retired="replace")
    with pytest.warns(
        UserWarning, match="retired on 2026-10-20; using its successor `gemini-3.5-flash-lite`"
    ):
        results = client.classify(uris[:1], QUESTION, model="gemini-2.5-flash", progress=False)
    assert results["model"][0].startswith("gemini-3.5-flash-lite")


def test_a_retired_model_is_sent_all_the_same_where_that_is_wished(
    emulator: Emulator, uris: list[str]
) -> None:
    client = sl.Client(
        project="demo-project", region="us-central1", endpoint=emulator.url, on_retired="allow"
    )
    emulator.world.models.enable("gemini-2.5-flash")
    results = client.classify(uris[:1], QUESTION, model="gemini-2.5-flash", progress=False)
    assert results["status"] == ["ok"]
    assert results["model"][0].startswith("gemini-2.5-flash")


def test_a_region_that_does_not_serve_the_model_is_widened_and_the_note_says_so(
    emulator: Emulator, uris: list[str]
) -> None:
    client = sl.Client(project="demo-project", region="europe-west4", endpoint=emulator.url)
    with pytest.warns(UserWarning, match="not served in `europe-west4`; requests go to `eu`"):
        client.classify(uris[:1], QUESTION, model="gemini-3.5-flash-lite", progress=False)
    assert "/locations/eu/" in emulator.requests.of("gemini")[0].path


def test_a_region_is_not_widened_where_that_is_not_wished(emulator: Emulator, uris: list[str]) -> None:
    client = sl.Client(
        project="demo-project", region="europe-west4", endpoint=emulator.url, strict_region=True
    )
    with pytest.raises(sl.ModelUnavailable, match="not served in `europe-west4`") as caught:
        client.classify(uris[:1], QUESTION, progress=False)
    assert "`eu`" in str(caught.value.hint)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 1.5}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"concurrency": "many"}, "concurrency"),
        ({"concurrency": "20-4-200"}, "concurrency"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": "fast"}, "requests_per_minute"),
        ({"tokens_per_minute": float("nan")}, "tokens_per_minute"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -3}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"media_resolution": "huge"}, "media_resolution"),
        ({"thinking": "much"}, "thinking"),
        ({"thinking": "off"}, "thinking"),
        ({"labels": {"Team": "x"}}, "Team"),
        ({"model": "gemini?x=1"}, "gemini"),
        ({"model": ""}, "model"),
        ({"schema": []}, "labels"),
        ({"schema": ["a", "a"]}, "`a` is listed twice"),
        ({"schema": ["a", " "]}, "label 2 is empty"),
        ({"schema": "sign"}, "schema"),
        ({"schema": {"type": "object"}}, "properties"),
        ({"schema": {"type": "object", "properties": {"status": {"type": "string"}}}}, "`status`"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name_before_anything_is_sent(
    client: sl.Client, emulator: Emulator, uris: list[str], options: dict[str, Any], named: str
) -> None:
    with pytest.raises((sl.ConfigurationError, sl.InvalidInput)) as caught:
        client.classify(uris[:1], QUESTION, progress=False, **options)
    assert named in str(caught.value)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("prompt", ["", "  \n", None, 5])
def test_a_prompt_that_asks_nothing_is_refused(client: sl.Client, uris: list[str], prompt: str) -> None:
    with pytest.raises(sl.InvalidInput, match="prompt"):
        client.classify(uris[:1], prompt, progress=False)
