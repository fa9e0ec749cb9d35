"""What goes over the wire for each option, how prompts are filled in, and what a run is said to cost."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import streetlens as sl
from servers.answers import generated, prompt_of
from servers.scripted import Answer, Received, Script, ScriptedServer

Serve = Callable[[Script], ScriptedServer]
ONE = ["gs://bucket/a.jpg"]


def several(images: int) -> list[str]:
    """Different images: those that are the same are asked about once."""
    return [f"gs://bucket/{image}.jpg" for image in range(images)]


def client_of(server: ScriptedServer, **options: Any) -> sl.Client:
    return sl.Client(**{"project": "demo-project", "region": "us", "endpoint": server.url, **options})


def sent(serve: Serve, **options: Any) -> Any:
    """The body of the request for one image."""
    server = serve(lambda _: generated('{"classification": "a"}'))
    client_of(server).classify(ONE, "What?", progress=False, **options)
    body = server.received[0].json
    # Every request carries its run's id, which is another one each time.
    assert re.fullmatch("[0-9a-f]{32}", body["labels"].pop("streetlens-run"))
    return body


def prompts(serve: Serve, table: Any, prompt: str) -> list[str]:
    server = serve(lambda _: generated())
    client_of(server).classify(table, prompt, concurrency=1, progress=False)
    return [prompt_of(request) for request in server.received]


def test_the_image_comes_first_and_the_prompt_after_it(serve: Serve) -> None:
    assert sent(serve) == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://bucket/a.jpg"}},
                    {"text": "What?"},
                ],
            }
        ],
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}},
        "labels": {},
    }


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"media_resolution": "low"}, "mediaResolution", "MEDIA_RESOLUTION_LOW"),
        ({"media_resolution": "HIGH"}, "mediaResolution", "MEDIA_RESOLUTION_HIGH"),
        ({"thinking": "high"}, "thinkingConfig", {"thinkingLevel": "HIGH"}),
        ({"thinking": 512}, "thinkingConfig", {"thinkingBudget": 512}),
        ({"temperature": 0}, "temperature", 0.0),
        ({"temperature": 1.5}, "temperature", 1.5),
        ({"max_output_tokens": 64}, "maxOutputTokens", 64),
        ({"schema": ["a", "b"]}, "responseMimeType", "application/json"),
        ({"model": "gemini-3.8-flash"}, "thinkingConfig", {"thinkingLevel": "LOW"}),
    ],
)
def test_an_option_is_sent_in_the_generation_config(
    serve: Serve, options: Any, name: str, value: Any
) -> None:
    assert sent(serve, **options)["generationConfig"][name] == value


def test_thinking_is_left_to_the_model_on_request(serve: Serve) -> None:
    assert "generationConfig" not in sent(serve, thinking="default")


def test_instructions_and_labels_are_sent_beside_the_contents(serve: Serve) -> None:
    body = sent(serve, system_instruction="You know signs.", labels={"team": "road-signs", "run": 7})
    assert body["systemInstruction"] == {"parts": [{"text": "You know signs."}]}
    assert body["labels"] == {"team": "road-signs", "run": "7"}


@pytest.mark.parametrize(
    ("region", "model", "path"),
    [
        ("us", None, "locations/us/publishers/google/models/gemini-3.5-flash-lite"),
        ("global", "gemini-3.6-flash", "locations/global/publishers/google/models/gemini-3.6-flash"),
        ("eu", "models/gemini-3.5-flash", "locations/eu/publishers/google/models/gemini-3.5-flash"),
        ("us-central1", "gemini-9-nova", "locations/us-central1/publishers/google/models/gemini-9-nova"),
    ],
)
def test_the_model_and_its_location_make_the_path(
    serve: Serve, region: str, model: str | None, path: str
) -> None:
    server = serve(lambda _: generated())
    client_of(server, region=region).classify(ONE, "What?", model=model, progress=False)
    assert server.received[0].path == f"/v1/projects/demo-project/{path}:generateContent"


def test_a_tuned_model_is_asked_at_its_endpoint(serve: Serve) -> None:
    server = serve(lambda _: generated())
    endpoint = "projects/123/locations/us/endpoints/456"
    client_of(server).classify(ONE, "What?", model=endpoint, progress=False)
    assert server.received[0].path == f"/v1/{endpoint}:generateContent"


@pytest.mark.parametrize(
    "prompt",
    [
        'Answer as {"label": {"a": [1, 2]}}.',
        "An empty {} and { spaced } and {1} and } alone {",
        'Ünïcode 停 🛑 " \\ \n \t \u2028',
        "{{",
    ],
)
def test_a_prompt_is_sent_as_it_is_written(serve: Serve, prompt: str) -> None:
    assert prompts(serve, ONE, prompt) == [prompt]


def test_columns_are_filled_in_for_each_row(serve: Serve) -> None:
    table = pa.table({"gcs_uri": ONE * 2, "kind": ["sign", None], "k": [1, 2]})
    assert prompts(serve, table, "{k}: a {kind}? {{kind}} {k}") == [
        "1: a sign? {kind} 1",
        "2: a unknown? {kind} 2",
    ]


def test_what_a_column_holds_is_not_filled_in_again(serve: Serve) -> None:
    table = pa.table({"gcs_uri": ONE, "note": ["{gcs_uri} {{x}}"]})
    assert prompts(serve, table, "Note: {note}") == ["Note: {gcs_uri} {{x}}"]


UTC = dt.timezone.utc
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([MOMENT], pa.timestamp("us", "UTC")), "2026-01-02T03:04:05Z"),
        (pa.array([MOMENT], pa.timestamp("ns", "Europe/Paris")), "2026-01-02T04:04:05+01:00"),
        (pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("us")), "2026-01-02T03:04:05"),
        (pa.array([MOMENT.date()]), "2026-01-02"),
        (pa.array([Decimal("1.50")]), "1.50"),
        (pa.array([0.1]), "0.1"),
        (pa.array([True]), "true"),
        (pa.array(["sign"]).dictionary_encode(), "sign"),
        (pa.array(["sign"], pa.large_string()), "sign"),
        (pa.array([["a", "b"]]), "[a, b]"),
        (pa.array([{"lat": 1.5, "lng": None}]), "{lat: 1.5, lng: unknown}"),
        (pa.array([None]), "unknown"),
        (pa.array([None], pa.timestamp("us", "UTC")), "unknown"),
    ],
)
def test_values_of_every_type_read_well_in_a_prompt(serve: Serve, column: Any, text: str) -> None:
    assert prompts(serve, pa.table({"gcs_uri": ONE, "v": column}), "Seen: {v}") == [f"Seen: {text}"]


def test_a_pandas_time_reads_well_in_a_prompt(serve: Serve) -> None:
    frame = pd.DataFrame({"gcs_uri": ONE, "at": [pd.Timestamp("2026-01-02 03:04:05", tz="America/New_York")]})
    assert prompts(serve, frame, "{at}") == ["2026-01-02T03:04:05-05:00"]


def test_a_column_that_is_not_there_is_refused_with_those_there_are(serve: Serve) -> None:
    server = serve(lambda _: generated())
    with pytest.raises(sl.InvalidInput, match="names the column `capture_tme`") as caught:
        client_of(server).classify(pa.table({"gcs_uri": ONE, "k": [1]}), "At {capture_tme}", progress=False)
    assert "`k`" in str(caught.value)
    assert "{{capture_tme}}" in str(caught.value)
    assert server.received == []


def costs(serve: Serve, answer: Answer, **options: Any) -> list[float | None]:
    region = options.pop("region", "global")
    server = serve(lambda _: answer)
    results = client_of(server, region=region).classify(several(2), "What?", progress=False, **options)
    costs: list[float | None] = results["cost_usd"]
    return costs


def test_an_answer_costs_its_tokens_at_list_price(serve: Serve) -> None:
    """Prices of gemini-3.5-flash-lite: 0.30 input, 2.50 output, 0.03 cached, each for a million tokens."""
    answer = generated(
        promptTokenCount=1_200, candidatesTokenCount=10, thoughtsTokenCount=90, cachedContentTokenCount=200
    )
    expected = (1_000 * 0.30 + 200 * 0.03 + 100 * 2.50) / 1e6
    assert costs(serve, answer) == pytest.approx([expected] * 2)
    assert costs(serve, answer, region="us") == pytest.approx([expected * 1.1] * 2)


def test_a_cheaper_lane_costs_what_came_back_not_what_was_asked(serve: Serve) -> None:
    usage: dict[str, Any] = {"promptTokenCount": 1_000_000, "candidatesTokenCount": 0}
    assert costs(serve, generated(**usage, trafficType="ON_DEMAND_FLEX")) == pytest.approx([0.15] * 2)
    assert costs(serve, generated(**usage, trafficType="ON_DEMAND")) == pytest.approx([0.30] * 2)


def test_what_has_no_known_price_or_count_costs_nothing_known(serve: Serve) -> None:
    assert costs(serve, generated(), model="gemini-9-nova") == [None, None]
    assert (
        costs(serve, generated(promptTokenCount=None, candidatesTokenCount=None, totalTokenCount=None))
        == [None] * 2
    )


def test_usage_adds_up_all_rows(serve: Serve) -> None:
    answer = generated(
        promptTokenCount=100, candidatesTokenCount=10, thoughtsTokenCount=5, cachedContentTokenCount=20
    )
    server = serve(lambda _: answer)
    results = client_of(server).classify([*several(3), None], "What?", progress=False)
    usage = results.usage
    assert usage[:4] == (300, 30, 15, 60)
    assert usage.cost_usd == pytest.approx(sum(cost for cost in results["cost_usd"] if cost))


def test_progress_is_told_while_the_run_goes_and_at_its_end(serve: Serve) -> None:
    server = serve(lambda _: generated(seconds=0.3))
    told: list[sl.Progress] = []
    images = [f"gs://bucket/{number}.jpg" for number in range(8)]
    results = client_of(server).classify([*images, None], "What?", concurrency=2, progress=told.append)
    assert len(told) > 2
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert all(progress.total == 9 and progress.in_flight <= 2 for progress in told)
    last = told[-1]
    assert (last.done, last.ok, last.in_flight) == (9, 8, 0)
    assert (last.input_tokens, last.output_tokens) == (8 * 1100, 8 * 5)
    # Each row's cost is kept to a millionth of a dollar.
    assert last.cost_usd == pytest.approx(results.usage.cost_usd, abs=9e-6)


def test_an_error_in_the_progress_function_ends_the_run_and_is_the_error(serve: Serve) -> None:
    server = serve(lambda _: generated(seconds=0.2))

    def broken(_: sl.Progress) -> None:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose") as caught:
        client_of(server).classify(several(40), "What?", concurrency=1, progress=broken)
    assert len(server.received) < 40
    assert len(caught.value.results) == 40  # type: ignore[attr-defined]  # rows are kept with any error


def test_no_progress_is_shown_unless_somebody_watches(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(lambda _: generated())
    client_of(server).classify(ONE, "What?")
    assert capsys.readouterr() == ("", "")


def test_no_more_requests_are_under_way_than_asked_for(serve: Serve) -> None:
    """While each answer takes its time, two of three waves can only come after the first."""
    arrivals: list[float] = []

    def script(_: Received) -> Answer:
        arrivals.append(time.monotonic())
        return generated(seconds=0.3)

    client_of(serve(script)).classify(several(12), "What?", concurrency=4, progress=False)
    assert arrivals[4] - arrivals[0] > 0.25
    assert arrivals[8] - arrivals[4] > 0.25
