"""How far a run is, in words and as a bar."""

from __future__ import annotations

import pytest

from streetlens import Progress
from streetlens._display.progress import progress_line, run_html
from streetlens._progress import watch

AT_START = Progress(
    total=200,
    done=0,
    ok=0,
    from_store=0,
    in_flight=0,
    concurrency=20,
    throttled=False,
    requests=0,
    refusals=0,
    retries=0,
    input_tokens=0,
    output_tokens=0,
    cost_usd=0.0,
)
LATER = AT_START._replace(done=50, ok=49, from_store=10, cost_usd=0.0123, throttled=True)


def test_a_line_tells_what_came_from_the_store_what_it_cost_and_what_it_waits_for() -> None:
    assert (
        progress_line(LATER._asdict(), 10.0)
        == "50/200 rows, 49 ok, 10 from the store, 5.0/s, 30 s left, $0.0123, waiting on quota"
    )


def test_a_line_leaves_out_what_is_not_so() -> None:
    assert progress_line(AT_START._asdict(), 0.0) == "0/200 rows, 0 ok, 0.0/s, 0.0 s, $0.0000"


def test_a_run_that_ended_waits_for_nothing() -> None:
    assert "quota" not in progress_line(LATER._replace(done=200)._asdict(), 10.0)


def test_html_is_escaped() -> None:
    assert "<script>" not in run_html("<script>", "running", LATER._asdict())


def test_a_bar_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    shown = watch(lambda: LATER, True)
    shown.tick()
    shown.close()
    told = capsys.readouterr().err
    for fact in ("50/200", "ok=49", "from_store=10", "usd=0.0123", "waiting_on=quota"):
        assert fact in told


def test_a_display_is_updated_a_few_times_a_second_and_once_more_at_the_end() -> None:
    told: list[Progress] = []
    shown = watch(lambda: LATER, told.append)
    for _ in range(100):
        shown.tick()
    assert len(told) == 1
    shown.show_last()
    shown.show_last()
    shown.tick()
    assert len(told) == 2
