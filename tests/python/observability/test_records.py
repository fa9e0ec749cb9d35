"""What happens is told to `logging` under `streetlens.*`: to who listens, and without secrets."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from child_process import printed_by, run_python
from observability.conftest import Heard
from servers.scripted import Answer, Received, ScriptedServer, json_answer
from streetlens import _logging
from streetlens.emulator import Emulator
from waiting import until

SIGNED = "https://storage.googleapis.com/b/o.jpg?X-Goog-Signature=0123abc&X-Goog-Expires=60"
CANARY = "ya29.canary-that-nobody-may-see"


def test_a_query_is_told_with_its_job(client: sl.Client, heard: Heard) -> None:
    table = client.query("SELECT 1 AS one")
    record = heard.of("streetlens.bigquery")[-1]
    facts = record.streetlens  # type: ignore[attr-defined]  # an attribute of our records
    assert facts == {"job_id": table.stats.job_id, "rows": 1, "batches": 1, "route": "arrow"}
    assert (
        record.getMessage() == f"the result is here: job_id={table.stats.job_id} rows=1 batches=1 route=arrow"
    )


def test_a_record_says_where_in_the_source_it_was_told(client: sl.Client, heard: Heard) -> None:
    client.query("SELECT 1 AS one")
    record = heard.of("streetlens.bigquery")[-1]
    assert (record.levelname, record.filename, record.lineno > 0) == ("INFO", "stream.rs", True)
    assert not Path(record.pathname).is_absolute()


def test_a_record_keeps_the_time_of_its_event(client: sl.Client, emulator: Emulator, heard: Heard) -> None:
    """A record waits until it is fetched; its times are those of what it tells."""
    emulator.faults.add("slow", service="bigquery", seconds=0.3, after=1)
    before = time.time()
    client.query_all(["SELECT 1", "SELECT 2"])
    after = time.time()
    told = [record for record in heard.of("streetlens.http") if "answered" in record.getMessage()]
    assert before <= told[0].created <= told[1].created <= after
    assert told[1].created - told[0].created > 0.2
    difference = (told[1].relativeCreated - told[0].relativeCreated) / 1000
    assert difference == pytest.approx(told[1].created - told[0].created, abs=0.01)


def test_a_run_is_told_by_every_part_that_had_to_do_with_it(
    emulator: Emulator, uris: list[str], heard: Heard
) -> None:
    emulator.faults.add("429", service="gemini", times=1)
    sl.Client(project="demo", region="us", endpoint=emulator.url).classify(uris[:8], "What?", progress=False)
    names = {record.name for record in heard.records}
    assert {"streetlens.auth", "streetlens.classify", "streetlens.http"} <= names
    assert all(name.startswith("streetlens.") for name in names)


def test_a_repeated_request_is_told_with_its_reason(
    client: sl.Client, emulator: Emulator, heard: Heard
) -> None:
    emulator.faults.add("503", service="bigquery", times=1)
    client.query("SELECT 1")
    (record,) = heard.of("streetlens.retry")
    facts = record.streetlens  # type: ignore[attr-defined]  # an attribute of our records
    assert (facts["service"], facts["status"], facts["attempts"]) == ("BigQuery", 503, 1)


def test_a_subscription_is_told_once(client: sl.Client, heard: Heard) -> None:
    client.subscribe("1234-5678")
    client.subscribe("1234-5678")
    told = [record.getMessage().partition(":")[0] for record in heard.of("streetlens.insights")]
    assert told == ["subscribed", "subscribed already"]


def test_caplog_works(client: sl.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="streetlens"):
        client.query("SELECT 1 AS one")
    assert [record.name for record in caplog.records] == ["streetlens.bigquery"]


def test_by_default_a_good_call_tells_nothing(
    client: sl.Client, uris: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    client.query("SELECT 1")
    client.classify(uris[:2], "What?", progress=False)
    assert caplog.records == []


def test_one_part_can_be_listened_to_alone(client: sl.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="streetlens.http"):
        client.query("SELECT 1")
    assert {record.name for record in caplog.records} == {"streetlens.http"}


def test_a_level_raised_between_two_calls_counts_for_the_second(client: sl.Client, heard: Heard) -> None:
    client.query("SELECT 1")
    told = len(heard.records)
    logging.getLogger("streetlens").setLevel(logging.ERROR)
    client.query("SELECT 1")
    assert len(heard.records) == told > 0


def test_a_program_that_sets_up_no_logging_sees_nothing(emulator: Emulator) -> None:
    """Not even the warnings that Python prints where no handler takes them."""
    program = """
        import sys
        import streetlens as sl
        from streetlens import _logging

        client = sl.Client(project="demo", region="us", endpoint=sys.argv[1])
        client.query("SELECT 1")
        _logging._hand_over("streetlens.auth", 30, "a warning", {})
        import logging
        print(logging.getLogger("streetlens").level, logging.getLogger().handlers)
    """
    assert printed_by(program, emulator.url) == "0 []"


def test_a_plain_handler_shows_a_warning() -> None:
    program = """
        import logging
        import streetlens as sl
        from streetlens import _logging

        logging.basicConfig(format="%(levelname)s:%(name)s:%(message)s")
        _logging._hand_over("streetlens.auth", 30, "a warning", {"why": "a reason"})
    """
    assert run_python(program).stderr == "WARNING:streetlens.auth:a warning: why='a reason'\n"


def test_a_renewal_that_fails_in_the_background_is_a_warning(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The call goes on with the token it has, so that only the log can tell."""
    answers = iter(["first"])
    failed = threading.Event()

    class Ending:
        """Credentials that are about to end, and cannot be renewed."""

        description = "credentials that end"
        can_refresh = True

        def fetch(self, force: bool) -> tuple[list[tuple[str, str]], float]:  # noqa: ARG002 - as it is called
            try:
                token = next(answers)
            except StopIteration:
                failed.set()
                raise sl.AuthenticationError("the renewal was refused") from None
            return [("authorization", f"Bearer {token}")], time.time() + 1.0

    client = sl.Client(project="demo", endpoint=emulator.url, credentials="anonymous")
    client._session.source = Ending()
    client.query("SELECT 1")
    while not failed.is_set():
        client.query("SELECT 1")
        time.sleep(0.01)
    while not caplog.records:
        client.query("SELECT 1", timeout=5)
    record = caplog.records[0]
    assert (record.name, record.levelname) == ("streetlens.auth", "WARNING")
    assert record.getMessage() == (
        "the token could not be renewed ahead of time: "
        "credentials='credentials that end' error='the renewal was refused'"
    )


def test_what_is_awaited_is_told_meanwhile(client: sl.Client, emulator: Emulator, heard: Heard) -> None:
    emulator.faults.add("stall", service="bigquery", match="SELECT 2")

    async def ask() -> None:
        slow = asyncio.ensure_future(client.aio.query("SELECT 2"))
        await client.aio.query("SELECT 1")
        emulator.faults.add("503", service="sharing", times=1)
        subscribing = asyncio.ensure_future(client.aio.subscribe("1234-5678"))
        await until(lambda: heard.of("streetlens.retry"))
        assert not slow.done()
        slow.cancel()
        await subscribing

    asyncio.run(ask())


def test_when_an_awaited_call_is_over_all_of_it_was_told(client: sl.Client, heard: Heard) -> None:
    async def ask() -> list[sl.Table]:
        return await asyncio.gather(*(client.aio.query(f"SELECT {number} AS n") for number in range(20)))

    jobs = {table.stats.job_id for table in asyncio.run(ask())}
    told = {record.streetlens["job_id"] for record in heard.of("streetlens.bigquery")}  # type: ignore[attr-defined]  # ours
    assert told == jobs


def test_no_token_and_no_signature_is_told(heard: Heard, uris: list[str]) -> None:
    """A whole run at DEBUG, on a server that quotes a signed address and the token in its refusals."""
    refusals = 0

    def script(_: Received) -> Answer:
        nonlocal refusals
        refusals += 1
        message = f"Cannot fetch content from the provided URL {SIGNED} with {CANARY}"
        status = 503 if refusals == 1 else 400
        error = {
            "code": status,
            "message": message,
            "status": "UNAVAILABLE" if refusals == 1 else "INVALID_ARGUMENT",
        }
        return json_answer({"error": error}, status)

    with ScriptedServer(script) as server:
        client = sl.Client(project="demo", region="us", endpoint=server.url, credentials=CANARY)
        client.classify(uris[:3], "What?", progress=False)
        with pytest.raises(sl.StreetlensError):
            client.query("SELECT 1")
    told = heard.text + "".join(str(vars(record)) for record in heard.records)
    assert "Cannot fetch content" in told
    assert [secret for secret in (CANARY, "X-Goog-Signature", "0123abc") if secret in told] == []


def test_the_address_of_a_request_is_told_without_its_query(client: sl.Client, heard: Heard) -> None:
    client.subscribe("1234-5678")
    facts = [record.streetlens for record in heard.of("streetlens.http")]  # type: ignore[attr-defined]  # ours
    paths = [fact["path"] for fact in facts if "path" in fact]
    assert "/v1/projects/streetlens-demo/locations/us/subscriptions" in paths
    assert not any("?" in path or "pageSize" in path for path in paths)


def test_a_run_is_summed_up_in_one_record(
    client: sl.Client, uris: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="streetlens"):
        results = client.classify(uris[:3], "What?", progress=False)
    (record,) = [record for record in caplog.records if record.name == "streetlens.classify"]
    facts: dict[str, Any] = record.streetlens  # type: ignore[attr-defined]  # an attribute of our records
    assert (facts["rows"], facts["ok"], facts["locations"]) == (3, 3, ["us"])
    assert facts["input_tokens"] == results.usage.input_tokens
    assert "rows=3 done=3 ok=3" in record.getMessage()


def test_a_run_that_an_error_ends_is_summed_up_too(
    client: sl.Client, emulator: Emulator, uris: list[str], heard: Heard
) -> None:
    emulator.faults.add("403", service="gemini")
    with pytest.raises(sl.PermissionDenied):
        client.classify(uris[:3], "What?", progress=False)
    assert "rows=3 done=3 ok=0" in heard.of("streetlens.classify")[-1].getMessage()


def test_a_summary_shows_counts_by_status_and_leaves_out_what_is_unknown(heard: Heard) -> None:
    _logging.summary(
        {
            "run_id": "r1",
            "rows": 5,
            "statuses": {"ok": 4, "image_error": 1},
            "cost_usd": 0.000123456789,
            "from_store": None,
            "locations": ["us", "global"],
        }
    )
    (record,) = heard.records
    assert record.getMessage() == (
        "the run is done: run_id=r1 rows=5 ok=4 image_error=1 cost_usd=0.000123457 locations=us,global"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("us", "us"),
        ("two words", "'two words'"),
        ("a=b", "'a=b'"),
        ("", "''"),
        ("line\nforged: ok=1", r"'line\nforged: ok=1'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("100%s", "100%s"),
        ("größe", "größe"),
    ],
)
def test_a_value_is_quoted_where_it_could_be_taken_for_something_else(
    value: str, shown: str, heard: Heard
) -> None:
    _logging.summary({"value": value})
    assert heard.text == f"the run is done: value={shown}"
