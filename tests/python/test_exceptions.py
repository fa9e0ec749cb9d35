"""Every exception is raised by what it stands for, and tells what happened and what to do."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from streetlens import _calls, exceptions
from streetlens._streetlens import http_request  # noqa: TID251 - one exchange without retries
from streetlens.emulator import Emulator

BEYOND_ANY_DEADLINE = 100_000


def refused_sign_in(emulator: Emulator, client: sl.Client) -> None:
    emulator.world.require_token = True
    client.query("SELECT 1")


def forbidden_query(emulator: Emulator, client: sl.Client) -> None:
    emulator.faults.add("403", service="bigquery")
    client.query("SELECT 1")


def unknown_customer(_: Emulator, client: sl.Client) -> None:
    client.subscribe("0000-1")


def occupied_dataset(emulator: Emulator, client: sl.Client) -> None:
    emulator.world.engine.create_dataset("occupied", if_exists="keep")
    client.subscribe("1234-5678", dataset="occupied")


def wrong_sql(_: Emulator, client: sl.Client) -> None:
    client.query("SELEC 1")


def unknown_model(_: Emulator, client: sl.Client) -> None:
    client.classify(["gs://bucket/a.jpg"], "What?", model="gemini-1.0-pro", progress=False)


def unreadable_image(_: Emulator, client: sl.Client) -> None:
    part = {"fileData": {"fileUri": "gs://bucket/missing.jpg", "mimeType": "image/jpeg"}}
    generate(client, {"contents": [{"role": "user", "parts": [part, {"text": "What?"}]}]})


def refused_request(emulator: Emulator, client: sl.Client) -> None:
    emulator.faults.add("400", service="sharing")
    client.subscribe("1234-5678")


def exhausted_quota(emulator: Emulator, client: sl.Client) -> None:
    emulator.faults.add("429", service="bigquery", retry_after=BEYOND_ANY_DEADLINE)
    client.query("SELECT 1")


def failing_service(emulator: Emulator, client: sl.Client) -> None:
    emulator.faults.add("503", service="bigquery", retry_after=BEYOND_ANY_DEADLINE)
    client.query("SELECT 1")


def closed_port(*_: object) -> None:
    http_request("GET", "http://127.0.0.1:9/", [], None, 5.0)


def no_answer_in_time(emulator: Emulator, client: sl.Client) -> None:
    emulator.faults.add("stall", service="bigquery")
    client.query("SELECT 1", timeout=0.2)


def no_polars(_: Emulator, client: sl.Client) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "polars", None)
        client.query("SELECT 1 AS one").to_polars()


def generate(client: sl.Client, body: dict[str, Any]) -> None:
    session = client._session
    model, location, _ = _calls.place(session, None, on_retired="raise")
    _calls.generate_content(session, model, location, json.dumps(body), timeout=20.0).wait()


def many_unreadable_images(_: Emulator, client: sl.Client) -> None:
    images = [f"gs://bucket/{image}.gif" for image in range(30)]
    client.classify(["gs://bucket/a.jpg", *images], "What?", max_error_ratio=0.1, progress=False)


PROVOKED: dict[type[sl.StreetlensError], Callable[[Emulator, sl.Client], object]] = {
    sl.ConfigurationError: lambda *_: sl.Client(project="PROJECT_ID"),
    sl.InvalidInput: lambda _, client: client.query("SELECT @a", params={"a": object()}),
    sl.InvalidUri: lambda _, client: client.classify(["gs://"], "What?", progress=False),
    sl.SchemaError: lambda _, client: client.classify(["gs://bucket/a.jpg"], "What?", schema=7),  # type: ignore[arg-type]  # what is refused
    sl.AuthenticationError: refused_sign_in,
    sl.PermissionDenied: forbidden_query,
    sl.NotFound: unknown_customer,
    sl.AlreadyExists: occupied_dataset,
    sl.QueryError: wrong_sql,
    sl.ModelUnavailable: unknown_model,
    sl.ImageError: unreadable_image,
    sl.InvalidRequest: refused_request,
    sl.QuotaExhausted: exhausted_quota,
    sl.ServiceUnavailable: failing_service,
    sl.ConnectionFailed: closed_port,
    sl.DeadlineExceeded: no_answer_in_time,
    sl.MissingLibrary: no_polars,
    sl.StoreError: lambda *_: sl.open_store("nowhere.sqlite"),
    sl.TooManyErrors: many_unreadable_images,
    sl.BudgetExceeded: lambda _, client: client.classify(["gs://bucket/a.jpg"], "What?", max_cost_usd=1e-9),
}

# By tests that need another process or a server that misbehaves.
PROVOKED_ELSEWHERE: dict[type[sl.StreetlensError], str] = {
    sl.Cancelled: "test_fork.py",
    sl.MalformedResponse: "query/test_pages.py",
}

# A base class of others, and what no test can bring about: a defect.
NEVER_PROVOKED = {sl.StreetlensError, sl.ServiceError, sl.InternalError}


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    return sl.Client(project=emulator.world.project, region="global", endpoint=emulator.url)


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
def test_an_exception_is_raised_by_what_it_stands_for(
    emulator: Emulator, client: sl.Client, kind: type[sl.StreetlensError]
) -> None:
    with pytest.raises(kind) as caught:
        PROVOKED[kind](emulator, client)
    error = caught.value
    assert type(error) is kind
    assert error.message
    assert not error.message.endswith(".") or error.service
    assert str(error).startswith(error.message)


@pytest.mark.parametrize("kind", PROVOKED_ELSEWHERE, ids=lambda kind: kind.__name__)
def test_the_others_are_raised_in_the_test_that_is_named(kind: type[sl.StreetlensError]) -> None:
    named = Path(__file__).parent / PROVOKED_ELSEWHERE[kind]
    assert f"sl.{kind.__name__}" in named.read_text(encoding="utf-8")


def test_no_exception_is_left_out() -> None:
    classes = {getattr(exceptions, name) for name in exceptions.__all__}
    assert {*PROVOKED, *PROVOKED_ELSEWHERE, *NEVER_PROVOKED} == classes


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (sl.ConfigurationError, ValueError),
        (sl.InvalidInput, ValueError),
        (sl.InvalidUri, ValueError),
        (sl.SchemaError, ValueError),
        (sl.ConnectionFailed, ConnectionError),
        (sl.DeadlineExceeded, TimeoutError),
        (sl.MissingLibrary, ImportError),
    ],
)
def test_an_exception_is_also_pythons_own_kind(
    kind: type[sl.StreetlensError], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


def test_the_text_names_the_facts_and_then_the_hint() -> None:
    error = sl.QueryError(
        "Syntax error at [1:8]",
        hint="check the SQL",
        service="BigQuery",
        status=400,
        reason="invalidQuery",
        location="US",
        job_id="job_1",
        attempts=2,
    )
    facts = "BigQuery 400, reason `invalidQuery`, location `US`, job `job_1`, 2 attempts"
    assert str(error) == f"Syntax error at [1:8] ({facts})\nhint: check the SQL"


def test_a_query_error_carries_what_bigquery_said(client: sl.Client) -> None:
    with pytest.raises(sl.QueryError) as caught:
        client.query("SELEC 1")
    error = caught.value
    assert (error.service, error.status, error.reason) == ("BigQuery", 400, "invalidQuery")


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_exception_survives_copying_with_its_facts(copied: Callable[[Any], Any]) -> None:
    error = sl.QueryError("no", hint="yes", service="BigQuery", status=400, job_id="job_1", attempts=3)
    twin = copied(error)
    assert type(twin) is sl.QueryError
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
