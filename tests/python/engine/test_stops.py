"""What stops a run, stops it after a handful of requests, and keeps every answer that was paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

import streetlens as sl
from engine.echo import PROMPT, SCHEMA, answered, asked, uris_of
from servers.answers import gemini_error, generated
from servers.scripted import Answer, Received, Script, ScriptedServer
from streetlens.emulator import Emulator
from waiting import wait_until

Serve = Callable[[Script], ScriptedServer]
ROWS = 1_000
IN_FLIGHT = 8
CLOSED = "Permission denied while accessing input file. Learn more"


def stopped(
    client: sl.Client, kind: type[sl.StreetlensError], max_error_ratio: float | None = None
) -> sl.StreetlensError:
    with pytest.raises(kind) as raised:
        client.classify(
            uris_of(ROWS),
            PROMPT,
            concurrency=IN_FLIGHT,
            image_mode="uri",
            max_error_ratio=max_error_ratio,
            progress=False,
        )
    return raised.value


def test_a_request_that_is_wrong_for_every_row_is_refused_ten_times(
    client: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("400", service="gemini", message="Unsupported field.")
    error = stopped(client, sl.InvalidRequest)
    assert "the 10 first rows met the same error" in str(error)
    assert len(echoing.requests.of("gemini")) <= 10 + IN_FLIGHT


def test_a_bucket_that_gemini_may_not_read_is_refused_three_times(
    client: sl.Client, echoing: Emulator
) -> None:
    echoing.faults.add("403", service="gemini", reason="", message=CLOSED)
    error = stopped(client, sl.PermissionDenied)
    assert "roles/storage.objectViewer" in str(error)
    assert len(echoing.requests.of("gemini")) <= 3 + IN_FLIGHT


def test_a_closed_bucket_beside_another_costs_its_rows_only(client: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("403", service="gemini", match="gs://closed/", message=CLOSED)
    images = [uri for pair in zip(uris_of(200), uris_of(200, "closed"), strict=True) for uri in pair]
    with pytest.warns(UserWarning, match="its further rows are not sent"):
        results = client.classify(images, PROMPT, concurrency=IN_FLIGHT, image_mode="uri", progress=False)
    assert results["status"] == ["ok", "image_error"] * 200
    sent_in_vain = [uri for uri in asked(echoing.requests) if uri.startswith("gs://closed/")]
    assert len(sent_in_vain) <= 3 + IN_FLIGHT


def test_more_failures_than_the_user_accepts_stop_the_run(client: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("400", service="gemini", rate=0.5, message="Provided image is not valid.")
    error = stopped(client, sl.TooManyErrors, max_error_ratio=0.2)
    assert "max_error_ratio=0.2" in str(error)
    assert len(echoing.requests.of("gemini")) <= 60
    assert error.results is not None
    assert Counter(error.results["status"])["ok"] == sum(answered(echoing.requests).values())


def test_an_answer_that_would_be_asked_for_once_more_is_kept_when_the_run_is_cancelled(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        is_first = len(request.json["contents"]) == 1
        return generated('{"other": 1}') if is_first else gemini_error(503, "The service is unavailable.")

    server = serve(answer)
    client = sl.Client("demo", "us", endpoint=server.url)
    run = client.start(uris_of(4), PROMPT, schema=SCHEMA, concurrency=4, progress=False)
    wait_until(lambda: len(server.received) >= 12)
    run.cancel()
    results = run.wait()
    assert results["status"] == ["invalid"] * 4
    assert all("asked once more" in error for error in results["error"])
    assert all(tokens > 0 for tokens in results["input_tokens"])


def test_a_cancelled_run_takes_in_what_is_under_way(client: sl.Client, echoing: Emulator) -> None:
    echoing.faults.add("slow", service="gemini", seconds=0.3)
    run = client.start(uris_of(ROWS), PROMPT, concurrency=IN_FLIGHT, progress=False)
    wait_until(lambda: len(echoing.requests) >= 3 * IN_FLIGHT)
    run.cancel()
    results = run.wait()
    assert Counter(results["status"])["ok"] == sum(asked(echoing.requests).values())
    assert {row["classification"] for row in results if row["status"] == "ok"} == set(
        answered(echoing.requests)
    )
