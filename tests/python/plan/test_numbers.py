"""Tokens, dollars and time of a plan, compared with what runs then take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import pytest

import streetlens as sl
from servers.answers import gemini_error, generated
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from streetlens.emulator import Emulator

QUESTION = "Is it a sign or a pole?"
LABELS = ["sign", "pole"]
Serve = Callable[[Script], ScriptedServer]


def images(count: int) -> list[str]:
    return [f"gs://bucket/{number}.jpg" for number in range(count)]


def on(server: ScriptedServer) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url)


def counting(*totals: int) -> Script:
    """A service that counts these tokens in turn, and generates nothing."""
    left = deque(totals)

    def script(request: Received) -> Answer:
        assert request.path.endswith(":countTokens")
        return json_answer({"totalTokens": left.popleft()})

    return script


def test_the_ranges_hold_what_the_run_then_takes(client: sl.Client, uris: list[str]) -> None:
    first = client.classify(uris[:5], QUESTION, schema=LABELS)
    plan = client.plan(uris[:40], QUESTION, schema=LABELS)
    usage = client.classify(uris[:40], QUESTION, schema=LABELS).usage
    assert set(first.status_counts) == {"ok"}
    assert plan.cost_usd is not None
    assert plan.input_tokens.low <= usage.input_tokens <= plan.input_tokens.high
    assert plan.output_tokens.low <= usage.output_tokens <= plan.output_tokens.high
    assert plan.cost_usd.low <= usage.cost_usd <= plan.cost_usd.high
    assert "output tokens are concluded from 5 answers in the store" in plan.notes


def test_the_price_is_that_of_the_place(serve: Serve) -> None:
    plan = on(serve(counting(1_000))).plan(images(1), QUESTION, schema=LABELS, max_output_tokens=100)
    # 0.30 and 2.50 dollars per million tokens, and a tenth more outside `global`.
    assert plan.cost_usd is not None
    assert plan.cost_usd.low == pytest.approx((950 * 0.30 + 50 * 2.50) / 1e6 * 1.1)
    assert plan.cost_usd.high == pytest.approx((1_050 * 0.30 + 100 * 2.50) / 1e6 * 1.1)


def test_a_wider_spread_of_the_sample_is_a_wider_range(serve: Serve) -> None:
    even = on(serve(counting(*[1_000] * 8))).plan(images(100), QUESTION)
    uneven = on(serve(counting(*[500, 1_500] * 4))).plan(images(100), QUESTION)
    assert even.input_tokens == sl.Estimate(95_000, 105_000)
    assert uneven.input_tokens.low < 70_000
    assert uneven.input_tokens.high > 130_000


def test_a_service_that_does_not_count_leaves_an_estimate(serve: Serve) -> None:
    refusal = gemini_error(400, "Request contains an invalid argument.")
    plan = on(serve(lambda _: refusal)).plan(images(10), QUESTION)
    assert plan.sampled_rows == 0
    # An image is 1,120 tokens at most.
    assert plan.input_tokens.low < 10 * 1_120 < plan.input_tokens.high
    assert any("could not be counted: Request contains an invalid argument." in note for note in plan.notes)


def test_a_service_that_fails_is_not_waited_for_beyond_the_deadline(serve: Serve) -> None:
    busy = gemini_error(429, "Resource exhausted. Please try again later.")
    plan = on(serve(lambda _: busy)).plan(images(10), QUESTION, deadline=0.5)
    assert plan.sampled_rows == 0
    assert any("could not be counted: Resource exhausted." in note for note in plan.notes)


def test_a_service_that_is_not_there_is_told() -> None:
    client = sl.Client(project="demo-project", region="us", endpoint="http://127.0.0.1:1")
    with pytest.raises(sl.ConnectionFailed):
        client.plan(images(3), QUESTION, deadline=0.5)


def test_a_large_schema_makes_long_answers(serve: Serve) -> None:
    properties = {f"field_{number:03}": {"type": "integer"} for number in range(60)}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    small = on(serve(counting(1_000))).plan(images(1), QUESTION, schema=LABELS)
    large = on(serve(counting(1_000))).plan(images(1), QUESTION, schema=schema)
    assert large.output_tokens.low > 3 * small.output_tokens.low


def test_nothing_to_ask_about_takes_nothing(client: sl.Client) -> None:
    plan = client.plan([], QUESTION)
    assert (plan.rows, plan.rows_to_ask, plan.cost_usd) == (0, 0, sl.Estimate(0, 0))


def test_an_image_that_is_gone_leaves_the_others_to_count(client: sl.Client, uris: list[str]) -> None:
    gone = uris[0].rpartition("/")[0] + "/gone.jpg"
    plan = client.plan([*uris[:5], gone], QUESTION)
    assert plan.sampled_rows == 5
    assert any(note.startswith("input tokens were counted for 5 of 6 rows: ") for note in plan.notes)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (gemini_error(403, "denied", {"reason": "IAM_PERMISSION_DENIED"}), sl.PermissionDenied),
        (gemini_error(401, "Request had invalid authentication credentials."), sl.AuthenticationError),
        (gemini_error(404, "Publisher Model `a` was not found."), sl.ModelUnavailable),
        (gemini_error(400, "The specified schema has too many states for serving."), sl.SchemaError),
    ],
)
def test_what_every_row_would_meet_is_raised(serve: Serve, answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        on(serve(lambda _: answer)).plan(images(10), QUESTION)


def test_a_limit_that_may_not_suffice_is_told(client: sl.Client, uris: list[str]) -> None:
    plan = client.plan(uris[:40], QUESTION, max_cost_usd=0.01)
    assert plan.max_cost_usd == 0.01
    assert any(note.startswith("`max_cost_usd=0.01` may not pay for all: about ") for note in plan.notes)
    assert "stopped at $0.01" in repr(plan)
    enough = client.plan(uris[:40], QUESTION, max_cost_usd=10)
    assert not any("max_cost_usd" in note for note in enough.notes)


def test_a_model_without_a_price_has_no_cost(emulator: Emulator, client: sl.Client, uris: list[str]) -> None:
    emulator.world.models.enable("gemini-9-nova")
    plan = client.plan(uris[:3], QUESTION, model="gemini-9-nova", max_cost_usd=1)
    assert plan.cost_usd is None
    assert "the price of `gemini-9-nova` is not known, and `max_cost_usd` cannot be kept" in plan.notes
    assert "cost           not known" in repr(plan)


def test_the_time_is_not_known_before_a_run_has_met_the_quota(client: sl.Client, uris: list[str]) -> None:
    plan = client.plan(uris[:40], QUESTION)
    assert plan.seconds is None
    tokens = plan.input_tokens.high + plan.output_tokens.high
    assert list(plan.seconds_at_tiers) == [2_000_000, 4_000_000, 10_000_000]
    assert plan.seconds_at_tiers[2_000_000].high == pytest.approx(tokens / 2e6 * 60)


def test_the_time_follows_from_limits_of_ones_own(client: sl.Client, uris: list[str]) -> None:
    by_requests = client.plan(uris[:40], QUESTION, requests_per_minute=20)
    by_tokens = client.plan(uris[:40], QUESTION, requests_per_minute=20, tokens_per_minute=1_000)
    assert by_requests.seconds == sl.Estimate(120, 120)
    assert by_tokens.seconds is not None
    assert by_tokens.seconds.low == pytest.approx(
        (by_tokens.input_tokens.low + by_tokens.output_tokens.low) / 1_000 * 60
    )


def test_the_time_follows_from_the_quota_that_a_run_has_met(serve: Serve) -> None:
    served: deque[float] = deque()

    def fifty_a_second(request: Received) -> Answer:
        if request.path.endswith(":countTokens"):
            return json_answer({"totalTokens": 1_100})
        now = time.monotonic()
        while served and served[0] < now - 1:
            served.popleft()
        if len(served) >= 50:
            return gemini_error(429, "Resource exhausted. Please try again later.")
        served.append(now)
        return generated(seconds=0.05)

    client = on(serve(fifty_a_second))
    assert set(client.classify(images(300), QUESTION).status_counts) == {"ok"}
    plan = client.plan(images(3_000), QUESTION)
    assert plan.seconds is not None
    # 3,000 requests at 50 a second take a minute.
    assert 20 < plan.seconds.low < plan.seconds.high < 180
    assert any("tokens a minute that earlier runs met" in note for note in plan.notes)


def test_thoughts_that_are_asked_for_are_told_to_be_missing(client: sl.Client, uris: list[str]) -> None:
    note = "thinking tokens, which cost as much as output, are not in the estimate"
    assert note in client.plan(uris[:3], QUESTION, thinking="high").notes
    assert note not in client.plan(uris[:3], QUESTION).notes
